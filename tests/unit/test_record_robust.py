"""Nothing that an operator can put on a board stops the record from ruling on the rest of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retally_crypto import replay
from retally_crypto.canonical import canonical_bytes
from retally_crypto.checkpoints import open_cosigned_checkpoint
from retally_crypto.merkle import Frontier, leaf_hash
from retally_crypto.replay import Record
from retally_crypto.rules import v08_roll
from retally_crypto.rules.state import Roll, RollState
from retally_crypto.tile_files import bundles_of, tiles_of
from retally_crypto.tiles import bundle_path, decode_bundle
from retally_lab.boards.election import CLOSES, OPENS, Election, members_of, write_board

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**53 - 1) | st.text(max_size=8) | st.just("A" * 43),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "guardian", "votes"]), inner),
    max_leaves=4,
)


def rulings_after(election: Election, index: int, raw: bytes) -> list[str | None]:
    record = Record(election.entries[0])
    rulings = record.replay([*election.entries[1:index], raw, *election.entries[index + 1 :]])
    assert record.size == len(election.entries)
    assert len(record.checks(election.policy(), None)) == 18
    return [ruling.check for ruling in rulings]


@settings(max_examples=60, deadline=None)
@given(choice=st.data())
def test_any_bytes_get_a_ruling(honest_election: Election, choice: st.DataObject) -> None:
    index = choice.draw(st.integers(1, len(honest_election.entries) - 1))
    raw = bytearray(honest_election.entries[index])
    for _ in range(choice.draw(st.integers(1, 3))):
        raw[choice.draw(st.integers(0, len(raw) - 1))] = choice.draw(st.integers(0, 255))
    if bytes(raw) != honest_election.entries[index]:
        assert any(rulings_after(honest_election, index, bytes(raw)))


@settings(max_examples=120, deadline=None)
@given(choice=st.data())
def test_any_members_get_a_ruling_even_when_signed(honest_election: Election, choice: st.DataObject) -> None:
    election = honest_election.copy()
    index = choice.draw(st.integers(1, len(election.entries) - 1))
    names = sorted(set(members_of(election.entries[index])) - {"kind"})
    election.edit(index, **{choice.draw(st.sampled_from(names)): choice.draw(JSON)})
    rulings_after(election, index, election.entries[index])


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}", b"null", b"[" * 60_000, b'{"kind":"ballot"}', b"\xff" * 65_535])
def test_rubbish_is_malformed_and_counts_as_a_ballot_if_it_is_one_line(honest_election: Election, raw: bytes) -> None:
    voting = honest_election.before("closing")
    at = voting.append(raw)
    voting.close()
    record = voting.record()
    assert [(finding.index, finding.check) for finding in record.findings] == [(at, "V09")]
    outcome = record.outcome()
    assert outcome is not None
    assert outcome.reconciliation.refused == int(b"\n" not in raw)


@pytest.mark.parametrize("block", [1, 2, 3])
def test_blocks_of_any_size_rule_alike(honest_election: Election, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    voting = honest_election.before("closing")
    voting.append(voting.ballot("north-3", [[1, 0, 0], [0, 0]]))
    voting.append(voting.entries[-1])
    voting.cast("north-3", [[0, 1, 0], [0, 0]])
    whole = [ruling.check for ruling in Record(voting.entries[0]).replay(voting.entries[1:])]
    assert whole[-3:] == [None, "V12", None]
    monkeypatch.setattr(replay, "BLOCK", block)
    assert [ruling.check for ruling in Record(voting.entries[0]).replay(voting.entries[1:])] == whole


def test_a_ballot_of_another_election_is_malformed_here(honest_election: Election) -> None:
    other = Election.create(title="Another election")
    raw = honest_election.entries[honest_election.index_of("ballot")]
    assert Record(other.entries[0]).admit([raw])[0].check == "V09"


def test_a_ballot_whose_kind_is_an_officials_is_malformed(honest_election: Election) -> None:
    voting = honest_election.before("closing")
    raw = canonical_bytes({**members_of(voting.official("closing", [voting.authority], ballots=6))})
    assert voting.record().admit([raw])[0].check == "V09"


def test_the_files_of_a_board_hold_its_entries_under_a_cosigned_checkpoint() -> None:
    election = Election.create(witness_count=(2, 3), guardian_count=(1, 1), registrar_count=1)
    election.ceremony()
    election.roll()
    election.open()
    election.close()
    files = write_board(election.entries * 40, election.board, election.witnesses)
    size = 40 * len(election.entries)
    assert size > 256
    stored = [raw for b in bundles_of(size) for raw in decode_bundle(files[bundle_path(b)], b.width)]
    assert stored == election.entries * 40
    assert len(files) == 3 + len(list(tiles_of(size))) + len(list(bundles_of(size)))
    keys = [witness.verifier_key for witness in election.witnesses]
    tree = Frontier()
    for raw in stored:
        tree.append(leaf_hash(raw))
    newest = open_cosigned_checkpoint(files["checkpoint"], election.board.verifier_key, keys, 2)
    assert newest.head == tree.head()
    for name, kind, time in (("opening", "opening", OPENS), ("closing", "closing", CLOSES)):
        found = open_cosigned_checkpoint(files[f"checkpoint.{name}"], election.board.verifier_key, keys, 2)
        assert found.head.size == election.index_of(kind) + 1
        assert {stamp for _, stamp in found.cosignatures} == {time}


def test_an_entry_that_is_too_long_is_refused_among_others(honest_election: Election) -> None:
    voting = honest_election.before("closing")
    raw = voting.entries.pop()
    record = Record(voting.entries[0])
    record.replay(voting.entries[1:])
    rulings = record.replay([b"x" * 70_000, raw, b"y" * 65_536])
    assert [ruling.check for ruling in rulings] == ["V09", None, "V09"]
    assert "70000 bytes" in str(rulings[0])


def test_a_roll_that_cannot_be_is_summed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registrars who committed to a roll with a credential twice may send the chunk that completes it for ever."""
    election = Election.create(voters={"north": 4, "south": 1})
    election.voters["south-1"].parts = election.voters["north-1"].parts
    election.ceremony()
    election.roll(chunk=4)
    summed: list[int] = []
    real = v08_roll._sum

    def counted(roll: RollState, count: int) -> Roll:
        summed.append(count)
        return real(roll, count)

    monkeypatch.setattr(v08_roll, "_sum", counted)
    record = Record(election.entries[0])
    rulings = record.replay([*election.entries[1:], *election.entries[-1:] * 5])
    assert [(ruling.check, ruling.reason) for ruling in rulings[-6:]] == [
        ("V08", "position 4 repeats a credential")
    ] * 6
    assert summed == [5]
    assert not record.roll.complete
