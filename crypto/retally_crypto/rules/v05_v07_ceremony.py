"""V05 to V07: the guardians' ceremony (5.1 to 5.5).

Every guardian proves that it knows its polynomial, every complaint has a right answer, all confirm the same
transcript, and the key of the opening is the sum of the commitments: then any k guardians can decrypt and fewer
than k cannot.
"""

from __future__ import annotations

from collections.abc import Sequence

from retally_crypto.entries import (
    GuardianAnswer,
    GuardianCommitment,
    GuardianComplaint,
    GuardianConfirmation,
    GuardianShares,
    Opening,
)
from retally_crypto.guardians import ceremony_hash, check_share, joint_key, share_public_key, verify_commitment
from retally_crypto.rules.findings import Broken, CheckResult, Finding, conclude, named
from retally_crypto.rules.state import BoardState

IDENTITY = bytes(32)


def v05_commitment(state: BoardState, content: GuardianCommitment) -> None:
    """The guardian knows its whole polynomial."""
    if not verify_commitment(content.commitments, content.proof, state.election_id, content.guardian):
        raise Broken("V05", f"guardian {content.guardian} does not prove its commitments")
    state.ceremony.commitments[content.guardian] = content


def v06_shares(state: BoardState, content: GuardianShares) -> None:
    """Sealed shares have no check of their own: only their recipients can open them."""
    state.ceremony.shares[content.guardian] = content


def v06_complaint(state: BoardState, content: GuardianComplaint) -> None:
    """A complaint needs no evidence; the k-th accuser of one guardian voids the ceremony."""
    ceremony = state.ceremony
    ceremony.complaints[(content.guardian, content.against)] = content
    accusers = sum(accused == content.against for _, accused in ceremony.complaints)
    if accusers >= state.threshold:
        reason = f"{accusers} guardians accuse guardian {content.against}"
        ceremony.void.append(Finding(state.size, content.kind, "V06", reason))


def v06_answer(state: BoardState, content: GuardianAnswer) -> None:
    """The published share is the one the accused committed to."""
    commitment = state.ceremony.commitments[content.guardian]
    if not check_share(content.share, commitment.commitments, content.complainant):
        raise Broken("V06", f"guardian {content.guardian} answers guardian {content.complainant} with a wrong share")
    state.ceremony.answers[(content.complainant, content.guardian)] = content


def v06_confirmation(state: BoardState, content: GuardianConfirmation) -> None:
    """The guardian saw the ceremony that is on the board, and the ceremony is not void."""
    if content.ceremony != transcript_hash(state):
        raise Broken("V06", f"guardian {content.guardian} confirms another ceremony")
    if state.ceremony.void:
        raise Broken("V06", f"the ceremony is void: {state.ceremony.void[0]}")
    state.ceremony.confirmations.add(content.guardian)


def v07_opening(state: BoardState, content: Opening) -> None:
    """`key` is the sum of the guardians' commitments, and neither it nor a share's public key is the identity."""
    commitments = commitments_in_order(state)
    key = joint_key(commitments)
    if content.key != key or key == IDENTITY:
        raise Broken("V07", "key is not the sum of the guardians' commitments")
    for guardian in range(1, state.guardians + 1):
        if share_public_key(commitments, guardian) == IDENTITY:
            raise Broken("V07", f"the share of guardian {guardian} has the identity as public key")


def commitments_in_order(state: BoardState) -> tuple[bytes, ...]:
    """The k commitments of every guardian, in order of the guardians; only complete ceremonies have them."""
    return tuple(state.ceremony.commitments[guardian].commitments for guardian in range(1, state.guardians + 1))


def transcript_hash(state: BoardState) -> bytes:
    """What a guardian confirms now: the hash over the leaf hashes of the manifest and the ceremony (5.4)."""
    return ceremony_hash(state.ceremony.leaf_hashes)


def v05_guardian_commitments(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V05 as a whole."""
    return conclude("V05", named(findings, "V05"), _lacking_commitments(state))


def v06_complaints_and_confirmations(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V06 as a whole."""
    have = len(state.ceremony.confirmations)
    missing = () if have == state.guardians else (f"{have} of {state.guardians} confirmations",)
    return conclude("V06", (*state.ceremony.void, *named(findings, "V06")), missing)


def v07_joint_key(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V07 as a whole."""
    missing = list(_lacking_commitments(state))
    if state.opening_index is None:
        missing.append("no opening")
    return conclude("V07", named(findings, "V07"), missing)


def _lacking_commitments(state: BoardState) -> tuple[str, ...]:
    have = len(state.ceremony.commitments)
    return () if have == state.guardians else (f"{have} of {state.guardians} commitments",)
