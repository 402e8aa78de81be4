"""The trust policy: all that an auditor must know from elsewhere (docs/spec 9.1).

Origin, board key, election id, witness keys and quorum, and nothing else: whoever has the right policy can believe a
verdict about a board that the operator serves. Its file: `retally_crypto.policy_text`.
"""

from __future__ import annotations

from dataclasses import dataclass

from retally_crypto.notes import VerifierKey


@dataclass(frozen=True)
class TrustPolicy:
    """`board` is the board's key, whose name is the origin; `quorum` is 0 exactly when there are no witnesses."""

    election_id: bytes
    board: VerifierKey
    witnesses: tuple[VerifierKey, ...]
    quorum: int

    def __post_init__(self) -> None:
        if len(self.election_id) != 32:
            raise ValueError(f"election id of {len(self.election_id)} bytes")
