"""A report as JSON values, in the shape of `report.schema.json` beside this file (docs/spec, page 8)."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from retally_crypto.entries import PaperCount
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy
from retally_crypto.rules.results import Outcome, UnitCounts
from retally_verify.report import Report


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; hashes in hex, times in POSIX seconds."""
    manifest = report.manifest
    return {
        "verdict": report.verdict,
        "witnesses": len(report.policy.witnesses),
        "board": report.policy.board.name,
        "election": report.policy.election_id.hex(),
        "policy": policy_digest(report.policy).hex(),
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


def policy_digest(policy: TrustPolicy) -> bytes:
    """SHA-256 of the trust policy in its one form (docs/spec, page 9)."""
    return sha256(format_policy(policy)).digest()


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
