"""ristretto255 from plain integers: group laws, every multiplication against the naive one, and what is refused."""

import random

import pytest

from retally_reference import edwards
from retally_reference.edwards import ORDER, SQRT_MINUS_ONE, FixedBase, P, Point
from retally_reference.group import RISTRETTO255, EncodingError, decode_any, encode_any, encode_doubled, fixed_base

G = RISTRETTO255.generator
EDGES = [0, 1, 2, 3, 15, 16, 2**128 - 1, 2**252, ORDER // 2, ORDER // 2 + 1, ORDER - 2, ORDER - 1]


def naive(scalar: int, point: Point) -> Point:
    total = edwards.IDENTITY
    for bit in bin(scalar)[2:]:
        total = edwards.double(total)
        if bit == "1":
            total = edwards.add(total, point)
    return total


def some_scalars(count: int, seed: int) -> list[int]:
    source = random.Random(seed)
    return [
        source.choice([source.randrange(ORDER), source.getrandbits(128), source.choice(EDGES)]) for _ in range(count)
    ]


def some_points(count: int, seed: int) -> list[Point]:
    source = random.Random(seed)
    return [RISTRETTO255.multiply_fixed(source.randrange(1, ORDER), G) for _ in range(count)]


def representatives(point: Point) -> list[Point]:
    """The four Edwards points of one element: the point plus each point of order dividing 4."""
    torsion = [(0, 1), (0, P - 1), (SQRT_MINUS_ONE, 0), (P - SQRT_MINUS_ONE, 0)]
    return [edwards.add(point, (x, y, 1, 0)) for x, y in torsion]


@pytest.mark.parametrize("scalar", EDGES)
def test_all_ways_to_multiply_agree_with_double_and_add(scalar: int) -> None:
    (point,) = some_points(1, 1)
    expected = naive(scalar, point)
    assert edwards.is_same_point(edwards.multi_scalar_multiply([scalar], [point]), expected)
    assert edwards.is_same_point(FixedBase(point, 5).multiply(scalar), expected)
    assert edwards.is_same_point(FixedBase(point, 8).multiply(scalar), expected)
    assert RISTRETTO255.equal(RISTRETTO255.multiply(scalar, point), expected)
    assert RISTRETTO255.equal(RISTRETTO255.multiply_fixed(scalar, point), expected)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 89, 90, 91, 300])
def test_multi_scalar_multiplication_is_the_sum_of_the_multiples(count: int) -> None:
    logarithms, scalars = some_scalars(count, count), some_scalars(count, count + 1)
    points = [fixed_base(G).multiply(logarithm) for logarithm in logarithms]
    expected = sum(s * x for s, x in zip(scalars, logarithms, strict=True)) % ORDER
    assert RISTRETTO255.equal(RISTRETTO255.multi_scalar_multiply(scalars, points), naive(expected, G))


@pytest.mark.parametrize("scalar", [*EDGES, 2**255 - 1, 2**256 - 1])
def test_both_multi_scalar_algorithms_take_scalars_as_integers_without_reduction(scalar: int) -> None:
    (point,) = some_points(1, 2)
    scalars, points = [scalar] * 120, [point] * 120
    expected = naive(120 * scalar, point)
    assert edwards.is_same_point(edwards._pippenger(scalars, points) if scalar else edwards.IDENTITY, expected)
    assert edwards.is_same_point(edwards.multi_scalar_multiply(scalars, points), expected)


def test_the_generator_has_order_l() -> None:
    assert RISTRETTO255.is_identity(naive(ORDER, G))
    assert not RISTRETTO255.is_identity(naive(ORDER - 1, G))


def test_all_four_representatives_are_one_element_with_one_encoding() -> None:
    (point, other) = some_points(2, 3)
    for representative in representatives(point):
        assert RISTRETTO255.equal(representative, point)
        assert encode_any(representative) == encode_any(point)
        assert not RISTRETTO255.equal(representative, other)
    assert all(RISTRETTO255.is_identity(representative) for representative in representatives(edwards.IDENTITY))
    assert not any(RISTRETTO255.is_identity(representative) for representative in representatives(point))


def test_doubling_while_encoding_equals_encoding_the_double_for_every_representative() -> None:
    points = [each for point in [*some_points(20, 4), edwards.IDENTITY] for each in representatives(point)]
    assert encode_doubled(points) == [encode_any(edwards.double(point)) for point in points]


def test_an_element_survives_its_encoding() -> None:
    for point in some_points(20, 5):
        assert RISTRETTO255.equal(RISTRETTO255.decode(RISTRETTO255.encode(point)), point)


def test_the_identity_is_refused_at_the_boundary_and_never_sent() -> None:
    assert encode_any(edwards.IDENTITY) == bytes(32)
    assert RISTRETTO255.is_identity(decode_any(bytes(32)))
    with pytest.raises(EncodingError, match="identity"):
        RISTRETTO255.decode(bytes(32))
    for representative in representatives(edwards.IDENTITY):
        with pytest.raises(ValueError, match="identity"):
            RISTRETTO255.encode(representative)


def test_every_other_spelling_of_an_encoding_is_refused() -> None:
    for point in some_points(10, 6):
        encoding = RISTRETTO255.encode(point)
        s = int.from_bytes(encoding, "little")
        respelled = [
            (s | 1 << 255).to_bytes(32, "little"),
            (P - s).to_bytes(32, "little"),
            encoding[:31],
            encoding + b"\0",
        ]
        if s + P < 2**256:
            respelled.append((s + P).to_bytes(32, "little"))
        for other in respelled:
            with pytest.raises(EncodingError):
                RISTRETTO255.decode(other)


@pytest.mark.parametrize("value", [P, P + 1, P + 2, 2**255 - 1, 2**255, 2**256 - 1, 1, 3])
def test_encodings_out_of_range_or_odd_are_refused(value: int) -> None:
    with pytest.raises(EncodingError):
        decode_any(value.to_bytes(32, "little"))


def test_about_one_even_value_in_four_is_an_element_and_decodes_to_itself() -> None:
    accepted = 0
    source = random.Random(7)
    for _ in range(400):
        encoding = (2 * source.randrange(P // 2)).to_bytes(32, "little")
        try:
            element = decode_any(encoding)
        except EncodingError:
            continue
        accepted += 1
        assert encode_any(element) == encoding
    assert 50 < accepted < 200


@pytest.mark.parametrize("value", [ORDER, ORDER + 1, 2**255, 2**256 - 1])
def test_a_scalar_that_is_not_below_the_order_is_refused(value: int) -> None:
    with pytest.raises(EncodingError):
        RISTRETTO255.decode_scalar(value.to_bytes(32, "little"))
    with pytest.raises(ValueError, match="scalar"):
        RISTRETTO255.encode_scalar(value)


def test_a_scalar_below_the_order_survives_its_encoding() -> None:
    for scalar in EDGES:
        assert RISTRETTO255.decode_scalar(RISTRETTO255.encode_scalar(scalar)) == scalar
    with pytest.raises(EncodingError):
        RISTRETTO255.decode_scalar(bytes(31))


def test_inverses_leave_zero_alone() -> None:
    values = [3, 0, P - 1, 0, 7]
    assert [value * inverse % P for value, inverse in zip(values, edwards.inverses(values), strict=True)] == [
        1,
        0,
        1,
        0,
        1,
    ]
