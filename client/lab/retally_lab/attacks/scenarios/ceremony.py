"""V05 to V07: guardians who do not know their keys, shares that do not fit, a key that is somebody else's."""

from __future__ import annotations

from retally_crypto.encoding import b64url_decode
from retally_crypto.engine import engine
from retally_crypto.secret.guardians import Polynomial, commit, share_for
from retally_lab.attacks.forging import point, random_scalar, scalar
from retally_lab.attacks.tampering import (
    GENERATOR,
    IDENTITY,
    Tampered,
    attack,
    commitments_only,
    just_opened,
    members,
    shared_only,
)
from retally_lab.boards.election import Election


def _commitments(election: Election, nth: int) -> bytes:
    return b64url_decode(members(election, election.index_of("guardian-commitment", nth))["commitments"])


# ---- V05 ----


@attack("V05")
def a_guardians_key_without_proof() -> Tampered:
    election = commitments_only()
    at = election.index_of("guardian-commitment", 1)
    election.edit(at, proof=2 * GENERATOR + scalar(1) + scalar(2))
    return Tampered.board(election, at)


@attack("V05")
def a_guardian_that_takes_over_anothers_key_and_proof() -> Tampered:
    election = commitments_only()
    at, stolen = (
        election.index_of("guardian-commitment", 1),
        members(election, election.index_of("guardian-commitment")),
    )
    election.edit(at, commitments=stolen["commitments"], proof=stolen["proof"])
    return Tampered.board(election, at)


@attack("V05")
def the_last_guardians_key_cancels_the_others() -> Tampered:
    """F_0 = x·G minus the others' F_0 would make K = x·G: the proof of knowledge is what stands in the way."""
    election = commitments_only()
    at = election.index_of("guardian-commitment", 2)
    others = engine.add(_commitments(election, 0)[:32], _commitments(election, 1)[:32])
    rogue = engine.subtract(point(random_scalar()), others)
    election.edit(at, commitments=rogue + _commitments(election, 2)[32:])
    return Tampered.board(election, at)


@attack("V05")
def a_commitment_proved_for_another_election() -> Tampered:
    election = commitments_only()
    at = election.index_of("guardian-commitment")
    commitments, proof = commit(election.guardians[0].polynomial, bytes(32), 1)
    election.edit(at, commitments=commitments, proof=proof)
    return Tampered.board(election, at)


@attack("V05")
def a_commitment_proved_for_another_guardian() -> Tampered:
    election = commitments_only()
    at = election.index_of("guardian-commitment")
    commitments, proof = commit(election.guardians[0].polynomial, election.election_id, 2)
    election.edit(at, commitments=commitments, proof=proof)
    return Tampered.board(election, at)


# ---- V06 ----


@attack("V06")
def a_complaint_answered_with_a_wrong_share() -> Tampered:
    election = shared_only()
    election.complain(2, against=1)
    return Tampered.board(election, election.answer(1, complainant=2, share=scalar(7)))


@attack("V06")
def a_complaint_answered_with_the_share_of_another() -> Tampered:
    election = shared_only()
    election.complain(2, against=1)
    others = share_for(election.guardians[2].polynomial, 2)
    return Tampered.board(election, election.answer(1, complainant=2, share=others))


@attack("V06")
def a_guardian_whom_k_others_accuse() -> Tampered:
    election = shared_only()
    election.complain(2, against=1)
    at = election.complain(3, against=1)
    election.answer(1, complainant=2)
    election.answer(1, complainant=3)
    return Tampered.board(election, at)


@attack("V06")
def a_ceremony_confirmed_although_it_is_void() -> Tampered:
    election = shared_only()
    election.complain(2, against=1)
    accused = election.complain(3, against=1)
    election.answer(1, complainant=2)
    election.answer(1, complainant=3)
    return Tampered.board(election, accused, election.confirm(1), election.confirm(2), election.confirm(3))


@attack("V06")
def a_confirmation_of_another_ceremony() -> Tampered:
    election = shared_only()
    at = election.confirm(1)
    election.edit(at, ceremony=bytes(32))
    return Tampered.board(election, at)


@attack("V06")
def a_confirmation_made_before_a_complaint() -> Tampered:
    election = shared_only()
    election.confirm(1)
    early = election.entries.pop()
    election.complain(2, against=3)
    election.answer(3, complainant=2)
    return Tampered.board(election, election.append(early))


# ---- V07 ----


@attack("V07")
def a_joint_key_that_the_operator_knows() -> Tampered:
    election = just_opened()
    at = election.index_of("opening")
    election.edit(at, key=point(random_scalar()))
    return Tampered.board(election, at)


@attack("V07")
def a_joint_key_that_leaves_one_guardian_out() -> Tampered:
    election = just_opened()
    at = election.index_of("opening")
    election.edit(at, key=engine.add(_commitments(election, 0)[:32], _commitments(election, 1)[:32]))
    return Tampered.board(election, at)


@attack("V07")
def guardians_who_agree_on_a_share_of_zero() -> Tampered:
    """All guardians together can choose polynomials whose sum vanishes at one of them."""
    election = Election.create(guardian_count=(2, 2))
    first, second = (int.from_bytes(a, "little") for a in election.guardians[0].polynomial.coefficients)
    slope = random_scalar()
    # f_1(1) + f_2(1) = 0, so that the share of guardian 1 is zero.
    constant = -(first + second + slope)
    election.guardians[1].polynomial = Polynomial((scalar(constant), scalar(slope)))
    for number in (1, 2):
        election.commit(number)
    for number in (1, 2):
        election.share(number)
    for number in (1, 2):
        election.confirm(number)
    election.roll()
    return Tampered.board(election, election.open())


@attack("V09")
def a_joint_key_that_is_the_identity() -> Tampered:
    election = just_opened()
    at = election.index_of("opening")
    election.edit(at, key=IDENTITY)
    return Tampered.board(election, at)


@attack("V09")
def a_guardians_key_that_is_the_identity() -> Tampered:
    election = commitments_only()
    at = election.index_of("guardian-commitment", 1)
    election.edit(at, commitments=IDENTITY + _commitments(election, 1)[32:])
    return Tampered.board(election, at)
