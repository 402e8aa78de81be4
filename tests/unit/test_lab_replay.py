"""The re-enactment is the published totals, candidate by candidate, in an order in which each voter's last ballot
counts."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from retally_lab.replay import SCALES, Replay, load_replay, reversals

PUBLISHED_REVERSALS = ["196", "197", "198", "200", "201", "205", "206", "208"]


def published(scale: int) -> list[dict[str, Any]]:
    data = files("retally_lab") / "data" / f"replay_scale_{scale}.json"
    districts: list[dict[str, Any]] = json.loads(data.read_text(encoding="utf-8"))["districts"]
    return districts


@pytest.fixture(scope="module", params=[100, 500])
def replay(request: pytest.FixtureRequest) -> Replay:
    return load_replay(request.param)


def test_counted_and_superseded_ballots_equal_the_published_totals_of_every_candidate(replay: Replay) -> None:
    last = {ballot.voter: ballot for ballot in replay.ballots}
    counted = Counter((ballot.district, ballot.choice) for ballot in last.values())
    superseded = Counter((ballot.district, ballot.choice) for ballot in replay.ballots)
    superseded.subtract(counted)
    candidates = 0
    for place, district in enumerate(published(replay.scale)):
        for position, row in enumerate(district["candidates"]):
            where = (place, position)
            assert (counted[where], superseded[where]) == (row["online"], row["online_superseded"]), row["code"]
            candidates += 1
    assert (len(replay.districts), candidates) == (15, 171)
    assert counted.total() + superseded.total() == len(replay.ballots)


def test_the_sums_at_scale_500_are_those_of_the_issue() -> None:
    replay = load_replay(500)
    assert (len(replay.voters), len(replay.ballots) - len(replay.voters)) == (3_641, 407)
    assert sum(district.counted for district in replay.districts) == 3_641
    assert sum(district.superseded for district in replay.districts) == 407


@pytest.mark.parametrize("scale", SCALES)
def test_eight_districts_reverse_at_every_scale(scale: int) -> None:
    rows = published(scale)
    reversed_by_hand = []
    for district in rows:
        by_paper = max(district["candidates"], key=lambda row: row["paper"])
        by_sum = max(district["candidates"], key=lambda row: row["paper"] + row["online"])
        if by_paper["code"] != by_sum["code"]:
            reversed_by_hand.append(str(district["district"]))
    assert reversed_by_hand == PUBLISHED_REVERSALS


def test_the_replays_own_reversals_are_these_eight(replay: Replay) -> None:
    assert list(reversals(replay.districts)) == PUBLISHED_REVERSALS


def test_everybody_votes_in_her_own_district_and_for_somebody_who_stands_there(replay: Replay) -> None:
    assert {ballot.voter for ballot in replay.ballots} == set(range(len(replay.voters)))
    for ballot in replay.ballots:
        assert ballot.district == replay.voters[ballot.voter]
        assert 0 <= ballot.choice < len(replay.districts[ballot.district].candidates)


def test_some_vote_more_than_twice_and_not_all_one_after_the_other(replay: Replay) -> None:
    times = Counter(ballot.voter for ballot in replay.ballots)
    assert max(times.values()) > 2
    neighbours = sum(one.voter == other.voter for one, other in zip(replay.ballots, replay.ballots[1:], strict=False))
    assert neighbours < (len(replay.ballots) - len(replay.voters)) / 10


def test_districts_arrive_mixed(replay: Replay) -> None:
    first_half = replay.ballots[: len(replay.ballots) // 2]
    assert {ballot.district for ballot in first_half} == set(range(15))


def test_the_replay_is_the_same_every_time(replay: Replay) -> None:
    assert load_replay(replay.scale) == replay


def test_a_smaller_replay_is_the_first_whole_districts() -> None:
    whole, small = load_replay(500), load_replay(500, 520)
    assert small.districts == whole.districts[:2]
    assert len(small.ballots) == sum(one.counted + one.superseded for one in small.districts) <= 520
    assert load_replay(500, 1).districts == whole.districts[:1]
