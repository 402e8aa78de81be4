"""Checkpoints and witnesses' cosignatures (C2SP tlog-checkpoint, tlog-cosignature; specification 3.1, V01, V04).

Promise: `open_checkpoint` returns a tree head that the board's key signed, with the cosignatures of exactly those known
witnesses who cosigned *this* text, each counted once. Whether they are a quorum is said by `cosigned`; a caller that
must not go on without one uses `open_cosigned_checkpoint`.

The origin of a Retally board is the name of its key, and its checkpoints have no extension lines (specification 3.1).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retally_crypto.encoding import b64_decode, b64_encode
from retally_crypto.errors import BadSignature, Malformed, Refused, Unusable
from retally_crypto.merkle import HASH_BYTES, TreeHead
from retally_crypto.notes import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    VerifierKey,
    format_note,
    known_signatures,
    parse_note,
    parse_signature_lines,
    verify_signature,
)

MAX_TIMESTAMP = 2**63 - 1

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
TIMESTAMP_BYTES = 8
_SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's text: origin, tree size, 32-byte root, and extension lines (none on a Retally board)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        TreeHead(self.size, self.root)
        for line in (self.origin, *self.extensions):
            if not line or any(letter < " " for letter in line):
                raise Malformed(f"checkpoint: the line {line!r} is empty or has a control character")

    @property
    def head(self) -> TreeHead:
        """Size and root, for Merkle proofs."""
        return TreeHead(self.size, self.root)


@dataclass(frozen=True)
class CosignedCheckpoint:
    """A checkpoint with the board's signature verified, and the verified cosignatures of known witnesses.

    `cosignatures` are (witness key, POSIX seconds) in the note's order, one per witness; `quorum` is how many are
    needed; `raw` are the bytes of the whole note, to be kept as evidence.
    """

    checkpoint: Checkpoint
    cosignatures: tuple[tuple[VerifierKey, int], ...]
    quorum: int
    raw: bytes

    @property
    def cosigned(self) -> bool:
        """Whether a quorum of the witnesses cosigned. With a quorum of 0 there is nothing to wait for."""
        return len(self.cosignatures) >= self.quorum

    @property
    def head(self) -> TreeHead:
        """Size and root, for Merkle proofs."""
        return self.checkpoint.head


def parse_decimal(text: str, what: str) -> int:
    """An ASCII decimal in 0..2^63-1 without leading zeros; raises Malformed, naming `what`."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_TIMESTAMP:
        raise Malformed(f"{what}: {text[:24]!r} is not a decimal number in 0..2^63-1 without leading zeros")
    return int(text)


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read a checkpoint note's text, without signatures; raises Malformed, or Refused for a wrong empty root."""
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"checkpoint: byte {error.start} is not UTF-8") from error
    if lines.pop() != "" or len(lines) < 3:
        raise Malformed("checkpoint: fewer than three lines that end in a newline")
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin,
        parse_decimal(size, "checkpoint size"),
        b64_decode(root, HASH_BYTES, "checkpoint root"),
        tuple(extensions),
    )


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Write the text of a checkpoint, the inverse of `parse_checkpoint`."""
    lines = (checkpoint.origin, str(checkpoint.size), b64_encode(checkpoint.root), *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines).encode()


def verify_checkpoint(raw: bytes, board_key: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that `board_key` signed, for a board whose origin is that key's name.

    Signatures of other keys are ignored. Raises Malformed, BadSignature, or Refused (other origin, extension lines).
    """
    return open_checkpoint(raw, board_key, (), 0).checkpoint


def open_checkpoint(
    raw: bytes, board_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int
) -> CosignedCheckpoint:
    """Verify a checkpoint note: the board's signature, and every signature of a known witness.

    A missing cosignature lowers the count; a *wrong* one under a known witness's key spoils the note, as does a key
    that signs twice. Raises Malformed, BadSignature, Refused (other origin, extension lines), or Unusable if the keys
    or the quorum given could not mean anything: a witness twice, the board as its own witness, a quorum out of range.
    """
    _require_usable(board_key, witness_keys, quorum)
    note = parse_note(raw)
    checkpoint = parse_checkpoint(note.text)
    require_retally_form(checkpoint, board_key)
    board_signed = False
    cosignatures: list[tuple[VerifierKey, int]] = []
    for key, signature in known_signatures(note, [board_key, *witness_keys]):
        if key == board_key:
            verify_signature(key, signature, note.text)
            board_signed = True
        else:
            cosignatures.append((key, verify_cosignature(key, signature, note.text)))
    if not board_signed:
        raise BadSignature(f"checkpoint of {checkpoint.origin}: not signed by {board_key}")
    return CosignedCheckpoint(checkpoint, tuple(cosignatures), quorum, raw)


def open_cosigned_checkpoint(
    raw: bytes, board_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int
) -> CosignedCheckpoint:
    """As `open_checkpoint`, and Refused if fewer than `quorum` witnesses cosigned."""
    opened = open_checkpoint(raw, board_key, witness_keys, quorum)
    if not opened.cosigned:
        raise Refused(
            f"checkpoint of size {opened.checkpoint.size}: {len(opened.cosignatures)} witness cosignatures, "
            f"the quorum is {quorum}"
        )
    return opened


def require_retally_form(checkpoint: Checkpoint, board_key: VerifierKey) -> None:
    """Raises Refused unless the origin is the board key\'s name and there is no extension line."""
    if checkpoint.origin != board_key.name:
        raise Refused(f"checkpoint: its origin {checkpoint.origin!r} is not the board key's name {board_key.name!r}")
    if checkpoint.extensions:
        raise Refused(f"checkpoint of {checkpoint.origin}: {len(checkpoint.extensions)} extension lines, none allowed")


def _require_usable(board_key: VerifierKey, witness_keys: Sequence[VerifierKey], quorum: int) -> None:
    if board_key.algorithm != ED25519:
        raise Unusable(f"board key {board_key.name}: signature type 0x{board_key.algorithm:02x} instead of 0x01")
    for key in witness_keys:
        if key.algorithm != COSIGNATURE_V1:
            raise Unusable(f"witness key {key.name}: signature type 0x{key.algorithm:02x} instead of 0x04")
    # A cosignature does not commit to its key's name, so one key under two names would count twice.
    if len({key.public_key for key in (board_key, *witness_keys)}) != 1 + len(witness_keys):
        raise Unusable("the board and its witnesses do not have different public keys")
    if not 0 <= quorum <= len(witness_keys) or (quorum == 0) != (not witness_keys):
        raise Unusable(f"a quorum of {quorum} out of {len(witness_keys)} witnesses")


def cosigned_message(text: bytes, timestamp: int) -> bytes:
    """What a witness signs over a checkpoint\'s text (C2SP tlog-cosignature)."""
    return b"cosignature/v1\ntime %d\n" % timestamp + text


def verify_cosignature(witness_key: VerifierKey, signature: bytes, text: bytes) -> int:
    """The time (POSIX seconds) at which `witness_key` cosigned this checkpoint text; raises BadSignature."""
    if len(signature) != TIMESTAMP_BYTES + _SIGNATURE_BYTES:
        raise BadSignature(f"cosignature of {witness_key.name}: {len(signature)} bytes instead of 72")
    timestamp = int.from_bytes(signature[:TIMESTAMP_BYTES], "big")
    if not 0 < timestamp <= MAX_TIMESTAMP:
        raise BadSignature(f"cosignature of {witness_key.name}: its time {timestamp} is not in 1..2^63-1")
    verify_signature(witness_key, signature[TIMESTAMP_BYTES:], cosigned_message(text, timestamp))
    return timestamp


def add_cosignatures(raw: bytes, lines: bytes) -> bytes:
    """The checkpoint note `raw` with a witness's answer, one or more signature lines, appended. Verifies nothing."""
    note = parse_note(raw)
    try:
        answered = parse_signature_lines(lines.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"signature lines: byte {error.start} is not UTF-8") from error
    return format_note(Note(note.text, (*note.signatures, *answered)))
