"""The reference engine's interface: bytes in, bytes out, what it raises for and what it only reports."""

import hashlib
import random
from typing import NamedTuple

import pytest

from retally_reference import engine
from retally_reference.edwards import ORDER
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import Equation, serialize_header

IDENTITY = bytes(32)
NOT_A_POINT = b"\x01" + bytes(31)


def scalar(value: int) -> bytes:
    return (value % ORDER).to_bytes(32, "little")


def scalars(*values: int) -> bytes:
    return b"".join(map(scalar, values))


def multiples(*values: int) -> bytes:
    return engine.multiply_base(scalars(*values))


# Elements G, K, A, B: an encryption of a bit (docs/spec page 6), K being common to all instances.
HEADER = serialize_header(
    RISTRETTO255,
    [
        Equation(((2, 1),), ((1, 0, 1),)),
        Equation(((3, 1),), ((0, 0, 1), (1, 1, 1))),
        Equation(((2, 1),), ((0, 2, 1), (2, 0, 1))),
        Equation(((3, 1),), ((0, 3, 1), (2, 1, 1))),
    ],
)
KEY_SECRET = 424242
KEY = multiples(KEY_SECRET)
TAG_LENGTH = 9


class Batch(NamedTuple):
    elements: list[bytes]
    tags: list[bytes]
    proofs: list[bytes]

    def verify(self, shared: bytes = KEY) -> list[int]:
        parts = b"".join(self.elements), b"".join(self.tags), b"".join(self.proofs)
        return engine.verify_batch(HEADER, shared, *parts, len(self.proofs))

    def verify_singly(self) -> list[int]:
        members = enumerate(zip(self.elements, self.tags, self.proofs, strict=True))
        return [i for i, (elements, tag, proof) in members if not engine.verify(HEADER, KEY + elements, tag, proof)]


def encrypted_bits(count: int) -> Batch:
    source, batch = random.Random(count), Batch([], [], [])
    for i in range(count):
        value, r = i % 2, source.randrange(1, ORDER)
        elements, tag = multiples(r, value + r * KEY_SECRET), b"ballot%03d" % i
        known = [(2, [(0, scalar(r))]), (3, [(0, scalar(value)), (1, scalar(r))])]
        witness = scalars(value, r, (1 - value) * r)
        batch.elements.append(elements)
        batch.tags.append(tag)
        batch.proofs.append(engine.prove(HEADER, KEY + elements, tag, witness, known))
    return batch


@pytest.fixture
def batch() -> Batch:
    return encrypted_bits(6)


def test_arithmetic_on_points_is_arithmetic_on_their_logarithms() -> None:
    a, b = (5, 0, ORDER - 1, 123456789), (7, 9, 1, 123456789)
    assert engine.add(multiples(*a), multiples(*b)) == multiples(*(x + y for x, y in zip(a, b, strict=True)))
    assert engine.subtract(multiples(*a), multiples(*b)) == multiples(*(x - y for x, y in zip(a, b, strict=True)))
    products = multiples(*(x * y for x, y in zip(a, b, strict=True)))
    assert engine.multiply(scalars(*a), multiples(*b)) == products
    assert engine.multiply_fixed(multiples(7), scalars(*a)) == multiples(*(7 * x for x in a))
    assert engine.multi_scalar_multiply(scalars(*a), multiples(*b)) == multiples(
        sum(x * y for x, y in zip(a, b, strict=True))
    )


def test_the_identity_goes_in_and_comes_out_of_arithmetic_but_is_an_invalid_point() -> None:
    assert multiples(0) == IDENTITY
    assert engine.subtract(KEY, KEY) == IDENTITY
    assert engine.add(IDENTITY, KEY) == KEY
    assert engine.multi_scalar_multiply(b"", b"") == IDENTITY
    assert engine.invalid_points(KEY + IDENTITY + KEY + NOT_A_POINT) == [1, 3]


def test_scalars_are_canonical_below_the_order() -> None:
    edge = scalar(0) + scalar(-1) + ORDER.to_bytes(32, "little") + b"\xff" * 32
    assert engine.invalid_scalars(edge) == [2, 3]
    assert engine.invalid_scalars(b"") == []


@pytest.mark.parametrize("seed", range(3))
def test_wide_scalars_are_reduced_modulo_the_order(seed: int) -> None:
    wide = [random.Random(seed).getrandbits(512), 2**512 - 1, ORDER, 0]
    assert engine.scalar_reduce(b"".join(value.to_bytes(64, "little") for value in wide)) == scalars(*wide)


def test_arithmetic_names_the_operand_and_the_index_it_refuses() -> None:
    bad_scalar = ORDER.to_bytes(32, "little")
    with pytest.raises(ValueError, match=r"b\[1\]"):
        engine.add(KEY + KEY, KEY + NOT_A_POINT)
    with pytest.raises(ValueError, match=r"points\[0\]"):
        engine.multi_scalar_multiply(scalar(1), NOT_A_POINT)
    with pytest.raises(ValueError, match=r"scalars\[2\]"):
        engine.multiply_base(scalars(1, 2) + bad_scalar)
    with pytest.raises(ValueError, match=r"base\[0\]"):
        engine.multiply_fixed(NOT_A_POINT, scalar(1))


def test_buffers_that_are_no_whole_number_of_records_are_refused() -> None:
    for call in (
        lambda: engine.invalid_points(bytes(33)),
        lambda: engine.invalid_scalars(bytes(31)),
        lambda: engine.multiply_base(bytes(1)),
        lambda: engine.scalar_reduce(bytes(32)),
        lambda: engine.sum_columns(bytes(64), 3),
        lambda: engine.sum_columns(bytes(64), 0),
        lambda: engine.merkle_root(bytes(33)),
        lambda: engine.add(KEY, KEY + KEY),
        lambda: engine.multiply_fixed(KEY + KEY, scalar(1)),
        lambda: engine.discrete_logs(KEY, []),
    ):
        with pytest.raises(ValueError, match=r"record|rows|hashes|one"):
            call()


def test_columns_are_summed_with_identities_among_them() -> None:
    rows = multiples(1, 2, 0) + multiples(10, -2, 0) + multiples(100, 5, 0)
    assert engine.sum_columns(rows, 3) == multiples(111, 5, 0)
    assert engine.sum_columns(b"", 4) == 4 * IDENTITY
    assert engine.sum_columns(b"", 0) == b""


@pytest.mark.parametrize("bound", [0, 1, 2, 127, 128, 129, 1000, 70_000])
def test_discrete_logarithms_are_found_up_to_their_bound_and_not_beyond(bound: int) -> None:
    values = sorted({0, 1, bound // 2, bound - 1, bound} - {-1})
    inside = [value for value in values if value <= bound]
    assert engine.discrete_logs(multiples(*inside), [bound] * len(inside)) == inside
    beyond = multiples(bound + 1, bound + 2, 2 * bound + 77, -1, -bound - 1)
    assert engine.discrete_logs(beyond, [bound] * 5) == [None] * 5


def test_every_point_has_its_own_bound() -> None:
    assert engine.discrete_logs(multiples(5, 5, 300_000, 0), [4, 5, 400_000, 0]) == [None, 5, 300_000, 0]
    assert engine.discrete_logs(b"", []) == []
    with pytest.raises(ValueError, match="negative"):
        engine.discrete_logs(KEY, [-1])


def test_every_small_logarithm_is_found() -> None:
    assert engine.discrete_logs(multiples(*range(300)), [299] * 300) == list(range(300))


def test_honest_proofs_are_accepted_singly_and_in_a_batch(batch: Batch) -> None:
    assert batch.verify() == batch.verify_singly() == []


def test_a_batch_of_none_is_accepted() -> None:
    assert engine.verify_batch(HEADER, KEY, b"", b"", b"", 0) == []


def test_a_batch_larger_than_one_chunk_names_culprits_across_chunks(
    monkeypatch: pytest.MonkeyPatch, batch: Batch
) -> None:
    monkeypatch.setattr(engine, "_CHUNK", 2)
    assert batch.verify() == []
    batch.proofs[1], batch.proofs[4] = batch.proofs[4], batch.proofs[1]
    assert batch.verify() == batch.verify_singly() == [1, 4]


def test_every_kind_of_bad_member_is_named_and_none_raises(batch: Batch) -> None:
    batch.elements[0] = batch.elements[0][:32] + NOT_A_POINT
    batch.elements[1] = IDENTITY + batch.elements[1][32:]
    batch.proofs[2] = NOT_A_POINT + batch.proofs[2][32:]
    batch.proofs[3] = batch.proofs[3][:-32] + ORDER.to_bytes(32, "little")
    batch.tags[5] = b"another__"
    assert batch.verify() == batch.verify_singly() == [0, 1, 2, 3, 5]


def test_a_shared_element_that_is_no_point_spoils_every_member(batch: Batch) -> None:
    for shared in (NOT_A_POINT, IDENTITY):
        assert batch.verify(shared) == list(range(6))


def test_the_split_between_shared_and_own_elements_does_not_matter(batch: Batch) -> None:
    whole = b"".join(KEY + elements for elements in batch.elements)
    tags, proofs = b"".join(batch.tags), b"".join(batch.proofs)
    assert engine.verify_batch(HEADER, b"", whole, tags, proofs, 6) == []
    one = KEY + batch.elements[0]
    assert engine.verify_batch(HEADER, one, b"", batch.tags[0], batch.proofs[0], 1) == []


def test_buffers_of_another_length_than_the_batch_are_refused(batch: Batch) -> None:
    elements, tags, proofs = b"".join(batch.elements), b"".join(batch.tags), b"".join(batch.proofs)
    for arguments in (
        (KEY, elements[:-32], tags, proofs, 6),
        (KEY, elements, tags[:-1], proofs, 6),
        (KEY, elements, tags, proofs[:-32], 6),
        (KEY, elements, tags, proofs, 5),
        (KEY, elements, tags, proofs, 0),
        (KEY[:31], elements, tags, proofs, 6),
        (KEY * 4, b"", tags, proofs, 6),
        (KEY, b"", b"", b"", -1),
    ):
        with pytest.raises(ValueError, match="bytes"):
            engine.verify_batch(HEADER, *arguments)


def test_verify_answers_false_for_any_length_of_elements_and_proof(batch: Batch) -> None:
    elements, tag, proof = KEY + batch.elements[0], batch.tags[0], batch.proofs[0]
    assert engine.verify(HEADER, elements, tag, proof)
    for length in (0, 1, 31, 64, 95):
        assert not engine.verify(HEADER, elements[:length], tag, proof)
        assert not engine.verify(HEADER, elements, tag, proof[:length])
    assert not engine.verify(HEADER, elements + KEY, tag, proof)
    assert not engine.verify(HEADER, elements, tag, proof + bytes(32))


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"", "truncated"),
        (HEADER[:-1], "truncated"),
        (HEADER + b"\0", "trailing"),
        (bytes(4), "empty list"),
        (serialize_header(RISTRETTO255, [Equation(((2, 1),), ((0, 0, 1),))]), "check 5"),
        (serialize_header(RISTRETTO255, [Equation(((1, 1),), ((1, 0, 1),))]), "check 6"),
        (HEADER[:12] + ORDER.to_bytes(32, "little") + HEADER[44:], "coefficient"),
        ((2**20 + 1).to_bytes(4, "little") + HEADER[4:], "over"),
    ],
)
def test_a_malformed_header_is_refused_wherever_it_is_given(header: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        engine.verify(header, KEY, b"tag", bytes(64))
    with pytest.raises(ValueError, match=problem):
        engine.verify_batch(header, b"", b"", b"", b"", 0)
    with pytest.raises(ValueError, match=problem):
        engine.prove(header, KEY, b"tag", scalar(1), [])


def test_the_prover_refuses_what_it_could_not_prove() -> None:
    elements = KEY + multiples(10, 2 + 10 * KEY_SECRET)
    honest = KEY + multiples(10, 1 + 10 * KEY_SECRET)
    known = [(2, [(0, scalar(10))])]
    for given, witness, representations, problem in (
        (elements, scalars(2, 10, -10), [], "does not satisfy"),
        (honest, scalars(1, 10), [], "witness"),
        (honest[:64], scalars(1, 10, 0), [], "elements"),
        (honest[:64] + IDENTITY, scalars(1, 10, 0), [], r"elements\[2\]"),
        (honest, scalars(1, 10, 0), [(2, [(0, scalar(11))])], "representation"),
        (honest, scalars(1, 10, 0), known + known, "twice"),
        (honest, scalars(1, 10, 0), [(4, [(0, scalar(11))])], "does not exist"),
        (honest, scalars(1, 10, 0), [(2, [(9, scalar(10))])], "does not exist"),
    ):
        with pytest.raises(ValueError, match=problem):
            engine.prove(HEADER, given, b"tag", witness, representations)
    assert engine.verify(HEADER, honest, b"tag", engine.prove(HEADER, honest, b"tag", scalars(1, 10, 0), known))


def naive_root(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + naive_root(hashes[:split]) + naive_root(hashes[split:])).digest()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 100, 256, 257])
def test_the_root_is_that_of_rfc_6962(count: int) -> None:
    entries = [b"x" * (i % 7) + bytes([i % 256]) for i in range(count)]
    bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    hashes = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    assert engine.hash_leaves(bundle) == b"".join(hashes)
    assert engine.merkle_root(b"".join(hashes)) == naive_root(hashes)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert engine.merkle_root(b"") == hashlib.sha256(b"").digest()
    assert engine.hash_leaves(b"") == b""


@pytest.mark.parametrize("bundle", [b"\0", b"\0\1", b"\0\2x", b"\0\1x\0", b"\0\1x\xff\xffyz"])
def test_a_truncated_bundle_is_refused(bundle: bytes) -> None:
    with pytest.raises(ValueError, match="truncated"):
        engine.hash_leaves(bundle)


def test_an_entry_may_be_empty_or_of_the_greatest_length() -> None:
    longest = bytes(65_535)
    assert engine.hash_leaves(b"\0\0\xff\xff" + longest) == (
        hashlib.sha256(b"\0").digest() + hashlib.sha256(b"\0" + longest).digest()
    )
