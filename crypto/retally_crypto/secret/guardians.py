"""What a guardian keeps to itself: polynomial, encryption key, shares (docs/spec 5.1 to 5.5).

The story of one guardian i: draw a secret polynomial f_i of degree k-1; publish commitments to its coefficients, a
proof of knowing all of them, and a fresh encryption key; seal f_i(j) to every other guardian j; open and check what
the others sent, and complain where it does not fit their commitments; confirm the hash of the whole ceremony; keep
the sum of the shares.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from retally_crypto.engine import engine
from retally_crypto.errors import CannotDecrypt, Unusable
from retally_crypto.guardians import commitment_relation, commitment_tag
from retally_crypto.relations import ORDER

SEALED_SHARE_LENGTH: Final = 80
"""enc (32) ‖ ciphertext of a scalar (32) ‖ authentication tag (16)."""


@dataclass(frozen=True)
class Polynomial:
    """A guardian's secret polynomial: coefficients a_0..a_k-1. Its text form says nothing of them."""

    coefficients: tuple[bytes, ...] = field(repr=False)

    @property
    def threshold(self) -> int:
        return len(self.coefficients)


def new_polynomial(threshold: int) -> Polynomial:
    """Draw k coefficients uniformly from the operating system; never use one for a second election."""
    if threshold < 1:
        raise ValueError(f"a threshold is at least 1, not {threshold}")
    return Polynomial(tuple(_new_scalar() for _ in range(threshold)))


def new_encryption_key() -> tuple[bytes, bytes]:
    """A fresh X25519 key pair for the ceremony: (private, public), 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def commit(polynomial: Polynomial, election_id: bytes, guardian: int) -> tuple[bytes, bytes]:
    """What the guardian publishes (5.1): commitments F_0‖…‖F_k-1 (32·k bytes), proof (64·k bytes)."""
    template = commitment_relation(polynomial.threshold)
    witness = b"".join(polynomial.coefficients)
    commitments = engine.multiply_base(witness)
    return commitments, engine.prove(
        template.header, commitments, commitment_tag(template, election_id, guardian), witness, []
    )


def share_for(polynomial: Polynomial, recipient: int) -> bytes:
    """f_i(j), the share of guardian j; also what an answer to a complaint publishes."""
    if recipient < 1:
        raise ValueError("guardians are counted from 1")
    value = 0
    for coefficient in reversed(polynomial.coefficients):
        value = (value * recipient + int.from_bytes(coefficient, "little")) % ORDER
    return value.to_bytes(32, "little")


def seal_share(
    share: bytes,
    recipient_key: bytes,
    election_id: bytes,
    sender: int,
    recipient: int,
    sender_entry_hash: bytes,
    recipient_entry_hash: bytes,
) -> bytes:
    """HPKE-seal a share (5.2), 80 bytes. The hashes are SHA-256 of both guardians' whole commitment entries.

    Raises Unusable when the recipient's encryption key is a point of low order, to which nothing can be sealed.
    """
    info = _share_info(election_id, sender, recipient, sender_entry_hash, recipient_entry_hash)
    try:
        return _suite().encrypt(share, X25519PublicKey.from_public_bytes(recipient_key), info)
    except ValueError:
        raise Unusable(f"nothing can be sealed to guardian {recipient}: its encryption key has low order") from None


def open_share(
    sealed: bytes,
    private_key: bytes,
    election_id: bytes,
    sender: int,
    recipient: int,
    sender_entry_hash: bytes,
    recipient_entry_hash: bytes,
) -> bytes:
    """Open what `sender` sealed to this guardian. Raises CannotDecrypt: the recipient then complains.

    The share still has to pass `check_share`.
    """
    info = _share_info(election_id, sender, recipient, sender_entry_hash, recipient_entry_hash)
    problem = f"the share of guardian {sender} for guardian {recipient} cannot be opened"
    if len(sealed) != SEALED_SHARE_LENGTH:
        raise CannotDecrypt(f"{problem}: {len(sealed)} bytes instead of {SEALED_SHARE_LENGTH}")
    try:
        return _suite().decrypt(sealed, X25519PrivateKey.from_private_bytes(private_key), info)
    except (InvalidTag, ValueError):
        raise CannotDecrypt(problem) from None


def secret_share(polynomial: Polynomial, guardian: int, received: Mapping[int, bytes]) -> bytes:
    """s_j = Σ_i f_i(j) of guardian j: its own polynomial and the checked share of every other guardian (5.5)."""
    if guardian in received:
        raise ValueError(f"guardian {guardian} computes its own part; it receives none")
    total = int.from_bytes(share_for(polynomial, guardian), "little")
    total += sum(int.from_bytes(share, "little") for share in received.values())
    return (total % ORDER).to_bytes(32, "little")


def _new_scalar() -> bytes:
    while (scalar := engine.scalar_reduce(secrets.token_bytes(64))) == bytes(32):
        continue
    return scalar


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _share_info(election_id: bytes, sender: int, recipient: int, sender_hash: bytes, recipient_hash: bytes) -> bytes:
    numbers = sender.to_bytes(4, "little") + recipient.to_bytes(4, "little")
    return b"RETALLY-V01-share" + election_id + numbers + sender_hash + recipient_hash
