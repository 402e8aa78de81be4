"""Page 8: what a verifier says: a state for every check, one verdict, and the counts beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from retally_reference.findings import Finding

CHECKS = {
    "V01": "the checkpoint is signed by the board and the quorum of witnesses",
    "V02": "the entries are the checkpoint's, and all that was kept agrees",
    "V03": "the manifest is the policy's and well formed",
    "V04": "every entry by its key, in its phase, in order and in time",
    "V05": "guardians' commitments are proved",
    "V06": "complaints are resolved, confirmations agree",
    "V07": "the joint key and the shares' public keys",
    "V08": "the roll keeps its commitments and rules",
    "V09": "every entry is well formed",
    "V10": "every ballot's proof verifies",
    "V11": "ballots of credentials on the roll, in their style",
    "V12": "every credential's ballots form one chain",
    "V13": "no ciphertext is used twice",
    "V14": "which ballots count",
    "V15": "the numbers of ballots add up",
    "V16": "the aggregates are those of the counted ballots",
    "V17": "k partial decryptions are proved",
    "V18": "their combination gives counts",
    "V19": "the published result is the recomputed one",
    "V20": "units by their rule, nothing decrypted twice",
    "V21": "the web bundle is the manifest's",
}
PASS, FAIL, INCOMPLETE, NOT_APPLICABLE = "pass", "fail", "incomplete", "not applicable"
EXIT_CODES = {"PASS": 0, "FAIL": 1, "INCOMPLETE": 2}
COULD_NOT_RUN = 3
COLOURS = {PASS: "32", FAIL: "1;31", INCOMPLETE: "33", NOT_APPLICABLE: "2"}


@dataclass(frozen=True)
class Conclusion:
    """What became of a check: its state; what fails it, what is missing for it, and what else there is to say."""

    state: str
    failures: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        return [*map(str, self.failures), *self.missing, *self.remarks]


def conclude(failures: Sequence[Finding], missing: Sequence[str] = (), remarks: Sequence[str] = ()) -> Conclusion:
    """Fail outranks incomplete outranks pass."""
    state = FAIL if failures else INCOMPLETE if missing else PASS
    return Conclusion(state, tuple(failures), tuple(missing), tuple(remarks))


@dataclass(frozen=True)
class Report:
    """A conclusion for every check; with the counts, if they could be computed, whatever the checks say.

    `counts` is `units` of 7.7 as recomputed; `papers` are paper counts as the authority signed them, never verified.
    `accepted` says that entries and manifest are those of checkpoint and policy; a verifier keeps such a checkpoint.
    """

    witnesses: int
    election: bytes
    conclusions: Mapping[str, Conclusion] = field(default_factory=dict)
    checkpoint: bytes = b""
    size: int = 0
    root: bytes = b""
    accepted: bool = False
    title: str = ""
    notice: str | None = None
    counts: list[dict[str, Any]] | None = None
    papers: Sequence[dict[str, Any]] = ()
    reconciliation: dict[str, int] | None = None

    def concluding(self, **conclusions: Conclusion) -> "Report":
        """The report with these conclusions as well."""
        return replace(self, conclusions={**self.conclusions, **conclusions})

    def state_of(self, check: str) -> str:
        """pass, fail, incomplete or not applicable."""
        return self.conclusions[check].state

    def notes_of(self, check: str) -> list[str]:
        """Why, in words."""
        return self.conclusions[check].notes

    @property
    def states(self) -> dict[str, str]:
        return {check: self.state_of(check) for check in CHECKS}

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(check for check in CHECKS if self.state_of(check) == FAIL)

    @property
    def verdict(self) -> str:
        found = set(self.states.values())
        return "FAIL" if FAIL in found else "INCOMPLETE" if INCOMPLETE in found else "PASS"

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "verdict": report.verdict,
        "witnesses": report.witnesses,
        "election": report.election.hex(),
        "size": report.size,
        "root": report.root.hex(),
        "checks": [
            {"check": check, "state": report.state_of(check), "notes": report.notes_of(check)} for check in CHECKS
        ],
        "counts": report.counts,
        "papers": list(report.papers),
        "reconciliation": report.reconciliation,
    }


def as_text(report: Report, coloured: bool) -> Iterator[str]:
    """The report line by line. Whoever wrote what is quoted in it cannot steer a terminal."""
    yield from filter(None, (printable(report.title), printable(report.notice or "")))
    yield f"election {report.election.hex()}"
    yield f"checkpoint of {report.size:,} entries, root {report.root.hex() or 'unknown'}"
    yield ""
    width = max(map(len, CHECKS.values()))
    for check, meaning in CHECKS.items():
        state = report.state_of(check)
        yield f"{check}  {meaning:<{width}}  " + (f"\x1b[{COLOURS[state]}m{state}\x1b[0m" if coloured else state)
        yield from (f"     {printable(note)}" for note in report.notes_of(check))
    for unit in report.counts or []:
        yield f"\n{' + '.join(unit['districts'])}: {unit['state']}, {unit['counted']:,} ballots counted"
        for contest in unit["contests"]:
            found = ("not found" if count is None else f"{count:,}" for count in contest["counts"])
            yield f"  {contest['contest']}: {'  '.join(found)}"
    if report.papers:
        yield "\nPaper counts as the authority signed them; no verifier can check them:"
    for paper in report.papers:
        votes = [sum(column) for column in zip(*(station["votes"] for station in paper["stations"]), strict=True)]
        late = ", entered after the online result was known" if paper["late"] else ""
        yield f"  {paper['district']}, {paper['contest']}: {'  '.join(f'{count:,}' for count in votes)}{late}"
    if report.reconciliation:
        yield ""
        yield from (f"{name:<12}{value:>12,}" for name, value in report.reconciliation.items())
    yield f"\n{report.verdict}{'' if report.witnesses else ' · no witness'}"


def printable(text: str) -> str:
    """The text with every control and format character shown as its number."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
