"""V01 to V21 over a board, in memory that does not grow with it (docs/spec, page 8; 8.4 for how).

checkpoint          V01: the board's signature, the witnesses' quorum
setup               bundle by bundle into the record, up to the opening
ranges              V02, V09, V10: every range once, in parallel; those that an earlier run signed off are not read
chains              V11, V12, V13: rows of all ranges, settled part by part; what is not ordinary, entry by entry
officials           V04-V08, V14-V20: the record, the same checks the server admits through
claims              V02: kept checkpoints and receipts agree with this board; V04: the times of opening and closing
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import chain, groupby
from pathlib import Path

from retally_client.verifier.board import CHECKPOINT_LIMIT, Board, TooLong, Unreachable
from retally_client.verifier.claims import Claims, read_claims, v04_times
from retally_client.verifier.partitions import PARTS, Partitions
from retally_client.verifier.range_store import Range, RangeStore, remove_folder, working_folder
from retally_client.verifier.reading import (
    Contradiction,
    NotRead,
    Threads,
    Workers,
    bundles_between,
    credentials_with_points,
    read_bundle,
    read_entries,
)
from retally_client.verifier.report import Report
from retally_client.verifier.roll_on_disk import CredentialsOnDisk, DiskStorage
from retally_client.verifier.web_bundle import v21_not_looked_at
from retally_crypto.chains import rows_of
from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint
from retally_crypto.checks.findings import CheckResult, conclude, incomplete_from
from retally_crypto.checks.v03_manifest import v03_unreadable
from retally_crypto.credentials import combine_parts
from retally_crypto.engine import engine
from retally_crypto.entries import RollReplacement, RollRevocation, SignedEntry, parse_entry
from retally_crypto.errors import RetallyError
from retally_crypto.merkle import Frontier
from retally_crypto.policy import TrustPolicy
from retally_crypto.ranges import LEVEL, POINT, WIDTH, RangeSummary, Rules, decode_summary, decode_sums
from retally_crypto.record import Record
from retally_crypto.sparse_record import SparseRecord
from retally_crypto.tally import Tally
from retally_crypto.tiles import TILE_WIDTH, decode_bundle

NO_WITNESS = "no witness: split views cannot be excluded"

Advance = Callable[[int], None]


class Changed(RetallyError):
    """The board is not the one that ranges were signed off of: they have to be read again."""


class Reading:
    """One pass over a board of `size` entries: the record they make, and the tree they hash to.

    Files go into `folder`, summaries of ranges into `store`.
    """

    def __init__(self, board: Board, claims: Claims, size: int, folder: Path, store: RangeStore, workers: Workers):
        self.record: SparseRecord | None = None
        self.no_manifest = conclude("V03", ("the board has no entry",))
        self.tree = Frontier()
        self._board = board
        self._claims = claims
        self._size = size
        self._storage = DiskStorage(folder)
        self._points = Partitions(folder, "points", POINT)
        self._store = store
        self._workers = workers
        self._manifest_entry = b""
        self._ranges: list[Range] = []
        self._edges: dict[int, Frontier] = {}

    def read(self, root: bytes, advance: Advance) -> None:
        """Everything. Raises NotRead or Contradiction at the first bundle that is not right, Changed if what was signed
        off before is not part of this board."""
        opened = self._read_setup(advance)
        if opened is None or self.record is None:
            return
        begin = opened + 1
        self._ranges = [
            Range(first, min(first + WIDTH, self._size), max(begin, first), self._rules())
            for first in range(opened // WIDTH * WIDTH, self._size, WIDTH)
        ]
        credentials = self._credentials()
        credentials.expect(self.record.manifest, self._take_out)
        self.record.scatter(_Roots(self._root_at))
        officials: list[int] = []
        advanced = -(-begin // TILE_WIDTH) * TILE_WIDTH
        for of, summary in zip(self._ranges, self._summaries(), strict=True):
            self._grow(summary)
            credentials.add(self.record.manifest, summary.rows, summary.sums)
            self._points.add(summary.points)
            officials += summary.officials
            if summary.officials:
                self._edges[of.first] = self._edge
            for index, reason in summary.malformed:
                self.record.refuse(index, "V09", reason)
            advance(max(0, of.end - max(of.first, advanced)))
        if self.tree.root() != root:
            if self._store.used:
                raise Changed("the board has changed in a part that was signed off")
            return
        apart = credentials.set_apart(self._changed_by_registrars(officials) | self._with_points_twice())
        for index, raw in self._entries(sorted([*officials, *self._ballots_of(apart)])):
            self.record.rule(index, raw)
        if credentials.settled is None:
            credentials.settle(self.record.state, self._size)
        for fault in credentials.settled.refused if credentials.settled else ():
            self.record.refuse(*fault)
        self.record.finish(self._size, root)

    # ---- the setup ----

    def _read_setup(self, advance: Advance) -> int | None:
        """Entries up to the opening; its index, or None if there is none and everything was read."""
        pending: list[bytes] = []
        for bundle in bundles_between(0, self._size):
            raw, hashes = read_bundle(self._board, bundle)
            self._take(decode_bundle(raw, bundle.width))
            advance(bundle.width)
            pending.append(hashes)
            opened = None if self.record is None else self.record.opening_index
            if opened is None and len(pending) < WIDTH // TILE_WIDTH:
                continue
            if opened is not None:
                # The range with the opening is read again as a range.
                return opened
            self._hash(b"".join(pending))
            pending = []
        self._hash(b"".join(pending))
        return None

    def _take(self, entries: Sequence[bytes]) -> None:
        if self.record is None and not self._manifest_entry:
            self._manifest_entry = entries[0]
            try:
                self.record = SparseRecord(entries[0], self._storage)
            except RetallyError as error:
                self.no_manifest = v03_unreadable(str(error))
            entries = entries[1:]
        if self.record is None:
            return
        for raw in entries:
            self.record.replay([raw])
            if self.record.opening_index is not None:
                return

    def _rules(self) -> Rules:
        key = None if self.record is None else self.record.joint_key
        if key is None:
            raise ValueError("the opening is in force")
        return Rules(self._manifest_entry, key)

    def _credentials(self) -> CredentialsOnDisk:
        credentials = None if self.record is None else self.record.state.roll.credentials
        if not isinstance(credentials, CredentialsOnDisk):
            raise ValueError("the roll is complete before the opening")
        return credentials

    # ---- the tree ----

    def _hash(self, hashes: bytes) -> None:
        for start in range(0, len(hashes), 32):
            leaf = hashes[start : start + 32]
            self._claims.meet_leaf(self.tree.size, leaf)
            self.tree.append(leaf)
            if self.tree.size in self._claims.sizes:
                self._claims.roots[self.tree.size] = self.tree.root()

    def _grow(self, summary: RangeSummary) -> None:
        self._edge = deepcopy(self.tree)
        claimed = range(summary.first, summary.end + 1)
        if summary.count == WIDTH and not any(at in claimed for at in self._claims.sizes | self._claims.indices):
            self.tree.append_subtree(engine.merkle_root(summary.leaf_hashes), LEVEL)
        else:
            self._hash(summary.leaf_hashes)

    def _root_at(self, size: int) -> bytes:
        """The root at a size within or at the end of a range with officials' entries."""
        first = (size - 1) // WIDTH * WIDTH
        tree = deepcopy(self._edges[first])
        summary = self._store.take(self._range_at(first))
        for index in range(first, size):
            tree.append(summary.leaf(index))
        return tree.root()

    def _range_at(self, index: int) -> Range:
        return self._ranges[(index - self._ranges[0].first) // WIDTH]

    # ---- the ranges ----

    def _summaries(self) -> Iterator[RangeSummary]:
        """The summary of every range in order: those that are kept, and those that are read now."""
        missing = [of for of in self._ranges if not self._store.has(of)]
        read = iter(self._workers.verify(self._board, missing))
        for of in self._ranges:
            summary = self._store.find(of) if self._store.has(of) else None
            if summary is None:
                # A kept one that is damaged is made anew.
                one = self._workers.verify(self._board, [of]) if self._store.has(of) else read
                encoded = next(iter(one))
                self._store.put(of, encoded)
                summary = decode_summary(encoded)
            yield summary

    def _take_out(self, ballots: Sequence[tuple[int, int]], tally: Tally) -> None:
        """Ballots at (index, style), in order, out of the sums of their ranges."""
        manifest = None if self.record is None else self.record.manifest
        if manifest is None:
            raise ValueError("there is a manifest")
        tasks: list[tuple[Range, list[int], bytes]] = []
        made: list[bytes | None] = []
        for _, group in groupby(ballots, key=lambda ballot: ballot[0] // WIDTH):
            indices = [index for index, _ in group]
            of = self._range_at(indices[0])
            made.append(self._store.find_out(of, indices))
            tasks.append((of, indices, b"" if made[-1] is not None else self._store.take(of).leaf_hashes))
        missing = [task for task, known in zip(tasks, made, strict=True) if known is None]
        read = iter(self._workers.take_out(self._board, missing))
        for (of, indices, _), known in zip(tasks, made, strict=True):
            encoded = known
            if encoded is None:
                encoded = next(read)
                self._store.put_out(of, indices, encoded)
            for style, total in decode_sums(encoded).items():
                tally.supersede(manifest.styles[style].district, total)

    # ---- what is not ordinary ----

    def _changed_by_registrars(self, officials: Sequence[int]) -> set[bytes]:
        """Every credential that a revocation or replacement names, or adds, whether or not it is in force."""
        names: set[bytes] = set()
        for _, raw in self._entries(officials):
            try:
                entry = parse_entry(raw, self.record.election_id if self.record else None)
            except RetallyError:
                continue
            content = entry.content if isinstance(entry, SignedEntry) else None
            if isinstance(content, RollRevocation | RollReplacement):
                names.add(content.credential)
            if isinstance(content, RollReplacement) and not engine.invalid_points(content.parts):
                names.add(combine_parts([content.parts[at : at + 32] for at in range(0, len(content.parts), 32)]))
        return names

    def _with_points_twice(self) -> set[bytes]:
        """The credentials of all ballots with a point A that may stand on the board twice."""
        marks: set[bytes] = set()
        for part in PARTS:
            twice = engine.repeated_records(self._points.part(part), POINT)
            marks.update(twice[at : at + POINT] for at in range(0, len(twice), POINT))
        if not marks:
            return set()
        found: set[bytes] = set()
        for of in self._ranges:
            points = self._store.take(of).points
            if not marks.isdisjoint(points[at : at + POINT] for at in range(0, len(points), POINT)):
                found |= credentials_with_points(self._board, of, marks)
        return found

    def _ballots_of(self, names: set[bytes]) -> Iterator[int]:
        """The index of every well-formed ballot of these credentials."""
        credentials = self._credentials()
        for part, some in groupby(sorted(names), key=lambda name: name[0]):
            rows = credentials.rows(part)
            for name in some:
                yield from (index for index, *_ in rows_of(name, rows))

    def _entries(self, indices: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The entries at these indices, in order, a second time."""
        for _, group in groupby(indices, key=lambda index: index // WIDTH):
            some = list(group)
            of = self._range_at(some[0])
            entries = read_entries(self._board, of, some, self._store.take(of).leaf_hashes)
            yield from zip(some, chain.from_iterable(entries), strict=True)


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
    begin: Callable[[int], None] = lambda entries: None,
    advance: Advance = lambda entries: None,
    signed_off: Path | None = None,
    workers: Workers | None = None,
) -> Report:
    """Every check over one board.

    `kept` are checkpoints accepted earlier, `receipts` voters' `.tlog-proof` files. `begin` is told the number of
    entries, `advance` how many more were read. What is verified is kept in the folder `signed_off`, and what an earlier
    run has kept there is not read again; `workers` verify ranges, threads of this process unless told otherwise. Raises
    Unreachable if the board does not answer or has no checkpoint; what an adversary can write into the files never
    raises, it fails its check. V21 is not looked at here: see `web_bundle.look_at_web`.
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
    size = head.checkpoint.size
    begin(size)
    claims = read_claims(board, policy, kept, receipts)
    folder = working_folder(signed_off)
    store = RangeStore(signed_off or folder)
    failures, missing = [], []
    reading = Reading(board, claims, size, folder, store, workers or Threads())
    # Questions to the record of a report may need these files: they go when it goes.
    weakref.finalize(reading._storage, remove_folder, folder)
    try:
        try:
            reading.read(head.checkpoint.root, advance)
        except Changed:
            store.clear()
            return verify_board(board, policy, kept, receipts, begin, advance, signed_off, workers)
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
        return _report(board, policy, head, raw, None, (v01, v02, reading.no_manifest, *after))
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
