"""The forgeries are real: a verifier that left the same part out of its challenge would accept each of them.

Without these tests a forged ballot could be refused for the wrong reason, and the attack on V10 would show nothing.
"""

from __future__ import annotations

import pytest

from retally_lab.attacks.forging import Forgery, forge
from retally_lab.attacks.scenarios.forged_ballots import FALSE, PARTS, reinstated, simulated, weakly_proved
from retally_lab.attacks.tampering import Tampered, Verdicts, at_polls, finish


def accepted(forgery: Forgery, proof: bytes, omitted: str | None = None) -> bool:
    return forgery.accepted_by(proof, forgery.challenge(omitted))


def test_the_forgers_prover_makes_right_proofs_of_what_is_true() -> None:
    election = at_polls()
    forgery = forge(election, "south-2", [1, 0, 0])
    proof = forgery.proof()
    assert accepted(forgery, proof)
    election.append(forgery.entry(proof))
    verdicts = Verdicts.of(Tampered.board(finish(election)))
    verdicts.assert_agree()
    assert verdicts.ours.verdict == "PASS"


@pytest.mark.parametrize("omitted", PARTS)
def test_a_verifier_with_the_same_gap_accepts_and_one_without_it_does_not(omitted: str) -> None:
    forgery, proof = weakly_proved(at_polls(), omitted)
    assert accepted(forgery, proof, omitted)
    assert not accepted(forgery, proof)


def test_every_part_that_the_sponge_absorbs_has_its_forgery() -> None:
    forgery = forge(at_polls(), "south-2", [1, 0, 0])
    assert set(PARTS) == {"tag", "election id", "body hash", "commitment", *forgery.parts()}


def test_without_the_commitment_in_the_challenge_anything_can_be_proved() -> None:
    forgery, proof = simulated(at_polls())
    assert accepted(forgery, proof, "commitment")
    assert not accepted(forgery, proof)


def test_without_the_body_hash_in_the_challenge_a_superseded_vote_could_be_brought_back() -> None:
    forgery, proof = reinstated(at_polls())
    assert accepted(forgery, proof, "body hash")
    assert not accepted(forgery, proof)


@pytest.mark.parametrize("name", FALSE)
def test_no_part_of_a_false_statement_is_proved_by_its_nearest_witness(name: str) -> None:
    forgery = forge(at_polls(), "south-2", FALSE[name])
    assert not accepted(forgery, forgery.proof())
