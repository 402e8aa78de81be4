"""What a dishonest official can make a verifier do: no entry costs more than its own length, however often it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retally_crypto.credentials import roll_positions
from retally_crypto.replay import Record
from retally_crypto.rules import v08_roll
from retally_lab.boards.election import Election, members_of, sign
from retally_reference.election import begin, take
from retally_reference.entries import read_official


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
    reference = begin(manifest, election.election_id, b"")
    take(reference, entries[1:], lambda index: None)
    assert [one.check for one in reference.refused] == ["V08", "V08"]
    assert list(reference.roll.credentials) == list(record.roll.everyone())
