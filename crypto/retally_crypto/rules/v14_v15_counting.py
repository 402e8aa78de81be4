"""V14 and V15: which ballots count, and that every ballot entry is accounted for (7.1, 7.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from retally_crypto.entries import Closing, Result
from retally_crypto.manifest import Manifest
from retally_crypto.rules.findings import Broken, CheckResult, Finding, conclude, named, of_the_board
from retally_crypto.rules.results import Counting, Reconciliation
from retally_crypto.rules.state import BoardState, Credential
from retally_crypto.tally import Tally, units


def v14_closing(state: BoardState, content: Closing) -> None:
    """`ballots` is the number of ballot entries before the closing; from here on the counted ballots are fixed."""
    if content.ballots != state.ballots.entries:
        raise Broken("V14", f"ballots is {content.ballots}, {state.ballots.entries} ballot entries stand before it")


def counting(manifest: Manifest, election_id: bytes, per_district: Mapping[str, int], tally: Tally) -> Counting:
    """What a closing fixes: the units that these numbers of counted ballots form, and their aggregates."""
    formed = units(manifest, per_district)
    aggregates = tally.aggregates(formed)
    return Counting(dict(per_district), formed, aggregates, aggregates.digest(election_id))


def last_ballots(manifest: Manifest, credentials: Iterable[Credential], tally: Tally) -> Counter[str]:
    """The last ballot of every chain, added to the tally; returns how many there are, by district."""
    districts = [style.district for style in manifest.styles]
    per_district: Counter[str] = Counter()
    for credential in credentials:
        if credential.ballots:
            district = districts[credential.style]
            per_district[district] += 1
            tally.accept(district, credential.last_ciphertexts)
    return per_district


def reconciliation(state: BoardState) -> Reconciliation:
    """The numbers as the board has them now."""
    ballots = state.ballots
    return Reconciliation(
        credentials=state.roll.active,
        entries=ballots.entries,
        voted=ballots.voted,
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


def v14_counted_ballots(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V14 as a whole."""
    return conclude("V14", named(findings, "V14"), no_closing(state))


def v15_reconciliation(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V15 as a whole. The equations hold by 7.1 for any board; they are computed all the same."""
    if missing := no_closing(state):
        return conclude("V15", named(findings, "V15"), missing)
    numbers = reconciliation(state)
    failures = []
    if numbers.credentials < numbers.voted:
        failures.append(f"{numbers.voted} voted, {numbers.credentials} are on the roll")
    if numbers.counted != numbers.voted or numbers.accepted != numbers.counted + numbers.superseded:
        failures.append(
            f"accepted {numbers.accepted}, counted {numbers.counted}, superseded {numbers.superseded}, "
            f"voted {numbers.voted}"
        )
    if numbers.entries != numbers.accepted + numbers.refused:
        failures.append(f"{numbers.entries} ballot entries, {numbers.accepted} accepted, {numbers.refused} refused")
    return conclude("V15", (*named(findings, "V15"), *of_the_board("V15", *failures)))


def no_closing(state: BoardState) -> tuple[str, ...]:
    """The note that leaves V14 to V20 incomplete, if it applies."""
    return () if state.closing_index is not None else ("no closing",)
