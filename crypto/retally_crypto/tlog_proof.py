"""Receipts: an entry's inclusion, provable offline (C2SP tlog-proof; specification 9.2).

Promise: `verify_tlog_proof` returns only if the very bytes given are the entry at the returned index of a tree whose
checkpoint the board signed. Too few witnesses is no error, for a fresh receipt has none yet: it is said, by `cosigned`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retally_crypto.checkpoints import CosignedCheckpoint, open_checkpoint, parse_decimal
from retally_crypto.encoding import b64_decode, b64_encode
from retally_crypto.errors import Malformed, Refused
from retally_crypto.merkle import HASH_BYTES, MAX_PROOF_HASHES, leaf_hash, verify_inclusion
from retally_crypto.notes import MAX_NOTE_BYTES, VerifierKey, parse_note

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class TlogProof:
    """A parsed proof: entry index, audit path from the leaf's sibling up, the checkpoint note verbatim, and extra data.

    Nothing is verified yet; `extra`, if not None, is authenticated by nothing at all.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


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


def parse_tlog_proof(raw: bytes) -> TlogProof:
    """Read a proof; raises Malformed, naming the line. The checkpoint must be a note but is not verified."""
    if len(raw) > MAX_NOTE_BYTES:
        raise Malformed(f"tlog-proof: {len(raw)} bytes, more than {MAX_NOTE_BYTES}")
    head, separator, checkpoint = raw.partition(b"\n\n")
    if not separator:
        raise Malformed("tlog-proof: no empty line before the checkpoint")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"tlog-proof: byte {error.start} is not ASCII") from error
    if header != HEADER:
        raise Malformed(f"tlog-proof: the first line is not {HEADER!r}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = b64_decode(lines.pop(0).removeprefix("extra "), None, "tlog-proof extra")
        if not extra:
            raise Malformed("tlog-proof: an extra line without data")
    if not lines or not lines[0].startswith("index "):
        raise Malformed("tlog-proof: no index line")
    index = parse_decimal(lines.pop(0).removeprefix("index "), "tlog-proof index")
    if len(lines) > MAX_PROOF_HASHES:
        raise Malformed(f"tlog-proof: {len(lines)} hashes, more than {MAX_PROOF_HASHES}")
    hashes = [b64_decode(line, HASH_BYTES, f"tlog-proof hash {place}") for place, line in enumerate(lines)]
    parse_note(checkpoint)
    return TlogProof(index, tuple(hashes), checkpoint, extra)


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
