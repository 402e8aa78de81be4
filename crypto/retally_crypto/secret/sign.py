"""Signing: notes, checkpoints, cosignatures and officials' entries (docs/spec 3.1, 3.2).

What is signed here is verified by `retally_crypto.notes`, `checkpoints` and `entries`, which know no private key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retally_crypto.checkpoints import (
    MAX_TIMESTAMP,
    TIMESTAMP_BYTES,
    Checkpoint,
    cosigned_message,
    format_checkpoint,
    parse_checkpoint,
    require_retally_form,
)
from retally_crypto.entries import OfficialContent
from retally_crypto.entry_writing import entry_text
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.notes import (
    COSIGNATURE_V1,
    ED25519,
    MAX_ENTRY_BYTES,
    Note,
    NoteSignature,
    VerifierKey,
    format_note,
    format_signature_lines,
    parse_note,
    require_text_key,
    verifier_key,
)


@dataclass(frozen=True)
class SigningKey:
    """A private Ed25519 key with the verifier key that goes with it. Its repr shows the public part only."""

    verifier_key: VerifierKey
    _private_key: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes, algorithm: int = ED25519) -> SigningKey:
        """The key of a 32-byte Ed25519 seed (RFC 8032 private key)."""
        if len(seed) != 32:
            raise Unusable(f"signing key {name}: the seed has {len(seed)} bytes instead of 32")
        private_key = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(verifier_key(name, private_key.public_key().public_bytes_raw(), algorithm), private_key)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of `message`."""
        return self._private_key.sign(message)


def sign_note(text: bytes, signers: Sequence[SigningKey]) -> bytes:
    """Sign `text` (UTF-8, ending in a newline) with keys of type 0x01; one line each, in their order."""
    if not signers:
        raise Unusable("a note needs at least one signer")
    for signer in signers:
        require_text_key(signer.verifier_key)
    signatures = tuple(
        NoteSignature(signer.verifier_key.name, signer.verifier_key.key_id, signer.sign(text)) for signer in signers
    )
    raw = format_note(Note(text, signatures))
    if not text.endswith(b"\n") or parse_note(raw).text != text:
        raise Malformed("note text: must be UTF-8 without control characters and end in a newline")
    return raw


def sign_checkpoint(checkpoint: Checkpoint, board_key: SigningKey) -> bytes:
    """The checkpoint as a note signed by the board's key, whose name must be the origin."""
    require_retally_form(checkpoint, board_key.verifier_key)
    return sign_note(format_checkpoint(checkpoint), [board_key])


def cosign(text: bytes, witness_key: SigningKey, timestamp: int) -> bytes:
    """A cosignature/v1 signature line over a checkpoint's text, made at `timestamp` (POSIX seconds, not 0).

    That the tree is consistent with what the witness saw before is for the witness to check first.
    """
    key = witness_key.verifier_key
    if key.algorithm != COSIGNATURE_V1:
        raise Unusable(f"witness key {key.name}: signature type 0x{key.algorithm:02x} instead of 0x04")
    if not 0 < timestamp <= MAX_TIMESTAMP:
        raise Unusable(f"cosignature time {timestamp} is not in 1..2^63-1")
    parse_checkpoint(text)
    signature = timestamp.to_bytes(TIMESTAMP_BYTES, "big") + witness_key.sign(cosigned_message(text, timestamp))
    return format_signature_lines([NoteSignature(key.name, key.key_id, signature)])


def sign_entry(content: OfficialContent, keys: Sequence[SigningKey]) -> bytes:
    """An official's entry, signed in the order the kind demands. Raises Malformed if it is too long to be one."""
    raw = sign_note(entry_text(content), keys)
    if len(raw) > MAX_ENTRY_BYTES:
        raise Malformed(f"{content.kind} of {len(raw)} bytes: at most {MAX_ENTRY_BYTES} are allowed")
    return raw
