"""Whatever is chosen within the limits can be opened and proved, and no change of an opening goes unnoticed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retally_crypto.ballots import FIRST, verify_ballots
from retally_crypto.entries import Ballot, parse_entry
from retally_crypto.errors import RetallyError
from retally_crypto.manifest import Manifest
from retally_crypto.secret.encrypt import SealedBallot, encrypt, open_ballot, prove_ballot
from retally_lab.boards.manifests import ELECTION, PLURALITY_OR_BLANK, contest, manifest, point, secret

KEY = point("joint key")
SMALL = manifest([PLURALITY_OR_BLANK])


@st.composite
def contests_with_choices(draw: st.DrawFn, contest_id: str) -> tuple[dict[str, Any], list[int]]:
    options = draw(st.integers(1, 4))
    score = draw(st.integers(1, 5))
    choice = draw(st.lists(st.integers(0, score), min_size=options, max_size=options))
    if draw(st.booleans()):
        return contest(contest_id, options, 0, options * score, score=score, limit="option"), choice
    largest = draw(st.integers(max(1, sum(choice)), options * score))
    return contest(contest_id, options, draw(st.integers(0, sum(choice))), largest, score=score), choice


@st.composite
def elections_with_choices(draw: st.DrawFn) -> tuple[Manifest, list[list[int]]]:
    drawn = [draw(contests_with_choices(f"c{i}")) for i in range(draw(st.integers(1, 2)))]
    return manifest([made for made, _ in drawn]), [choice for _, choice in drawn]


@settings(max_examples=15, deadline=None)
@given(elections_with_choices(), st.binary(min_size=32, max_size=32))
def test_any_valid_choice_opens_to_itself_and_is_proved(
    case: tuple[Manifest, list[list[int]]], ballot_seed: bytes
) -> None:
    election, choices = case
    sealed = encrypt(election, ELECTION, KEY, 0, point("voter"), FIRST, choices, ballot_seed)
    opened = open_ballot(sealed.opening(), election, ELECTION, KEY)
    assert opened.choices == tuple(map(tuple, choices))
    ballot = parse_entry(prove_ballot(sealed, secret("voter")), ELECTION)
    assert isinstance(ballot, Ballot)
    assert ballot.body_hash == sealed.body_hash == opened.body_hash
    assert verify_ballots([ballot], election, ELECTION, KEY) == []


@pytest.fixture(scope="module")
def sealed() -> SealedBallot:
    return encrypt(SMALL, ELECTION, KEY, 0, point("voter"), FIRST, [[0, 1, 0]], bytes(range(32)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_altered_byte_of_an_opening_goes_unnoticed(sealed: SealedBallot, data: st.DataObject) -> None:
    opening = bytearray(sealed.opening())
    position = data.draw(st.integers(0, len(opening) - 1))
    opening[position] = data.draw(st.integers(0, 255).filter(lambda byte: byte != opening[position]))
    with pytest.raises(RetallyError):
        open_ballot(bytes(opening), SMALL, ELECTION, KEY)
