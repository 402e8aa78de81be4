"""What the checks of page 8 report: a ruling for every entry, and one result for every check.

A ruling says of one entry either that it is in force or which single check refused it, and why (8.1). A check's result
is one of the four words of page 8. What it holds against the board stands in it twice: as findings (index, check,
reason), for whoever decides, and as notes, for whoever reads. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from retally_crypto.entries import Entry

State = Literal["pass", "fail", "incomplete", "not applicable"]

TITLES: dict[str, str] = {
    "V01": "checkpoint signed by the board and a quorum of witnesses",
    "V02": "every entry hashes to the root, every kept checkpoint is consistent",
    "V03": "manifest well formed and the policy's",
    "V04": "every entry written by its key, in its phase and time",
    "V05": "guardians' commitments and proofs",
    "V06": "complaints resolved, all confirmations agree",
    "V07": "joint key and the shares' public keys",
    "V08": "roll: commitments kept, parts sum, changes within their rule",
    "V09": "every entry canonical and well encoded",
    "V10": "every ballot's proof",
    "V11": "credential on the roll, right style",
    "V12": "chains of ballots",
    "V13": "no ciphertext used twice",
    "V14": "one closing, the counted ballots determined",
    "V15": "reconciliation",
    "V16": "aggregates",
    "V17": "partial decryptions",
    "V18": "combination and counts",
    "V19": "published result equals the recomputed one",
    "V20": "reporting units by their rule, nothing decrypted twice",
    "V21": "web bundle is the manifest's",
}


class Fault(NamedTuple):
    """The check that an entry falls under, and why."""

    check: str
    reason: str


class Broken(Exception):
    """Raised by a check for the entry it looks at; never leaves the fold (`rules.fold`)."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(f"{check} {reason}")
        self.check = check
        self.reason = reason

    @property
    def fault(self) -> Fault:
        return Fault(self.check, self.reason)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check holds against one entry, or against the board as a whole: then `index` and `kind` are None.

    `kind` is None, too, for an entry that could not be read.
    """

    index: int | None
    kind: str | None
    check: str
    reason: str

    def __str__(self) -> str:
        return self.reason if self.index is None else f"entry {self.index}: {self.check} {self.reason}"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided about one entry.

    `index` is its place on the board (None when it was offered and refused); `kind` is None when it could not be read;
    `check` names the check that refused it and `reason` says why, both None when it is in force.
    """

    index: int | None
    kind: str | None
    check: str | None
    reason: str | None
    entry: Entry | None

    @property
    def accepted(self) -> bool:
        return self.check is None

    def __str__(self) -> str:
        where = "entry offered" if self.index is None else f"entry {self.index}"
        return f"{where}: in force" if self.check is None else f"{where}: {self.check} {self.reason}"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check of page 8.

    `findings` are what it fails for, every one of them: a check fails exactly if there is one. `missing` is what it
    would be incomplete for, also where it fails. `notes` are both as texts, and what else an auditor needs to know.
    """

    number: str
    title: str
    state: State
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimesFinding:
    """What the reader of files found about `checkpoint.opening` and `checkpoint.closing` (V04, second half)."""

    state: State
    notes: tuple[str, ...] = ()


def of_the_board(check: str, *reasons: str) -> tuple[Finding, ...]:
    """Findings that are about no single entry."""
    return tuple(Finding(None, None, check, reason) for reason in reasons)


def named(findings: Sequence[Finding], number: str) -> tuple[Finding, ...]:
    """Every entry refused under check `number`, in board order."""
    return tuple(finding for finding in findings if finding.check == number)


def conclude(
    number: str, failures: Iterable[Finding], missing: Iterable[str] = (), remarks: Iterable[str] = ()
) -> CheckResult:
    """FAIL outranks INCOMPLETE outranks PASS; `remarks` are added to the notes whatever the state."""
    failed, lacking = tuple(failures), tuple(missing)
    state: State = "fail" if failed else "incomplete" if lacking else "pass"
    notes = (*map(str, failed), *lacking, *remarks)
    return CheckResult(number, TITLES[number], state, notes, failed, lacking)


def incomplete_from(number: str, reason: str, last: str = "V20") -> tuple[CheckResult, ...]:
    """Checks `number` to `last` as incomplete: what is left when V01, V02 or V03 says the entries are not the
    board's."""
    return tuple(
        CheckResult(check, title, "incomplete", (reason,), (), (reason,))
        for check, title in TITLES.items()
        if number <= check <= last
    )
