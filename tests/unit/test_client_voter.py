"""A voter's device: choices in words, a ballot that is tested or cast, what is read before, and tracking after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from retally_client.api import BoardServer
from retally_client.voter import booth
from retally_client.voter.casting import PreparedBallot, Receipt, cast, check_receipt, credential_of, prepare, send
from retally_client.voter.reading import (
    NotOnRoll,
    Opened,
    read_fully,
    read_manifest,
    read_opened,
    require_same_board,
    standing,
)
from retally_client.voter.tracking import track, with_body, with_code, with_credential
from retally_crypto.ballots import FIRST
from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.codes import encode_code
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import BadProof, BadSignature, Malformed, Refused
from retally_crypto.merkle import TreeHead, leaf_hash
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.replay import Record
from retally_crypto.secret.credentials import CHECK_SYMBOLS, LABEL, SYMBOLS
from retally_crypto.secret.encrypt import open_ballot
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_crypto.tracking import parse_tracking_code, tracking_code
from retally_crypto.tree_proofs import hash_source, inclusion_proof
from retally_lab.boards.election import MAYOR, Election, Voter, district, signing_key
from retally_lab.boards.files import body_hash, checkpoint, members_of
from retally_lab.boards.places import ADDRESS, MemoryBoard
from retally_verify.board import Unreachable

YES = [[1, 0, 0]]
NO = [[0, 1, 0]]


@pytest.fixture(scope="module")
def opened_election() -> Election:
    """One contest, three voters, open: to be copied."""
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), voters={"north": 3}
    )
    election.ceremony()
    election.roll()
    election.open()
    return election


@pytest.fixture
def election(opened_election: Election) -> Election:
    return opened_election.copy()


def typed_codes(voter: Voter) -> list[str]:
    return [encode_code(code, SYMBOLS, CHECK_SYMBOLS, LABEL) for code in voter.codes]


def board_of(election: Election, lookups: dict[str, Sequence[int]] | None = None) -> MemoryBoard:
    """The board's files, and the server's answers about credentials: honest ones, or the indices given by voter."""
    board = MemoryBoard(election.files())
    for name, voter in election.voters.items():
        indices = (lookups or {}).get(name, election.record().ballots_of(voter.credential))
        answer = {"ballots": [{"index": index} for index in indices]}
        board.files[f"credentials/{b64url_encode(voter.credential)}"] = json.dumps(answer).encode()
    return board


def light(election: Election, lookups: dict[str, Sequence[int]] | None = None) -> Opened:
    return read_opened(board_of(election, lookups), election.policy())


class InProcessServer(BoardServer):
    """Puts ballots on the board as they come, the same bytes once, and remembers what was sent."""

    def __init__(self, election: Election) -> None:
        super().__init__(ADDRESS)
        self.election = election
        self.received: list[bytes] = []

    def cast(self, entry: bytes) -> bytes:
        self.received.append(entry)
        if entry not in self.election.entries:
            self.election.append(entry)
        return receipt_of(self.election, self.election.entries.index(entry))


def receipt_of(election: Election, index: int) -> bytes:
    hashes = [leaf_hash(raw) for raw in election.entries]
    proof = inclusion_proof(index, len(hashes), hash_source(hashes))
    return format_tlog_proof(TlogProof(index, proof, checkpoint(hashes, election.board, election.witnesses, 1)))


# ---- test or cast ----


def a_ballot(election: Election, choices: Sequence[Sequence[int]] = YES) -> PreparedBallot:
    opened = light(election)
    return prepare(opened.context, standing(opened, election.voters["north-1"].credential), choices)


def test_a_tested_ballot_never_gets_a_proof(election: Election) -> None:
    ballot, secret = a_ballot(election), election.voters["north-1"].secret
    ballot.test()
    with pytest.raises(Refused, match="tested or cast already"):
        ballot.prove(secret)
    with pytest.raises(Refused, match="tested or cast already"):
        ballot.test()


def test_a_cast_ballot_is_never_opened_nor_proved_twice(election: Election) -> None:
    ballot, secret = a_ballot(election), election.voters["north-1"].secret
    ballot.prove(secret)
    with pytest.raises(Refused, match="tested or cast already"):
        ballot.test()
    with pytest.raises(Refused, match="tested or cast already"):
        ballot.prove(secret)


def test_a_tested_ballot_opens_to_its_choices_under_the_code_shown_before(election: Election) -> None:
    ballot = a_ballot(election, NO)
    code = ballot.tracking_code
    opened = light(election)
    opening = open_ballot(ballot.test(), opened.context.manifest, election.election_id, opened.context.key)
    assert opening.choices == ((0, 1, 0),)
    assert opening.tracking_code == code


def test_two_encryptions_of_the_same_choices_share_nothing(election: Election) -> None:
    assert a_ballot(election).tracking_code != a_ballot(election).tracking_code


def test_choices_beyond_the_limits_are_not_encrypted(election: Election) -> None:
    with pytest.raises(Refused, match="mayor"):
        a_ballot(election, [[1, 1, 0]])


def test_codes_make_the_voters_credential_and_nothing_secret_shows(election: Election) -> None:
    voter = election.voters["north-2"]
    secret = credential_of(typed_codes(voter), election.election_id)
    assert (secret.credential, secret.scalar) == (voter.credential, voter.secret)
    assert repr(voter.secret) not in repr(secret)
    swapped = credential_of(typed_codes(voter)[::-1], election.election_id)
    assert swapped.credential != voter.credential
    mistyped = [typed_codes(voter)[0][:-1] + "*", typed_codes(voter)[1]]
    with pytest.raises(Malformed) as caught:
        credential_of(mistyped, election.election_id)
    assert mistyped[0] not in str(caught.value)


# ---- casting and receipts ----


def cast_one(election: Election, server: InProcessServer, kept: list[bytes]) -> Receipt:
    secret = credential_of(typed_codes(election.voters["north-1"]), election.election_id)
    return cast(server, a_ballot(election), secret, election.policy(), kept.append)


def test_a_cast_ballot_is_kept_before_it_is_sent_and_its_receipt_is_checked(election: Election) -> None:
    server, kept = InProcessServer(election), list[bytes]()
    receipt = cast_one(election, server, kept)
    assert kept == server.received
    assert election.entries[receipt.index] == kept[0]
    assert receipt.tracking_code == tracking_code(body_hash(kept[0]))
    assert election.record().findings == []
    assert "no witnesses" in receipt.state


def test_sending_the_same_ballot_again_gives_a_receipt_for_the_same_place(election: Election) -> None:
    server, kept = InProcessServer(election), list[bytes]()
    first = cast_one(election, server, kept)
    assert send(server, kept[0], election.policy()).index == first.index
    assert election.entries.count(kept[0]) == 1


def test_a_receipt_for_other_bytes_or_from_another_board_is_refused(election: Election) -> None:
    server, kept = InProcessServer(election), list[bytes]()
    receipt = cast_one(election, server, kept)
    other = election.ballot("north-2", NO)
    with pytest.raises(BadProof):
        check_receipt(receipt.raw, other, election.policy())
    election.append(other)
    proof = parse_tlog_proof(receipt_of(election, receipt.index))
    moved = format_tlog_proof(TlogProof(proof.index + 1, proof.hashes, proof.checkpoint))
    with pytest.raises(BadProof):
        check_receipt(moved, kept[0], election.policy())
    other_board = replace(election.policy(), board=signing_key("board.example/other").verifier_key)
    with pytest.raises(Refused, match="origin"):
        check_receipt(receipt.raw, kept[0], other_board)
    with pytest.raises(Refused, match="not a ballot"):
        check_receipt(receipt.raw, election.entries[1], election.policy())


def test_a_receipt_is_not_yet_witnessed_until_a_quorum_cosigned_it() -> None:
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    election.ceremony()
    election.roll()
    election.open()
    entry = election.ballot("north-1", YES)
    index, witnesses = election.append(entry), election.witnesses
    states = []
    for count in range(3):
        election.witnesses = witnesses[:count]
        raw = receipt_of(election, index)
        election.witnesses = witnesses
        states.append(check_receipt(raw, entry, election.policy()).state)
    assert states == ["recorded, not yet witnessed", "recorded, not yet witnessed", "recorded and witnessed"]


# ---- what is read before ----


def test_the_light_way_learns_key_style_and_last_ballot(election: Election) -> None:
    election.cast("north-1", YES)
    election.cast("north-2", NO)
    election.cast("north-1", NO)
    opened = light(election)
    own = standing(opened, election.voters["north-1"].credential)
    assert opened.context.key == election.record().joint_key
    assert [ballot.index for ballot in own.ballots] == list(
        election.record().ballots_of(election.voters["north-1"].credential)
    )
    assert own.previous == election.last_ballot("north-1")
    assert standing(opened, election.voters["north-3"].credential).previous == FIRST


def test_earlier_ballots_are_told_one_by_one(election: Election, capsys: pytest.CaptureFixture[str]) -> None:
    def told() -> str:
        booth.tell_earlier(standing(light(election), election.voters["north-1"].credential))
        return capsys.readouterr().err

    assert told() == ""
    first = tracking_code(body_hash(election.entries[election.cast("north-1", YES)]))
    said = told()
    assert "With your codes 1 ballot was cast already:" in said
    assert first in said
    election.cast("north-1", NO)
    assert "With your codes 2 ballots were cast already:" in told()


def test_the_light_and_the_full_way_agree(election: Election) -> None:
    election.cast("north-1", YES)
    election.cast("north-1", NO)
    opened, credential = light(election), election.voters["north-1"].credential
    context, own = read_fully(board_of(election), election.policy(), credential)
    assert (context, own) == (opened.context, standing(opened, credential))


def test_the_next_ballot_after_the_light_way_continues_the_chain(election: Election) -> None:
    election.cast("north-1", YES)
    election.append(a_ballot(election, NO).prove(election.voters["north-1"].secret))
    assert election.record().findings == []
    assert len(election.record().ballots_of(election.voters["north-1"].credential)) == 2


def test_the_light_way_reads_the_bundles_it_needs_and_no_others(election: Election) -> None:
    entries = election.entries
    filler = [election.ballot("north-2", YES)] * (3 * 256)
    mine = election.ballot("north-1", YES)
    election.entries = [*entries, *filler, mine, *filler]
    board = MemoryBoard(election.files())
    answer = {"ballots": [{"index": len(entries) + len(filler)}]}
    board.files[f"credentials/{b64url_encode(election.voters['north-1'].credential)}"] = json.dumps(answer).encode()
    opened = read_opened(board, election.policy())
    assert standing(opened, election.voters["north-1"].credential).previous == body_hash(mine)
    bundles = {path for path in board.reads if path.startswith("tile/entries/")}
    assert bundles == {"tile/entries/000", "tile/entries/003"}


@pytest.mark.parametrize("named", ["other voter's", "official's", "beyond the checkpoint", "negative"])
def test_an_entry_that_is_not_the_voters_ballot_is_never_signed_as_previous(election: Election, named: str) -> None:
    other = election.cast("north-2", YES)
    index = {"other voter's": other, "official's": 1, "beyond the checkpoint": 10_000, "negative": -1}[named]
    opened = light(election, {"north-1": [index]})
    with pytest.raises((Refused, Malformed)):
        standing(opened, election.voters["north-1"].credential)


def test_a_ballot_whose_proof_is_wrong_is_never_signed_as_previous(election: Election) -> None:
    index = election.cast("north-1", YES)
    proof = bytearray(b64url_decode(members_of(election.entries[index])["proof"]))
    proof[-32] ^= 1
    election.edit(index, proof=bytes(proof))
    with pytest.raises(BadProof, match="V10"):
        standing(light(election, {"north-1": [index]}), election.voters["north-1"].credential)


def test_a_chain_with_a_hole_is_refused(election: Election) -> None:
    election.cast("north-1", YES)
    second = election.cast("north-1", NO)
    with pytest.raises(Refused, match="V12"):
        standing(light(election, {"north-1": [second]}), election.voters["north-1"].credential)


def test_an_altered_entry_is_not_the_one_of_the_checkpoint(election: Election) -> None:
    index = election.cast("north-1", YES)
    board = board_of(election, {"north-1": [index]})
    election.edit(index, previous=b"\x07" * 32)
    forged = election.files()
    board.files |= {path: forged[path] for path in forged if path.startswith("tile/entries/")}
    with pytest.raises(BadProof, match=f"entry {index}"):
        standing(read_opened(board, election.policy()), election.voters["north-1"].credential)


def test_tiles_of_another_tree_are_refused(election: Election) -> None:
    board = board_of(election)
    election.edit(1, guardian=1, encryption_key=b"\x09" * 32)
    forged = election.files()
    board.files |= {path: forged[path] for path in forged if path != "checkpoint"}
    with pytest.raises(BadProof):
        read_opened(board, election.policy())


def test_a_joint_key_that_only_the_authority_signed_is_refused(election: Election) -> None:
    index = election.index_of("opening")
    election.edit(index, key=election.voters["north-1"].credential)
    with pytest.raises(Refused, match="V07"):
        light(election)


def test_nothing_is_encrypted_before_voting_opens_or_for_another_election(election: Election) -> None:
    with pytest.raises(Refused, match="not opened"):
        light(election.before("opening"))
    foreign = Election.create(title="Another", contests=(MAYOR,), districts=(district("north"),))
    with pytest.raises(Refused, match="V03"):
        read_opened(board_of(election), foreign.policy())
    with pytest.raises(Refused, match="the policy trusts"):
        read_manifest(board_of(election), foreign.policy())
    assert read_manifest(board_of(election), election.policy()) == election.manifest


def test_a_checkpoint_that_the_board_did_not_sign_is_refused(election: Election) -> None:
    policy = election.policy()
    impostor = election.copy()
    impostor.board = type(election.board).from_seed(election.board.verifier_key.name, bytes(32))
    with pytest.raises(BadSignature):
        read_opened(board_of(impostor), policy)


def test_a_credential_that_is_not_on_the_roll_is_said_to_be_none(election: Election) -> None:
    stranger = credential_of(typed_codes(election.voters["north-1"]), bytes(32)).credential
    with pytest.raises(NotOnRoll):
        standing(light(election), stranger)
    with pytest.raises(NotOnRoll):
        read_fully(board_of(election), election.policy(), stranger)


def test_a_credential_replaced_during_voting_is_found_by_the_full_way(election: Election) -> None:
    old = election.voters["north-1"].credential
    election.replace("north-1")
    new = election.voters["north-1"].credential
    with pytest.raises(NotOnRoll):
        standing(light(election), new)
    assert read_fully(board_of(election), election.policy(), new)[1].ballots == ()
    with pytest.raises(NotOnRoll):
        read_fully(board_of(election), election.policy(), old)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"ballots":{}}', b'{"ballots":[{"index":"1"}]}', b'{"ballots":[{"index":true}]}', b"\xff"]
)
def test_an_answer_about_a_credential_that_cannot_be_read_is_malformed(election: Election, answer: bytes) -> None:
    board, credential = board_of(election), election.voters["north-1"].credential
    board.files[f"credentials/{b64url_encode(credential)}"] = answer
    opened = read_opened(board, election.policy())
    if answer == b'{"ballots":{}}':
        assert standing(opened, credential).ballots == ()
        return
    with pytest.raises(Malformed, match="answer about this credential"):
        standing(opened, credential)


def test_a_board_without_lookups_is_read_fully_instead(election: Election) -> None:
    opened = read_opened(MemoryBoard(election.files()), election.policy())
    with pytest.raises(Unreachable, match="--full"):
        standing(opened, election.voters["north-1"].credential)


def test_a_board_that_forked_after_it_was_read_is_noticed(election: Election) -> None:
    before = light(election).context.head
    election.cast("north-1", YES)
    grown = election.record()
    require_same_board(board_of(election), before, TreeHead(grown.size, grown.root))
    forked = election.copy()
    forked.entries[1], forked.entries[2] = forked.entries[2], forked.entries[1]
    board = MemoryBoard(forked.files())
    with pytest.raises(BadProof):
        require_same_board(board, before, verify_checkpoint(board.files["checkpoint"], forked.board.verifier_key).head)


# ---- tracking ----


@pytest.fixture(scope="module")
def counted(opened_election: Election) -> Election:
    """north-1 voted twice, north-2 once, north-3 abstained; a copy of north-2's ballot was refused; closed."""
    election = opened_election.copy()
    election.cast("north-1", YES)
    election.cast("north-2", YES)
    election.cast("north-1", NO)
    election.append(election.entries[-2])
    election.close()
    return election


def test_a_superseded_and_a_counting_ballot_are_told_apart_by_tracking_code(counted: Election) -> None:
    first, second = counted.record().ballots_of(counted.voters["north-1"].credential)
    board, policy = board_of(counted), counted.policy()
    states = []
    for index in (first, second):
        code = tracking_code(body_hash(counted.entries[index]))
        found = track(board, policy, with_code(parse_tracking_code(code.lower())))
        states.append([(ballot.index, ballot.state, ballot.later) for ballot in found.ballots])
        assert found.closed
    assert states == [[(first, "superseded", second)], [(second, "counts", None)]]


def test_all_that_was_cast_with_ones_own_codes_is_shown(counted: Election) -> None:
    credential = counted.voters["north-1"].credential
    found = track(board_of(counted), counted.policy(), with_credential(credential))
    assert [ballot.state for ballot in found.ballots] == ["superseded", "counts"]


def test_who_abstained_sees_that_no_ballot_was_cast_in_her_name(counted: Election) -> None:
    credential = counted.voters["north-3"].credential
    found = track(board_of(counted), counted.policy(), with_credential(credential), credential=credential)
    assert found.ballots == ()
    assert found.credential == "active"


def test_a_refused_copy_is_shown_with_the_check_that_refused_it(counted: Election) -> None:
    found = track(board_of(counted), counted.policy(), with_credential(counted.voters["north-2"].credential))
    assert [ballot.state for ballot in found.ballots] == ["counts", "refused"]
    assert (found.ballots[1].reason or "").startswith("V12")
    assert [fault[:3] for fault in found.faults] == ["V12"]


def test_an_unknown_tracking_code_is_not_found(counted: Election) -> None:
    assert track(board_of(counted), counted.policy(), with_body(bytes(32))).ballots == ()


def test_a_receipt_for_a_ballot_that_was_dropped_makes_the_board_fail(counted: Election) -> None:
    index = counted.record().ballots_of(counted.voters["north-2"].credential)[0]
    entry, receipt = counted.entries[index], receipt_of(counted, index)
    dropped = counted.copy()
    dropped.entries = [raw for raw in counted.entries if raw != entry]
    found = track(board_of(dropped), counted.policy(), with_body(body_hash(entry)), receipts=[receipt])
    assert found.ballots == ()
    assert any(fault.startswith("V02") for fault in found.faults)


class ShowsOnce(MemoryBoard):
    """A board that shows one entry as another at one reading of its bundle, with a level-0 tile to match if it is
    read then."""

    def __init__(self, election: Election, index: int, entry: bytes, reading: int) -> None:
        super().__init__(election.files())
        other = election.copy()
        other.entries[index] = entry
        self.other, self.reading = other.files(), reading

    def read(self, path: str, limit: int) -> bytes | None:
        content = super().read(path, limit)
        looked_at = ("tile/entries/",) if self.reading > 2 else ("tile/entries/", "tile/0/")
        if path.startswith(looked_at) and self.reads.count(path) == self.reading:
            return self.other[path]
        return content


@pytest.mark.parametrize("reading", [1, 2, 3])
def test_a_ballot_is_found_only_where_it_stands(reading: int, counted: Election) -> None:
    """The verifier reads a bundle up to three times, and not always all of it."""
    index = counted.record().ballots_of(counted.voters["north-2"].credential)[0]
    entry = counted.entries[index]
    dropped = counted.before("opening")
    dropped.open()
    dropped.cast("north-2", NO)
    dropped.cast("north-1", NO)
    dropped.cast("north-1", YES)
    dropped.close()
    shown = ShowsOnce(dropped, dropped.index_of("closing") - 3, entry, reading)
    found = track(shown, counted.policy(), with_body(body_hash(entry)))
    assert found.report.state_of("V02") == ("fail" if reading == 2 else "pass")
    assert found.ballots == ()


@pytest.mark.parametrize("tail", [b"", b"\xff", b"\xff\xff\x00"])
def test_a_ballot_is_found_in_a_full_bundle_that_is_none(tail: bytes, counted: Election) -> None:
    """The verifier cuts what it needs out of a full bundle where the partial one is gone, and says PASS."""
    board = board_of(counted)
    bundle = f"tile/entries/000.p/{len(counted.entries)}"
    board.files["tile/entries/000"] = board.files.pop(bundle) + tail
    index = counted.record().ballots_of(counted.voters["north-2"].credential)[0]
    found = track(board, counted.policy(), with_body(body_hash(counted.entries[index])))
    assert found.report.state_of("V02") == "pass"
    assert (index, "counts") in [(ballot.index, ballot.state) for ballot in found.ballots]


def test_copies_of_a_ballot_cost_its_voter_one_look(counted: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = counted.voters["north-2"].credential
    copied = counted.before("closing")
    before = [ballot.state for ballot in track(board_of(copied), copied.policy(), with_credential(credential)).ballots]
    index = copied.record().ballots_of(credential)[0]
    copied.entries += [copied.entries[index]] * 50
    looks: list[bytes] = []
    ballots_of = Record.ballots_of

    def counting(record: Record, credential: bytes) -> Sequence[int]:
        looks.append(credential)
        return ballots_of(record, credential)

    monkeypatch.setattr(Record, "ballots_of", counting)
    found = track(board_of(copied), copied.policy(), with_credential(credential))
    assert [ballot.state for ballot in found.ballots] == before + ["refused"] * 50
    assert 0 < looks.count(credential) < 5


def test_nothing_is_said_of_ballots_when_the_entries_are_not_the_boards(counted: Election) -> None:
    board = board_of(counted)
    board.files["checkpoint"] = checkpoint([leaf_hash(b"x")], counted.board, (), 1)
    board.files["tile/entries/000.p/1"] = b"\x00\x01y"
    board.files["tile/0/000.p/1"] = leaf_hash(b"y")
    found = track(board, counted.policy(), with_credential(counted.voters["north-1"].credential))
    assert (found.ballots, found.faults[0][:3]) == ((), "V02")
