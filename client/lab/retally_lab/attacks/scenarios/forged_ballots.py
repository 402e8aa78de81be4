"""V10, second half: ballots whose statement is false, and proofs whose challenge leaves a part of the statement out.

A ballot of the style south has three bits: two options and one of slack, and option 1 + option 2 + slack = 1.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from retally_lab.attacks.forging import Forgery, forge
from retally_lab.attacks.tampering import ORDER, Tampered, at_polls, attack, enrol, finish
from retally_lab.boards.election import Election

BITS = 3
PARTS = (
    "tag",
    "election id",
    "body hash",
    "header",
    "K",
    "C",
    *(f"{half}_{bit}" for bit in range(1, BITS + 1) for half in "AB"),
    "commitment",
)
"""Everything that a ballot's challenge is derived from."""

FALSE = {
    "an_over_vote": [1, 1, 0],
    "an_over_vote_with_slack": [1, 1, 1],
    "an_under_vote_that_hides_its_slack": [0, 0, 0],
    "a_bit_that_is_2": [2, 0, 0],
    "a_bit_that_is_2_beside_one_that_is_minus_1": [2, -1, 0],
    "a_bit_that_is_minus_1": [1, -1, 1],
    "a_slack_that_is_minus_1": [1, 1, -1],
    "a_hundred_votes_paid_with_slack": [100, 0, -99],
    "a_bit_that_is_one_half": [(ORDER + 1) // 2, (ORDER + 1) // 2, 0],
}
"""Bits of ballots whose statement is false: not all 0 or 1, or another sum than 1."""


def slipped_in(forgery: Forgery, proof: bytes | None = None) -> Tampered:
    """The honest board with a forged ballot before the closing."""
    election = forgery.election
    at = election.append(forgery.entry(proof))
    return Tampered.board(finish(election), at)


def _false(bits: list[int]) -> Tampered:
    return slipped_in(forge(at_polls(), "south-2", bits))


for _name, _bits in FALSE.items():
    enrol(_name, "V10", partial(_false, _bits))


def weakly_proved(election: Election, omitted: str) -> tuple[Forgery, bytes]:
    """A ballot with the proof of a prover whose challenge leaves `omitted` out."""
    forgery = forge(election, "south-2", [1, 0, 0])
    return forgery, forgery.proof(forgery.challenge(omitted))


def _weak(omitted: str) -> Tampered:
    return slipped_in(*weakly_proved(at_polls(), omitted))


for _part in PARTS:
    enrol(f"a_challenge_that_leaves_out_{_part.replace(' ', '_')}", "V10", partial(_weak, _part))


def simulated(election: Election) -> tuple[Forgery, bytes]:
    """A ballot of a hundred votes under a credential whose secret nobody used: with a challenge that leaves the
    commitment out, responses come first and the commitment is computed from them."""
    forgery = forge(election, "south-2", [100, 0, 0])
    return forgery, forgery.simulated_proof(forgery.challenge("commitment"))


@attack("V10")
def a_hundred_votes_simulated_without_any_secret() -> Tampered:
    return slipped_in(*simulated(at_polls()))


def reinstated(election: Election) -> tuple[Forgery, bytes]:
    """A voter's first ballot put behind her second, with the proof she made for the first: possible for anyone if the
    challenge leaves the body hash out."""
    first = forge(election, "south-2", [1, 0, 0])
    proof = first.proof(first.challenge("body hash"))
    election.append(forge(election, "south-2", [0, 1, 0]).entry())
    return replace(first, body=_with_previous(first, election.last_ballot("south-2"))), proof


def _with_previous(forgery: Forgery, previous: bytes) -> bytes:
    again = forge(forgery.election, "south-2", [0, 0, 1], previous=previous)
    return again.body.replace(again.encoded_ciphertexts, forgery.encoded_ciphertexts)


@attack("V10")
def a_superseded_ballot_reinstated_with_its_own_proof() -> Tampered:
    return slipped_in(*reinstated(at_polls()))


@attack("V10")
def a_sum_that_vanishes() -> Tampered:
    """Nonces that cancel out make the image of the last equation the identity; such an instance is no statement."""
    nonces = [7, 11, ORDER - 18]
    return slipped_in(forge(at_polls(), "south-2", [1, 0, 0], nonces=nonces))
