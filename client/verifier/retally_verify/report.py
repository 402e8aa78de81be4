"""A verification's result: one state for every check, one verdict, and the counts beside it (docs/spec, page 8).

A `Report` is finished when it is returned: it reads nothing, and nothing it says depends on where the board was read.
The same as JSON values: `report_document`; for people: `report_text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from retally_crypto.engine import engine
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import TreeHead
from retally_crypto.policy import TrustPolicy
from retally_crypto.rules.findings import CheckResult, Finding
from retally_crypto.rules.results import Outcome
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

    def state_of(self, number: str) -> str:
        return self.check(number).state

    def notes_of(self, number: str) -> tuple[str, ...]:
        return self.check(number).notes

    def check(self, number: str) -> CheckResult:
        return next(check for check in self.checks if check.number == number)
