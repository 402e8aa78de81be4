"""Bits and weights of every kind of contest (docs/spec 6.1, 6.2, 6.6)."""

import pytest

from retally_crypto.contests import ContestLayout, StyleLayout, bits, weights
from retally_crypto.errors import Refused


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (0, ()),
        (1, (1,)),
        (2, (1, 1)),
        (3, (1, 2)),
        (4, (1, 2, 1)),
        (5, (1, 2, 2)),
        (6, (1, 2, 3)),
        (7, (1, 2, 4)),
        (10, (1, 2, 4, 3)),
        (1000, (1, 2, 4, 8, 16, 32, 64, 128, 256, 489)),
    ],
)
def test_weights_double_and_end_with_the_rest(largest: int, expected: tuple[int, ...]) -> None:
    assert weights(largest) == expected


def test_bits_take_the_last_weights_first() -> None:
    assert bits(4, 1) == (0, 0, 1)
    assert bits(4, 3) == (0, 1, 1)
    assert bits(5, 2) == (0, 0, 1)
    assert bits(10, 7) == (0, 0, 1, 1)
    assert bits(0, 0) == ()


@pytest.mark.parametrize(("largest", "value"), [(3, 4), (3, -1), (0, 1)])
def test_a_value_outside_its_range_has_no_bits(largest: int, value: int) -> None:
    with pytest.raises(ValueError, match="not in 0"):
        bits(largest, value)


def test_a_negative_range_has_no_weights() -> None:
    with pytest.raises(ValueError, match="negative"):
        weights(-1)


APPROVAL = ContestLayout(first=0, options=4, score=1, limits=(0, 4))
PLURALITY = ContestLayout(first=0, options=3, score=1, limits=(1, 1))
PLURALITY_OR_BLANK = ContestLayout(first=0, options=3, score=1, limits=(0, 1))
TWO_OF_FIVE = ContestLayout(first=0, options=5, score=1, limits=(2, 2))
SCORE_EACH = ContestLayout(first=0, options=3, score=5, limits=None)
SCORE_TOTAL = ContestLayout(first=0, options=3, score=5, limits=(0, 10))


@pytest.mark.parametrize(
    ("contest", "n_bits"),
    [
        (APPROVAL, 4 + 3),
        (PLURALITY, 3),
        (PLURALITY_OR_BLANK, 3 + 1),
        (TWO_OF_FIVE, 5),
        (SCORE_EACH, 9),
        (SCORE_TOTAL, 9 + 4),
    ],
)
def test_a_contest_has_its_options_bits_and_then_its_slack(contest: ContestLayout, n_bits: int) -> None:
    assert contest.n_bits == n_bits == len(contest.weights)


def test_a_blank_vote_is_all_slack() -> None:
    assert PLURALITY_OR_BLANK.bits_of([0, 0, 0]) == (0, 0, 0, 1)
    assert APPROVAL.bits_of([0, 0, 0, 0]) == (0, 0, 0, 0, 1, 1, 1)
    assert SCORE_EACH.bits_of([0, 0, 0]) == (0,) * 9


def test_a_full_vote_has_no_slack() -> None:
    assert PLURALITY_OR_BLANK.bits_of([0, 1, 0]) == (0, 1, 0, 0)
    assert APPROVAL.bits_of([1, 1, 1, 1]) == (1, 1, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("contest", "choice", "rule"),
    [
        (PLURALITY, [0, 0, 0], "sum of the choices is not in 1..1"),
        (PLURALITY, [1, 1, 0], "sum of the choices is not in 1..1"),
        (TWO_OF_FIVE, [1, 1, 1, 0, 0], "sum of the choices is not in 2..2"),
        (TWO_OF_FIVE, [1, 0, 0, 0, 0], "sum of the choices is not in 2..2"),
        (SCORE_TOTAL, [5, 5, 1], "sum of the choices is not in 0..10"),
        (SCORE_EACH, [6, 0, 0], "not in 0..5"),
        (APPROVAL, [2, 0, 0, 0], "not in 0..1"),
        (APPROVAL, [-1, 1, 0, 0], "not in 0..1"),
        (APPROVAL, [1, 0, 0], "3 choices for 4 options"),
    ],
)
def test_choices_outside_the_limits_are_refused(contest: ContestLayout, choice: list[int], rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        contest.bits_of(choice)


def test_a_style_counts_bits_contest_by_contest() -> None:
    second = ContestLayout(first=PLURALITY.n_bits, options=3, score=5, limits=None)
    style = StyleLayout((PLURALITY, second))
    assert style.n_bits == 12
    assert second.option_bits(1) == range(6, 9)
    assert style.sums == 1
    assert style.ciphertexts_length == 64 * 12
    assert style.proof_length == style.template.proof_length == 32 * (4 * 12 + 1 + 1) + 32 * (3 * 12 + 1)


def test_the_relation_binds_the_sum_of_total_contests_only() -> None:
    unlimited = StyleLayout((SCORE_EACH,))
    assert unlimited.template.equations == 4 * 9 + 1
    limited = StyleLayout((SCORE_TOTAL,))
    assert limited.template.equations == 4 * 13 + 1 + 1
