"""Choices in plain words: rules, what is typed, too much and too little, blank, and the review."""

from __future__ import annotations

from typing import Any

import pytest

from retally_client.voter.choices import (
    choices_from_json,
    choices_json,
    parse_selection,
    problem_of,
    remark_on,
    review,
    rule_of,
)
from retally_crypto.errors import Refused
from retally_crypto.manifest import Contest
from retally_lab.boards.election import Election, contest

PLURALITY = contest("p", 3, "total", 1, 0, 1)
EXACTLY = contest("e", 5, "total", 1, 2, 2)
RANGE = contest("r", 5, "total", 1, 1, 3)
APPROVAL = contest("a", 4, "total", 1, 0, 4)
EACH = contest("s", 3, "option", 5, 0, 15)
POINTS = contest("t", 3, "total", 5, 2, 10)


def contest_of(members: dict[str, Any]) -> Contest:
    return Contest.model_validate({**members, "options": tuple(members["options"])})


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (PLURALITY, "Choose one, or none."),
        (EXACTLY, "Choose exactly 2."),
        (RANGE, "Choose from 1 to 3."),
        (APPROVAL, "Choose as many as you like, or none."),
        (EACH, "Give each option 0 to 5 points."),
        (POINTS, "Give each option 0 to 5 points. Give at least 2 and at most 10 points in all."),
        (contest("one", 3, "total", 1, 1, 1), "Choose one."),
        (contest("upto", 5, "total", 1, 0, 2), "Choose up to 2, or none."),
    ],
)
def test_a_contests_rule_is_said_in_plain_words(members: dict[str, Any], said: str) -> None:
    assert rule_of(contest_of(members)) == said


@pytest.mark.parametrize(
    ("members", "typed", "choice"),
    [
        (PLURALITY, "2", (0, 1, 0)),
        (PLURALITY, "", (0, 0, 0)),
        (EXACTLY, "5, 1", (1, 0, 0, 0, 1)),
        (EACH, "1=5 3=2", (5, 0, 2)),
        (EACH, "2=0", (0, 0, 0)),
    ],
)
def test_what_is_typed_becomes_a_choice(members: dict[str, Any], typed: str, choice: tuple[int, ...]) -> None:
    assert parse_selection(typed, contest_of(members)) == choice


@pytest.mark.parametrize(
    ("members", "typed", "explained"),
    [
        (PLURALITY, "1 2", "too much: 2 options, at most 1 are allowed"),
        (EXACTLY, "3", "too little: 1 options, at least 2 are needed. Add 1"),
        (EXACTLY, "", "too little"),
        (POINTS, "1=5 2=5 3=5", "too much: 15 points, at most 10 are allowed. Take 5 away"),
        (EACH, "1=6", "6 points; from 0 to 5 are possible"),
        (PLURALITY, "4", "the numbers 1 to 3"),
        (PLURALITY, "0", "the numbers 1 to 3"),
        (PLURALITY, "-1", "the numbers 1 to 3"),
        (PLURALITY, "²", "the numbers 1 to 3"),
        (PLURALITY, "Alice", "the numbers 1 to 3"),
        (PLURALITY, "1=1", "Type the numbers"),
        (EACH, "1", "Type number=points"),
        (EACH, "1=", "Type number=points"),
        (RANGE, "2 2", "named twice"),
    ],
)
def test_what_cannot_be_a_choice_is_explained(members: dict[str, Any], typed: str, explained: str) -> None:
    with pytest.raises(Refused, match=explained.replace(".", r"\.")):
        parse_selection(typed, contest_of(members))


def test_a_blank_and_an_unfinished_choice_are_remarked_on_and_allowed() -> None:
    assert "blank" in (remark_on(contest_of(PLURALITY), (0, 0, 0)) or "")
    assert "1 of 3" in (remark_on(contest_of(RANGE), (1, 0, 0, 0, 0)) or "")
    assert remark_on(contest_of(RANGE), (1, 1, 1, 0, 0)) is None
    assert remark_on(contest_of(APPROVAL), (1, 0, 0, 0)) is None
    assert problem_of(contest_of(PLURALITY), (0, 0, 0)) is None


def test_the_review_names_what_was_chosen_and_what_is_blank() -> None:
    contests = [contest_of(PLURALITY), contest_of(EACH), contest_of(APPROVAL)]
    assert review(contests, ((0, 1, 0), (3, 0, 0), (0, 0, 0, 0))) == [
        "Contest p",
        "  Option 2",
        "Contest s",
        "  Option 1: 3 points",
        "Contest a",
        "  (blank)",
    ]


def test_choices_from_a_file_name_every_contest_and_only_its_options(honest_election: Election) -> None:
    manifest = honest_election.manifest
    chosen = choices_from_json({"mayor": ["o2"], "council": {"o1": 3}}, manifest, 0)
    assert chosen == ((0, 1, 0), (3, 0))
    contests = [manifest.contest("mayor"), manifest.contest("council")]
    assert choices_from_json(choices_json(contests, chosen), manifest, 0) == chosen
    assert choices_from_json({"mayor": [], "council": {}}, manifest, 0) == ((0, 0, 0), (0, 0))
    wrong: list[Any] = [
        {"mayor": ["o2"]},
        {"mayor": ["o2"], "council": [], "other": []},
        {"mayor": ["o9"], "council": []},
        {"mayor": ["o1", "o1"], "council": []},
        {"mayor": ["o1", "o2"], "council": []},
        {"mayor": [True], "council": []},
        {"mayor": {"o1": True}, "council": []},
        {"mayor": {"o1": -1}, "council": []},
        {"mayor": "o1", "council": []},
        [],
        None,
    ]
    for value in wrong:
        with pytest.raises(Refused):
            choices_from_json(value, manifest, 0)
