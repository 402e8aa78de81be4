"""V16 to V20: the guardians decrypted the right sums, once, and the published counts are what comes out (7.2 to 7.7).

A partial decryption is looked at under V20, V16 and V17 in this order, a result under V15, V20, V18 and V19 (8.2, 8.3).
"""

from __future__ import annotations

from collections.abc import Sequence

from retally_crypto.entries import PartialDecryption, Result
from retally_crypto.guardians import share_public_key
from retally_crypto.rules.findings import Broken, CheckResult, Finding, conclude, named, of_the_board
from retally_crypto.rules.results import Combination, ContestCounts, Counting, UnitCounts
from retally_crypto.rules.state import BoardState
from retally_crypto.rules.v05_v07_ceremony import commitments_in_order
from retally_crypto.rules.v14_v15_counting import no_closing, v15_result_numbers
from retally_crypto.tally import Unit, combine, combined_digest, counts, verify_partial_decryption


def fixed(state: BoardState) -> Counting:
    """What the closing fixed. Only for boards that are closed."""
    if state.tally.counting is None:
        raise ValueError("the board is not closed")
    return state.tally.counting


def v20_v16_v17_partial_decryption(state: BoardState, content: PartialDecryption) -> None:
    """A partial decryption of the right units, of the right sums, under a checkpoint of this board. Raises Broken."""
    v20_partial_units(state, content)
    v16_partial_aggregates(state, content)
    v17_partial_proof(state, content)
    state.tally.partial_decryptions[content.guardian] = content


def v20_partial_units(state: BoardState, content: PartialDecryption) -> None:
    """The guardian decrypts for the first time, and the reported units. Raises Broken."""
    if content.guardian in state.tally.partial_decryptions:
        raise Broken("V20", f"guardian {content.guardian} decrypts a second time")
    reported = tuple(unit.districts for unit in fixed(state).reported)
    if tuple(tuple(districts) for districts in content.units) != reported:
        raise Broken("V20", f"guardian {content.guardian} decrypts other units than the reported ones")


def v16_partial_aggregates(state: BoardState, content: PartialDecryption) -> None:
    """The guardian summed the counted ballots. Raises Broken."""
    if content.aggregates != fixed(state).digest:
        raise Broken("V16", f"guardian {content.guardian} decrypts other sums than those of the counted ballots")


def v17_size_to_compare(state: BoardState, content: PartialDecryption) -> int | None:
    """The size of the board whose root V17 compares with the one that is named; None where it does not get so far.

    Whoever keeps no root of every size computes this one first: not for copies of what a guardian has signed, which
    anybody who can append could append again and again.
    """
    try:
        v20_partial_units(state, content)
        v16_partial_aggregates(state, content)
    except Broken:
        return None
    return content.size if (state.closing_index or 0) < content.size <= state.size else None


def v17_partial_proof(state: BoardState, content: PartialDecryption) -> None:
    """The checkpoint covers the closing and is this board's, and the proof verifies. Raises Broken."""
    guardian, size, closing = content.guardian, content.size, state.closing_index
    if closing is None or not closing < size <= state.size:
        raise Broken("V17", f"size is {size}, not in {(closing or 0) + 1}..{state.size}")
    if content.root != state.tally.roots[size]:
        raise Broken("V17", f"root is not this board's at size {size}")
    aggregates = fixed(state).aggregates
    if len(content.points) != 32 * len(aggregates.listed):
        raise Broken("V17", f"{len(content.points) // 32} points for {len(aggregates.listed)} aggregates")
    public_share = share_public_key(commitments_in_order(state), guardian)
    valid = verify_partial_decryption(
        aggregates, public_share, state.election_id, guardian, size, content.root, content.points, content.proof
    )
    if not valid:
        raise Broken("V17", f"the proof of guardian {guardian} does not verify")


def combination(state: BoardState) -> Combination | None:
    """The counts from the k valid partial decryptions with the lowest numbers; None while there are fewer."""
    partials = state.tally.partial_decryptions
    if len(partials) < state.threshold or state.tally.counting is None:
        return None
    if state.tally.combination is None:
        state.tally.combination = _combine(state, state.tally.counting)
    return state.tally.combination


def _combine(state: BoardState, closed: Counting) -> Combination:
    points = {guardian: content.points for guardian, content in state.tally.partial_decryptions.items()}
    decrypted = combine(closed.aggregates, points, state.threshold)
    found: dict[tuple[tuple[str, ...], str], list[int | None]] = {}
    not_found = []
    for item, number in zip(closed.aggregates.items, counts(closed.aggregates, decrypted), strict=True):
        found.setdefault((item.unit.districts, item.contest), []).append(number)
        if number is None:
            not_found.append(
                f"no count within 0..{item.bound} for contest {item.contest}, option {item.option + 1}, "
                f"unit {', '.join(item.unit.districts)}"
            )
    units = tuple(_unit_counts(state, unit, found) for unit in closed.units)
    return Combination(combined_digest(state.election_id, decrypted), units, tuple(not_found))


def _unit_counts(
    state: BoardState, unit: Unit, found: dict[tuple[tuple[str, ...], str], list[int | None]]
) -> UnitCounts:
    if unit.state == "withheld":
        return UnitCounts(unit, ())
    options = {contest.id: len(contest.options) for contest in state.manifest.contests}
    names = next(style.contests for style in state.manifest.styles if style.district == unit.districts[0])
    return UnitCounts(
        unit,
        tuple(ContestCounts(name, tuple(found.get((unit.districts, name), [0] * options[name]))) for name in names),
    )


def v15_v20_v18_v19_result(state: BoardState, content: Result) -> None:
    """A result that says what the board says. Raises Broken."""
    v15_result_numbers(state, content)
    v20_result_units(state, content)
    computed = combination(state)
    if computed is None:
        raise ValueError("a result is looked at after k partial decryptions only")
    v18_result_combined(computed, content)
    v19_result_counts(computed, content)
    state.tally.result = content


def v20_result_units(state: BoardState, content: Result) -> None:
    """The result names every unit with its state, in order. Raises Broken."""
    published = [(tuple(unit.districts), unit.state) for unit in content.units]
    if published != [(unit.districts, unit.state) for unit in fixed(state).units]:
        raise Broken("V20", "the units of the result are not those of the counted ballots")


def v18_result_combined(computed: Combination, content: Result) -> None:
    """Every count was found, and `combined` is the digest of what they were found from. Raises Broken."""
    if computed.not_found:
        raise Broken("V18", computed.not_found[0])
    if content.combined != computed.digest:
        raise Broken("V18", "combined is not the digest of the decrypted aggregates")


def v19_result_counts(computed: Combination, content: Result) -> None:
    """The published counts are the recomputed ones. Raises Broken."""
    for published, recomputed in zip(content.units, computed.units, strict=True):
        name = ", ".join(recomputed.unit.districts)
        if published.counted != recomputed.unit.counted:
            raise Broken("V19", f"unit {name}: counted is {published.counted}, {recomputed.unit.counted} were counted")
        if [contest.contest for contest in published.contests] != [contest.contest for contest in recomputed.contests]:
            raise Broken("V19", f"unit {name}: other contests than its districts have")
        for one, other in zip(published.contests, recomputed.contests, strict=True):
            if tuple(one.counts) != other.counts:
                raise Broken(
                    "V19", f"unit {name}, contest {one.contest}: {list(one.counts)} is not {list(other.counts)}"
                )


def v16_aggregates(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V16 as a whole."""
    missing = list(no_closing(state))
    if not missing and not state.tally.partial_decryptions and not named(findings, "V17"):
        missing.append("no partial decryption of the reported units")
    return conclude("V16", named(findings, "V16"), missing)


def v17_partial_decryptions(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V17 as a whole."""
    return conclude("V17", named(findings, "V17"), no_closing(state) or _too_few(state))


def v18_counts(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V18 as a whole."""
    computed = combination(state)
    if computed is None:
        return conclude("V18", named(findings, "V18"), no_closing(state) or _too_few(state))
    return conclude("V18", (*of_the_board("V18", *computed.not_found), *named(findings, "V18")))


def v19_published_result(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V19 as a whole."""
    missing = list(no_closing(state) or _too_few(state))
    if not missing and state.tally.result is None:
        missing.append("no result")
    return conclude("V19", named(findings, "V19"), missing)


def v20_units(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V20 as a whole."""
    return conclude("V20", named(findings, "V20"), no_closing(state))


def _too_few(state: BoardState) -> tuple[str, ...]:
    have = len(state.tally.partial_decryptions)
    if have >= state.threshold:
        return ()
    return (f"{have} of {state.threshold} valid partial decryptions",)
