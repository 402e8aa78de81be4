"""Reference sigma proofs: instance validation check by check, provers that refuse, forgeries that fail."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from retally_reference.edwards import IDENTITY, ORDER, Point
from retally_reference.fiat_shamir import derive_session_id
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import (
    Equation,
    LinearRelation,
    failed_check,
    parse,
    parse_header,
    serialize,
    serialize_header,
    validate_instance,
)
from retally_reference.sigma import (
    Transcript,
    accepts,
    batch_accepts,
    batch_verify,
    batch_weights,
    culprits,
    derive_challenge,
    prove_batchable,
    prove_compact,
    read_transcript,
    verify_batchable,
    verify_compact,
)

GROUP = RISTRETTO255
G = GROUP.generator
TAG = b"RETALLY-V01-test-DSFS-with-sigma-proofs_Shake128_Ristretto255"

Relation = LinearRelation[Point]


def base(scalar: int) -> Point:
    """scalar·G as a verifier would have decoded it."""
    return GROUP.decode(GROUP.encode(GROUP.multiply_fixed(scalar, G)))


def relation(elements: list[Point], *equations: Equation) -> Relation:
    return LinearRelation(GROUP, tuple(elements), equations)


def schnorr(x: int) -> Relation:
    return relation([G, base(x)], Equation(((1, 1),), ((0, 0, 1),)))


def equal_logarithms(h: Point, x: Point, y: Point) -> Relation:
    return relation([G, h, x, y], Equation(((2, 1),), ((0, 0, 1),)), Equation(((3, 1),), ((0, 1, 1),)))


def bit(key: Point, a: Point, b: Point) -> Relation:
    """A = r·G, B = b·G + r·K, and the bit equations of A and B (docs/spec page 6)."""
    return relation(
        [G, key, a, b],
        Equation(((2, 1),), ((1, 0, 1),)),
        Equation(((3, 1),), ((0, 0, 1), (1, 1, 1))),
        Equation(((2, 1),), ((0, 2, 1), (2, 0, 1))),
        Equation(((3, 1),), ((0, 3, 1), (2, 1, 1))),
    )


def encrypted_bit(value: int, r: int, key_secret: int = 99) -> tuple[Relation, list[int]]:
    witness = [value, r, (1 - value) * r % ORDER]
    return bit(base(key_secret), base(r), base(value + r * key_secret)), witness


ONE = Equation(((1, 1),), ((0, 0, 1),))
TWO = base(2)

BROKEN: dict[str, tuple[int, Relation]] = {
    "no equation": (1, relation([G])),
    "an equation without terms": (2, relation([G, TWO], Equation(((1, 1),), ()))),
    "an equation without image": (2, relation([G, TWO], ONE, Equation((), ((0, 1, 1),)))),
    "a negative element index": (3, relation([G, TWO], ONE, Equation(((-1, 1),), ((0, 0, 1),)))),
    "an index of 2^32": (3, relation([G, TWO], Equation(((1, 1),), ((2**32, 0, 1),)))),
    "an index without element": (4, relation([G, TWO], Equation(((2, 1),), ((0, 1, 1),)))),
    "an element nobody uses": (5, relation([G, TWO, base(3)], ONE)),
    "a scalar nobody uses": (6, relation([G, TWO], Equation(((1, 1),), ((1, 0, 1),)))),
    "no element at all": (7, relation([], ONE)),
    "another element in the generator's place": (7, relation([TWO, TWO], ONE)),
    "the identity among the elements": (8, relation([G, IDENTITY], ONE)),
    "an image that is the identity": (9, relation([G, TWO], Equation(((1, 1), (0, ORDER - 2)), ((0, 0, 1),)))),
    "an image with a zero coefficient": (9, relation([G, TWO], ONE, Equation(((1, 0),), ((0, 0, 1),)))),
    "a scalar with a zero coefficient": (10, relation([G, TWO], Equation(((1, 1),), ((0, 0, 1), (1, 1, 0))))),
    "a scalar whose terms cancel": (
        10,
        relation([G, TWO], Equation(((1, 1),), ((0, 0, 1), (1, 1, 1), (1, 0, ORDER - 2)))),
    ),
}


@pytest.mark.parametrize("description", BROKEN)
def test_instance_validation_refuses(description: str) -> None:
    check, broken = BROKEN[description]
    assert failed_check(broken) == check
    assert not validate_instance(broken)
    assert not verify_batchable(TAG, broken, bytes(64))
    assert not verify_compact(TAG, broken, bytes(64))
    assert not batch_verify(GROUP, [TAG], [broken], [bytes(64)])
    with pytest.raises(ValueError, match=f"check {check} of"):
        prove_batchable(TAG, broken, [2])


def test_every_one_of_the_ten_checks_refuses_something() -> None:
    assert {check for check, _ in BROKEN.values()} == set(range(1, 11))


def test_a_cancelling_column_is_accepted_when_another_equation_pins_the_scalar() -> None:
    cancelling = Equation(((1, 1),), ((0, 0, 1), (1, 1, 1), (1, 0, ORDER - 2)))
    pinned = relation([G, TWO, base(7)], cancelling, Equation(((2, 1),), ((1, 0, 1),)))
    assert verify_batchable(TAG, pinned, prove_batchable(TAG, pinned, [2, 7]))


def test_serialisation_of_a_small_relation_is_as_written_by_hand() -> None:
    one = (1).to_bytes(32, "little")
    u32 = [number.to_bytes(4, "little") for number in range(4)]
    header = u32[2] + u32[1] + u32[2] + one + u32[1] + u32[0] + u32[0] + one
    header += u32[1] + u32[3] + one + u32[1] + u32[0] + u32[1] + one
    instance = equal_logarithms(base(3), base(5), base(15))
    assert serialize_header(GROUP, instance.equations) == header
    assert serialize(instance) == header + b"".join(GROUP.encode(base(x)) for x in (3, 5, 15))
    assert parse(GROUP, serialize(instance)) == instance


def test_every_truncated_or_extended_serialisation_is_refused() -> None:
    source = serialize(encrypted_bit(1, 12)[0])
    for length in range(0, len(source), 3):
        with pytest.raises(ValueError, match=r"truncated|empty list|fit"):
            parse(GROUP, source[:length])
    with pytest.raises(ValueError, match="fit"):
        parse(GROUP, source + bytes(32))


def test_a_header_with_a_coefficient_out_of_range_is_refused() -> None:
    header = bytearray(serialize_header(GROUP, schnorr(5).equations))
    header[12:44] = ORDER.to_bytes(32, "little")
    with pytest.raises(ValueError, match="coefficient"):
        parse_header(GROUP, bytes(header))


def test_a_header_that_claims_millions_of_terms_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="over"):
        parse_header(GROUP, (2**31).to_bytes(4, "little"))


@pytest.mark.parametrize("value", [0, 1])
def test_a_bit_is_proved_and_verified_in_both_flavours(value: int) -> None:
    instance, witness = encrypted_bit(value, 1234567)
    assert verify_batchable(TAG, instance, prove_batchable(TAG, instance, witness))
    assert verify_compact(TAG, instance, prove_compact(TAG, instance, witness))


@pytest.mark.parametrize("value", [2, 5, ORDER - 1])
def test_no_proof_is_made_that_a_plaintext_other_than_0_or_1_is_a_bit(value: int) -> None:
    instance, witness = encrypted_bit(value, 1234567)
    with pytest.raises(ValueError, match="equation 3"):
        prove_batchable(TAG, instance, witness)


def test_known_representations_change_nothing_but_the_work() -> None:
    instance, witness = encrypted_bit(1, 77)
    known = {2: [(0, 77)], 3: [(0, 1), (1, 77)]}

    def nonces() -> Callable[[], int]:
        return iter(range(1000, 2000)).__next__

    with_known = prove_batchable(TAG, instance, witness, nonce_source=nonces(), known=known)
    assert with_known == prove_batchable(TAG, instance, witness, nonce_source=nonces())
    assert verify_batchable(TAG, instance, with_known)


@pytest.mark.parametrize("known", [{2: [(0, 78)]}, {3: [(0, 1)]}, {3: []}, {2: [(3, 1)], 3: [(0, 1), (1, 77)]}])
def test_a_false_or_circular_representation_is_refused(known: dict[int, list[tuple[int, int]]]) -> None:
    instance, witness = encrypted_bit(1, 77)
    with pytest.raises(ValueError, match=r"representation|given over"):
        prove_batchable(TAG, instance, witness, known=known)


def test_a_witness_of_another_length_is_refused() -> None:
    for witness in ([], [5, 5]):
        with pytest.raises(ValueError, match="scalars"):
            prove_batchable(TAG, schnorr(5), witness)


def test_every_proof_has_fresh_nonces() -> None:
    assert len({prove_batchable(TAG, schnorr(5), [5])[:32] for _ in range(8)}) == 8


def test_nonces_that_give_an_identity_are_drawn_again_and_never_used() -> None:
    draws = iter([0, 0, 9])
    proof = prove_batchable(TAG, schnorr(5), [5], nonce_source=draws.__next__)
    assert proof[:32] == GROUP.encode(base(9))
    with pytest.raises(ArithmeticError, match="nonce source"):
        prove_batchable(TAG, schnorr(5), [5], nonce_source=lambda: 0)


def test_a_proof_with_any_byte_changed_is_refused() -> None:
    instance, witness = encrypted_bit(0, 31337)
    for prove, verify in ((prove_batchable, verify_batchable), (prove_compact, verify_compact)):
        proof = prove(TAG, instance, witness)
        assert verify(TAG, instance, proof)
        for position in range(0, len(proof), 5):
            changed = bytearray(proof)
            changed[position] ^= 1
            assert not verify(TAG, instance, bytes(changed))
        assert not verify(TAG, instance, proof[:-1])
        assert not verify(TAG, instance, proof + b"\0")
        assert not verify(TAG, instance, proof[:-32])


def test_a_response_respelled_by_adding_the_order_is_refused() -> None:
    proof = prove_batchable(TAG, schnorr(5), [5])
    response = int.from_bytes(proof[32:], "little")
    assert not verify_batchable(TAG, schnorr(5), proof[:32] + (response + ORDER).to_bytes(32, "little"))


def test_a_commitment_that_is_the_identity_is_refused_even_if_the_equation_holds() -> None:
    challenge = derive_challenge(GROUP, derive_session_id(TAG), serialize(schnorr(5)), bytes(32))
    assert not verify_batchable(TAG, schnorr(5), bytes(32) + GROUP.encode_scalar(5 * challenge % ORDER))


def test_a_proof_is_bound_to_tag_statement_and_relation() -> None:
    instance, other = equal_logarithms(base(3), base(5), base(15)), equal_logarithms(base(4), base(5), base(20))
    proof = prove_batchable(TAG, instance, [5])
    assert verify_batchable(TAG, instance, proof)
    assert not verify_batchable(TAG + b"x", instance, proof)
    assert not verify_batchable(TAG, other, proof)
    swapped = replace(instance, equations=instance.equations[::-1])
    assert not verify_batchable(TAG, swapped, proof[32:64] + proof[:32] + proof[64:])


# Weak Fiat-Shamir. Each forger attacks a verifier that leaves one part out of the challenge: for that verifier the
# forgery holds (its equations are satisfied at the weak challenge), for the real one it must not.

SESSION = derive_session_id(TAG)
Forgery = tuple[Relation, bytes, int]


def scalars_from(seed: int) -> Callable[[], int]:
    source = random.Random(seed)
    return lambda: source.randrange(1, ORDER)


def combination(*terms: tuple[int, Point]) -> Point:
    return GROUP.decode(GROUP.encode(GROUP.multi_scalar_multiply([s for s, _ in terms], [e for _, e in terms])))


def forged(commitment: list[Point], response: list[int]) -> bytes:
    return b"".join(map(GROUP.encode, commitment)) + b"".join(map(GROUP.encode_scalar, response))


def without_commitment(draw: Callable[[], int]) -> Forgery:
    instance, z = schnorr(draw()), draw()
    challenge = derive_challenge(GROUP, SESSION, serialize(instance), b"")
    return instance, forged([combination((z, G), (-challenge, instance.elements[1]))], [z]), challenge


def without_statement(draw: Callable[[], int]) -> Forgery:
    commitment, z = base(draw()), draw()
    challenge = derive_challenge(GROUP, SESSION, b"", GROUP.encode(commitment))
    inverse = pow(challenge, -1, ORDER)
    image = combination((z * inverse, G), (-inverse, commitment))
    return relation([G, image], ONE), forged([commitment], [z]), challenge


def without_image_element(draw: Callable[[], int]) -> Forgery:
    x, r, h = draw(), draw(), base(draw())
    commitment = [base(r), base(draw())]
    honest = equal_logarithms(h, base(x), h)
    statement = serialize(honest)[:-32]
    challenge = derive_challenge(GROUP, SESSION, statement, b"".join(map(GROUP.encode, commitment)))
    z, inverse = (r + challenge * x) % ORDER, pow(challenge, -1, ORDER)
    y = combination((z * inverse, h), (-inverse, commitment[1]))
    return equal_logarithms(h, base(x), y), forged(commitment, [z]), challenge


def without_base_element(draw: Callable[[], int]) -> Forgery:
    x, r, y = draw(), draw(), base(draw())
    commitment = [base(r), base(draw())]
    header = serialize_header(GROUP, equal_logarithms(G, G, G).equations)
    statement = header + GROUP.encode(base(x)) + GROUP.encode(y)
    challenge = derive_challenge(GROUP, SESSION, statement, b"".join(map(GROUP.encode, commitment)))
    z = (r + challenge * x) % ORDER
    inverse = pow(z, -1, ORDER)
    h = combination((inverse, commitment[1]), (inverse * challenge, y))
    return equal_logarithms(h, base(x), y), forged(commitment, [z]), challenge


def without_coefficients(draw: Callable[[], int]) -> Forgery:
    """C opens to a public value that is chosen only after the challenge."""
    h, c, rho, z = draw(), draw(), draw(), draw()
    elements = GROUP.encode(base(h)) + GROUP.encode(base(c))
    challenge = derive_challenge(GROUP, SESSION, elements, GROUP.encode(base(rho)))
    value = (c - (z * h - rho) * pow(challenge, -1, ORDER)) % ORDER
    opens = relation([G, base(h), base(c)], Equation(((2, 1), (0, -value % ORDER)), ((0, 1, 1),)))
    return opens, forged([base(rho)], [z]), challenge


def without_session(draw: Callable[[], int]) -> Forgery:
    x, r = draw(), draw()
    challenge = derive_challenge(GROUP, bytes(32), serialize(schnorr(x)), GROUP.encode(base(r)))
    return schnorr(x), forged([base(r)], [(r + challenge * x) % ORDER]), challenge


@pytest.mark.parametrize(
    "forge",
    [
        without_commitment,
        without_statement,
        without_image_element,
        without_base_element,
        without_coefficients,
        without_session,
    ],
)
def test_a_weak_fiat_shamir_forgery_is_rejected(forge: Callable[[Callable[[], int]], Forgery]) -> None:
    instance, proof, weak_challenge = forge(scalars_from(1))
    assert validate_instance(instance)
    transcript = read_transcript(SESSION, instance, serialize(instance), proof)
    assert transcript is not None
    assert accepts(replace(transcript, challenge=weak_challenge)), "the forgery does not even fool the weak verifier"
    assert not accepts(transcript)
    assert not verify_batchable(TAG, instance, proof)
    assert not batch_verify(GROUP, [TAG], [instance], [proof])


def honest_transcripts(count: int) -> list[Transcript[Point]]:
    transcripts = []
    for i in range(count):
        instance = schnorr(10 + i)
        transcript = read_transcript(SESSION, instance, serialize(instance), prove_batchable(TAG, instance, [10 + i]))
        assert transcript is not None
        transcripts.append(transcript)
    return transcripts


def with_response(transcript: Transcript[Point], response: int) -> Transcript[Point]:
    proof = transcript.proof[:32] + GROUP.encode_scalar(response % ORDER)
    changed = read_transcript(transcript.session_id, transcript.relation, transcript.statement, proof)
    assert changed is not None
    return changed


@pytest.mark.parametrize("guilty", [[], [0], [6], [1, 2], [0, 3, 6], list(range(7))])
def test_a_failing_batch_names_exactly_its_culprits(guilty: list[int]) -> None:
    transcripts = honest_transcripts(7)
    for i in guilty:
        transcripts[i] = with_response(transcripts[i], transcripts[i].response[0] + 1)
    assert batch_accepts(GROUP, transcripts) == (not guilty)
    assert culprits(GROUP, transcripts) == guilty


def test_errors_that_cancel_under_equal_weights_do_not_cancel_in_a_batch() -> None:
    first, second = honest_transcripts(2)
    pair = [with_response(first, first.response[0] + 5), with_response(second, second.response[0] - 5)]
    assert not batch_accepts(GROUP, pair)
    assert culprits(GROUP, pair) == [0, 1]


def test_batch_weights_depend_on_every_input_and_are_independent() -> None:
    transcripts = honest_transcripts(3)
    weights = batch_weights(transcripts)
    assert len(set(weights)) == 3
    assert all(weight < 2**128 for weight in weights)
    changes = [
        [*transcripts[:2], with_response(transcripts[2], 1)],
        [*transcripts[:2], replace(transcripts[2], session_id=bytes(32))],
        [*transcripts[:2], replace(transcripts[2], statement=b"")],
        transcripts[::-1],
    ]
    for changed in changes:
        assert not set(weights) & set(batch_weights(changed))
