"""Page 8: what is wrong with which entry, and under which check. Every decision is taken on these, none on words."""

from dataclasses import dataclass, field

NAMED = 100
"""Entries that fail one check and are named in the report."""


@dataclass(frozen=True)
class Finding:
    """A failure of a check: the entry that causes it, None where it is no single entry's, and why."""

    index: int | None
    check: str
    reason: str

    def __str__(self) -> str:
        return self.reason if self.index is None else f"entry {self.index}: {self.reason}"


@dataclass(frozen=True)
class Fault:
    """The check that refuses an entry, and why."""

    check: str
    reason: str

    def at(self, index: int) -> Finding:
        return Finding(index, self.check, self.reason)


@dataclass
class Refused:
    """Entries that fail a check. Of each check the first NAMED are kept with their reason, the others counted: entries
    that anyone may write cost no more memory than their bytes."""

    kept: dict[str, list[Finding]] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """The finding's entry fails its check."""
        self.counted[finding.check] = self.counted.get(finding.check, 0) + 1
        kept = self.kept.setdefault(finding.check, [])
        if len(kept) < NAMED:
            kept.append(finding)

    def of(self, check: str) -> list[Finding]:
        """What is kept of a check."""
        return self.kept.get(check, [])

    def more(self, check: str) -> list[str]:
        """What counts the entries of a check beyond those that are kept, if there are any."""
        more = self.counted.get(check, 0) - len(self.of(check))
        return [f"and {more:,} more entries"] if more else []


class Broken(Exception):
    """The official's entry at hand fails a check and has no effect."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def demand(check: str, condition: bool, reason: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(Fault(check, reason))
