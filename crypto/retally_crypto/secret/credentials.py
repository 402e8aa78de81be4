"""How a voter's codes become her key (docs/spec 5.6 and 5.7).

Each registrar r gives the voter one code; the code and the election determine the part c_r. Only the voter can add
the parts: her secret is c = Σ c_r.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from retally_crypto.codes import decode_code, encode_code
from retally_crypto.credentials import part_relation, part_tag
from retally_crypto.engine import engine
from retally_crypto.errors import Unusable
from retally_crypto.relations import ORDER

LABEL: Final = b"RETALLY-V01-code"
CODE_BYTES: Final = 15
SYMBOLS: Final = 24
CHECK_SYMBOLS: Final = 4


def new_code() -> str:
    """A fresh voter code: 120 bits from the operating system."""
    return format_code(secrets.token_bytes(CODE_BYTES))


def format_code(raw: bytes) -> str:
    """A code's 15 bytes as a person types it: the inverse of `parse_code`."""
    return encode_code(raw, SYMBOLS, CHECK_SYMBOLS, LABEL)


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


def prove_part(secret: bytes, election_id: bytes, registrar: int, replaced: bytes) -> bytes:
    """The CredentialPart proof (64 bytes) of a registrar's part for the credential that replaces `replaced` (5.7)."""
    template = part_relation()
    return engine.prove(
        template.header, public_part(secret), part_tag(template, election_id, registrar, replaced), secret, []
    )
