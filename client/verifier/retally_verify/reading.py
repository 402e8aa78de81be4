"""Reading ranges of a board that nobody trusts: bundles held against their level-0 tiles, then verified (V02, 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from typing import Protocol, TypeVar

from retally_crypto.engine import engine, records
from retally_crypto.errors import Malformed, RetallyError
from retally_crypto.merkle import leaf_hash
from retally_crypto.ranges import ballots_with_points, encode_summary, encode_sums, sum_entries, summarise
from retally_crypto.tiles import TILE_WIDTH, Bundle
from retally_verify.files import Board, read_file
from retally_verify.range_store import Range

T = TypeVar("T")
R = TypeVar("R")


class NotRead(RetallyError):
    """A file of the board is absent: V02 is incomplete."""


class Contradiction(RetallyError):
    """Two files of the board do not fit together: V02 fails."""


# ---- one bundle ----


def read_bundle(board: Board, bundle: Bundle) -> tuple[bytes, bytes]:
    """A bundle and its leaf hashes, which are those of its level-0 tile. Raises NotRead or Contradiction."""
    raw = _read_entries(board, bundle)
    _entries(raw, bundle)
    hashes = records.hash_leaves(raw)
    tile = read_file(board, bundle.leaves)
    if tile is None:
        raise NotRead(f"{bundle.leaves.path} is not there")
    _compare_with_tile(hashes, tile, bundle)
    return raw, hashes


def _read_entries(board: Board, bundle: Bundle) -> bytes:
    raw = read_file(board, bundle)
    if raw is None:
        raise NotRead(f"{bundle.path} is not there: entries from {bundle.first} on are missing")
    return raw


def _entries(raw: bytes, bundle: Bundle) -> tuple[bytes, ...]:
    try:
        return bundle.entries(raw)
    except Malformed as error:
        raise Contradiction(f"{bundle.path}: {error}") from error


def _compare_with_tile(hashes: bytes, tile: bytes, bundle: Bundle) -> None:
    if tile == hashes:
        return
    if len(tile) != len(hashes):
        raise Contradiction(f"{bundle.leaves.path} has {len(tile)} bytes, not {len(hashes)}")
    wrong = next(i for i in range(bundle.width) if tile[32 * i : 32 * i + 32] != hashes[32 * i : 32 * i + 32])
    raise Contradiction(f"entry {bundle.first + wrong} does not hash to its place in the level-0 tile")


# ---- one range: what a worker does, here or on another machine ----


def bundles_between(first: int, end: int) -> Iterator[Bundle]:
    """The bundles of entries first..end-1; `first` begins one."""
    for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
        yield Bundle(index, min(TILE_WIDTH, end - index * TILE_WIDTH))


def verified_range(board: Board, wanted: Range) -> bytes:
    """Reads and verifies one range: its summary as bytes. Raises NotRead, Contradiction or Unreachable."""
    bundles = (read_bundle(board, bundle) for bundle in bundles_between(wanted.first, wanted.end))
    return encode_summary(summarise(wanted.rules, wanted.first, bundles, wanted.begin))


def read_entries(board: Board, of: Range, indices: Sequence[int], leaf_hashes: bytes) -> Iterator[list[bytes]]:
    """Entries of a range, given in order, a second time, bundle by bundle; they are the ones that were verified, or
    Contradiction is raised."""
    for number, some in groupby(indices, key=lambda index: index // TILE_WIDTH):
        bundle = Bundle(number, min(TILE_WIDTH, of.end - number * TILE_WIDTH))
        every = _entries(_read_entries(board, bundle), bundle)
        entries = {index: every[index % TILE_WIDTH] for index in some}
        for index, raw in entries.items():
            at = 32 * (index - of.first)
            if leaf_hash(raw) != leaf_hashes[at : at + 32]:
                raise Contradiction(f"entry {index} has changed while the board was verified")
        yield list(entries.values())


def ballot_sums(board: Board, of: Range, indices: Sequence[int], leaf_hashes: bytes) -> bytes:
    """What the ballots at these indices add up to, style by style, as bytes."""
    sums: dict[int, bytes] = {}
    for entries in read_entries(board, of, indices, leaf_hashes):
        for style, total in sum_entries(of.rules, entries).items():
            sums[style] = engine.add(sums[style], total) if style in sums else total
    return encode_sums(sums)


def credentials_with_points(
    board: Board, of: Range, indices: Sequence[int], marks: set[bytes], leaf_hashes: bytes
) -> set[bytes]:
    """The credentials of those ballots at these indices that have a point A with one of these marks; read again."""
    found: set[bytes] = set()
    for entries in read_entries(board, of, indices, leaf_hashes):
        found |= ballots_with_points(of.rules, entries, marks)
    return found


# ---- many ranges ----


Task = tuple[Range, Sequence[int], bytes]
"""A range, indices of ballots in it, and its leaf hashes."""


class Workers(Protocol):
    """Whoever verifies ranges: threads of this process, or a cluster. Results come in the order of the tasks."""

    def verify(self, board: Board, ranges: Iterable[Range]) -> Iterator[bytes]:
        """`verified_range` of each."""

    def sum_ballots(self, board: Board, tasks: Iterable[Task]) -> Iterator[bytes]:
        """`ballot_sums` of each."""


class Threads:
    """Two ranges at a time: one is read and parsed while the other's proofs keep all cores busy."""

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads

    def verify(self, board: Board, ranges: Iterable[Range]) -> Iterator[bytes]:
        return self._each(lambda wanted: verified_range(board, wanted), ranges)

    def sum_ballots(self, board: Board, tasks: Iterable[Task]) -> Iterator[bytes]:
        return self._each(lambda task: ballot_sums(board, *task), tasks)

    def _each(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        rest = iter(tasks)
        with ThreadPoolExecutor(self._threads) as pool:
            running: list[Future[R]] = [pool.submit(work, task) for task in islice(rest, self._threads)]
            try:
                while running:
                    made = running.pop(0).result()
                    running += [pool.submit(work, task) for task in islice(rest, 1)]
                    yield made
            finally:
                for future in running:
                    future.cancel()
