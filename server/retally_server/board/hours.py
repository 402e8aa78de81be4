"""The manifest's times, by the server's clock (docs/spec 4.1, 8.2 V04). The only rule the server has beside the
record's.

A clock is a callable that returns POSIX seconds; the server's is `time.time`, and tests hand in their own.
"""

from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], float]


class Hours(Protocol):
    """The members of a manifest that are read here, POSIX seconds each; `grace` in seconds."""

    @property
    def opens(self) -> int: ...
    @property
    def closes(self) -> int: ...
    @property
    def grace(self) -> int: ...


def outside_hours(kind: str, hours: Hours, received: float) -> str | None:
    """Why an entry of this kind, received at this time, is too early or too late; None if it is in time.

    Ballots: opens..closes+grace, for whoever began before `closes` may still finish, and the closing ends voting at
    once. `opening`: opens..opens+grace. `closing`: closes..closes+grace. Other kinds have no times.
    """
    first, last = {
        "ballot": (hours.opens, hours.closes + hours.grace),
        "opening": (hours.opens, hours.opens + hours.grace),
        "closing": (hours.closes, hours.closes + hours.grace),
    }.get(kind, (None, None))
    if first is None or last is None or first <= received <= last:
        return None
    side = f"before {first}" if received < first else f"after {last}"
    return f"{kind} received at {int(received)}, {side}: the manifest allows it from {first} to {last} (POSIX seconds)"
