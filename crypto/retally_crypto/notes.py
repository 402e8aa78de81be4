"""Signed notes (C2SP signed-note): who signed which text.

Promise: `verify_note` returns exactly the known keys whose signature over the text is there and right. Signatures of
unknown keys are ignored; a wrong signature under a known key spoils the whole note, as does a known key that signs
twice. Officials' entries (specification 3.2) are notes too and are read by `open_signed_entry`.

Ed25519 is verified by `cryptography`: S below the group order, R compared as an encoding, no cofactor. That a *public
key* is a canonical encoding of a point of prime order is not checked here but where keys enter a manifest or a policy,
with the engine's `valid_ed25519_key`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retally_crypto.encoding import b64_decode, b64_encode, hex_decode
from retally_crypto.errors import BadSignature, Malformed, Unusable

ED25519 = 0x01
"""Signature type of notes, checkpoints and officials' entries: Ed25519 over the text."""
COSIGNATURE_V1 = 0x04
"""Signature type of witnesses: timestamped Ed25519 over a checkpoint (see `retally_crypto.checkpoints`)."""

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 64
MAX_ENTRY_BYTES = 65_535
"""What two bytes of length in an entry bundle can say; the limit of canonical JSON as well."""

_KEY_ID_BYTES = 4
_PUBLIC_KEY_BYTES = 32
_DASH = "\u2014"
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True)
class VerifierKey:
    """A named public key; `format_vkey` writes it, `parse_vkey` reads it.

    `key_id` is 4 bytes, `public_key` 32. Construction raises Malformed if they do not belong together.
    """

    name: str
    key_id: bytes
    algorithm: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.algorithm not in (ED25519, COSIGNATURE_V1):
            raise Malformed(f"verifier key {self.name}: signature type 0x{self.algorithm:02x} is not supported")
        if len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise Malformed(f"verifier key {self.name}: public key has {len(self.public_key)} bytes instead of 32")
        if self.key_id != _key_id(self.name, self.algorithm, self.public_key):
            raise Malformed(f"verifier key {self.name}: key id {self.key_id.hex()} is not the one of this name and key")

    def __str__(self) -> str:
        return format_vkey(self)


class NoteSignature(NamedTuple):
    """One signature line: key name, 4-byte key id, and the signature bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A parsed note: the text with its final newline, and its signature lines in order. Nothing is verified yet."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


def check_key_name(name: str) -> None:
    """Raise Malformed unless `name` can be a key name: not empty, no Unicode space, plus sign or control character, and
    no unpaired surrogate, which no UTF-8 has."""
    if not name or "+" in name or any(letter.isspace() or letter < " " for letter in name):
        raise Malformed(f"key name {name!r}: empty, or has a space, plus sign or control character")
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise Malformed(f"key name {name!r}: not UTF-8")


def _key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()[:_KEY_ID_BYTES]


def verifier_key(name: str, public_key: bytes, algorithm: int = ED25519) -> VerifierKey:
    """The verifier key of a name and a 32-byte Ed25519 public key; raises Malformed."""
    check_key_name(name)
    return VerifierKey(name, _key_id(name, algorithm, public_key), algorithm, public_key)


def parse_vkey(text: str) -> VerifierKey:
    """Read `<name>+<key id in hex>+<base64 of type ‖ public key>`; raises Malformed."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Malformed("verifier key: not of the form name+id+key")
    name, key_id, key = parts
    raw = b64_decode(key, 1 + _PUBLIC_KEY_BYTES, f"verifier key {name}")
    return VerifierKey(name, hex_decode(key_id, _KEY_ID_BYTES, f"key id of {name}"), raw[0], raw[1:])


def format_vkey(key: VerifierKey) -> str:
    """Write a verifier key as text, the inverse of `parse_vkey`."""
    return f"{key.name}+{key.key_id.hex()}+{b64_encode(bytes([key.algorithm]) + key.public_key)}"


def parse_note(raw: bytes) -> Note:
    """Read a note of at most MAX_NOTE_BYTES with 1 to MAX_SIGNATURES signature lines; raises Malformed."""
    if len(raw) > MAX_NOTE_BYTES:
        raise Malformed(f"note: {len(raw)} bytes, more than {MAX_NOTE_BYTES}")
    note = _split_note(raw)
    if len(note.signatures) > MAX_SIGNATURES:
        raise Malformed(f"note: {len(note.signatures)} signature lines, more than {MAX_SIGNATURES}")
    return note


def open_signed_entry(raw: bytes) -> Note:
    """Read an official's entry (specification 3.2): a note whose text is one line, in the one form it can have.

    Raises Malformed unless writing what was read gives the same bytes. Which signature lines the entry must have is the
    business of its kind, so their number and length are not judged here: see `entries`.
    """
    if len(raw) > MAX_ENTRY_BYTES:
        raise Malformed(f"entry: {len(raw)} bytes, more than {MAX_ENTRY_BYTES}")
    note = _split_note(raw)
    lines = note.text.count(b"\n")
    if lines != 1:
        raise Malformed(f"entry: its text has {lines} lines instead of one")
    if format_note(note) != raw:
        raise Malformed("entry: writing what was read gives other bytes")
    return note


def _split_note(raw: bytes) -> Note:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"note: byte {error.start} is not UTF-8") from error
    if control := _CONTROL_CHARACTER.search(raw):
        raise Malformed(f"note: control character 0x{control[0].hex()} at byte {control.start()}")
    if not raw.endswith(b"\n"):
        raise Malformed("note: the last line does not end in a newline")
    body, separator, lines = text.rpartition("\n\n")
    if not separator or not lines:
        raise Malformed("note: no signature lines after an empty line")
    return Note((body + "\n").encode(), tuple(parse_signature_lines(lines)))


def parse_signature_lines(text: str) -> list[NoteSignature]:
    """Read signature lines, each `— <name> <base64>` ending in a newline; raises Malformed, naming the line."""
    signatures = []
    if not text.endswith("\n"):
        raise Malformed("signature lines: the last line does not end in a newline")
    for number, line in enumerate(text[:-1].split("\n"), start=1):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != _DASH:
            raise Malformed(f"signature line {number}: not of the form '{_DASH} name base64'")
        check_key_name(parts[1])
        blob = b64_decode(parts[2], None, f"signature line {number}")
        if len(blob) <= _KEY_ID_BYTES:
            raise Malformed(f"signature line {number}: no signature after the key id")
        signatures.append(NoteSignature(parts[1], blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:]))
    return signatures


def format_signature_lines(signatures: Iterable[NoteSignature]) -> bytes:
    """Write signature lines, the inverse of `parse_signature_lines`."""
    return "".join(f"{_DASH} {name} {b64_encode(key_id + blob)}\n" for name, key_id, blob in signatures).encode()


def format_note(note: Note) -> bytes:
    """Write a note: text, empty line, signature lines."""
    return note.text + b"\n" + format_signature_lines(note.signatures)


def known_signatures(note: Note, keys: Sequence[VerifierKey]) -> tuple[tuple[VerifierKey, bytes], ...]:
    """The signatures under known keys, in the note's order, *not yet verified*; the others are left out.

    Raises Malformed if a known key signs twice (a second line could only serve to make two readers choose differently),
    Unusable if two of `keys` have the same name and id.
    """
    by_name_and_id = {(key.name, key.key_id): key for key in keys}
    if len(by_name_and_id) != len(keys):
        raise Unusable("two verifier keys with the same name and key id")
    found: dict[VerifierKey, bytes] = {}
    for name, key_id, blob in note.signatures:
        key = by_name_and_id.get((name, key_id))
        if key is None:
            continue
        if key in found:
            raise Malformed(f"note: two signature lines of {name}+{key_id.hex()}")
        found[key] = blob
    return tuple(found.items())


def verify_signature(key: VerifierKey, signature: bytes, message: bytes) -> None:
    """Raise BadSignature unless `signature` is the 64-byte Ed25519 signature of `message` under `key`."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature(f"signature of {key.name}+{key.key_id.hex()} does not verify") from error


def verify_note(note: Note, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Which of `keys` (all of type 0x01) signed the text, in the note's order; at least one.

    Raises BadSignature if none of them did or if the signature of one of them is wrong, Malformed if one signs twice.
    """
    for key in keys:
        require_text_key(key)
    signatures = known_signatures(note, keys)
    for key, signature in signatures:
        verify_signature(key, signature, note.text)
    if not signatures:
        raise BadSignature("note: no signature of a known key")
    return tuple(key for key, _ in signatures)


def require_text_key(key: VerifierKey) -> None:
    """Raises Unusable for a key that cannot sign a plain note."""
    if key.algorithm != ED25519:
        raise Unusable(f"key {key.name} has signature type 0x{key.algorithm:02x} and cannot sign a plain note")
