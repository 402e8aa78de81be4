"""The body of an add-checkpoint request, read strictly (C2SP tlog-witness, "add-checkpoint").

A board writes it and a witness reads it; beside this form the two have nothing in common.

old <size>
<hash of the consistency proof, base64>          none to 63 of them
(empty line)
<checkpoint: a signed note>
"""

from dataclasses import dataclass

from retally_crypto.checkpoints import parse_decimal
from retally_crypto.encoding import b64_decode, b64_encode
from retally_crypto.errors import Malformed
from retally_crypto.merkle import HASH_BYTES, MAX_PROOF_HASHES
from retally_crypto.notes import Note, parse_note

BODY_LIMIT = 128 * 1024
"""Bytes of the largest request: 63 hashes, a checkpoint, and room for more signatures than a note may have of ours."""


@dataclass(frozen=True)
class AddCheckpoint:
    """A request as it was read; nothing is verified. `proof` are 32-byte hashes, `origin` is the note's first line."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    origin: str


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Reads a request. Raises Malformed, naming the line."""
    if len(body) > BODY_LIMIT:
        raise Malformed(f"add-checkpoint: {len(body)} bytes, more than {BODY_LIMIT}")
    head, separator, checkpoint = body.partition(b"\n\n")
    if not separator:
        raise Malformed("add-checkpoint: no empty line before the checkpoint")
    try:
        old, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"add-checkpoint: byte {error.start} is not ASCII") from error
    if not old.startswith("old "):
        raise Malformed("add-checkpoint: the first line is not 'old' and a size")
    if len(hashes) > MAX_PROOF_HASHES:
        raise Malformed(f"add-checkpoint: {len(hashes)} hashes, more than {MAX_PROOF_HASHES}")
    note = parse_note(checkpoint)
    return AddCheckpoint(
        parse_decimal(old.removeprefix("old "), "add-checkpoint old size"),
        tuple(b64_decode(line, HASH_BYTES, f"add-checkpoint hash {place}") for place, line in enumerate(hashes)),
        note,
        note.text.split(b"\n", 1)[0].decode(),
    )


def format_add_checkpoint(old_size: int, proof: tuple[bytes, ...], checkpoint: bytes) -> bytes:
    """Writes a request, the inverse of `parse_add_checkpoint`."""
    lines = [f"old {old_size}", *(b64_encode(value) for value in proof)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + checkpoint
