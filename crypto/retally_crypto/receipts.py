"""Receipts as a board writes them and a voter checks them, offline (C2SP tlog-proof; specification 9.2).

Promise: `verify_tlog_proof` returns only if the very bytes given are the entry at the returned index of a tree whose
checkpoint the board signed. Too few witnesses is no error, for a fresh receipt has none yet: it is said, by `cosigned`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retally_crypto.checkpoints import CosignedCheckpoint, open_checkpoint
from retally_crypto.encoding import b64_encode
from retally_crypto.errors import Refused
from retally_crypto.merkle import leaf_hash, verify_inclusion
from retally_crypto.notes import VerifierKey
from retally_crypto.tlog_proof import HEADER, TlogProof


@dataclass(frozen=True)
class VerifiedInclusion:
    """An entry's place on the board, under a checkpoint that the board signed."""

    index: int
    checkpoint: CosignedCheckpoint

    @property
    def cosigned(self) -> bool:
        """False while the receipt is "recorded, not yet witnessed"."""
        return self.checkpoint.cosigned


def format_tlog_proof(proof: TlogProof) -> bytes:
    """Write a proof as the content of a `.tlog-proof` file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {b64_encode(proof.extra)}")
    lines += [f"index {proof.index}", *(b64_encode(value) for value in proof.hashes)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + proof.checkpoint


def verify_tlog_proof(
    proof: TlogProof, entry: bytes, board_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int
) -> VerifiedInclusion:
    """Verify that `entry`, these bytes exactly, is on the board of `board_key` at the proof's index.

    Raises BadProof, BadSignature, Malformed, or Refused (also for extra data, which a Retally receipt has none of).
    Without the quorum the result is not `cosigned`.
    """
    if proof.extra is not None:
        raise Refused(f"tlog-proof: {len(proof.extra)} bytes of extra data, a receipt has none")
    opened = open_checkpoint(proof.checkpoint, board_key, witness_keys, quorum)
    verify_inclusion(leaf_hash(entry), proof.index, proof.hashes, opened.head)
    return VerifiedInclusion(proof.index, opened)
