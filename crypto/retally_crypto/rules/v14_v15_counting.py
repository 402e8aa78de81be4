"""V14 and V15: which ballots count, and that every ballot entry is accounted for (7.1, 7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retally_crypto.entries import Closing, Result
from retally_crypto.rules.findings import Broken, CheckResult, Ruling, conclude, named
from retally_crypto.rules.state import BoardState, Counting
from retally_crypto.tally import units


@dataclass(frozen=True)
class Reconciliation:
    """The six numbers of 7.7 with the number of ballot entries; always from the board, never from the result."""

    credentials: int
    entries: int
    voted: int
    accepted: int
    superseded: int
    counted: int
    refused: int


def v14_closing(state: BoardState, content: Closing) -> None:
    """`ballots` is the number of ballot entries before the closing; from here on the counted ballots are fixed."""
    if content.ballots != state.ballots.entries:
        raise Broken("V14", f"ballots is {content.ballots}, {state.ballots.entries} ballot entries stand before it")
    state.tally.counting = count(state)


def count(state: BoardState) -> Counting:
    """Sum the last ballot of every chain, district by district, and form the units."""
    per_district, tally = state.roll.credentials.count(state)
    formed = units(state.manifest, per_district)
    aggregates = tally.aggregates(formed)
    return Counting(dict(per_district), formed, aggregates, aggregates.digest(state.election_id))


def reconciliation(state: BoardState) -> Reconciliation:
    """The numbers as the board has them now."""
    ballots = state.ballots
    return Reconciliation(
        credentials=state.roll.active,
        entries=ballots.entries,
        voted=state.roll.credentials.voted(),
        accepted=ballots.accepted,
        superseded=ballots.superseded,
        counted=sum(state.tally.counting.per_district.values()) if state.tally.counting else ballots.counted,
        refused=ballots.refused,
    )


def v15_result_numbers(state: BoardState, content: Result) -> None:
    """The six numbers of a result are the board's. Raises Broken."""
    numbers = reconciliation(state)
    for name in ("credentials", "voted", "accepted", "superseded", "counted", "refused"):
        published, found = getattr(content, name), getattr(numbers, name)
        if published != found:
            raise Broken("V15", f"{name} is {published}, the board has {found}")


def v14_counted_ballots(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V14 as a whole."""
    return conclude("V14", named(findings, "V14"), no_closing(state))


def v15_reconciliation(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V15 as a whole. The equations hold by 7.1 for any board; they are computed all the same."""
    if missing := no_closing(state):
        return conclude("V15", named(findings, "V15"), missing)
    numbers = reconciliation(state)
    failures = list(named(findings, "V15"))
    if numbers.credentials < numbers.voted:
        failures.append(f"{numbers.voted} voted, {numbers.credentials} are on the roll")
    if numbers.counted != numbers.voted or numbers.accepted != numbers.counted + numbers.superseded:
        failures.append(
            f"accepted {numbers.accepted}, counted {numbers.counted}, superseded {numbers.superseded}, "
            f"voted {numbers.voted}"
        )
    if numbers.entries != numbers.accepted + numbers.refused:
        failures.append(f"{numbers.entries} ballot entries, {numbers.accepted} accepted, {numbers.refused} refused")
    return conclude("V15", failures)


def no_closing(state: BoardState) -> tuple[str, ...]:
    """The note that leaves V14 to V20 incomplete, if it applies."""
    return () if state.closing_index is not None else ("no closing",)
