"""The vectors of RFC 9496 appendix A against the reference group, and through the engine's bytes."""

import hashlib
from typing import Any

import pytest

from retally_reference import edwards, engine
from retally_reference.edwards import SQRT_MINUS_ONE, D, P, Point, square_root_of_ratio
from retally_reference.group import RISTRETTO255, EncodingError, decode_any, encode_any, encode_doubled
from tests.shared_vectors import vectors_json

VECTORS: dict[str, Any] = vectors_json("ristretto255", "rfc9496.json")
MULTIPLES = [bytes.fromhex(encoding) for encoding in VECTORS["small_multiples_of_generator"]]
INVALID = [bytes.fromhex(encoding) for encoding in VECTORS["invalid_encodings"]]
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235


def elligator(uniform: bytes) -> Point:
    """The map of RFC 9496 section 4.3.4. Retally never hashes to the group; this is here because the vectors are."""
    t = int.from_bytes(uniform, "little") % 2**255 % P
    r = SQRT_MINUS_ONE * t * t % P
    u, v = (r + 1) * (1 - D * D) % P, (-1 - r * D) * (r + D) % P
    was_square, s = square_root_of_ratio(u, v)
    if not was_square:
        product = s * t % P
        s = product if product & 1 else -product % P
    c = -1 if was_square else r
    n = c * (r - 1) * (D - 1) ** 2 - v
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def from_uniform_bytes(uniform: bytes) -> Point:
    return edwards.add(elligator(uniform[:32]), elligator(uniform[32:]))


def test_the_vector_file_holds_what_these_tests_expect() -> None:
    sections = {section: len(VECTORS[section]) for section in VECTORS.keys() - {"source"}}
    assert sections == {
        "small_multiples_of_generator": 16,
        "invalid_encodings": 29,
        "hash_to_group_sha512": 7,
        "uniform_bytes_to_group": 11,
    }


@pytest.mark.parametrize("multiple", range(16))
def test_small_multiples_of_the_generator(multiple: int) -> None:
    encoding, generator = MULTIPLES[multiple], RISTRETTO255.generator
    assert encode_any(decode_any(encoding)) == encoding
    assert encode_any(RISTRETTO255.multiply(multiple, generator)) == encoding
    assert encode_any(RISTRETTO255.multiply_fixed(multiple, generator)) == encoding
    assert encode_any(edwards.sum_of_points([generator] * multiple)) == encoding
    assert engine.multiply_base(multiple.to_bytes(32, "little")) == encoding


def test_doubling_while_encoding_gives_the_even_multiples() -> None:
    assert encode_doubled([decode_any(encoding) for encoding in MULTIPLES[:8]]) == MULTIPLES[::2]


@pytest.mark.parametrize("encoding", INVALID, ids=bytes.hex)
def test_invalid_encoding_is_refused(encoding: bytes) -> None:
    with pytest.raises(EncodingError):
        decode_any(encoding)
    with pytest.raises(EncodingError):
        RISTRETTO255.decode(encoding)


def test_the_engine_names_exactly_the_invalid_encodings_and_the_identity() -> None:
    mixed = b"".join(good + bad for good, bad in zip(MULTIPLES, INVALID, strict=False))
    assert engine.invalid_points(mixed) == [0, *range(1, 32, 2)]


@pytest.mark.parametrize("vector", VECTORS["hash_to_group_sha512"], ids=lambda vector: vector["encoding"][:8])
def test_hash_to_group(vector: dict[str, str]) -> None:
    digest = hashlib.sha512(vector["label"].encode()).digest()
    assert encode_any(from_uniform_bytes(digest)).hex() == vector["encoding"]


@pytest.mark.parametrize("vector", VECTORS["uniform_bytes_to_group"], ids=lambda vector: vector["input"][:8])
def test_uniform_bytes_to_group(vector: dict[str, str]) -> None:
    assert encode_any(from_uniform_bytes(bytes.fromhex(vector["input"]))).hex() == vector["output"]
