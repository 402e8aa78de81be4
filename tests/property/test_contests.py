"""What bits and weights promise, for every range (docs/spec 6.1)."""

from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from retally_crypto.contests import ContestLayout, bits, weights


@given(st.integers(0, 2**40))
def test_weights_sum_to_the_largest_value(largest: int) -> None:
    assert sum(weights(largest)) == largest
    assert all(weight > 0 for weight in weights(largest))


@given(st.integers(0, 1000))
def test_subset_sums_of_the_weights_are_exactly_the_range(largest: int) -> None:
    sums = {sum(w for w, b in zip(weights(largest), chosen, strict=True) if b) for chosen in _subsets(largest)}
    assert sums == set(range(largest + 1))


def _subsets(largest: int) -> Iterator[tuple[int, ...]]:
    return product((0, 1), repeat=len(weights(largest)))


@given(st.integers(0, 2**40).flatmap(lambda largest: st.tuples(st.just(largest), st.integers(0, largest))))
def test_bits_of_a_value_weigh_that_value(case: tuple[int, int]) -> None:
    largest, value = case
    chosen = bits(largest, value)
    assert set(chosen) <= {0, 1}
    assert sum(w * b for w, b in zip(weights(largest), chosen, strict=True)) == value


@given(st.data())
def test_the_bits_of_a_choice_weigh_the_largest_sum_and_give_the_choice_back(data: st.DataObject) -> None:
    options = data.draw(st.integers(1, 8))
    score = data.draw(st.integers(1, 20))
    choice = data.draw(st.lists(st.integers(0, score), min_size=options, max_size=options))
    largest = data.draw(st.integers(max(sum(choice), 1), max(options * score, 1)))
    smallest = data.draw(st.integers(0, sum(choice)))
    contest = ContestLayout(0, options, score, (smallest, largest))
    chosen = contest.bits_of(choice)
    assert sum(w * b for w, b in zip(contest.weights, chosen, strict=True)) == largest
    assert contest.choice_of(chosen[: len(chosen) - len(contest.slack_weights)]) == tuple(choice)
