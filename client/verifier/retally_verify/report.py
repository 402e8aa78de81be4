"""A verification's result: one state for every check, one verdict, and the counts beside it (docs/spec, page 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retally_crypto.entries import PaperCount
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import TreeHead
from retally_crypto.policy import TrustPolicy
from retally_crypto.record import Outcome, Record
from retally_crypto.rules.findings import CheckResult
from retally_crypto.rules.v16_v20_decryption import ContestCounts, UnitCounts
from retally_crypto.tally import smallest_reported
from retally_verify.console import plain

VERDICT_CODES = {"PASS": 0, "FAIL": 1, "INCOMPLETE": 2}
VERDICT_STYLES = {"PASS": "bold green", "FAIL": "bold red", "INCOMPLETE": "bold yellow"}
STATE_STYLES = {"pass": "green", "fail": "bold red", "incomplete": "yellow", "not applicable": "dim"}


@dataclass(frozen=True)
class Report:
    """What a verifier found on one board.

    `checks` are V01 to V21 in order. `head` is None if V01 fails, `record` if the entries are not the checkpoint's or
    there is no manifest.
    """

    location: str
    policy: TrustPolicy
    head: TreeHead | None
    checkpoint: bytes
    record: Record | None
    checks: tuple[CheckResult, ...]

    @property
    def verdict(self) -> str:
        """FAIL outranks INCOMPLETE outranks PASS."""
        states = {check.state for check in self.checks}
        return "FAIL" if "fail" in states else "INCOMPLETE" if "incomplete" in states else "PASS"

    @property
    def verdict_line(self) -> str:
        return self.verdict if self.policy.witnesses else f"{self.verdict} · no witness"

    @property
    def exit_code(self) -> int:
        return VERDICT_CODES[self.verdict]

    @property
    def failed(self) -> tuple[str, ...]:
        """The numbers of the failed checks, in order."""
        return tuple(check.number for check in self.checks if check.state == "fail")

    def state_of(self, number: str) -> str:
        return self._check(number).state

    def notes_of(self, number: str) -> tuple[str, ...]:
        return self._check(number).notes

    def _check(self, number: str) -> CheckResult:
        return next(check for check in self.checks if check.number == number)

    @cached_property
    def outcome(self) -> Outcome | None:
        """The recomputed units, counts and reconciliation; None before the closing. Shown whatever later checks say,
        but not where V03 fails: what follows is then not the policy's election (8.1)."""
        if self.record is None or self.state_of("V03") == "fail":
            return None
        return self.record.outcome()


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; hashes in hex."""
    manifest = report.record.manifest if report.record else None
    return {
        "verdict": report.verdict,
        "witnesses": len(report.policy.witnesses),
        "board": report.location,
        "election": report.policy.election_id.hex(),
        "origin": report.policy.board.name,
        "size": report.head.size if report.head else None,
        "root": report.head.root.hex() if report.head else None,
        "title": manifest.title if manifest else None,
        "notice": manifest.notice if manifest else None,
        "checks": [
            {"check": check.number, "title": check.title, "state": check.state, "notes": list(check.notes)}
            for check in report.checks
        ],
        "outcome": outcome_json(report.outcome) if report.outcome else None,
    }


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Counts, paper counts and reconciliation as JSON values; units without contests where nothing was decrypted."""
    return {
        "units": [
            {
                "districts": list(counted.unit.districts),
                "state": counted.unit.state,
                "counted": counted.unit.counted,
                "contests": [{"contest": one.contest, "counts": list(one.counts)} for one in counted.contests],
            }
            for counted in units_of(outcome)
        ],
        "paper": [
            {
                "district": paper.district,
                "contest": paper.contest,
                "votes": list(paper_votes(paper)),
                "invalid": sum(station.invalid for station in paper.stations),
                "late": paper.late,
            }
            for paper in outcome.paper_counts
        ],
        "reconciliation": asdict(outcome.reconciliation),
    }


def units_of(outcome: Outcome) -> tuple[UnitCounts, ...]:
    """Every unit with its counts; with none as long as fewer than k guardians have decrypted."""
    return outcome.counts or tuple(UnitCounts(unit, ()) for unit in outcome.units)


def paper_votes(paper: PaperCount) -> tuple[int, ...]:
    """A district's paper votes by option, summed over its polling stations: the authority's figures, never verified."""
    return tuple(sum(votes) for votes in zip(*(station.votes for station in paper.stations), strict=True))


def print_report(report: Report, console: Console) -> None:
    """The checks, the counts of every unit, the reconciliation and the verdict, for people."""
    manifest = report.record.manifest if report.record else None
    if manifest:
        console.print(manifest.title, style="bold", markup=False)
        if manifest.notice:
            console.print(manifest.notice, style="italic", markup=False)
    console.print(f"election {report.policy.election_id.hex()}", markup=False)
    console.print(f"board    {report.location}, {report.head.size if report.head else 0:,} entries\n", markup=False)
    console.print(checks_table(report.checks))
    if manifest and report.outcome:
        for table in count_tables(manifest, report.outcome):
            console.print()
            console.print(table)
        console.print()
        console.print(reconciliation_table(report.outcome))
    console.print(f"\n{report.verdict_line}", style=VERDICT_STYLES[report.verdict], markup=False)


def checks_table(checks: Sequence[CheckResult]) -> Table:
    """Number, state, and title with the notes below it, one row a check."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        text = check.title + "".join(f"\n  {escape(plain(note))}" for note in check.notes)
        table.add_row(check.number, f"[{STATE_STYLES[check.state]}]{check.state}[/]", text)
    return table


def count_tables(manifest: Manifest, outcome: Outcome) -> Iterator[Table]:
    """One table per unit and contest: online counts; paper and combined beside them where every district has paper."""
    titles = {district.id: district.title for district in manifest.districts}
    for counted in units_of(outcome):
        name = " + ".join(titles[district] for district in counted.unit.districts)
        if counted.unit.state == "withheld":
            yield Table(title=escape(f"{name}: below minimum ({smallest_reported(manifest)}), withheld"), box=None)
        for contest in counted.contests:
            yield _contest_table(manifest, outcome, counted, contest, name)


def _contest_table(manifest: Manifest, outcome: Outcome, unit: UnitCounts, counted: ContestCounts, name: str) -> Table:
    contest = manifest.contest(counted.contest)
    papers = [
        paper for paper in outcome.paper_counts if paper.contest == contest.id and paper.district in unit.unit.districts
    ]
    with_paper = len(papers) == len(unit.unit.districts)
    table = Table(
        title=escape(f"{name} · {contest.title} · {unit.unit.counted:,} ballots counted"),
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    table.add_column("option")
    table.add_column("online", justify="right")
    if with_paper:
        table.add_column("paper, not verified", justify="right")
        table.add_column("combined", justify="right")
    for position, option in enumerate(contest.options):
        count = counted.counts[position]
        row = [escape(option.title), "not found" if count is None else f"{count:,}"]
        if with_paper:
            paper = sum(paper_votes(one)[position] for one in papers)
            row += [f"{paper:,}", "" if count is None else f"{count + paper:,}"]
        table.add_row(*row)
    if with_paper and any(paper.late for paper in papers):
        table.caption = "paper counts entered after the online result was known"
    return table


def reconciliation_table(outcome: Outcome) -> Table:
    """The numbers of 7.7, one a line."""
    table = Table(box=None, pad_edge=False, show_header=False, title="reconciliation", title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name, value in asdict(outcome.reconciliation).items():
        table.add_row(name, f"{value:,}")
    return table
