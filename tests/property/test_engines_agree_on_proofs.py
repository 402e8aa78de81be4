"""Both engines accept the same proofs, name the same culprits in a batch, and refuse to prove the same things.

Proofs have fresh nonces, so the engines' proofs are compared by what both engines say of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.engines import (
    IDENTITY,
    Equation,
    L,
    P,
    Proved,
    agreed,
    answer,
    any_points,
    concatenated,
    encode_scalar,
    few,
    good_points,
    good_scalars,
    le,
    many,
    multiple,
    native,
    other_encodings,
    other_scalars,
    ragged,
    reference,
    serialize_header,
)

ENGINES = pytest.mark.parametrize("engine", [reference, native], ids=["reference", "native"])

# Sigma proofs: relations are random systems of equations between elements of known logarithm.


def solved(logarithms: list[int], equation: Equation, unknown: int, witness: list[int]) -> int | None:
    """The logarithm of one element for which the equation holds, if there is exactly one."""
    image, terms = equation
    signed = [*image, *((element, -c * witness[scalar]) for scalar, element, c in terms)]
    factor = sum(c for element, c in signed if element == unknown) % L
    rest = sum(c * logarithms[element] for element, c in signed if element != unknown)
    return -rest * pow(factor, -1, L) % L if factor else None


small = st.one_of(st.just(1), st.integers(-3, 3), st.integers(0, L - 1))


@st.composite
def statements(draw: st.DrawFn) -> Proved:
    """A relation of up to three equations over two bases, each equation with an element of its own that makes it true.

    Most are valid instances; some have an image or a column that is the identity, which both engines must refuse.
    """
    count, bases, scalars = draw(st.integers(1, 3)), 2, draw(st.integers(1, 3))
    witness = draw(st.lists(small.map(lambda w: w % L), min_size=scalars, max_size=scalars))
    logarithms = [1, *draw(st.lists(st.integers(1, L - 1), min_size=bases, max_size=bases))]
    equations: list[Equation] = []
    for number in range(count):
        own = bases + 1 + number
        earlier = st.integers(0, own - 1)
        image = [(own, draw(st.sampled_from([1, 1, L - 1, 7])))]
        image += draw(st.lists(st.tuples(earlier, small), max_size=2))
        term = st.tuples(st.integers(0, scalars - 1), st.one_of(earlier, earlier, st.just(own)), small)
        terms = draw(st.lists(term, min_size=1, max_size=3))
        if number == count - 1:  # every scalar and every base must be used
            terms += [(scalar, scalar % (bases + 1), 1) for scalar in range(scalars)]
            image += [(base, 0) for base in range(1, bases + 1)]
        logarithm = solved([*logarithms, 0], (image, terms), own, witness)
        if logarithm is None:
            terms = [(scalar, 0, c) for scalar, _, c in terms]
            logarithm = solved([*logarithms, 0], (image, terms), own, witness)
        assert logarithm is not None
        logarithms.append(logarithm)
        equations.append((image, terms))
    return Proved(equations, logarithms, witness)


def known_by_logarithm(statement: Proved, keep: int) -> list[tuple[int, list[tuple[int, bytes]]]]:
    """Representations of the elements from `keep` on, over the generator and element 1."""
    base = statement.logarithms[1]
    return [
        (index, [(0, encode_scalar(x - 5 * base)), (1, encode_scalar(5))])
        for index, x in enumerate(statement.logarithms)
        if index >= max(keep, 2)
    ]


@few
@given(statement=statements(), tag=st.binary(max_size=80), keep=st.integers(2, 6))
def test_a_proof_of_either_engine_verifies_in_both(statement: Proved, tag: bytes, keep: int) -> None:
    given_known = known_by_logarithm(statement, keep)
    arguments = (statement.header, statement.elements, tag, statement.witness_bytes)
    proofs = [answer(engine.prove, *arguments, known) for engine in (reference, native) for known in ([], given_known)]
    if "refused" in proofs:
        assert proofs == ["refused"] * 4
        arbitrary = b"".join(map(multiple, range(1, len(statement.equations) + 1))) + statement.witness_bytes
        assert agreed("verify", statement.header, statement.elements, tag, arbitrary) is False
        return
    for proof in proofs:
        assert agreed("verify", statement.header, statement.elements, tag, proof) is True
        assert agreed("verify", statement.header, statement.elements, tag + b"!", proof) is False


def bit_statement(bit: int, blinding: int, base: int) -> Proved:
    """C = b*G + r*H; C = b*C + s*H; H + C = t*G: elements H, C."""
    equations: list[Equation] = [
        ([(2, 1)], [(0, 0, 1), (1, 1, 1)]),
        ([(2, 1)], [(0, 2, 1), (2, 1, 1)]),
        ([(1, 1), (2, 1)], [(3, 0, 1)]),
    ]
    commitment = (bit + blinding * base) % L
    witness = [bit, blinding, (1 - bit) * blinding % L, (base + commitment) % L]
    return Proved(equations, [1, base, commitment], witness)


def opening(statement: Proved) -> list[tuple[int, list[tuple[int, bytes]]]]:
    bit, blinding = statement.witness[:2]
    return [(2, [(0, encode_scalar(bit)), (1, encode_scalar(blinding))])]


TAG = b"a tag"
BIT = bit_statement(1, 1234567, 7654321)


@pytest.fixture(scope="module", params=[reference, native], ids=["reference", "native"])
def bit_proof(request: pytest.FixtureRequest) -> bytes:
    proof: bytes = request.param.prove(BIT.header, BIT.elements, TAG, BIT.witness_bytes, opening(BIT))
    return proof


def verdict(elements: bytes, proof: bytes, tag: bytes = TAG) -> Any:
    return agreed("verify", BIT.header, elements, tag, proof)


def test_the_untouched_proof_is_accepted(bit_proof: bytes) -> None:
    assert verdict(BIT.elements, bit_proof) is True


def test_no_record_of_a_proof_can_be_replaced(bit_proof: bytes) -> None:
    replacements = [
        IDENTITY,
        multiple(1),
        encode_scalar(1),
        le(L),
        le(P),
        le(2**256 - 1),
        bit_proof[:32],
        bit_proof[-32:],
    ]
    for position in range(0, len(bit_proof), 32):
        for replacement in replacements:
            if replacement != bit_proof[position : position + 32]:
                changed = bit_proof[:position] + replacement + bit_proof[position + 32 :]
                assert verdict(BIT.elements, changed) is False


@many
@given(position=st.integers(0, BIT.proof_length - 1), flip=st.integers(1, 255))
def test_no_byte_of_a_proof_can_be_changed(bit_proof: bytes, position: int, flip: int) -> None:
    changed = bytearray(bit_proof)
    changed[position] ^= flip
    assert verdict(BIT.elements, bytes(changed)) is False


def test_a_response_plus_the_order_is_refused(bit_proof: bytes) -> None:
    for position in range(32 * len(BIT.equations), len(bit_proof), 32):
        response = int.from_bytes(bit_proof[position : position + 32], "little")
        changed = bit_proof[:position] + le(response + L) + bit_proof[position + 32 :]
        assert verdict(BIT.elements, changed) is False


@many
@given(length=st.integers(0, BIT.proof_length + 64))
def test_a_proof_of_another_length_is_refused(bit_proof: bytes, length: int) -> None:
    changed = (bit_proof + bytes(64))[:length]
    assert verdict(BIT.elements, changed) is (length == len(bit_proof))


@few
@given(elements=st.one_of(concatenated(st.one_of(good_points, other_encodings), 2, 2), any_points, ragged))
def test_a_proof_is_of_its_own_elements_only(bit_proof: bytes, elements: bytes) -> None:
    assert verdict(elements, bit_proof) is (elements == BIT.elements)


def test_swapped_elements_and_another_tag_are_refused(bit_proof: bytes) -> None:
    assert verdict(BIT.elements[32:] + BIT.elements[:32], bit_proof) is False
    for tag in (b"", TAG[:-1], TAG + b"\0", b"another"):
        assert verdict(BIT.elements, bit_proof, tag) is False


@few
@given(
    witness=concatenated(st.one_of(good_scalars, other_scalars), 3, 5),
    elements=st.one_of(st.just(BIT.elements), any_points, ragged),
)
def test_both_refuse_to_prove_what_does_not_hold(witness: bytes, elements: bytes) -> None:
    assert agreed("prove", BIT.header, elements, TAG, witness, []) == "refused"
    assert agreed("prove", BIT.header, elements, TAG, witness, opening(BIT)) == "refused"


G_ONLY = [(0, encode_scalar(BIT.logarithms[2]))]


@pytest.mark.parametrize(
    "known",
    [
        [(2, [(0, encode_scalar(2)), (1, encode_scalar(BIT.witness[1]))])],
        [(2, [])],
        [(1, [(0, encode_scalar(BIT.logarithms[1] + 1))]), (2, G_ONLY)],
        [(2, [(0, le(L))])],
        [(2, [(0, b"short")])],
        [(2, [(9, encode_scalar(1))])],
        [(0, [(0, encode_scalar(1))])],
        [(3, G_ONLY)],
        [(2, G_ONLY), (2, G_ONLY)],
        [(2, [(1, encode_scalar(1))]), (1, [(0, encode_scalar(1))])],
        [(2, [(2, encode_scalar(1))])],
    ],
    ids=[
        "wrong",
        "empty",
        "wrong-base",
        "large",
        "short",
        "no-base",
        "generator",
        "no-element",
        "twice",
        "chain",
        "self",
    ],
)
def test_both_refuse_a_representation_that_is_not_true(known: list[tuple[int, list[tuple[int, bytes]]]]) -> None:
    assert agreed("prove", BIT.header, BIT.elements, TAG, BIT.witness_bytes, known) == "refused"


def verify_with(header: bytes) -> Any:
    return agreed("verify", header, BIT.elements, TAG, bytes(BIT.proof_length))


def verify_nothing_with(header: bytes) -> Any:
    return agreed("verify_batch", header, b"", b"", b"", b"", 0)


HEADER_ASKERS = [verify_with, verify_nothing_with]


@pytest.mark.parametrize("ask", HEADER_ASKERS, ids=["verify", "batch"])
def test_both_refuse_every_truncation_of_a_header(ask: Callable[[bytes], object]) -> None:
    assert ask(BIT.header) != "refused"
    for length in range(len(BIT.header)):
        assert ask(BIT.header[:length]) == "refused"
    assert ask(BIT.header + b"\0") == "refused"


@many
@given(position=st.integers(0, len(BIT.header) - 1), value=st.integers(0, 255), garbage=st.binary(max_size=90))
def test_both_judge_altered_headers_alike(position: int, value: int, garbage: bytes) -> None:
    altered = BIT.header[:position] + bytes([value]) + BIT.header[position + 1 :]
    for ask in HEADER_ASKERS:
        ask(altered)
        ask(garbage)


@pytest.mark.parametrize(
    "equations",
    [
        [],
        [([], [(0, 0, 1)])],
        [([(1, 1)], [])],
        [([(2, 1)], [(0, 0, 1)])],
        [([(1, 1)], [(1, 0, 1)])],
        [([(2**32 - 1, 1)], [(0, 0, 1)])],
        [([(1, 1)], [(2**32 - 1, 0, 1)])],
    ],
    ids=["none", "no-image", "no-terms", "element-gap", "scalar-gap", "huge-element", "huge-scalar"],
)
def test_both_refuse_a_header_that_breaks_a_structural_check(equations: list[Equation]) -> None:
    for ask in HEADER_ASKERS:
        assert ask(serialize_header(equations)) == "refused"


# Batches.

MEMBERS = 9


@dataclass(frozen=True)
class Batch:
    """Bit statements that share H; one list entry a member."""

    shared: bytes
    elements: list[bytes]
    tags: list[bytes]
    proofs: list[bytes]

    def arguments(self) -> tuple[bytes, bytes, bytes, bytes, bytes, int]:
        members = (b"".join(self.elements), b"".join(self.tags), b"".join(self.proofs))
        return BIT.header, self.shared, *members, len(self.elements)


@pytest.fixture(scope="module")
def honest_batch() -> Batch:
    base = 424242
    members = [bit_statement(number % 2, 1000 + number, base) for number in range(MEMBERS)]
    tags = [b"tag %03d" % number for number in range(MEMBERS)]
    makers = [(reference, native)[number % 2] for number in range(MEMBERS)]
    proofs = [
        maker.prove(m.header, m.elements, tag, m.witness_bytes, opening(m))
        for maker, m, tag in zip(makers, members, tags, strict=True)
    ]
    return Batch(multiple(base), [m.elements[32:] for m in members], tags, proofs)


def test_a_batch_of_both_engines_proofs_is_accepted(honest_batch: Batch) -> None:
    assert agreed("verify_batch", *honest_batch.arguments()) == []


def test_an_empty_batch_is_accepted_and_takes_no_bytes(honest_batch: Batch) -> None:
    assert agreed("verify_batch", BIT.header, honest_batch.shared, b"", b"", b"", 0) == []
    for stray in range(3):
        buffers = [b"", b"", b""]
        buffers[stray] = bytes(32)
        assert agreed("verify_batch", BIT.header, honest_batch.shared, *buffers, 0) == "refused"


tampering = st.tuples(
    st.sampled_from(["elements", "tags", "proofs"]),
    st.integers(0, MEMBERS - 1),
    st.one_of(st.binary(min_size=32, max_size=32), st.just(IDENTITY), good_points, good_scalars),
    st.integers(0, BIT.proof_length // 32 - 1),
)


@few
@given(st.lists(tampering, min_size=1, max_size=4))
def test_both_name_the_same_culprits(honest_batch: Batch, changes: list[tuple[str, int, bytes, int]]) -> None:
    buffers = {name: list(getattr(honest_batch, name)) for name in ("elements", "tags", "proofs")}
    for name, member, record, slot in changes:
        whole = buffers[name][member]
        start = 32 * slot % len(whole)
        buffers[name][member] = (whole[:start] + record + whole[start + 32 :])[: len(whole)]
    batch = Batch(honest_batch.shared, **buffers)
    changed = [
        number
        for number in range(MEMBERS)
        if any(buffers[name][number] != getattr(honest_batch, name)[number] for name in buffers)
    ]
    assert agreed("verify_batch", *batch.arguments()) == changed
    for number in changed:
        statement = batch.shared + batch.elements[number]
        assert agreed("verify", BIT.header, statement, batch.tags[number], batch.proofs[number]) is False


@ENGINES
def test_proofs_that_change_places_are_all_named(honest_batch: Batch, engine: Any) -> None:
    proofs = list(honest_batch.proofs)
    proofs[2], proofs[7] = proofs[7], proofs[2]
    swapped = Batch(honest_batch.shared, honest_batch.elements, honest_batch.tags, proofs)
    assert engine.verify_batch(*swapped.arguments()) == [2, 7]


@ENGINES
def test_a_batch_where_everybody_cheats_names_everybody(honest_batch: Batch, engine: Any) -> None:
    rotated = Batch(
        honest_batch.shared, honest_batch.elements, [*honest_batch.tags[1:], b"tag 999"], honest_batch.proofs
    )
    everybody = list(range(MEMBERS))
    assert engine.verify_batch(*rotated.arguments()) == everybody


@pytest.mark.parametrize("shared", [IDENTITY, le(P + 2), multiple(99), le(1)], ids=["zero", "large", "other", "odd"])
def test_a_wrong_shared_element_makes_everybody_a_culprit(honest_batch: Batch, shared: bytes) -> None:
    batch = Batch(shared, honest_batch.elements, honest_batch.tags, honest_batch.proofs)
    assert agreed("verify_batch", *batch.arguments()) == list(range(MEMBERS))


@pytest.mark.parametrize("buffer", [1, 2, 3, 4], ids=["shared", "elements", "tags", "proofs"])
@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0"], ids=["shorter", "longer"])
def test_buffers_of_other_lengths_are_refused(
    honest_batch: Batch, buffer: int, change: Callable[[bytes], bytes]
) -> None:
    arguments: list[Any] = list(honest_batch.arguments())
    arguments[buffer] = change(arguments[buffer])
    assert agreed("verify_batch", *arguments) == "refused"


@pytest.mark.parametrize("count", [-1, 0, MEMBERS - 1, MEMBERS + 1])
def test_a_count_that_does_not_fit_the_buffers_is_refused(honest_batch: Batch, count: int) -> None:
    arguments: list[Any] = list(honest_batch.arguments())
    arguments[5] = count
    assert agreed("verify_batch", *arguments) == "refused"


def test_elements_may_be_shared_wholly_or_not_at_all(honest_batch: Batch) -> None:
    statement = honest_batch.shared + honest_batch.elements[0]
    tag, proof = honest_batch.tags[0], honest_batch.proofs[0]
    assert agreed("verify_batch", BIT.header, b"", statement, tag, proof, 1) == []
    assert agreed("verify_batch", BIT.header, statement, b"", tag, proof, 1) == []
    assert agreed("verify_batch", BIT.header, statement, b"", tag * 2, proof * 2, 2) == []
    assert agreed("verify_batch", BIT.header, statement + multiple(3), b"", tag, proof, 1) == "refused"


@few
@given(st.sets(st.integers(0, MEMBERS - 1), max_size=4))
def test_the_accepted_are_summed_and_nobody_else(honest_batch: Batch, forged: set[int]) -> None:
    proofs = list(honest_batch.proofs)
    for number in forged:
        proofs[number] = bytes([proofs[number][0] ^ 1]) + proofs[number][1:]
    batch = Batch(honest_batch.shared, honest_batch.elements, honest_batch.tags, proofs)
    rejected, sums = agreed("verify_and_sum", *batch.arguments())
    assert rejected == sorted(forged)
    kept = b"".join(own for number, own in enumerate(honest_batch.elements) if number not in forged)
    assert sums == agreed("sum_columns", kept, len(honest_batch.elements[0]) // 32)
