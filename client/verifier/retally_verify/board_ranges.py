"""The ranges of an open board: their summaries, read now or kept by an earlier run, and single entries read again.

Every read is held against the leaf hashes that the range's summary has, so whatever comes from here belongs to the tree
that the summaries hash to (`tree`), or NotRead or Contradiction is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, tee

from retally_crypto.chains import INDEX
from retally_crypto.engine import engine
from retally_crypto.ranges import WIDTH, RangeSummary, Rules, points_of
from retally_verify.files import Board
from retally_verify.progress import Progress
from retally_verify.range_store import Range, RangeStore
from retally_verify.reading import Workers, credentials_with_points, read_entries


class BoardRanges:
    """Those of a board of `size` entries from the range of the opening (at index `opened`) on, under `rules`."""

    def __init__(self, board: Board, workers: Workers, store: RangeStore, rules: Rules, opened: int, size: int) -> None:
        self._board = board
        self._workers = workers
        self._store = store
        self._rules = rules
        self._opened = opened
        self._size = size

    def of(self, index: int) -> Range:
        """The range that the entry at `index` is in."""
        first = index // WIDTH * WIDTH
        return Range(first, min(first + WIDTH, self._size), max(self._opened + 1, first), self._rules)

    def all(self) -> Iterator[Range]:
        """All of them, one by one: a checkpoint may claim any number of entries."""
        return (self.of(first) for first in range(self._opened // WIDTH * WIDTH, self._size, WIDTH))

    def summaries(self) -> Iterator[RangeSummary]:
        """The summary of every range in order: those that are kept, and those that workers read now, ahead of us."""
        # Both loops ask the store the same questions. What is missing goes to the workers; `read` yields it in order.
        missing = (of for of in self.all() if not self._store.has(of))
        read = iter(self._workers.verify(self._board, missing))
        for of in self.all():
            if not self._store.has(of):
                yield self._store.put(of, next(read))
            elif (kept := self._store.find(of)) is not None:
                yield kept
            else:
                # It is there and damaged. The workers do not know of it, so it is made anew out of turn.
                yield self._store.put(of, next(iter(self._workers.verify(self._board, [of]))))

    def summary(self, of: Range) -> RangeSummary:
        """One that `summaries` has gone over."""
        return self._store.take(of)

    def entries(self, indices: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The entries at these indices, in order, a second time."""
        for of, some in self._by_range(iter(indices)):
            entries = read_entries(self._board, of, some, self.summary(of).leaf_hashes)
            yield from zip(some, chain.from_iterable(entries), strict=True)

    def points(self, ballots: bytes) -> Iterator[bytes]:
        """The POINT bytes of every A of the ballots at these indices (INDEX, in order), sorted, bundle by bundle."""
        for of, some in self._by_range(_unpacked(ballots)):
            for entries in read_entries(self._board, of, some, self.summary(of).leaf_hashes):
                yield points_of(of.rules, entries)

    def credentials_with(self, of: Range, ballots: Sequence[int], marks: set[bytes], hashes: bytes) -> set[bytes]:
        """The credentials of those of a range's ballots that have a point A with one of these marks."""
        return credentials_with_points(self._board, of, ballots, marks, hashes)

    def sums(self, ballots: bytes, tell: Progress) -> dict[int, bytes]:
        """What the ballots at these indices (INDEX, in order) add up to, style by style."""
        missing = (group for group in self._by_range(_unpacked(ballots)) if not self._store.has_sums(*group))
        # One copy becomes the workers' tasks, the other says afterwards which task each of their answers is to.
        tasks, asked = tee(missing)
        hashed = ((of, some, self.summary(of).leaf_hashes) for of, some in tasks)
        for (of, some), encoded in zip(asked, self._workers.sum_ballots(self._board, hashed), strict=True):
            self._store.put_sums(of, some, encoded)
            tell.advance(len(some))
        total: dict[int, bytes] = {}
        for of, _ in self._by_range(_unpacked(ballots)):
            add_sums(total, self._store.sums_of(of))
        return total

    def _by_range(self, indices: Iterator[int]) -> Iterator[tuple[Range, list[int]]]:
        for first, some in groupby(indices, key=lambda index: index // WIDTH * WIDTH):
            yield self.of(first), list(some)


def add_sums(total: dict[int, bytes], more: dict[int, bytes]) -> None:
    """Adds sums of ciphertexts to others, style by style."""
    for style, columns in more.items():
        total[style] = engine.add(total[style], columns) if style in total else columns


def _unpacked(ballots: bytes) -> Iterator[int]:
    return (index for (index,) in INDEX.iter_unpack(ballots))
