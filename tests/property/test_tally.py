"""Tallying is addition: it does not matter who sums what in which order, or which guardians decrypt."""

from hypothesis import given, settings
from hypothesis import strategies as st

from retally_crypto.ballots import FIRST
from retally_crypto.engine import engine
from retally_crypto.relations import ORDER
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.secret.encrypt import encrypt
from retally_crypto.secret.guardians import Polynomial, secret_share, share_for
from retally_crypto.tally import Tally, Unit, combine, counts, lagrange, units
from retally_lab.boards.manifests import ELECTION, PLURALITY_OR_BLANK, manifest, point, secret, seed

ROOT = bytes(32)
ELECTION_OF_TWO = manifest([PLURALITY_OR_BLANK], districts=[("north", "south"), ("south", None)], smallest_unit=2)
POLYNOMIALS = {i: Polynomial((secret(f"a{i}0"), secret(f"a{i}1"))) for i in (1, 2, 3)}
SHARES = {
    j: secret_share(POLYNOMIALS[j], j, {i: share_for(p, j) for i, p in POLYNOMIALS.items() if i != j})
    for j in POLYNOMIALS
}
KEY = engine.sum_columns(b"".join(engine.multiply_base(p.coefficients[0]) for p in POLYNOMIALS.values()), 1)
VOTES = ([1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0])
CIPHERTEXTS = [
    encrypt(ELECTION_OF_TWO, ELECTION, KEY, 0, point(f"voter {i}"), FIRST, [vote], seed(str(i))).ciphertexts
    for i, vote in enumerate(VOTES)
]
"""One ballot of each kind. A ballot's ciphertexts do not name its district, so they serve for both."""


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["north", "south"]), st.integers(0, 3), st.booleans()), max_size=12),
    st.permutations([1, 2, 3]),
)
def test_counts_are_the_sums_of_the_ballots_that_were_not_superseded(
    cast: list[tuple[str, int, bool]], order: list[int]
) -> None:
    tally = Tally(ELECTION_OF_TWO)
    counted = {"north": 0, "south": 0}
    votes = {"north": [0, 0, 0], "south": [0, 0, 0]}
    for district, kind, superseded in cast:
        tally.accept(district, CIPHERTEXTS[kind])
        if superseded:
            tally.supersede(district, CIPHERTEXTS[kind])
            continue
        counted[district] += 1
        votes[district] = [total + vote for total, vote in zip(votes[district], VOTES[kind], strict=True)]
    found = units(ELECTION_OF_TWO, counted)
    aggregates = tally.aggregates(found)
    partials = {i: partial_decrypt(SHARES[i], aggregates, ELECTION, i, 1, ROOT)[0] for i in order[:2]}
    expected = [
        total
        for unit in found
        if unit.state == "reported"
        for total in map(sum, zip(*(votes[district] for district in unit.districts), strict=True))
    ]
    assert counts(aggregates, combine(aggregates, partials, 2)) == expected


@given(st.dictionaries(st.sampled_from([f"d{i}" for i in range(6)]), st.integers(0, 9)), st.integers(0, 12))
def test_units_partition_the_districts_and_report_nothing_small(counted: dict[str, int], smallest: int) -> None:
    districts = [(f"d{i}", f"d{(i + 3) % 6}" if i % 2 else None) for i in range(6)]
    found: tuple[Unit, ...] = units(
        manifest([PLURALITY_OR_BLANK], districts=districts, smallest_unit=smallest), counted
    )
    assert sorted(district for unit in found for district in unit.districts) == [d for d, _ in districts]
    assert [unit.districts[0] for unit in found] == sorted(unit.districts[0] for unit in found)
    for unit in found:
        assert unit.counted == sum(counted.get(district, 0) for district in unit.districts)
        assert (unit.state == "empty") == (unit.counted == 0)
        assert (unit.state == "withheld") == (0 < unit.counted < max(2, smallest))


@given(st.lists(st.integers(0, ORDER - 1), min_size=1, max_size=4), st.data())
def test_lagrange_gives_the_value_at_zero_from_any_k_points(coefficients: list[int], data: st.DataObject) -> None:
    points = data.draw(
        st.lists(st.integers(1, 32), min_size=len(coefficients), max_size=len(coefficients), unique=True)
    )
    values = {x: sum(a * pow(x, j, ORDER) for j, a in enumerate(coefficients)) % ORDER for x in points}
    assert sum(factor * values[x] for x, factor in lagrange(points).items()) % ORDER == coefficients[0]
