"""Credentials: how a voter's codes become her key, and how registrars put it on the roll (docs/spec 5.6 and 5.7).

Each registrar r gives the voter one code; the code and the election determine the part c_r. Only the voter can add
the parts: her secret is c = Σ c_r, her credential on the roll C = Σ c_r·G. All registrars together could vote for
her; all but one cannot, because each commits to its parts before any part is revealed, and a replacement's parts each
prove that their secret is known.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from retally_crypto.codes import decode_code, encode_code
from retally_crypto.engine import engine
from retally_crypto.errors import Unusable
from retally_crypto.relations import ORDER, Template, compile_relation, tag

LABEL: Final = b"RETALLY-V01-code"
CODE_BYTES: Final = 15
SYMBOLS: Final = 24
CHECK_SYMBOLS: Final = 4

CREDENTIAL_PART: Final = """
Relation CredentialPart(P):
  Witness: c
  Equations:
    P = c*G
"""


class RollHasher(Protocol):
    """What `roll_commitment_hasher` returns: a SHA-256 that takes positions in order."""

    def update(self, positions: bytes, /) -> None: ...

    def digest(self) -> bytes: ...

    def copy(self) -> "RollHasher": ...


def new_code() -> str:
    """A fresh voter code: 120 bits from the operating system."""
    return encode_code(secrets.token_bytes(CODE_BYTES), SYMBOLS, CHECK_SYMBOLS, LABEL)


def parse_code(text: str) -> bytes:
    """The 15 bytes of a code as a person typed it. Raises Malformed; the message does not repeat the code."""
    return decode_code(text, SYMBOLS, CHECK_SYMBOLS, LABEL)


def part_secret(code: bytes, election_id: bytes, registrar: int) -> bytes:
    """c_r of the registrar (counted from 1), a 32-byte scalar, from the 15 bytes of its code.

    Raises Unusable for the one code in 2^252 that gives zero: the registrar draws another.
    """
    if len(code) != CODE_BYTES:
        raise ValueError(f"a code has {CODE_BYTES} bytes, not {len(code)}")
    info = b"RETALLY-V01-credential" + registrar.to_bytes(4, "little")
    wide = HKDF(algorithm=hashes.SHA512(), length=64, salt=election_id, info=info).derive(code)
    scalar = engine.scalar_reduce(wide)
    if scalar == bytes(32):
        raise Unusable("this voter code gives no credential in this election; draw another")
    return scalar


def public_part(secret: bytes) -> bytes:
    """P_r = c_r·G, 32 bytes; several secrets one after the other give as many parts."""
    return engine.multiply_base(secret)


def combine_secrets(parts: Sequence[bytes]) -> bytes:
    """c = Σ c_r, from every registrar's part for one voter.

    Raises Unusable when the sum is zero, which no honest set of codes gives.
    """
    total = sum(int.from_bytes(part, "little") for part in parts) % ORDER
    if total == 0:
        raise Unusable("the parts of this credential cancel out")
    return total.to_bytes(32, "little")


def combine_parts(parts: Sequence[bytes]) -> bytes:
    """C = Σ P_r for many positions at once: one buffer of 32·m bytes for each registrar, 32·m bytes back.

    A sum may be the identity (32 zero bytes): the caller refuses it.
    """
    total = parts[0]
    for more in parts[1:]:
        total = engine.add(total, more)
    return total


def roll_commitment_hasher(election_id: bytes, registrar: int, count: int) -> RollHasher:
    """The hash of 5.6 up to its positions: give it `roll_positions` of chunk after chunk."""
    return hashlib.sha256(
        b"RETALLY-V01-roll" + election_id + registrar.to_bytes(4, "little") + count.to_bytes(8, "little")
    )


def roll_positions(parts: bytes, styles: Sequence[int]) -> bytes:
    """part ‖ LE(style index, 4) for each position of a chunk."""
    if len(parts) != 32 * len(styles):
        raise ValueError(f"{len(parts)} bytes of parts for {len(styles)} styles")
    return b"".join(parts[32 * i : 32 * i + 32] + style.to_bytes(4, "little") for i, style in enumerate(styles))


def roll_commitment(election_id: bytes, registrar: int, parts: bytes, styles: Sequence[int]) -> bytes:
    """`commitment` of a registrar to its whole list (5.6), 32 bytes."""
    hasher = roll_commitment_hasher(election_id, registrar, len(styles))
    hasher.update(roll_positions(parts, styles))
    return hasher.digest()


def roll_commitments_digest(election_id: bytes, commitments: Sequence[bytes]) -> bytes:
    """`commitments` of every `roll` entry: over what all registrars committed to, in their order (5.6)."""
    return hashlib.sha256(b"RETALLY-V01-roll-commitments" + election_id + b"".join(commitments)).digest()


def opened_roll_digest(election_id: bytes, active: Iterable[tuple[bytes, int]], count: int) -> bytes:
    """`roll` in `opening` (5.6): over (credential, style index) of the `count` active ones in roll order,
    replacements last."""
    hasher = hashlib.sha256(b"RETALLY-V01-opened-roll" + election_id + count.to_bytes(8, "little"))
    seen = 0
    for credential, style in active:
        hasher.update(credential + style.to_bytes(4, "little"))
        seen += 1
    if seen != count:
        raise ValueError(f"{seen} active credentials, {count} announced")
    return hasher.digest()


def prove_part(secret: bytes, election_id: bytes, registrar: int, replaced: bytes) -> bytes:
    """The CredentialPart proof (64 bytes) of a registrar's part for the credential that replaces `replaced` (5.7)."""
    template = _relation()
    return engine.prove(
        template.header, public_part(secret), _part_tag(template, election_id, registrar, replaced), secret, []
    )


def verify_part(part: bytes, proof: bytes, election_id: bytes, registrar: int, replaced: bytes) -> bool:
    """Whether the registrar (counted from 1) knows the secret of its part for the replacement of `replaced`."""
    template = _relation()
    return engine.verify(template.header, part, _part_tag(template, election_id, registrar, replaced), proof)


def _relation() -> Template:
    return compile_relation(CREDENTIAL_PART)


def _part_tag(template: Template, election_id: bytes, registrar: int, replaced: bytes) -> bytes:
    return tag(template.name, election_id, registrar.to_bytes(4, "little"), replaced)
