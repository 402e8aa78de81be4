"""A report for people: the checks, the counts of every unit, the reconciliation and the verdict, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retally_crypto.manifest import Manifest
from retally_crypto.rules.findings import CheckResult
from retally_crypto.rules.results import ContestCounts, Outcome, UnitCounts
from retally_crypto.tally import smallest_reported
from retally_verify.console import plain
from retally_verify.report import Report
from retally_verify.report_document import paper_votes, units_of

VERDICT_STYLES = {"PASS": "bold green", "FAIL": "bold red", "INCOMPLETE": "bold yellow"}
STATE_STYLES = {"pass": "green", "fail": "bold red", "incomplete": "yellow", "not applicable": "dim"}


def print_report(report: Report, console: Console) -> None:
    """The checks, the counts of every unit, the reconciliation and the verdict, for people."""
    manifest = report.manifest
    if manifest:
        console.print(manifest.title, style="bold", markup=False)
        if manifest.notice:
            console.print(manifest.notice, style="italic", markup=False)
    console.print(f"election {report.policy.election_id.hex()}", markup=False)
    size = report.head.size if report.head else 0
    console.print(f"board    {report.policy.board.name}, {size:,} entries\n", markup=False)
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
