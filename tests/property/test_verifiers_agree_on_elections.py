"""Whole elections, honest and not, drawn at random: both verifiers give every check the same state and name the same
entries, and count the same votes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

import pytest

from retally_crypto.errors import RetallyError
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import COUNCIL, MAYOR, Election, Members, contest, district, members_of
from retally_lab.boards.places import MemoryBoard
from retally_reference.report import CHECKS, Report
from retally_reference.verify import verify_board as reference
from retally_verify.report import Report as NativeReport
from retally_verify.run import verify_board as native

CONTESTS = ([MAYOR], [MAYOR, COUNCIL], [contest("score", 2, "total", 5, 1, 7)], [contest("open", 3, "option", 1, 0, 3)])
IMPOSSIBLE = (RetallyError, ValueError, KeyError, IndexError)
"""What the helpers of `retally_lab.boards.election` raise for a step that the board as it is does not allow."""


def draw_election(draw: Random) -> Election:
    """An election with its manifest: districts that merge in every way, any small number of everyone."""
    merges = [draw.choice([None, "south"]), draw.choice([None, "west", "north"]), draw.choice([None, "north"])]
    districts = [district(name, merge) for name, merge in zip(("north", "south", "west"), merges, strict=True)]
    contests = draw.choice(CONTESTS)
    return Election.create(
        contests=contests,
        districts=districts,
        styles={one["id"]: [other["id"] for other in contests] for one in districts},
        guardian_count=draw.choice([(1, 1), (1, 2), (2, 2), (2, 3)]),
        registrar_count=draw.choice([1, 2]),
        witness_count=draw.choice([(0, 0), (2, 3)]),
        voters={one["id"]: draw.choice([1, 2, 3]) for one in districts},
        smallest_unit=draw.choice([0, 1, 2, 3]),
        caps={"revocations": draw.choice([0, 1]), "replacements": draw.choice([0, 1])},
    )


def draw_choices(draw: Random, contests: list[Members]) -> list[list[int]]:
    """Choices that every contest allows."""
    choices = []
    for one in contests:
        votes = [draw.randint(0, one["score"]) for _ in one["options"]]
        while not one["min"] <= sum(votes) <= one["max"]:
            votes = [draw.randint(0, one["score"]) for _ in one["options"]]
        choices.append(votes)
    return choices


def alter(draw: Random, election: Election) -> None:
    """Change one member of one entry; whoever signed it signs it again."""
    at = draw.randrange(1, len(election.entries))
    name, value = draw.choice(sorted(members_of(election.entries[at]).items()))
    if isinstance(value, int):
        election.edit(at, **{name: max(0, value + draw.choice([-1, 1]))})
    elif isinstance(value, str) and len(value) > 40:
        changed = bytearray(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        election.edit(at, **{name: bytes(changed)})


def play(seed: int) -> Election:
    """An election from manifest to result; steps may be left out or repeated, and anyone may misbehave in between."""
    draw = Random(seed)
    election = draw_election(draw)
    numbers, names = range(1, len(election.guardians) + 1), list(election.voters)
    contests = members_of(election.entries[0])["contests"]
    trouble = draw.choice([0, 0, 0.03, 0.1])

    def vote() -> None:
        election.cast(draw.choice(names), draw_choices(draw, contests))

    misdeeds: list[Callable[[], object]] = [
        lambda: election.append(draw.choice(election.entries)),
        lambda: election.append(b"{}"),
        lambda: election.revoke(draw.choice(names)),
        lambda: election.complain(draw.choice(numbers), draw.choice(numbers)),
        lambda: election.confirm(draw.choice(numbers)),
        lambda: election.close(),
        lambda: alter(draw, election),
        vote,
    ]

    def step(action: Callable[[], object]) -> None:
        while draw.random() < trouble:
            with suppress(*IMPOSSIBLE):
                draw.choice(misdeeds)()
        with suppress(*IMPOSSIBLE):
            action()

    for work in (election.commit, election.share):
        for number in numbers:
            step(partial(work, number))
    if draw.random() < 0.3 and len(numbers) > 1:
        accuser, accused = draw.sample(numbers, 2)
        share = draw.choice([None, None, b"\1" + bytes(31)])
        step(lambda: election.complain(accuser, accused))
        step(lambda: election.answer(accused, accuser, share))
    for number in numbers:
        step(partial(election.confirm, number))
    step(lambda: election.roll(draw.choice([1, 2, 1000])))
    for change in (election.revoke, election.replace):
        if draw.random() < 0.3:
            step(partial(change, draw.choice(names)))
    step(election.open)
    for _ in range(draw.choice([0, 2, 6])):
        step(vote)
    step(election.close)
    for number in draw.sample(numbers, draw.randint(0, len(numbers))):
        step(partial(election.decrypt, number))
    step(election.result)
    return election


def entries_named(report: Report | NativeReport) -> set[tuple[str, int]]:
    """(check, entry) for every note about an entry."""
    found = set()
    for check in CHECKS:
        matches = (re.match(r"entry (\d+)\b", note) for note in report.notes_of(check))
        found |= {(check, int(match[1])) for match in matches if match}
    return found


def test_the_elections_drawn_end_in_every_way() -> None:
    reports = [reference(election.files().get, format_policy(election.policy())) for election in map(play, range(40))]
    assert {report.verdict for report in reports} == {"PASS", "FAIL", "INCOMPLETE"}
    assert sum(report.counts is not None for report in reports) > 5
    assert len({check for report in reports for check in report.failed}) >= 4


@pytest.mark.parametrize("seed", range(40))
def test_both_verifiers_say_the_same_of_any_election(seed: int) -> None:
    election = play(seed)
    files, policy = election.files(), election.policy()
    first, second = native(MemoryBoard(files), policy), reference(files.get, format_policy(policy))
    assert {check: first.state_of(check) for check in CHECKS} == second.states
    assert entries_named(first) == entries_named(second)
    outcome = first.outcome
    if outcome is not None and outcome.counts is not None:
        counted = [[list(one.counts) for one in unit.contests] for unit in outcome.counts]
        assert [[one["counts"] for one in unit["contests"]] for unit in second.counts or []] == counted
    else:
        assert second.counts is None
