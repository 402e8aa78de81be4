"""Key files: secrets at rest under a passphrase (Argon2id, then ChaCha20-Poly1305). Bytes in, bytes out; no disk.

A file is two lines of text: canonical JSON that says openly what it is and how it is sealed, and the ciphertext in
base64url.

    {"iterations", "kdf": "argon2id", "kind": "retally-key", "label", "lanes", "memory", "nonce", "salt"}

The first line is authenticated with the secret, so no member can be exchanged. `memory` is in KiB. Written are the
parameters of RFC 9106's second recommendation; others are read within bounds, so that a stranger's file can neither
exhaust the machine nor make the passphrase cheap to guess.
"""

import secrets
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from retally_crypto.canonical import Json, canonical_bytes, parse_canonical
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import CannotDecrypt, Malformed, Unusable

ITERATIONS: Final = 3
LANES: Final = 4
MEMORY_KIB: Final = 64 * 1024
LARGEST_MEMORY_KIB: Final = 1024 * 1024

_KIND: Final = "retally-key"
_KDF: Final = "argon2id"
_MEMBERS: Final = {"iterations", "kdf", "kind", "label", "lanes", "memory", "nonce", "salt"}


@dataclass(frozen=True)
class _Header:
    label: str
    iterations: int
    lanes: int
    memory: int
    nonce: bytes
    salt: bytes

    def text(self) -> bytes:
        return canonical_bytes(
            {
                "iterations": self.iterations,
                "kdf": _KDF,
                "kind": _KIND,
                "label": self.label,
                "lanes": self.lanes,
                "memory": self.memory,
                "nonce": b64url_encode(self.nonce),
                "salt": b64url_encode(self.salt),
            }
        )

    def cipher(self, passphrase: str) -> ChaCha20Poly1305:
        derivation = Argon2id(
            salt=self.salt, length=32, iterations=self.iterations, lanes=self.lanes, memory_cost=self.memory
        )
        return ChaCha20Poly1305(derivation.derive(_typed(passphrase)))


def seal_key_file(secret: bytes, passphrase: str, label: str) -> bytes:
    """Encrypt `secret` under a passphrase. `label` says openly what the file holds, for example `guardian 2`.

    Raises Unusable for an empty passphrase.
    """
    header = _Header(label, ITERATIONS, LANES, MEMORY_KIB, nonce=secrets.token_bytes(12), salt=secrets.token_bytes(16))
    ciphertext = header.cipher(passphrase).encrypt(header.nonce, secret, header.text())
    return header.text() + b"\n" + b64url_encode(ciphertext).encode("ascii") + b"\n"


def open_key_file(key_file: bytes, passphrase: str, label: str) -> bytes:
    """The secret of a key file that must carry this label.

    Raises Malformed when it is no key file, Unusable for another label or an empty passphrase, CannotDecrypt for a
    wrong passphrase or altered bytes, which cannot be told apart.
    """
    header, ciphertext = _parse(key_file)
    if header.label != label:
        raise Unusable(f"the key file is for {header.label!r}, not for {label!r}")
    try:
        return header.cipher(passphrase).decrypt(header.nonce, ciphertext, header.text())
    except InvalidTag:
        raise CannotDecrypt(f"the key file for {label!r} does not open: wrong passphrase or altered bytes") from None


def label_of(key_file: bytes) -> str:
    """What a key file says it holds, without a passphrase. Raises Malformed when it is no key file."""
    return _parse(key_file)[0].label


def _parse(key_file: bytes) -> tuple[_Header, bytes]:
    lines = key_file.split(b"\n")
    if len(lines) != 3 or lines[2]:
        raise Malformed("a key file has two lines")
    members = parse_canonical(lines[0])
    if not isinstance(members, dict) or members.get("kind") != _KIND:
        raise Malformed("this is not a key file")
    if set(members) != _MEMBERS or members["kdf"] != _KDF:
        raise Malformed("this key file is of a form that this program does not know")
    header = _Header(
        _text(members, "label"),
        _within(members, "iterations", ITERATIONS, 32),
        _within(members, "lanes", 1, 16),
        _within(members, "memory", MEMORY_KIB, LARGEST_MEMORY_KIB),
        nonce=b64url_decode(_text(members, "nonce"), 12, "the key file's nonce"),
        salt=b64url_decode(_text(members, "salt"), 16, "the key file's salt"),
    )
    try:
        ciphertext = lines[1].decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("the key file's ciphertext is not base64url") from None
    return header, b64url_decode(ciphertext, what="the key file's ciphertext")


def _text(members: dict[str, Json], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise Malformed(f"the key file's {name} is not a text")
    return value


def _within(members: dict[str, Json], name: str, smallest: int, largest: int) -> int:
    value = members[name]
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise Malformed(f"the key file's {name} is not in {smallest}..{largest}")
    return value


def _typed(passphrase: str) -> bytes:
    # One passphrase typed on two keyboards may arrive composed or decomposed.
    try:
        typed = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        raise Unusable("the passphrase holds a character that cannot be written") from None
    if not typed:
        raise Unusable("a key file needs a passphrase")
    return typed
