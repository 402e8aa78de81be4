"""The twisted Edwards curve under ristretto255 and Ed25519, from plain integers.

The curve is -x² + y² = 1 + d·x²·y² over the integers modulo p = 2²⁵⁵ - 19 (RFC 8032 section 5.1, RFC 9496
section 4.1). A point is `(X, Y, Z, T)` with x = X/Z, y = Y/Z, x·y = T/Z; every coordinate is reduced. The formulas are
the complete ones of Hisil, Wong, Carter and Dawson, "Twisted Edwards Curves Revisited" (2008), sections 3.1 and 3.3,
so no input is exceptional. This module knows the whole curve of order 8L; `group` turns it into a group of prime order.

NOT constant time: Python integers are not, and the algorithms here branch on scalars.
"""

from collections.abc import Iterable, Sequence

Point = tuple[int, int, int, int]
Addend = tuple[int, int, int]  # an affine point as (y + x, y - x, 2d·x·y): one multiplication less for each addition

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
TWICE_D = 2 * D % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
IDENTITY: Point = (0, 1, 1, 0)

_STRAUS_WIDTH = 5
_STRAUS_LIMIT = 90


def square_root_of_ratio(u: int, v: int) -> tuple[bool, int]:
    """`(True, √(u/v))` if u/v is a square, else `(False, √(√-1·u/v))`; always the even root (RFC 9496 section 4.2)."""
    v3 = v * v % P * v % P
    root = u * v3 % P * pow(u * v3 * v3 % P * v % P, (P - 5) // 8, P) % P
    check = v * root * root % P
    u %= P
    correct, flipped = check == u, check == -u % P
    if flipped or check == -u * SQRT_MINUS_ONE % P:
        root = root * SQRT_MINUS_ONE % P
    return correct or flipped, P - root if root & 1 else root


def inverses(values: Sequence[int]) -> list[int]:
    """The inverse of each value modulo p, 0 for 0, with one inversion in all (Montgomery's trick)."""
    running, prefixes = 1, []
    for value in values:
        prefixes.append(running)
        if value:
            running = running * value % P
    running = pow(running, -1, P)
    result = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        if values[i]:
            result[i] = running * prefixes[i] % P
            running = running * values[i] % P
    return result


def add(a: Point, b: Point) -> Point:
    """a + b."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = t1 * TWICE_D % P * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = (n - m) % P, d - c, d + c, (n + m) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(a: Point) -> Point:
    """a + a."""
    x, y, z, _ = a
    xx, yy, xy = x * x, y * y, x + y
    h = (xx + yy) % P
    e, g = (h - xy * xy) % P, (xx - yy) % P
    f = 2 * z * z % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(a: Point) -> Point:
    """-a."""
    x, y, z, t = a
    return -x % P, y, z, -t % P


def is_same_point(a: Point, b: Point) -> bool:
    """Whether a and b are one point of the curve (which is finer than ristretto equality)."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def affine(points: Sequence[Point]) -> list[tuple[int, int]]:
    """(x, y) of each point, with one inversion in all."""
    if all(point[2] == 1 for point in points):
        return [(x, y) for x, y, _, _ in points]
    return [
        (x * inverse % P, y * inverse % P)
        for (x, y, _, _), inverse in zip(points, inverses([point[2] for point in points]), strict=True)
    ]


def _addends(points: Sequence[Point]) -> list[Addend]:
    return [_addend(x, y) for x, y in affine(points)]


def _addend(x: int, y: int) -> Addend:
    return (y + x) % P, (y - x) % P, TWICE_D * x % P * y % P


def _sum_of_addends(addends: Iterable[Addend], start: Point = IDENTITY) -> Point:
    p = P
    x, y, z, t = start
    for plus, minus, product in addends:
        m, n, c, d = (y - x) * minus, (y + x) * plus, t * product % p, z + z
        e, f, g, h = (n - m) % p, d - c, d + c, (n + m) % p
        x, y, z, t = e * f % p, g * h % p, f * g % p, e * h % p
    return x, y, z, t


def sum_of_points(points: Sequence[Point]) -> Point:
    """The sum of all points; the identity for none."""
    return _sum_of_addends(_addends(points))


def multi_scalar_multiply(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """Σ scalars[i]·points[i] for non-negative scalars, taken as integers: nothing is reduced modulo L."""
    used = [(scalar, point) for scalar, point in zip(scalars, points, strict=True) if scalar]
    return (_straus if len(used) < _STRAUS_LIMIT else _pippenger)([s for s, _ in used], [p for _, p in used])


def _non_adjacent_form(scalar: int, width: int) -> list[tuple[int, int]]:
    """(position, odd digit) with |digit| < 2^(width-1) and scalar = Σ digit·2^position."""
    digits, position, modulus = [], 0, 1 << width
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        position += zeros
        digit = scalar & (modulus - 1)
        if digit >> (width - 1):
            digit -= modulus
        digits.append((position, digit))
        scalar -= digit
    return digits


def _straus(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """Few points: one chain of doublings shared by all, odd multiples of every point at hand (Straus 1964)."""
    width = _STRAUS_WIDTH
    additions: list[list[Point]] = [[] for _ in range(2 + max((s.bit_length() for s in scalars), default=0))]
    for scalar, point in zip(scalars, points, strict=True):
        digits = _non_adjacent_form(scalar, width)
        multiples = [point]
        largest = max(abs(digit) for _, digit in digits)
        if largest > 1:
            twice = double(point)
            while 2 * len(multiples) - 1 < largest:
                multiples.append(add(multiples[-1], twice))
        for position, digit in digits:
            multiple = multiples[abs(digit) >> 1]
            additions[position].append(multiple if digit > 0 else negate(multiple))
    total = IDENTITY
    for addends in reversed(additions):
        if total is not IDENTITY:
            total = double(total)
        for addend in addends:
            total = add(total, addend)
    return total


def _pippenger_width(count: int, bits: int) -> int:
    return min(range(4, 14), key=lambda width: (bits // width + 1) * (count + (1 << width)))


Term = tuple[int, int, Point, Addend]
"""A scalar plus the offset that makes its digits signed, how many windows it reaches, and its point in both forms."""


def _pippenger(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """Many points: in each window of the scalars, points of equal digit share a bucket (Pippenger 1976, signed)."""
    bits = max(scalar.bit_length() for scalar in scalars)
    width = _pippenger_width(len(points), bits)
    windows = (bits + 1) // width + 1
    # Digit j of the scalar is digit j of (scalar + offset), less half: always within -half … half-1.
    offset = sum(1 << (width * window + width - 1) for window in range(windows))
    terms: list[Term] = [
        (scalar + offset, (scalar.bit_length() + 1) // width + 1, (x, y, 1, x * y % P), _addend(x, y))
        for scalar, (x, y) in zip(scalars, affine(points), strict=True)
    ]
    total = IDENTITY
    for window in range(windows - 1, -1, -1):
        for _ in range(width):
            total = double(total)
        total = add(total, _weighted_sum(_buckets(terms, window, width)))
    return total


def _buckets(terms: Sequence[Term], window: int, width: int) -> list[Point | None]:
    """By the amount of their digit in this window, the sums of points, negated where the digit is negative."""
    # Every bulk multiplication spends its time here: `add` for an affine point, written out.
    p, shift = P, width * window
    half, mask = 1 << (width - 1), (1 << width) - 1
    buckets: list[Point | None] = [None] * (half + 1)
    for shifted, length, point, (a, b, c) in terms:
        if length <= window:
            continue
        digit = (shifted >> shift & mask) - half
        if digit == 0:
            continue
        bucket = buckets[abs(digit)]
        if bucket is None:
            buckets[abs(digit)] = point if digit > 0 else negate(point)
            continue
        x, y, z, t = bucket
        plus, minus, product = (a, b, c) if digit > 0 else (b, a, -c)
        m, n, c, d = (y - x) * minus, (y + x) * plus, t * product % p, z + z
        e, f, g, h = (n - m) % p, d - c, d + c, (n + m) % p
        buckets[abs(digit)] = e * f % p, g * h % p, f * g % p, e * h % p
    return buckets


def _weighted_sum(buckets: Sequence[Point | None]) -> Point:
    """Σ i·buckets[i], by sums of sums from the end."""
    running = total = IDENTITY
    for bucket in reversed(buckets[1:]):
        if bucket is not None:
            running = add(running, bucket)
        if running is not IDENTITY:
            total = add(total, running)
    return total


class FixedBase:
    """Multiples of one base by table: signed windows, 2^(width-1) multiples a window, no doubling at all."""

    def __init__(self, base: Point, width: int, bits: int = 256) -> None:
        self._width, self._half = width, 1 << (width - 1)
        self._windows = (bits + 1) // width + 1
        self._offset = sum(self._half << (width * window) for window in range(self._windows))
        rows: list[Point] = []
        for _ in range(self._windows):
            multiple = base
            for _ in range(self._half):
                rows.append(multiple)
                multiple = add(multiple, base)
            base = double(rows[-1])
        addends = _addends(rows)
        self._rows = [addends[i : i + self._half] for i in range(0, len(addends), self._half)]

    def multiply(self, scalar: int, start: Point = IDENTITY) -> Point:
        """start + scalar·base for 0 ≤ scalar < 2^bits, as an integer: nothing is reduced modulo L."""
        shifted, width, half = scalar + self._offset, self._width, self._half
        mask, chosen = (1 << width) - 1, []
        for row in self._rows:
            digit = (shifted & mask) - half
            shifted >>= width
            if digit > 0:
                chosen.append(row[digit - 1])
            elif digit < 0:
                plus, minus, product = row[-digit - 1]
                chosen.append((minus, plus, -product))
        return _sum_of_addends(chosen, start)
