"""Vectors for page 5: a whole ceremony with every secret, one with a complaint, and what has to be refused."""

from __future__ import annotations

from typing import Any

from retally_crypto import guardians
from retally_crypto.merkle import leaf_hash
from retally_crypto.secret.guardians import share_for
from retally_lab.boards.election import contest, district
from retally_lab.boards.files import members_of
from scripts.vectors.election import FixedElection, commitment_transcript, fixed_election, sealed_share
from scripts.vectors.fixed import drawn, le, scalar
from scripts.vectors.proofs import shown


def electorate(label: str, title: str) -> FixedElection:
    """A small election with nothing but its manifest."""
    return fixed_election(
        label,
        {"north": 1},
        contests=[contest("question", 2, "total", 1, 0, 1)],
        districts=[district("north")],
        title=title,
    )


def ceremony() -> dict[str, Any]:
    """Three guardians, any two of whom can decrypt."""
    election = electorate("ceremony", "An election for ceremony vectors")
    election.ceremony()
    commitments = [
        election.record().ceremony.commitments[guardian.number].commitments for guardian in election.guardians
    ]
    numbers = [guardian.number for guardian in election.guardians]
    transcript = [leaf_hash(raw) for raw in election.entries[:7]]
    return {
        "about": "a ceremony (docs/spec page 5) of 3 guardians of whom 2 suffice. `entries` are the whole board up to "
        "its last confirmation. `void` and `refused` are boards and entries that V05 or V06 refuses",
        "entries": [raw.decode() for raw in election.entries],
        "election": election.election_id,
        "guardians": [
            {
                "guardian": guardian.number,
                "coefficients": guardian.polynomial.coefficients,
                "encryption_private_key": guardian.encryption_private,
                "encryption_key": guardian.encryption_key,
                "commitments": commitments[guardian.number - 1],
                "proof_of_commitments": shown(commitment_transcript(election, guardian.number)),
                "own_share": share_for(guardian.polynomial, guardian.number),
                "secret_share": election.secret_share(guardian.number),
                "public_share": guardians.share_public_key(commitments, guardian.number),
            }
            for guardian in election.guardians
        ],
        "shares": [
            sealed_share(election, sender, recipient)
            for sender in numbers
            for recipient in numbers
            if sender != recipient
        ],
        "leaf_hashes": transcript,
        "ceremony": guardians.ceremony_hash(transcript),
        "joint_key": guardians.joint_key(commitments),
        "complaint": _complaint(),
        "refused_commitments": _refused_commitments(election),
        "refused_shares": _refused_shares(election),
        "refused_encryption_keys": [{"encryption_key": key, "why": why} for key, why in _LOW_ORDER],
    }


def _complaint() -> dict[str, Any]:
    """Guardian 2 complains against guardian 1, whose share it cannot use, and uses the published one."""
    election = electorate("complaint", "An election with a complaint")
    for number in (1, 2, 3):
        election.commit(number)
    wrong = scalar("a wrong share")
    election.share(1, {2: wrong})
    election.share(2)
    election.share(3)
    complaint = election.complain(2, against=1)
    unanswered = election.copy()
    answer = election.answer(1, complainant=2)
    for number in (1, 2, 3):
        election.confirm(number)
    wrongly = unanswered.copy()
    wrongly.answer(1, complainant=2, share=wrong)
    accused_twice = unanswered.copy()
    accused_twice.complain(3, against=1)
    mistaken = election.copy()
    mistaken.edit(len(mistaken.entries) - 1, ceremony=drawn("another ceremony", 32))
    return {
        "wrong_share": wrong,
        "right_share": share_for(election.guardians[0].polynomial, 2),
        "complaint_index": complaint,
        "answer_index": answer,
        "entries": [raw.decode() for raw in election.entries],
        "ceremony": members_of(election.entries[-1])["ceremony"],
        "void": [
            {"why": why, "entries": [raw.decode() for raw in board.entries], "check": "V06", "index": index}
            for why, board, index in (
                ("an answer with the wrong share", wrongly, len(wrongly.entries) - 1),
                ("two guardians, as many as the threshold, accuse one", accused_twice, len(accused_twice.entries) - 1),
                ("a confirmation of another ceremony", mistaken, len(mistaken.entries) - 1),
            )
        ],
    }


def _refused_commitments(election: FixedElection) -> list[dict[str, Any]]:
    first = members_of(election.entries[1])
    cases = []
    for why, check, members in (
        ("commitments and proof of another guardian", "V05", {n: first[n] for n in ("commitments", "proof")}),
        ("the proof of another guardian", "V05", {"proof": first["proof"]}),
        ("the commitments of another guardian", "V05", {"commitments": first["commitments"]}),
        ("a commitment that is the identity", "V09", {"commitments": bytes(64)}),
        ("a commitment too few", "V09", {"commitments": election.guardians[1].polynomial.coefficients[0]}),
    ):
        board = election.copy()
        del board.entries[3:]
        board.edit(2, **members)
        cases.append({"why": why, "check": check, "index": 2, "entry": board.entries[2].decode()})
    return cases


def _refused_shares(election: FixedElection) -> list[dict[str, Any]]:
    right = share_for(election.guardians[0].polynomial, 2)
    number = int.from_bytes(right, "little")
    return [
        {"from": 1, "to": 2, "share": share, "why": why}
        for share, why in (
            (le(number ^ 1, 32), "one bit flipped"),
            (share_for(election.guardians[0].polynomial, 3), "the share of another guardian"),
            (bytes(32), "zero"),
            (b"\xff" * 32, "no scalar"),
        )
    ]


_LOW_ORDER = (
    (bytes(32), "u = 0, of low order"),
    (le(1, 32), "u = 1, of low order"),
    (le(2**255 - 20, 32), "u = -1, of low order"),
)
