"""Why something is not taken: what the board, the processes and the elections say, in words that know no HTTP.

The record's refusals carry the number of the check that decided (docs/spec page 8). `api/problems.py` makes of each
what a client is answered. No refusal repeats what was sent.
"""

from dataclasses import dataclass
from typing import Literal

Cause = Literal[
    "board-key-unknown",
    "busy",
    "election-exists",
    "fault",
    "not-ready",
    "not-stored",
    "outside-hours",
    "refused",
    "too-many-ballots",
    "witness-address-unknown",
]

AGAIN = "Send the same bytes again."
"""What whoever was not acknowledged can do: the same bytes stand on a board once."""


@dataclass(frozen=True)
class Refusal:
    """Why an entry is not on the board: `reason` in words, `advice` for who sent it, `retry_after` in seconds.

    `check` is the number of the check that refused it, None where no check did.
    """

    cause: Cause
    reason: str
    check: str | None = None
    advice: str | None = None
    retry_after: int | None = None


class NotTakenError(Exception):
    """Raised to whoever waits for an entry's receipt and gets none."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.cause}: {refusal.reason}")
        self.refusal = refusal


def refused(check: str, reason: str) -> Refusal:
    """The record refuses an entry under `check`."""
    return Refusal("refused", reason, check)


def busy() -> Refusal:
    """Too much waits."""
    return Refusal("busy", "too many entries are waiting", advice=AGAIN, retry_after=2)


def not_stored(reason: str, retry_after: int) -> Refusal:
    """Nothing was acknowledged, for no fault of the entry."""
    return Refusal("not-stored", reason, advice=AGAIN, retry_after=retry_after)


def fault() -> Refusal:
    """The server has a fault, which its log names."""
    return Refusal("fault", "the request met a fault of the server")
