"""Groups of prime order: the interface the sigma proofs need, and ristretto255 (RFC 9496) from plain integers.

An element of ristretto255 is held as one of the four Edwards points that represent it; two elements are the same if
`Ristretto255.equal` says so (RFC 9496 section 4.3.3), never because their coordinates are. Every encoding from
outside passes `decode`, which accepts exactly the canonical encodings and not the identity, as docs/spec page 2
demands.

NOT constant time: the reference engine must not handle secrets on a machine where others can measure it. The native
engine is constant time for secrets.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from typing import Protocol, TypeVar

from retally_reference import edwards
from retally_reference.edwards import ORDER, SQRT_MINUS_ONE, D, FixedBase, P, Point

Element = TypeVar("Element")


class EncodingError(ValueError):
    """Bytes that are not the canonical encoding of an acceptable element or scalar."""


class Group(Protocol[Element]):
    """A group of prime order with its codecs (draft-irtf-cfrg-sigma-protocols-03, "Group abstraction" and
    "Ciphersuites").

    `element_length` is the draft's Ne, `scalar_length` its Ns. Scalars are integers in 0 … order-1.
    """

    @property
    def order(self) -> int: ...
    @property
    def element_length(self) -> int: ...
    @property
    def scalar_length(self) -> int: ...
    @property
    def generator(self) -> Element: ...
    @property
    def identity(self) -> Element: ...
    def add(self, a: Element, b: Element, /) -> Element: ...
    def negate(self, a: Element, /) -> Element: ...
    def equal(self, a: Element, b: Element, /) -> bool: ...
    def is_identity(self, a: Element, /) -> bool: ...
    def multiply(self, scalar: int, element: Element, /) -> Element: ...
    def multiply_fixed(self, scalar: int, element: Element, /) -> Element:
        """The same, for an element that will be multiplied often: a table may be kept for it."""
        ...

    def multi_scalar_multiply(self, scalars: Sequence[int], elements: Sequence[Element], /) -> Element: ...
    def encode(self, element: Element, /) -> bytes:
        """The canonical encoding; ValueError for the identity, which no message of a proof may hold."""
        ...

    def decode(self, encoding: bytes, /) -> Element:
        """The element; EncodingError for a wrong length, a non-canonical encoding and the identity."""
        ...

    def encode_scalar(self, scalar: int, /) -> bytes: ...
    def decode_scalar(self, encoding: bytes, /) -> int:
        """The scalar; EncodingError for a wrong length and for a value that is not below the order."""
        ...


_, INVERSE_ROOT_A_MINUS_D = edwards.square_root_of_ratio(1, -1 - D)
IDENTITY_ENCODING = bytes(32)


def decode_any(encoding: bytes) -> Point:
    """The element of a canonical encoding, the identity included (RFC 9496 section 4.3.1); EncodingError otherwise."""
    s = int.from_bytes(encoding, "little")
    if len(encoding) != 32 or s >= P or s & 1:
        raise EncodingError(f"not a canonical ristretto255 encoding: {encoding.hex()}")
    square = s * s % P
    u1, u2 = 1 - square, 1 + square
    u2_squared = u2 * u2 % P
    v = (-D * u1 % P * u1 - u2_squared) % P
    was_square, inverse_root = edwards.square_root_of_ratio(1, v * u2_squared % P)
    x = 2 * s * inverse_root % P * u2 % P
    y = u1 * inverse_root % P * inverse_root % P * u2 % P * v % P
    if x & 1:
        x = P - x
    t = x * y % P
    if not was_square or t & 1 or y == 0:
        raise EncodingError(f"not a ristretto255 element: {encoding.hex()}")
    return x, y, 1, t


def encode_any(element: Point) -> bytes:
    """The canonical encoding, 32 zero bytes for the identity (RFC 9496 section 4.3.2)."""
    x, y, z, t = element
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    _, inverse_root = edwards.square_root_of_ratio(1, u1 * u2 % P * u2 % P)
    first, second = inverse_root * u1 % P, inverse_root * u2 % P
    z_inverse = first * second % P * t % P
    if t * z_inverse % P & 1:
        x, y = y * SQRT_MINUS_ONE % P, x * SQRT_MINUS_ONE % P
        second = first * INVERSE_ROOT_A_MINUS_D % P
    if x * z_inverse % P & 1:
        y = -y
    s = second * (z - y) % P
    return (P - s if s & 1 else s).to_bytes(32, "little")


def encode_doubled(elements: Sequence[Point]) -> list[bytes]:
    """The encodings of 2·element, with one inversion in all where `encode_any` needs one exponentiation each.

    Source: M. Hamburg, "Decaf" (2015) and https://ristretto.group, "Batched double-and-encode": doubling factors
    through the isogeny by which the group is built, so the square root of an even element is known without taking one.
    """
    parts = []
    for x, y, z, t in elements:
        zz, dtt = z * z, D * t % P * t
        e, f, g, h = 2 * x * y % P, (zz + dtt) % P, (y * y + x * x) % P, (zz - dtt) % P
        parts.append((e, f, g, h, e * g % P, f * h % P))
    result = []
    for (e, f, g, h, eg, fh), inverse in zip(
        parts, edwards.inverses([part[4] * part[5] % P for part in parts]), strict=True
    ):
        z_inverse, t_inverse, factor = eg * inverse % P, fh * inverse % P, INVERSE_ROOT_A_MINUS_D
        if eg * z_inverse % P & 1:
            e, g, h, factor = g, -e, f * SQRT_MINUS_ONE % P, SQRT_MINUS_ONE
        if h * e % P * z_inverse % P & 1:
            g = -g
        s = (h - g) * factor % P * g % P * t_inverse % P
        result.append((P - s if s & 1 else s).to_bytes(32, "little"))
    return result


class Ristretto255:
    """ristretto255 as a `Group`; stateless but for the tables of the bases it has met."""

    order = ORDER
    element_length = 32
    scalar_length = 32
    identity: Point = edwards.IDENTITY
    generator: Point = decode_any(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))

    def add(self, a: Point, b: Point, /) -> Point:
        return edwards.add(a, b)

    def negate(self, a: Point, /) -> Point:
        return edwards.negate(a)

    def equal(self, a: Point, b: Point, /) -> bool:
        """Ristretto equality (RFC 9496 section 4.3.3): the same element whichever of its four points represents it."""
        return (a[0] * b[1] - a[1] * b[0]) % P == 0 or (a[1] * b[1] - a[0] * b[0]) % P == 0

    def is_identity(self, a: Point, /) -> bool:
        return a[0] == 0 or a[1] == 0

    def multiply(self, scalar: int, element: Point, /) -> Point:
        return self.multi_scalar_multiply([scalar], [element])

    def multiply_fixed(self, scalar: int, element: Point, /) -> Point:
        return fixed_base(element).multiply(scalar % ORDER)

    def multi_scalar_multiply(self, scalars: Sequence[int], elements: Sequence[Point], /) -> Point:
        """Σ scalars[i]·elements[i]; a scalar close below the order costs no more than its negative."""
        magnitudes, signed = [], []
        for scalar, element in zip(scalars, elements, strict=True):
            scalar %= ORDER
            above = scalar > ORDER // 2
            magnitudes.append(ORDER - scalar if above else scalar)
            signed.append(edwards.negate(element) if above else element)
        return edwards.multi_scalar_multiply(magnitudes, signed)

    def encode(self, element: Point, /) -> bytes:
        if self.is_identity(element):
            raise ValueError("the identity has no place in a message")
        return encode_any(element)

    def decode(self, encoding: bytes, /) -> Point:
        if encoding == IDENTITY_ENCODING:
            raise EncodingError("the encoding of the identity is refused")
        return decode_any(encoding)

    def encode_scalar(self, scalar: int, /) -> bytes:
        if not 0 <= scalar < ORDER:
            raise ValueError("scalar outside 0 … order-1")
        return scalar.to_bytes(32, "little")

    def decode_scalar(self, encoding: bytes, /) -> int:
        scalar = int.from_bytes(encoding, "little")
        if len(encoding) != 32 or scalar >= ORDER:
            raise EncodingError(f"not a canonical scalar: {len(encoding)} bytes, or not below the order")
        return scalar


RISTRETTO255 = Ristretto255()


def decode_points(encodings: bytes) -> list[Point]:
    """n * 32 bytes of encodings. EncodingError as `Ristretto255.decode`."""
    return [RISTRETTO255.decode(encodings[at : at + 32]) for at in range(0, len(encodings), 32)]


def add_all(points: Iterable[Point]) -> Point:
    """The sum of any number of points."""
    return reduce(edwards.add, points, edwards.IDENTITY)


@lru_cache(maxsize=16)
def fixed_base(element: Point) -> FixedBase:
    """The table of one base; the generator's is the larger, because it is used most."""
    return FixedBase(element, 8 if element == Ristretto255.generator else 6)
