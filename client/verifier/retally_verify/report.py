"""A verification's result: one state for every check, one verdict, and the counts beside it (docs/spec, page 8).

A `Report` is finished when it is returned: it reads nothing, and nothing it says depends on where the board was read.
`report_json` is the same as JSON values, in the shape of `report.schema.json` beside this file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from retally_crypto.engine import engine
from retally_crypto.entries import PaperCount
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import TreeHead
from retally_crypto.policy import TrustPolicy, format_policy
from retally_crypto.rules.findings import CheckResult, Finding
from retally_crypto.rules.results import Outcome, UnitCounts
from retally_verify.range_store import NOTHING_USED, Used

VERDICT_CODES = {"PASS": 0, "FAIL": 1, "INCOMPLETE": 2}


@dataclass(frozen=True)
class Program:
    """What made a report: version and engine decide how, never what."""

    version: str
    engine: str


def this_program() -> Program:
    """The program that runs, with the engine it has chosen."""
    return Program(f"retally-verify {version('retally-verify')}", f"{engine.NAME} {engine.VERSION}")


@dataclass(frozen=True)
class Report:
    """What a verifier found on one board.

    `checks` are V01 to V21 in order. `head` and `checkpoint` are empty if V01 fails; `manifest` is None if the entries
    are not the checkpoint's or there is no manifest. `outcome` are the recomputed units, counts and reconciliation,
    None before the closing: shown whatever later checks say, but not where V03 fails, for what follows is then not the
    policy's election (8.1). `kept` says how many entries were not verified again, and since when.
    """

    policy: TrustPolicy
    head: TreeHead | None
    checkpoint: bytes
    checks: tuple[CheckResult, ...]
    manifest: Manifest | None
    outcome: Outcome | None
    program: Program
    kept: Used = NOTHING_USED

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

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks fail for, check by check: entries by index, and what is about the board as a whole."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def policy_digest(self) -> bytes:
        """SHA-256 of the trust policy in its one form (docs/spec, page 9)."""
        return sha256(format_policy(self.policy)).digest()

    def state_of(self, number: str) -> str:
        return self.check(number).state

    def notes_of(self, number: str) -> tuple[str, ...]:
        return self.check(number).notes

    def check(self, number: str) -> CheckResult:
        return next(check for check in self.checks if check.number == number)


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; hashes in hex, times in POSIX seconds."""
    manifest = report.manifest
    return {
        "verdict": report.verdict,
        "witnesses": len(report.policy.witnesses),
        "board": report.policy.board.name,
        "election": report.policy.election_id.hex(),
        "policy": report.policy_digest.hex(),
        "size": report.head.size if report.head else None,
        "root": report.head.root.hex() if report.head else None,
        "title": manifest.title if manifest else None,
        "notice": manifest.notice if manifest else None,
        "checks": [
            {"check": check.number, "title": check.title, "state": check.state, "notes": list(check.notes)}
            for check in report.checks
        ],
        "findings": [
            {"index": one.index, "check": one.check, "kind": one.kind, "reason": one.reason} for one in report.findings
        ],
        "outcome": outcome_json(report.outcome) if report.outcome else None,
        "kept": {"entries": report.kept.entries, "since": report.kept.oldest},
        "program": {"version": report.program.version, "engine": report.program.engine},
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
