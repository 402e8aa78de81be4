"""Page 8: what is wrong with which entry, and under which check. Every decision is taken on these, none on words."""

from dataclasses import dataclass


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


class Broken(Exception):
    """The official's entry at hand fails a check and has no effect."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def demand(check: str, condition: bool, reason: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(Fault(check, reason))
