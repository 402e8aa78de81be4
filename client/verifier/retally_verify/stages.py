"""What a verifier knows of a board whose opening is in force, stage by stage (docs/spec 8.4).

    Setup       entries up to the opening are ruled on (`setup`)
    Opened      manifest, joint key and roll are fixed
    Indexed     every range was read: ballots stand as rows, officials' entries by their index
    Settled     every ballot is ruled on, and the index is known where voting ended
    Closed      the counting is fixed, and the entries of the tally are ruled on

Each is a value, and each step takes one and gives the next. A step reads what it needs through `BoardRanges`, then
applies the rules of `retally_crypto` to plain data: rules never read.

Most ballots are settled from their rows. Those of *flagged* credentials are not, because more than their own chain
decides about them: whether they were revoked or replaced in the midst of it (V08, V11), or whether a point A of theirs
stands elsewhere (V13). They go through the fold one by one, among the officials' entries, in board order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import chain, groupby
from pathlib import Path

from retally_crypto.chains import INDEX, SettledBallots, chain_of, copies, joined, rows_of, settle
from retally_crypto.credentials import combine_parts
from retally_crypto.engine import engine, records
from retally_crypto.entries import (
    PartialDecryption,
    RollReplacement,
    RollRevocation,
    SignedEntry,
    check_signatures,
    parse_entry,
)
from retally_crypto.errors import RetallyError
from retally_crypto.ranges import POINT, ROW, RangeSummary, Rules
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.findings import Finding, Ruling
from retally_crypto.rules.fold import rule_one
from retally_crypto.rules.results import Counting
from retally_crypto.rules.state import IN_ORDER, BoardState, Credential, RollInMemory
from retally_crypto.rules.v14_v15_counting import counting, last_ballots
from retally_crypto.rules.v16_v20_decryption import v17_size_to_compare
from retally_crypto.tally import Tally
from retally_verify.board_ranges import BoardRanges, add_sums
from retally_verify.partitions import BUCKETS, Partitions
from retally_verify.progress import Progress
from retally_verify.roll_on_disk import RollOnDisk
from retally_verify.setup import Setup, roll_of
from retally_verify.tree import BoardTree


@dataclass(frozen=True)
class Opened:
    """The opening is in force, at index `index`: ballots are read under `rules`, by the credentials of `roll`."""

    setup: Setup
    state: BoardState
    index: int
    rules: Rules
    roll: RollOnDisk


@dataclass(frozen=True)
class Indexed:
    """Everything after the opening was read once.

    `rows` are the well-formed ballots, `points` the POINT bytes of every A of those whose proofs hold, and `sums` what
    these add up to, style by style. `officials` are the indices of officials' entries, `malformed` names the ballots
    that V09 refuses.
    """

    opened: Opened
    rows: Partitions
    points: Partitions
    sums: dict[int, bytes] = field(repr=False)
    officials: tuple[int, ...]
    malformed: tuple[Finding, ...]


@dataclass(frozen=True)
class Settled:
    """Every ballot is ruled on: flagged credentials' in `state`, all others' in `ballots`.

    Voting ended at index `end`: the closing in force, or the board's size. `later` are the entries after it that are
    still to be ruled on, `findings` name what was refused so far, in no order.
    """

    indexed: Indexed
    state: BoardState
    ballots: SettledBallots
    end: int
    later: tuple[int, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Closed:
    """The counting that the closing fixed, and in `state` the tally's entries."""

    settled: Settled
    state: BoardState
    findings: tuple[Finding, ...]


# ---- Setup -> Opened ----


def open_setup(setup: Setup) -> Opened | None:
    """The next stage, None where no opening is in force: then the setup is the whole board."""
    state, opened = setup.state, setup.opened
    if state is None or opened is None:
        return None
    rules = Rules(setup.manifest_entry, state.joint_key or b"")
    return Opened(setup, state, opened, rules, roll_of(setup))


# ---- Opened -> Indexed ----


def index_entries(opened: Opened, summaries: Iterator[RangeSummary], folder: Path) -> Indexed:
    """All ranges' summaries, sorted into `folder` for the questions that come."""
    rows, points = Partitions(folder, "rows", ROW.size), Partitions(folder, "points", POINT)
    sums: dict[int, bytes] = {}
    officials: list[int] = []
    malformed: list[Finding] = []
    for summary in summaries:
        rows.add(summary.rows)
        points.add(summary.points)
        add_sums(sums, summary.sums)
        officials += summary.officials
        malformed += [Finding(index, "ballot", "V09", reason) for index, reason in summary.malformed]
    return Indexed(opened, rows, points, sums, tuple(officials), tuple(malformed))


# ---- Indexed -> Settled ----


def settle_ballots(indexed: Indexed, ranges: BoardRanges, size: int, folder: Path) -> Settled:
    """Officials' entries and flagged credentials' ballots up to a closing in force, then everybody else's ballots."""
    opened = indexed.opened
    flagged = frozenset(
        opened.state.roll.known.keys()
        | _named_by_registrars(opened.state, ranges.entries(indexed.officials))
        | _with_points_twice(indexed, ranges, folder)
    )
    names = RollInMemory(IN_ORDER.pack(name, style) for name, style in opened.roll.styles_of(flagged))
    state = opened.state.after_setup(names)
    indices = tuple(merge(indexed.officials, sorted(_ballots_of(flagged, indexed.rows))))
    end, ruled, findings = size, 0, list[Finding]()
    for index, raw in ranges.entries(indices):
        ruled += 1
        _advance(state, indexed, index)
        _note(findings, rule_one(state, raw))
        if state.closing_index is not None:
            end = state.closing_index
            break
    else:
        _advance(state, indexed, size)
    settled = _settle_rows(opened, indexed.rows, flagged, end)
    state.ballots.accepted += settled.accepted
    state.ballots.superseded += settled.superseded
    state.ballots.voted += settled.counted.total()
    known = (*opened.setup.findings, *indexed.malformed, *settled.refused, *findings)
    return Settled(indexed, state, settled, end, indices[ruled:], known)


def _advance(state: BoardState, indexed: Indexed, index: int) -> None:
    """The state below the entry at `index`: whatever stands between is a ballot, and ruled on elsewhere."""
    opened = indexed.opened
    officials = bisect_left(indexed.officials, index)
    state.size = index
    state.ballots.entries = opened.state.ballots.entries + (index - opened.index - 1) - officials


def _note(findings: list[Finding], ruling: Ruling) -> None:
    if ruling.check is not None and ruling.reason is not None:
        findings.append(Finding(ruling.index, ruling.kind, ruling.check, ruling.reason))


def _settle_rows(opened: Opened, rows: Partitions, flagged: frozenset[bytes], end: int) -> SettledBallots:
    several = []
    for number in BUCKETS:
        some = rows.bucket(number)
        if some:
            several.append(settle(opened.roll.bucket(number), some, flagged, end, opened.state.style_names))
    return joined(several)


def _named_by_registrars(state: BoardState, officials: Iterator[tuple[int, bytes]]) -> set[bytes]:
    """Every credential that a revocation or replacement by those who may names, or adds, in force or not.

    Only signed ones, or anybody who can append would decide what a verifier has to keep in memory.
    """
    names: set[bytes] = set()
    for _, raw in officials:
        content = _signed_content(state, raw)
        if isinstance(content, RollRevocation | RollReplacement):
            names.add(content.credential)
        if isinstance(content, RollReplacement) and not engine.invalid_points(content.parts):
            names.add(combine_parts([content.parts[at : at + 32] for at in range(0, len(content.parts), 32)]))
    return names


def _signed_content(state: BoardState, raw: bytes) -> object:
    """What an official's entry says, None if it is not signed by those who may say it."""
    try:
        entry = parse_entry(raw, state.election_id)
        if not isinstance(entry, SignedEntry):
            return None
        check_signatures(entry, state.manifest)
    except RetallyError:
        return None
    return entry.content


def _with_points_twice(indexed: Indexed, ranges: BoardRanges, folder: Path) -> set[bytes]:
    """The credentials of all proven ballots with a point A that may stand on the board twice, copies left out."""
    # First by 8 bytes a point, from the summaries alone: on an honest board this is the end of it.
    suspects = [number for number in BUCKETS if records.repeated_records(indexed.points.bucket(number), POINT)]
    if not suspects:
        return set()
    # A ballot that stands on the board again, byte for byte, repeats its points and is never accepted twice. Whoever
    # appends copies of all ballots must not make us read them all: the copies' points are counted out.
    copied = Partitions(folder, "copies", POINT)
    again = records.sort_records(b"".join(copies(indexed.rows.bucket(number)) for number in BUCKETS), INDEX.size)
    for some in ranges.points(again):
        copied.add(some)
    marks: set[bytes] = set()
    for number in suspects:
        marks |= _twice(indexed.points.bucket(number), copied.bucket(number))
    # What is left is looked for in the ranges' summaries, and the ballots of those that have it are read again.
    found: set[bytes] = set()
    for of in ranges.all() if marks else ():
        summary = ranges.summary(of)
        if not marks.isdisjoint(_cut(summary.points)):
            proven = sorted(index for _, index, _, holds, *_ in ROW.iter_unpack(summary.rows) if holds)
            found |= ranges.credentials_with(of, proven, marks, summary.leaf_hashes)
    return found


def _cut(points: bytes) -> Iterator[bytes]:
    return (points[at : at + POINT] for at in range(0, len(points), POINT))


def _twice(points: bytes, copied: bytes) -> set[bytes]:
    """What stands in `points` more than once without the copies, both sorted."""
    twice = set(_cut(records.repeated_records(points, POINT)))
    less = Counter(_cut(copied))
    whole = Counter(mark for mark in _cut(points) if mark in less)
    return {mark for mark in twice if mark not in less or whole[mark] - less[mark] > 1}


def _ballots_of(names: frozenset[bytes], rows: Partitions) -> Iterator[int]:
    """The index of every well-formed ballot of these credentials."""
    for number, some in groupby(sorted(names), key=lambda name: name[0]):
        bucket = rows.bucket(number)
        yield from chain.from_iterable((facts.at for facts in rows_of(name, bucket)) for name in some)


# ---- Settled -> Closed ----


def close(settled: Settled, ranges: BoardRanges, tree: BoardTree, tell: Progress) -> Closed:
    """The sums over the counted ballots, then the rest of the board. Only where a closing is in force."""
    state = settled.state.after_closing(_count(settled, ranges, tell))
    # The closing itself has its place; the number of ballots before it is fixed.
    findings = list(settled.findings)
    for index, raw in ranges.entries(settled.later):
        state.size = index
        size = _size_to_compare(state, raw)
        if size is not None and size not in state.tally.roots:
            state.tally.roots[size] = tree.root_at(size, ranges.summary(ranges.of(size - 1)))
        _note(findings, rule_one(state, raw))
    return Closed(settled, state, tuple(findings))


def _count(settled: Settled, ranges: BoardRanges, tell: Progress) -> Counting:
    """All sums, less those over ballots that do not count, and the flagged credentials' last ballots."""
    state, ballots = settled.state, settled.ballots
    manifest = state.manifest
    tell.stage("taking out superseded ballots", len(ballots.uncounted) // INDEX.size)
    uncounted = ranges.sums(records.sort_records(ballots.uncounted, INDEX.size), tell)
    tally = Tally(manifest)
    for style, columns in settled.indexed.sums.items():
        tally.accept(manifest.styles[style].district, columns)
    for style, columns in uncounted.items():
        tally.supersede(manifest.styles[style].district, columns)
    per_district = last_ballots(manifest, state.roll.known.values(), tally)
    for style, number in ballots.counted.items():
        per_district[manifest.styles[style].district] += number
    return counting(manifest, state.election_id, per_district, tally)


def _size_to_compare(state: BoardState, raw: bytes) -> int | None:
    """The size whose root V17 will ask for, if this is a signed partial decryption that gets so far."""
    content = _signed_content(state, raw)
    return v17_size_to_compare(state, content) if isinstance(content, PartialDecryption) else None


# ---- the record that comes of it ----


class VerifiedRecord(ElectionRecord):
    """The record of a board that was verified in stages. Credentials are looked up in the files of the run: it can be
    asked as long as these are there."""

    def __init__(self, settled: Settled, state: BoardState, findings: Sequence[Finding], root: bytes) -> None:
        whole = replace(state, roll=replace(state.roll, names=settled.indexed.opened.roll))
        super().__init__(whole, sorted(findings, key=_place), root)
        self._settled = settled

    def find(self, credential: bytes) -> Credential | None:
        known = super().find(credential)
        if known is None or credential in self.state.roll.known or not credential:
            return known
        rows = self._settled.indexed.rows.bucket(credential[0])
        return chain_of(credential, known.style, rows, self._settled.end, self.state.style_names)


def _place(finding: Finding) -> int:
    return -1 if finding.index is None else finding.index


def record_of(stage: Settled | Closed, size: int, root: bytes) -> VerifiedRecord:
    """The record as of the last stage that the board has reached; `size` and `root` are the board's."""
    settled = stage if isinstance(stage, Settled) else stage.settled
    return VerifiedRecord(settled, replace(stage.state, size=size), stage.findings, root)


def setup_record(setup: Setup, root: bytes) -> ElectionRecord | None:
    """The record of a board without an opening in force; None where entry 0 is no manifest."""
    return None if setup.state is None else ElectionRecord(setup.state, setup.findings, root)
