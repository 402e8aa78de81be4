"""What a dishonest official can make a verifier do: no entry costs more than its own length, however often it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retally_crypto import guardians
from retally_crypto.credentials import opened_roll_digest, roll_positions
from retally_crypto.replay import Record
from retally_crypto.rules import v08_roll
from retally_crypto.rules.v08_roll import opened_digest
from retally_lab.boards.election import Election, members_of, sign
from retally_reference.election import begin, take
from retally_reference.entries import read_official
from retally_reference.merkle import Tree


@pytest.fixture
def unfinished_roll() -> tuple[Election, bytes]:
    """A board on which registrar 1 has one position left to reveal, and the false chunk with which it ends instead."""
    election = Election.create(voters={"north": 40, "south": 1})
    election.roll(chunk=40)
    last = members_of(election.entries[election.index_of("roll", 1)])
    wrong = {**last, "parts": election.voters["north-1"].parts[0]}
    false = sign(wrong, [election.registrars[0]])
    del election.entries[election.index_of("roll", 1) :]
    return election, false


def test_a_false_last_chunk_is_hashed_alone_however_often_it_comes(
    unfinished_roll: tuple[Election, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    election, false = unfinished_roll
    record = Record(election.entries[0])
    assert all(ruling.accepted for ruling in record.replay(election.entries[1:]))
    hashed: list[int] = []
    honest: Callable[..., bytes] = roll_positions

    def counted(parts: bytes, styles: Any) -> bytes:
        hashed.append(len(styles))
        return honest(parts, styles)

    monkeypatch.setattr(v08_roll, "roll_positions", counted)
    assert [ruling.check for ruling in record.replay([false] * 5)] == ["V08"] * 5
    assert hashed == [1] * 5


def test_the_right_last_chunk_completes_the_roll_after_false_ones_in_both_verifiers(
    unfinished_roll: tuple[Election, bytes],
) -> None:
    election, false = unfinished_roll
    whole = election.copy()
    del whole.entries[whole.index_of("roll-commitment") :]
    whole.roll(chunk=40)
    at = whole.index_of("roll", 1)
    entries = [*whole.entries[:at], false, false, *whole.entries[at:]]
    record = Record(entries[0])
    assert [ruling.check for ruling in record.replay(entries[1:]) if not ruling.accepted] == ["V08", "V08"]
    assert record.roll.complete
    assert len(list(record.roll.everyone())) == 41
    manifest = read_official(entries[0]).members
    reference = begin(manifest, election.election_id, Tree(b""))
    take(reference, entries[1:], lambda index: None)
    assert reference.refused.counted == {"V08": 2}
    assert list(reference.roll.credentials) == list(record.roll.everyone())


@pytest.fixture
def before_the_opening() -> tuple[Election, list[bytes]]:
    """A board whose next entry is the opening, and four of them that name another digest of the roll."""
    election = Election.create(voters={"north": 40, "south": 1})
    for step in (election.ceremony, election.roll, election.open):
        step()
    right = members_of(election.entries.pop())
    false = [
        sign({**right, "roll": election.election_id if at % 2 else right["key"]}, [election.authority])
        for at in range(4)
    ]
    return election, [*false, sign(right, [election.authority])]


def test_the_roll_is_hashed_once_however_many_openings_are_false(
    before_the_opening: tuple[Election, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    election, openings = before_the_opening
    hashed: list[int] = []
    honest: Callable[..., bytes] = opened_roll_digest

    def counted(election_id: bytes, active: Any, count: int) -> bytes:
        hashed.append(count)
        return honest(election_id, active, count)

    monkeypatch.setattr(v08_roll, "opened_roll_digest", counted)
    record = Record(election.entries[0])
    assert all(ruling.accepted for ruling in record.replay(election.entries[1:]))
    assert [ruling.check for ruling in record.replay(openings)] == ["V08"] * 4 + [None]
    assert hashed == [41]


def test_what_all_guardians_publish_is_summed_once_however_many_openings_are_false(
    before_the_opening: tuple[Election, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    election, openings = before_the_opening
    record = Record(election.entries[0])
    record.replay(election.entries[1:])
    evaluated: list[int] = []
    honest: Callable[..., bytes] = guardians._evaluate

    def counted(commitments: bytes, at: int) -> bytes:
        evaluated.append(at)
        return honest(commitments, at)

    monkeypatch.setattr(guardians, "_evaluate", counted)
    record.replay(openings)
    assert sorted(evaluated) == sorted(set(evaluated))


def test_a_revocation_changes_the_digest_that_a_later_opening_names(
    before_the_opening: tuple[Election, list[bytes]],
) -> None:
    election, openings = before_the_opening
    record = Record(election.entries[0])
    record.replay([*election.entries[1:], *openings[:4]])
    gone = election.official(
        "roll-revocation", election.registrars, credential=next(record.roll.everyone()), reason="moved"
    )
    assert [ruling.check for ruling in record.replay([gone, openings[4]])] == [None, "V08"]
    right = {**members_of(openings[4]), "credentials": 40, "roll": opened_digest(record.state)}
    assert [ruling.check for ruling in record.replay([sign(right, [election.authority])])] == [None]
