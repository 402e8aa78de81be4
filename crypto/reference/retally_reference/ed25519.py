"""Ed25519 verification (RFC 8032 section 5.1.7) for the reference verifier, from plain integers.

The choices RFC 8032 leaves open are made so that every verifier gives the same answer: S below the order L, A
canonical, and the equation S·B - k·A = R without cofactor, compared as encodings. Verification only: nothing here
ever holds a private key.
"""

import hashlib

from retally_reference import edwards
from retally_reference.edwards import ORDER, D, P, Point

_SIGN = 1 << 255


def decode_point(encoding: bytes) -> Point | None:
    """The point of a canonical encoding (RFC 8032 section 5.1.3), of whatever order; None if it is not one."""
    if len(encoding) != 32:
        return None
    compressed = int.from_bytes(encoding, "little")
    y, sign = compressed & (_SIGN - 1), compressed >> 255
    if y >= P:
        return None
    is_square, x = edwards.square_root_of_ratio(y * y - 1, D * y * y + 1)
    if not is_square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(point: Point) -> bytes:
    """The canonical encoding."""
    ((x, y),) = edwards.affine([point])
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode_base() -> Point:
    base = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    if base is None:
        raise ArithmeticError("the base point of RFC 8032 does not decode")
    return base


BASE = _decode_base()


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is one of `message` under `key` (32 bytes); False for anything malformed."""
    point = decode_point(key)
    if point is None or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return encode_point(edwards.multi_scalar_multiply([s, k], [BASE, edwards.negate(point)])) == signature[:32]


def valid_ed25519_key(key: bytes) -> bool:
    """A canonical encoding of a point of the subgroup of prime order, and not the identity."""
    point = decode_point(key)
    if point is None or edwards.is_same_point(point, edwards.IDENTITY):
        return False
    return edwards.is_same_point(edwards.multi_scalar_multiply([ORDER], [point]), edwards.IDENTITY)
