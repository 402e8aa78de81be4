"""What is counted, and what it takes to count it (docs/spec page 7)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from retally_crypto.ballots import FIRST
from retally_crypto.engine import engine
from retally_crypto.guardians import joint_key, share_public_key
from retally_crypto.manifest import Manifest
from retally_crypto.relations import ORDER
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.secret.encrypt import encrypt
from retally_crypto.secret.guardians import commit, new_polynomial, secret_share, share_for
from retally_crypto.tally import (
    IDENTITY,
    Aggregate,
    Aggregates,
    Tally,
    Unit,
    combine,
    combined_digest,
    counts,
    lagrange,
    units,
    verify_partial_decryption,
)
from retally_lab.boards.manifests import (
    APPROVAL,
    CHOICES,
    ELECTION,
    OTHER_ELECTION,
    PLURALITY,
    PLURALITY_OR_BLANK,
    SCORE_EACH,
    SCORE_TOTAL,
    TWO_OF_FIVE,
    manifest,
    point,
    seed,
)

N, K = 3, 2
SIZE, ROOT = 77, hashlib.sha256(b"root").digest()


class Ceremony:
    """A finished key ceremony: the joint key, every share and its public key."""

    def __init__(self, n: int, k: int) -> None:
        polynomials = {i: new_polynomial(k) for i in range(1, n + 1)}
        commitments = [commit(polynomial, ELECTION, i)[0] for i, polynomial in polynomials.items()]
        self.key = joint_key(commitments)
        self.shares = {
            j: secret_share(polynomials[j], j, {i: share_for(p, j) for i, p in polynomials.items() if i != j})
            for j in polynomials
        }
        self.public = {j: share_public_key(commitments, j) for j in polynomials}


@pytest.fixture(scope="module")
def ceremony() -> Ceremony:
    return Ceremony(N, K)


def ballots(election: Manifest, key: bytes, choices: Sequence[Sequence[Sequence[int]]], style: int = 0) -> list[bytes]:
    return [
        encrypt(election, ELECTION, key, style, point(f"voter {i}"), FIRST, choice, seed(str(i))).ciphertexts
        for i, choice in enumerate(choices)
    ]


def aggregated(election: Manifest, counted: Mapping[str, Sequence[bytes]]) -> Aggregates:
    tally = Tally(election)
    for district, of_district in counted.items():
        for ciphertexts in of_district:
            tally.accept(district, ciphertexts)
    return tally.aggregates(units(election, {district: len(rows) for district, rows in counted.items()}))


def decrypted_by(ceremony: Ceremony, aggregates: Aggregates, guardians: Sequence[int]) -> bytes:
    partials = {i: partial_decrypt(ceremony.shares[i], aggregates, ELECTION, i, SIZE, ROOT)[0] for i in guardians}
    return combine(aggregates, partials, len(guardians))


@pytest.mark.parametrize(
    "contest",
    [APPROVAL, PLURALITY, PLURALITY_OR_BLANK, TWO_OF_FIVE, SCORE_EACH, SCORE_TOTAL],
    ids=lambda contest: contest["id"],
)
def test_every_kind_of_contest_is_counted(contest: dict[str, Any], ceremony: Ceremony) -> None:
    election = manifest([contest])
    choices = [*CHOICES[contest["id"]], CHOICES[contest["id"]][0]]
    aggregates = aggregated(election, {"d1": ballots(election, ceremony.key, [[choice] for choice in choices])})
    found = counts(aggregates, decrypted_by(ceremony, aggregates, [1, 2]))
    assert found == [sum(votes) for votes in zip(*choices, strict=True)]


def test_several_contests_are_counted_in_the_order_of_the_style(ceremony: Ceremony) -> None:
    election = manifest([PLURALITY, SCORE_TOTAL])
    aggregates = aggregated(
        election, {"d1": ballots(election, ceremony.key, [[[0, 1, 0], [5, 0, 3]], [[0, 1, 0], [5, 5, 0]]])}
    )
    assert [(item.contest, item.option) for item in aggregates.items] == [
        *(("plurality", i) for i in range(3)),
        *(("score-total", i) for i in range(3)),
    ]
    assert [item.bound for item in aggregates.items] == [2] * 3 + [10] * 3
    assert counts(aggregates, decrypted_by(ceremony, aggregates, [1, 3])) == [0, 2, 0, 10, 5, 3]


@pytest.fixture(scope="module")
def counted(ceremony: Ceremony) -> Aggregates:
    election = manifest([PLURALITY])
    rows = ballots(election, ceremony.key, [[[0, 1, 0]], [[1, 0, 0]], [[0, 1, 0]]])
    return aggregated(election, {"d1": rows})


def test_any_k_guardians_give_the_same_count(ceremony: Ceremony, counted: Aggregates) -> None:
    results = {decrypted_by(ceremony, counted, chosen) for chosen in combinations((1, 2, 3), K)}
    assert len(results) == 1
    assert counts(counted, results.pop()) == [1, 2, 0]


def test_fewer_than_k_guardians_count_nothing(ceremony: Ceremony, counted: Aggregates) -> None:
    for alone in (1, 2, 3):
        assert counts(counted, decrypted_by(ceremony, counted, [alone])) == [None, None, None]
    one = {1: partial_decrypt(ceremony.shares[1], counted, ELECTION, 1, SIZE, ROOT)[0]}
    with pytest.raises(ValueError, match="1 partial decryptions, 2 are needed"):
        combine(counted, one, K)


def test_more_than_k_partial_decryptions_change_nothing(ceremony: Ceremony, counted: Aggregates) -> None:
    partials = {i: partial_decrypt(ceremony.shares[i], counted, ELECTION, i, SIZE, ROOT)[0] for i in (3, 1, 2)}
    assert combine(counted, partials, K) == decrypted_by(ceremony, counted, [1, 2])


def test_a_single_guardian_is_enough_where_the_threshold_is_one() -> None:
    alone = Ceremony(1, 1)
    election = manifest([PLURALITY], guardians=(1, 1))
    aggregates = aggregated(election, {"d1": ballots(election, alone.key, [[[0, 1, 0]], [[0, 1, 0]]])})
    assert counts(aggregates, decrypted_by(alone, aggregates, [1])) == [0, 2, 0]


# ---- Partial decryptions ----


def test_a_partial_decryption_is_proved_for_its_guardian_board_and_ciphertexts(
    ceremony: Ceremony, counted: Aggregates
) -> None:
    points, proof = partial_decrypt(ceremony.shares[2], counted, ELECTION, 2, SIZE, ROOT)
    assert len(points) == 32 * 3
    assert len(proof) == 32 * (3 + 1) + 32
    right: dict[str, Any] = {
        "aggregates": counted,
        "public_share": ceremony.public[2],
        "election_id": ELECTION,
        "guardian": 2,
        "size": SIZE,
        "root": ROOT,
        "points": points,
        "proof": proof,
    }
    first = counted.items[0]
    other_ciphertexts = Aggregates((replace(first, a=point("another A")), *counted.items[1:]))
    wrong: dict[str, Any] = {
        "aggregates": other_ciphertexts,
        "public_share": ceremony.public[1],
        "election_id": OTHER_ELECTION,
        "guardian": 1,
        "size": SIZE + 1,
        "root": bytes(32),
        "points": points[32:] + points[:32],
        "proof": proof[:-32] + bytes(32),
    }
    assert verify_partial_decryption(**right)
    for name, value in wrong.items():
        assert not verify_partial_decryption(**{**right, name: value}), name
    for badly_encoded in (b"\xff" * 32, IDENTITY):
        assert not verify_partial_decryption(**{**right, "points": badly_encoded + points[32:]})
    assert not verify_partial_decryption(**{**right, "points": points[:-32]})
    assert not verify_partial_decryption(**{**right, "points": points + points[:32]})


def test_a_shifted_partial_decryption_has_no_valid_proof(ceremony: Ceremony, counted: Aggregates) -> None:
    points, proof = partial_decrypt(ceremony.shares[1], counted, ELECTION, 1, SIZE, ROOT)
    one = engine.multiply_base((1).to_bytes(32, "little"))
    shifted = engine.add(points[:32], one) + points[32:]
    assert not verify_partial_decryption(counted, ceremony.public[1], ELECTION, 1, SIZE, ROOT, shifted, proof)


def test_an_aggregate_without_randomness_is_left_out_and_still_counted(ceremony: Ceremony) -> None:
    unit = Unit(("d1",), 2, "reported")
    two = engine.multiply_base((2).to_bytes(32, "little"))
    nonce = (5).to_bytes(32, "little")
    encrypted = engine.multiply_base(nonce), engine.add(two, engine.multiply(nonce, ceremony.key))
    aggregates = Aggregates(
        (
            Aggregate(unit, "c", 0, IDENTITY, two, 2),
            Aggregate(unit, "c", 1, *encrypted, 2),
            Aggregate(unit, "c", 2, IDENTITY, IDENTITY, 2),
        )
    )
    assert aggregates.listed == (1,)
    points, proof = partial_decrypt(ceremony.shares[1], aggregates, ELECTION, 1, SIZE, ROOT)
    assert len(points) == 32
    assert verify_partial_decryption(aggregates, ceremony.public[1], ELECTION, 1, SIZE, ROOT, points, proof)
    assert counts(aggregates, decrypted_by(ceremony, aggregates, [1, 2])) == [2, 2, 0]


def test_where_nothing_is_listed_a_guardian_proves_its_share_alone(ceremony: Ceremony) -> None:
    points, proof = partial_decrypt(ceremony.shares[1], Aggregates(()), ELECTION, 1, SIZE, ROOT)
    assert points == b""
    assert verify_partial_decryption(Aggregates(()), ceremony.public[1], ELECTION, 1, SIZE, ROOT, points, proof)
    assert not verify_partial_decryption(Aggregates(()), ceremony.public[2], ELECTION, 1, SIZE, ROOT, points, proof)


def test_a_count_beyond_its_bound_is_not_found(ceremony: Ceremony, counted: Aggregates) -> None:
    decrypted = decrypted_by(ceremony, counted, [1, 2])
    narrow = Aggregates(tuple(replace(item, bound=1) for item in counted.items))
    assert counts(narrow, decrypted) == [1, None, 0]


def test_the_digests_are_the_specified_ones(counted: Aggregates, ceremony: Ceremony) -> None:
    pairs = b"".join(item.a + item.b for item in counted.items)
    assert counted.digest(ELECTION) == hashlib.sha256(b"RETALLY-V01-aggregates" + ELECTION + pairs).digest()
    decrypted = decrypted_by(ceremony, counted, [1, 2])
    expected = hashlib.sha256(b"RETALLY-V01-combined" + ELECTION + decrypted).digest()
    assert combined_digest(ELECTION, decrypted) == expected


def test_lagrange_coefficients_interpolate_at_zero() -> None:
    def polynomial(x: int) -> int:
        return 17 + 4 * x + 9 * x * x

    assert sum(factor * polynomial(i) for i, factor in lagrange([1, 4, 7]).items()) % ORDER == 17


# ---- Accumulating ----


def test_a_superseded_ballot_leaves_no_trace_in_the_sums(ceremony: Ceremony) -> None:
    election = manifest([PLURALITY])
    first, second, third = ballots(election, ceremony.key, [[[0, 1, 0]], [[1, 0, 0]], [[0, 0, 1]]])
    streamed = Tally(election)
    for ciphertexts in (first, second, third):
        streamed.accept("d1", ciphertexts)
    streamed.supersede("d1", second)
    only_counted = aggregated(election, {"d1": [first, third]})
    assert streamed.aggregates(units(election, {"d1": 2})) == only_counted


def test_two_halves_of_a_tally_are_the_whole(ceremony: Ceremony) -> None:
    election = manifest([PLURALITY], districts=[("north", None), ("south", None)])
    rows = ballots(election, ceremony.key, [[[0, 1, 0]], [[1, 0, 0]], [[0, 0, 1]]])
    left, right, whole = Tally(election), Tally(election), Tally(election)
    for tally in (left, whole):
        tally.accept("north", rows[0])
    for tally in (right, whole):
        tally.accept("north", rows[1])
        tally.accept("south", rows[2])
    left.merge(right)
    reported = units(election, {"north": 2, "south": 1})
    assert left.aggregates(reported) == whole.aggregates(reported)


def test_sums_do_not_depend_on_when_they_are_taken(ceremony: Ceremony, monkeypatch: pytest.MonkeyPatch) -> None:
    election = manifest([PLURALITY])
    rows = ballots(election, ceremony.key, [[[0, 1, 0]], [[1, 0, 0]], [[0, 0, 1]]])
    at_once = aggregated(election, {"d1": rows})
    monkeypatch.setattr("retally_crypto.tally._WAITING_LIMIT", 2 * len(rows[0]))
    assert aggregated(election, {"d1": rows}) == at_once


def test_a_ballot_of_another_shape_is_never_added() -> None:
    tally = Tally(manifest([PLURALITY]))
    with pytest.raises(ValueError, match="192 bytes of ciphertexts, not 64"):
        tally.accept("d1", bytes(64))


# ---- Units ----

FOUR = [("d1", None), ("d2", "d4"), ("d3", None), ("d4", "d2")]


@pytest.mark.parametrize(
    ("counted_ballots", "expected"),
    [
        pytest.param(
            {"d1": 10, "d2": 10, "d3": 10, "d4": 10},
            [(("d1",), "reported"), (("d2",), "reported"), (("d3",), "reported"), (("d4",), "reported")],
            id="all large enough",
        ),
        pytest.param(
            {"d1": 10, "d2": 4, "d3": 10, "d4": 10},
            [(("d1",), "reported"), (("d2", "d4"), "reported"), (("d3",), "reported")],
            id="a small one is joined with the one it names",
        ),
        pytest.param(
            {"d1": 10, "d2": 10, "d3": 10, "d4": 4},
            [(("d1",), "reported"), (("d2", "d4"), "reported"), (("d3",), "reported")],
            id="a joined unit stands where its first district does",
        ),
        pytest.param(
            {"d1": 4, "d2": 10, "d3": 0, "d4": 0},
            [(("d1",), "withheld"), (("d2",), "reported"), (("d3",), "empty"), (("d4",), "empty")],
            id="a small one with no partner is withheld and an empty one is empty",
        ),
        pytest.param(
            {"d2": 2, "d4": 2},
            [(("d1",), "empty"), (("d2", "d4"), "withheld"), (("d3",), "empty")],
            id="two small ones together may still be too small",
        ),
        pytest.param(
            {"d2": 3, "d4": 2},
            [(("d1",), "empty"), (("d2", "d4"), "reported"), (("d3",), "empty")],
            id="two small ones together may be large enough",
        ),
        pytest.param(
            {"d2": 2},
            [(("d1",), "empty"), (("d2", "d4"), "withheld"), (("d3",), "empty")],
            id="an empty partner does not help",
        ),
    ],
)
def test_small_districts_are_merged_or_withheld(
    counted_ballots: dict[str, int], expected: list[tuple[tuple[str, ...], str]]
) -> None:
    found = units(manifest([PLURALITY], districts=FOUR, smallest_unit=5), counted_ballots)
    assert [(unit.districts, unit.state) for unit in found] == expected
    assert sum(unit.counted for unit in found) == sum(counted_ballots.values())


def test_merges_may_follow_one_another() -> None:
    chain = [("d1", "d2"), ("d2", "d3"), ("d3", None)]
    found = units(manifest([PLURALITY], districts=chain, smallest_unit=5), {"d1": 1, "d2": 2, "d3": 9})
    assert found == (Unit(("d1", "d2", "d3"), 12, "reported"),)


def test_with_no_smallest_unit_nothing_is_merged() -> None:
    found = units(manifest([PLURALITY], districts=FOUR), {"d2": 2})
    assert [(unit.districts, unit.state) for unit in found] == [
        (("d1",), "empty"), (("d2",), "reported"), (("d3",), "empty"), (("d4",), "empty")
    ]  # fmt: skip


@pytest.mark.parametrize("smallest", [0, 1, 2])
def test_a_single_ballot_is_never_a_reported_unit(smallest: int) -> None:
    found = units(manifest([PLURALITY], districts=FOUR, smallest_unit=smallest), {"d2": 1, "d3": 1, "d4": 4})
    assert [(unit.districts, unit.state, unit.counted) for unit in found] == [
        (("d1",), "empty", 0), (("d2", "d4"), "reported", 5), (("d3",), "withheld", 1)
    ]  # fmt: skip


def test_a_merged_unit_is_counted_as_one_and_only_reported_units_are_decrypted(ceremony: Ceremony) -> None:
    election = manifest([PLURALITY], districts=FOUR, smallest_unit=2)
    rows = ballots(election, ceremony.key, [[[0, 1, 0]], [[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]])
    aggregates = aggregated(election, {"d1": [rows[3]], "d2": [rows[0]], "d4": rows[1:3]})
    assert {item.unit.districts for item in aggregates.items} == {("d2", "d4")}
    assert counts(aggregates, decrypted_by(ceremony, aggregates, [2, 3])) == [1, 2, 0]
