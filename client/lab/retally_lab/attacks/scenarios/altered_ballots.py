"""V10, first half: ballots that were right until somebody altered, copied or moved them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from retally_crypto.ballots import FIRST
from retally_crypto.encoding import b64url_decode
from retally_lab.attacks.forging import forge
from retally_lab.attacks.tampering import (
    GENERATOR,
    MAYOR,
    Tampered,
    another_election,
    at_polls,
    attack,
    enrol,
    finish,
    members,
)
from retally_lab.boards.election import Election, body_hash, district


def _exchanged(member: str, position: int, record: bytes) -> Tampered:
    election = at_polls()
    at = election.cast("south-2", [[0, 1]])
    value = bytearray(b64url_decode(members(election, at)[member]))
    start = 32 * position % len(value)
    assert value[start : start + 32] != record
    value[start : start + 32] = record
    election.edit(at, **{member: bytes(value)})
    return Tampered.board(finish(election), at)


for _name, _member, _position, _record in (
    ("the_first_half_of_a_ciphertext_exchanged", "ciphertexts", 0, GENERATOR),
    ("the_second_half_of_a_ciphertext_exchanged", "ciphertexts", 1, GENERATOR),
    ("the_slack_of_a_ballot_exchanged", "ciphertexts", -1, GENERATOR),
    ("the_first_commitment_of_a_proof_exchanged", "proof", 0, GENERATOR),
    ("a_later_commitment_of_a_proof_exchanged", "proof", 9, GENERATOR),
    ("the_first_response_of_a_proof_exchanged", "proof", 14, (5).to_bytes(32, "little")),
    ("the_last_response_of_a_proof_exchanged", "proof", -1, bytes(32)),
):
    enrol(_name, "V10", partial(_exchanged, _member, _position, _record))


@attack("V10")
def two_options_of_a_ballot_exchanged() -> Tampered:
    """The vote for one option becomes a vote for the other, and the sum stays right."""
    election = at_polls()
    at = election.cast("south-2", [[0, 1]])
    ciphertexts = b64url_decode(members(election, at)["ciphertexts"])
    election.edit(at, ciphertexts=ciphertexts[64:128] + ciphertexts[:64] + ciphertexts[128:])
    return Tampered.board(finish(election), at)


@attack("V10")
def a_ballot_copied_to_another_credential() -> Tampered:
    election = at_polls()
    copied = election.index_of("ballot", 1)
    at = election.append(election.entries[copied])
    election.edit(at, credential=election.voters["south-2"].credential)
    return Tampered.board(finish(election), at)


@attack("V10")
def a_ballot_moved_to_another_style() -> Tampered:
    """Two styles of one shape: only the body hash in the tag tells their ballots apart."""
    election = Election.create((MAYOR,), (district("north"), district("south")))
    election.ceremony()
    election.roll()
    election.open()
    at = election.cast("north-1", [[1, 0]])
    election.edit(at, style="south", credential=election.voters["south-1"].credential)
    return Tampered.board(finish(election), at)


@attack("V10")
def a_superseded_ballot_put_on_the_chain_again() -> Tampered:
    """The voter's first ballot with `previous` edited, so that it would count instead of the second."""
    election = at_polls()
    first = election.entries[election.index_of("ballot")]
    last = election.last_ballot("north-1")
    at = election.append(first)
    election.edit(at, previous=last)
    return Tampered.board(finish(election), at)


@attack("V10")
def a_second_ballot_made_a_first() -> Tampered:
    """A held-back second ballot, put where no first one came: the voter had signed what it follows."""
    election = at_polls()
    first = election.ballot("south-2", [[0, 1]])
    at = election.append(election.ballot("south-2", [[1, 0]], previous=body_hash(first)))
    election.edit(at, previous=FIRST)
    return Tampered.board(finish(election), at)


@attack("V10")
def a_ballot_of_another_election_edited_into_this_one() -> Tampered:
    """Same key holders, same voter's credential, same style: only the election in the tag differs."""
    election, other = at_polls(), another_election().copy()
    voter = election.voters["south-2"]
    other.voters["south-2"] = voter
    at = election.append(other.ballot("south-2", [[0, 1]]))
    election.edit(at, election=election.election_id)
    return Tampered.board(finish(election), at)


@attack("V10")
def a_proof_taken_from_another_ballot() -> Tampered:
    election = at_polls()
    donor = members(election, election.index_of("ballot", 1))
    at = election.cast("south-2", [[0, 1]])
    election.edit(at, proof=donor["proof"])
    return Tampered.board(finish(election), at)


@attack("V10")
def a_ballot_cast_by_whoever_does_not_know_the_credentials_secret() -> Tampered:
    """The operator encrypts a vote for an abstainer and proves it with another voter's secret."""
    election = at_polls()
    forgery = forge(election, "south-2", [1, 0, 0])
    witness = (int.from_bytes(election.voters["south-3"].secret, "little"), *forgery.witness[1:])
    at = election.append(replace(forgery, witness=witness).entry())
    return Tampered.board(finish(election), at)
