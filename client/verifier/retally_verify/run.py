"""V01 to V21 over a board, in memory that does not grow with it (docs/spec, page 8; 8.4 for how).

checkpoint      V01: the board's signature, the witnesses' quorum
setup           entry by entry into the record, up to the opening
ranges          V02, V09, V10: every range once, in parallel; those that an earlier run signed off are not read
chains          V11, V12, V13: rows of all ranges, settled part by part; what is not ordinary, entry by entry
officials       V04-V08, V14-V20: the record, the same checks the server admits through
claims          V02: kept checkpoints and receipts agree with this board; V04: the times of opening and closing
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from itertools import chain, groupby, tee
from pathlib import Path

from retally_crypto.chains import INDEX, copies, rows_of
from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint
from retally_crypto.credentials import combine_parts
from retally_crypto.engine import engine, records
from retally_crypto.entries import RollReplacement, RollRevocation, SignedEntry, check_signatures, parse_entry
from retally_crypto.errors import RetallyError
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import Frontier
from retally_crypto.policy import TrustPolicy
from retally_crypto.ranges import LEVEL, POINT, ROW, WIDTH, RangeSummary, Rules, decode_sums, points_of
from retally_crypto.record import Record
from retally_crypto.rules.findings import CheckResult, conclude, incomplete_from
from retally_crypto.sparse_record import SparseRecord
from retally_crypto.tally import Tally
from retally_crypto.tiles import TILE_WIDTH
from retally_verify.board import CHECKPOINT_LIMIT, Board, TooLong, Unreachable
from retally_verify.claims import Claims, read_claims, v04_times
from retally_verify.partitions import PARTS, Partitions
from retally_verify.progress import Progress, Untold
from retally_verify.range_store import Range, RangeStore, WorkingFolder, alone_on
from retally_verify.reading import (
    Contradiction,
    NotRead,
    Threads,
    Workers,
    credentials_with_points,
    read_entries,
)
from retally_verify.report import Report
from retally_verify.roll_on_disk import CredentialsOnDisk, DiskStorage
from retally_verify.setup import Setup, keep_setup, read_setup, recall_setup
from retally_verify.web_bundle import v21_not_looked_at

NO_WITNESS = "no witness: split views cannot be excluded"


class Changed(RetallyError):
    """The board is not the one that ranges were signed off of: they have to be read again."""


class Reading:
    """One pass over a board of `size` entries: the record they make, and the tree they hash to.

    Files go into `folder`; the setup and summaries of ranges into `store`.
    """

    def __init__(
        self,
        board: Board,
        claims: Claims,
        election_id: bytes,
        size: int,
        folder: Path,
        store: RangeStore,
        workers: Workers,
    ) -> None:
        self.setup = Setup()
        self.tree = Frontier()
        self._board = board
        self._claims = claims
        self._election_id = election_id
        self._size = size
        self._folder = folder
        self._storage = DiskStorage(folder)
        self._points = Partitions(folder, "points", POINT)
        self._store = store
        self._workers = workers
        self._edges: list[Frontier] = []

    @property
    def record(self) -> SparseRecord | None:
        """None if entry 0 is no manifest."""
        return self.setup.record

    def read(self, root: bytes, tell: Progress) -> None:
        """Everything. Raises NotRead or Contradiction at the first bundle that is not right, Changed if what was signed
        off before is not part of this board."""
        record = self._read_setup(tell)
        if record is None:
            return
        officials = self._read_ranges(record, tell)
        if self.tree.root() != root:
            if self._store.used:
                raise Changed("the board has changed in a part that was signed off")
            return
        tell.stage("settling ballots")
        credentials = _credentials(record)
        apart = credentials.set_apart(
            self._changed_by_registrars(record, officials) | self._with_points_twice(credentials)
        )
        for index, raw in self._entries(sorted([*officials, *self._ballots_of(apart)])):
            record.rule(index, raw)
        if credentials.settled is None:
            credentials.settle(record.state, self._size)
        for fault in credentials.settled.refused if credentials.settled else ():
            record.refuse(*fault)
        record.finish(self._size, root)

    # ---- the setup ----

    def _read_setup(self, tell: Progress) -> SparseRecord | None:
        """The record up to the opening; None if there is none, and everything was read."""
        kept = self._store.setup(self._election_id)
        recalled = None if self._store.anew else recall_setup(kept, self._size, self._storage)
        self.setup = recalled or read_setup(self._board, self._size, self._storage, self._hash, tell.advance)
        opened = self.setup.opened
        if opened is None or self.record is None:
            return None
        if recalled is None:
            keep_setup(self._store.setup(self.record.election_id), self.setup)
        else:
            self._store.used = True
            tell.advance(-(-(opened + 1) // TILE_WIDTH) * TILE_WIDTH)
            self._hash(self.setup.leaf_hashes[: opened // WIDTH * WIDTH * 32])
        return self.record

    # ---- the ranges ----

    def _read_ranges(self, record: SparseRecord, tell: Progress) -> list[int]:
        """Rows, points and sums of all ranges; returns the indices of the officials' entries after the opening."""
        self._opened = record.size - 1
        self._rules = Rules(self.setup.manifest_entry, record.joint_key or b"")
        credentials = _credentials(record)
        credentials.expect(record.manifest, partial(self._take_out, record.manifest, tell))
        record.scatter(_Roots(self._root_at))
        officials: list[int] = []
        advanced = -(-record.size // TILE_WIDTH) * TILE_WIDTH
        for summary in self._summaries():
            self._grow(summary)
            if summary.first <= self._opened:
                self._compare_with_setup(summary)
            credentials.add(record.manifest, summary.rows, summary.sums)
            self._points.add(summary.points)
            officials += summary.officials
            for index, reason in summary.malformed:
                record.refuse(index, "V09", reason)
            tell.advance(max(0, summary.end - max(summary.first, advanced)))
        return officials

    def _compare_with_setup(self, summary: RangeSummary) -> None:
        """The range with the opening was read apart from the setup: they are of one board."""
        setup = self.setup.leaf_hashes[32 * summary.first :]
        if not summary.leaf_hashes.startswith(setup):
            if self._store.used:
                raise Changed("the setup that was signed off is not this board's")
            raise Contradiction("an entry of the setup has changed while the board was verified")

    # ---- the tree ----

    def _hash(self, hashes: bytes) -> None:
        for start in range(0, len(hashes), 32):
            leaf = hashes[start : start + 32]
            self._claims.meet_leaf(self.tree.size, leaf)
            self.tree.append(leaf)
            if self.tree.size in self._claims.sizes:
                self._claims.roots[self.tree.size] = self.tree.root()

    def _grow(self, summary: RangeSummary) -> None:
        self._edges.append(deepcopy(self.tree))
        claimed = range(summary.first, summary.end + 1)
        if summary.count == WIDTH and not any(at in claimed for at in chain(self._claims.sizes, self._claims.indices)):
            self.tree.append_subtree(records.merkle_root(summary.leaf_hashes), LEVEL)
        else:
            self._hash(summary.leaf_hashes)

    def _root_at(self, size: int) -> bytes:
        """The root at a size after the closing."""
        number = self._number(size - 1)
        tree = deepcopy(self._edges[number])
        summary = self._store.take(self._range(number))
        for index in range(summary.first, size):
            tree.append(summary.leaf(index))
        return tree.root()

    def _number(self, index: int) -> int:
        """Which of the ranges from the opening's on the entry at `index` is in."""
        return index // WIDTH - self._opened // WIDTH

    def _range(self, number: int) -> Range:
        first = (self._opened // WIDTH + number) * WIDTH
        return Range(first, min(first + WIDTH, self._size), max(self._opened + 1, first), self._rules)

    def _ranges(self) -> Iterator[Range]:
        """All of them, one by one: a checkpoint may claim any number of entries."""
        return (self._range(number) for number in range(self._number(self._size - 1) + 1))

    def _summaries(self) -> Iterator[RangeSummary]:
        """The summary of every range in order: those that are kept, and those that are read now."""
        missing = (of for of in self._ranges() if not self._store.has(of))
        read = iter(self._workers.verify(self._board, missing))
        for of in self._ranges():
            summary = self._store.find(of) if self._store.has(of) else None
            if summary is None:
                # A kept one that is damaged is made anew.
                one = self._workers.verify(self._board, [of]) if self._store.has(of) else read
                encoded = next(iter(one))
                summary = self._store.put(of, encoded)
            yield summary

    def _take_out(self, manifest: Manifest, tell: Progress, ballots: bytes, tally: Tally) -> None:
        """Ballots out of the sums of their ranges, given by their indices (`chains.INDEX`) in order."""
        tell.stage("taking out superseded ballots", len(ballots) // INDEX.size)
        missing = (group for group in self._by_range(ballots) if not self._store.has_out(*group))
        tasks, wanted = tee(missing)
        read = self._workers.take_out(self._board, ((*task, self._store.take(task[0]).leaf_hashes) for task in tasks))
        for (of, indices), encoded in zip(wanted, read, strict=True):
            self._store.put_out(of, indices, encoded)
            tell.advance(len(indices))
        for of, _ in self._by_range(ballots):
            for style, total in decode_sums(self._store.take_out(of)).items():
                tally.supersede(manifest.styles[style].district, total)

    def _by_range(self, ballots: bytes) -> Iterator[tuple[Range, list[int]]]:
        indices = (index for (index,) in INDEX.iter_unpack(ballots))
        for number, some in groupby(indices, key=self._number):
            yield self._range(number), list(some)

    # ---- what is not ordinary ----

    def _changed_by_registrars(self, record: Record, officials: Sequence[int]) -> set[bytes]:
        """Every credential that a revocation or replacement by those who may names, or adds, in force or not."""
        names: set[bytes] = set()
        for _, raw in self._entries(officials):
            try:
                entry = parse_entry(raw, record.election_id)
                if not isinstance(entry, SignedEntry):
                    continue
                check_signatures(entry, record.manifest)
            except RetallyError:
                continue
            content = entry.content
            if isinstance(content, RollRevocation | RollReplacement):
                names.add(content.credential)
            if isinstance(content, RollReplacement) and not engine.invalid_points(content.parts):
                names.add(combine_parts([content.parts[at : at + 32] for at in range(0, len(content.parts), 32)]))
        return names

    def _with_points_twice(self, credentials: CredentialsOnDisk) -> set[bytes]:
        """The credentials of all proven ballots with a point A that may stand on the board twice, copies left out."""
        parts = [part for part in PARTS if records.repeated_records(self._points.part(part), POINT)]
        if not parts:
            return set()
        copied = Partitions(self._folder, "copies", POINT)
        indices = records.sort_records(b"".join(copies(credentials.rows(part)) for part in PARTS), INDEX.size)
        for of, some in self._by_range(indices):
            for entries in read_entries(self._board, of, some, self._store.take(of).leaf_hashes):
                copied.add(points_of(of.rules, entries))
        marks: set[bytes] = set()
        for part in parts:
            marks |= _twice(self._points.part(part), copied.part(part))
        found: set[bytes] = set()
        for of in self._ranges() if marks else ():
            summary = self._store.take(of)
            if not marks.isdisjoint(_cut(summary.points)):
                rows = ROW.iter_unpack(summary.rows)
                proven = sorted(index for _, index, _, holds, *_ in rows if holds)
                found |= credentials_with_points(self._board, of, proven, marks, summary.leaf_hashes)
        return found

    def _ballots_of(self, names: set[bytes]) -> Iterator[int]:
        """The index of every well-formed ballot of these credentials."""
        if self.record is None:
            return
        credentials = _credentials(self.record)
        for part, some in groupby(sorted(names), key=lambda name: name[0]):
            rows = credentials.rows(part)
            for name in some:
                yield from (index for index, *_ in rows_of(name, rows))

    def _entries(self, indices: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The entries at these indices, in order, a second time."""
        for _, group in groupby(indices, key=self._number):
            some = list(group)
            of = self._range(self._number(some[0]))
            entries = read_entries(self._board, of, some, self._store.take(of).leaf_hashes)
            yield from zip(some, chain.from_iterable(entries), strict=True)


def _credentials(record: SparseRecord) -> CredentialsOnDisk:
    credentials = record.state.roll.credentials
    if not isinstance(credentials, CredentialsOnDisk):
        raise ValueError("the roll is complete before the opening")
    return credentials


def _cut(points: bytes) -> Iterator[bytes]:
    return (points[at : at + POINT] for at in range(0, len(points), POINT))


def _twice(points: bytes, copied: bytes) -> set[bytes]:
    """What stands in `points` more than once without the copies, both sorted."""
    twice = set(_cut(records.repeated_records(points, POINT)))
    less = Counter(_cut(copied))
    whole = Counter(mark for mark in _cut(points) if mark in less)
    return {mark for mark in twice if mark not in less or whole[mark] - less[mark] > 1}


class _Roots(dict[int, bytes]):
    """The board's root at any size that is asked for, computed when it is."""

    def __init__(self, root_at: Callable[[int], bytes]) -> None:
        super().__init__()
        self._root_at = root_at

    def __missing__(self, size: int) -> bytes:
        self[size] = self._root_at(size)
        return self[size]


def verify_board(
    board: Board,
    policy: TrustPolicy,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    tell: Progress | None = None,
    signed_off: Path | None = None,
    workers: Workers | None = None,
) -> Report:
    """Every check over one board.

    `kept` are checkpoints accepted earlier, `receipts` voters' `.tlog-proof` files. `tell` hears how many entries were
    read, and of what follows. What is verified is kept in the folder `signed_off`, and what an earlier run has kept
    there is not read again; `workers` verify ranges, threads of this process unless told otherwise. Raises Unreachable
    if the board does not answer or has no checkpoint; what an adversary can write into the files never raises, it fails
    its check. V21 is not looked at here: see `web_bundle.look_at_web`.
    """
    try:
        raw = board.read("checkpoint", CHECKPOINT_LIMIT)
        if raw is None:
            raise Unreachable(f"{board.location} has no checkpoint: this is no board, or nothing was published yet")
        head = open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum)
    except RetallyError as error:
        if isinstance(error, Unreachable) and not isinstance(error, TooLong):
            raise
        after = incomplete_from("V02", "V01 fails: there is no checkpoint to hold the entries against")
        return _report(board, policy, None, b"", None, (conclude("V01", (str(error),)), *after))
    tell = tell or Untold()
    read = partial(_read, board, policy, kept, receipts, tell, workers or Threads(), head)
    if signed_off is None:
        return read(None)
    with alone_on(signed_off):
        try:
            return read(signed_off)
        except Changed:
            tell.stage("verifying everything again")
        return read(signed_off, anew=True)


def _read(
    board: Board,
    policy: TrustPolicy,
    kept: Sequence[bytes],
    receipts: Sequence[bytes],
    tell: Progress,
    workers: Workers,
    head: CosignedCheckpoint,
    signed_off: Path | None,
    anew: bool = False,
) -> Report:
    """The report on the board of this checkpoint; `anew` as in RangeStore. Raises Changed if what is signed off is not
    part of it."""
    raw, size = head.raw, head.checkpoint.size
    tell.begin(size)
    claims = read_claims(board, policy, kept, receipts)
    folder = WorkingFolder(signed_off)
    store = RangeStore(signed_off or folder.path, anew)
    failures, missing = [], []
    reading = Reading(board, claims, policy.election_id, size, folder.path, store, workers)
    # Questions to the record of a report may need these files: they go when it goes.
    weakref.finalize(reading._storage, folder.remove)
    try:
        reading.read(head.checkpoint.root, tell)
        if reading.tree.root() != head.checkpoint.root:
            failures.append(
                f"the {size} entries hash to {reading.tree.root().hex()}, "
                f"the checkpoint says {head.checkpoint.root.hex()}"
            )
    except NotRead as error:
        missing.append(str(error))
    except (Contradiction, TooLong) as error:
        failures.append(str(error))
    v01 = conclude("V01", (), (), () if policy.witnesses else (NO_WITNESS,))
    if failures or missing:
        after = incomplete_from("V03", "V02: these entries are not those of the checkpoint")
        return _report(
            board, policy, head, raw, None, (v01, conclude("V02", failures, missing, claims.ignored), *after)
        )
    store.sign_off(raw)
    v02 = conclude("V02", claims.contradictions(size), (), claims.ignored)
    if reading.record is None:
        after = incomplete_from("V04", "V03 fails: the entries cannot be trusted to be the board's")
        return _report(board, policy, head, raw, None, (v01, v02, reading.setup.no_manifest, *after))
    times = v04_times(claims, policy, reading.record, size)
    return _report(board, policy, head, raw, reading.record, (v01, v02, *reading.record.checks(policy, times)))


def _report(
    board: Board,
    policy: TrustPolicy,
    head: CosignedCheckpoint | None,
    raw: bytes,
    record: Record | None,
    checks: tuple[CheckResult, ...],
) -> Report:
    return Report(
        location=board.location,
        policy=policy,
        head=None if head is None else head.head,
        checkpoint=raw,
        record=record,
        checks=(*checks, v21_not_looked_at(record)),
    )
