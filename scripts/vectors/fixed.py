"""What is random in an election, drawn from labels instead, so that every vector can be made again byte for byte.

Nothing here is fit for an election: whoever knows a label knows the secret. Proofs and sealed shares are made from
their definitions (docs/spec 2.2, RFC 9180) with every intermediate value at hand; that they are what the protocol's
own code accepts is checked where they are used.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from retally_crypto.engine import engine
from retally_reference.fiat_shamir import derive_session_id
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import LinearRelation, evaluate, map_row, parse_header, scalar_count
from retally_reference.sigma import derive_challenge

ORDER = RISTRETTO255.order
ANOTHER_POINT = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
"""The generator: a good encoding that stands nowhere on an honest board."""


def drawn(label: str, length: int) -> bytes:
    """Bytes that stand for what an honest party would draw: SHAKE256 of a prefix and the label."""
    return hashlib.shake_256(b"retally vectors: " + label.encode()).digest(length)


def scalar(label: str) -> bytes:
    """32 bytes, never zero in practice."""
    return engine.scalar_reduce(drawn(label, 64))


def le(number: int, width: int) -> bytes:
    """LE(n, w) of docs/spec page 1."""
    return number.to_bytes(width, "little")


def records(buffer: bytes) -> list[bytes]:
    """Points or scalars one by one."""
    return [buffer[at : at + 32] for at in range(0, len(buffer), 32)]


@dataclass(frozen=True)
class Transcript:
    """A batchable proof with all it was made from. `witness` and `nonces` are what a prover never shows."""

    header: bytes
    elements: bytes
    tag: bytes
    witness: bytes
    nonces: bytes
    commitment: bytes
    challenge: bytes
    response: bytes

    @property
    def proof(self) -> bytes:
        return self.commitment + self.response


ChallengeOf = Callable[[bytes], int]
"""The challenge from the serialised commitment."""


def honest_challenge(header: bytes, elements: bytes, tag: bytes) -> ChallengeOf:
    """Over the session id, the whole instance and the commitment: nothing left out."""
    return lambda commitment: derive_challenge(RISTRETTO255, derive_session_id(tag), header + elements, commitment)


def transcript(
    header: bytes, elements: bytes, tag: bytes, witness: bytes, challenge_of: ChallengeOf | None = None
) -> Transcript:
    """What a prover with these secrets and fixed nonces writes, be the statement true or false.

    The nonces are drawn from the statement: nonce i is 64 bytes for the label `nonce <i> <H(header ‖ elements ‖ tag)>`.
    """
    equations, _, _ = parse_header(RISTRETTO255, header)
    points = [RISTRETTO255.generator, *map(RISTRETTO255.decode, records(elements))]
    relation = LinearRelation(RISTRETTO255, tuple(points), equations)
    statement = hashlib.sha256(header + elements + tag).hexdigest()
    nonces = [scalar(f"nonce {i} {statement}") for i in range(scalar_count(equations))]
    numbers = [int.from_bytes(nonce, "little") for nonce in nonces]
    rows = [map_row(equation, numbers, ORDER) for equation in equations]
    commitment = b"".join(RISTRETTO255.encode(evaluate(relation, row)) for row in rows)
    challenge = (challenge_of or honest_challenge(header, elements, tag))(commitment)
    secrets = [int.from_bytes(secret, "little") for secret in records(witness)]
    response = [(nonce + challenge * secret) % ORDER for nonce, secret in zip(numbers, secrets, strict=True)]
    return Transcript(
        header,
        elements,
        tag,
        witness,
        b"".join(nonces),
        commitment,
        le(challenge, 32),
        b"".join(le(part, 32) for part in response),
    )


def proved(header: bytes, elements: bytes, tag: bytes, witness: bytes) -> Transcript:
    """The transcript of a true statement; ValueError if it does not verify."""
    made = transcript(header, elements, tag, witness)
    if not engine.verify(header, elements, tag, made.proof):
        raise ValueError(f"a proof that does not verify: {tag.decode()}")
    return made


def encryption_key(private: bytes) -> bytes:
    """The X25519 public key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(share: bytes, recipient_key: bytes, info: bytes, ephemeral: bytes) -> bytes:
    """HPKE base mode of 5.2 with a given ephemeral private key: enc ‖ ciphertext (RFC 9180 sections 4.1, 5.1, 5.2)."""
    enc = encryption_key(ephemeral)
    shared = X25519PrivateKey.from_private_bytes(ephemeral).exchange(X25519PublicKey.from_public_bytes(recipient_key))
    kem = b"KEM" + bytes.fromhex("0020")
    agreed = _expand(kem, _extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + recipient_key, 32)
    suite = b"HPKE" + bytes.fromhex("002000010003")
    context = b"\x00" + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    secret = _extract(suite, agreed, b"secret", b"")
    key, nonce = _expand(suite, secret, b"key", context, 32), _expand(suite, secret, b"base_nonce", context, 12)
    return enc + ChaCha20Poly1305(key).encrypt(nonce, share, b"")


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    # One block of HKDF-Expand: no output here is longer than a hash.
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, labelled + b"\x01", "sha256")[:length]
