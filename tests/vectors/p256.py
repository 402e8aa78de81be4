"""P-256 as a second group under the reference sigma proofs: the published vectors are for it. For tests only.

Affine short-Weierstrass arithmetic (SEC 1 section 2.2.1), codecs of the draft's ciphersuite
sigma-proofs_Shake128_P256: compressed SEC 1 points of 33 bytes, scalars of 32 bytes, big-endian. The identity is None.
"""

from collections.abc import Sequence

from retally_reference.fiat_shamir import deserialize_uint, serialize_uint
from retally_reference.group import EncodingError

Point = tuple[int, int] | None

FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


class P256:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    element_length = 33
    scalar_length = 32
    identity: Point = None
    generator: Point = (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    )

    def add(self, a: Point, b: Point, /) -> Point:
        if a is None or b is None:
            return b if a is None else a
        if a[0] != b[0]:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
        elif a[1] == b[1]:
            slope = 3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, FIELD)
        else:
            return None
        x = (slope * slope - a[0] - b[0]) % FIELD
        return x, (slope * (a[0] - x) - a[1]) % FIELD

    def negate(self, a: Point, /) -> Point:
        return None if a is None else (a[0], -a[1] % FIELD)

    def equal(self, a: Point, b: Point, /) -> bool:
        return a == b

    def is_identity(self, a: Point, /) -> bool:
        return a is None

    def multiply(self, scalar: int, element: Point, /) -> Point:
        return self.multi_scalar_multiply([scalar], [element])

    def multiply_fixed(self, scalar: int, element: Point, /) -> Point:
        return self.multiply(scalar, element)

    def multi_scalar_multiply(self, scalars: Sequence[int], elements: Sequence[Point], /) -> Point:
        reduced = [scalar % self.order for scalar in scalars]
        total = self.identity
        for position in reversed(range(max((s.bit_length() for s in reduced), default=0))):
            total = self.add(total, total)
            for scalar, element in zip(reduced, elements, strict=True):
                if scalar >> position & 1:
                    total = self.add(total, element)
        return total

    def encode(self, element: Point, /) -> bytes:
        if element is None:
            raise ValueError("the identity has no place in a message")
        return bytes([2 | (element[1] & 1)]) + element[0].to_bytes(32, "big")

    def decode(self, encoding: bytes, /) -> Point:
        x = int.from_bytes(encoding[1:], "big")
        if len(encoding) != 33 or encoding[0] not in (2, 3) or x >= FIELD:
            raise EncodingError("not a compressed SEC 1 point")
        square = (x * x * x - 3 * x + B) % FIELD
        y = pow(square, (FIELD + 1) // 4, FIELD)
        if y * y % FIELD != square:
            raise EncodingError("not on the curve")
        return x, y if y & 1 == encoding[0] & 1 else FIELD - y

    def encode_scalar(self, scalar: int, /) -> bytes:
        return serialize_uint(scalar, self.order, "big")

    def decode_scalar(self, encoding: bytes, /) -> int:
        try:
            scalar, rest = deserialize_uint(encoding, self.order, "big")
        except ValueError as refused:
            raise EncodingError(str(refused)) from None
        if rest:
            raise EncodingError("a scalar has 32 bytes")
        return scalar


P256_GROUP = P256()
