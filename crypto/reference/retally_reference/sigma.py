"""Non-interactive sigma proofs of linear relations, both flavours, and batch verification.

Source: draft-irtf-cfrg-sigma-protocols-03, sections "The Sigma Protocol" and "Non-interactive Sigma Protocols"; names
in brackets are the draft's. docs/spec page 2 fixes the ciphersuite. Retally itself uses the batchable flavour only.

A verifier answers True or False and never raises for what an adversary wrote. A prover never outputs a proof that
would not verify.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from retally_reference.fiat_shamir import OVERSAMPLING, DuplexSponge, decode_uint, derive_session_id
from retally_reference.group import Element, EncodingError, Group
from retally_reference.linear_relation import (
    LinearRelation,
    collect,
    evaluate,
    failed_check,
    image_row,
    map_row,
    serialize,
)

BATCH_TAG = b"irtf-cfrg-sigma-protocols/batch-verify"
WEIGHT_LENGTH = 16
MAXIMAL_DRAWS = 8

NonceSource = Callable[[], int]
Known = Mapping[int, Sequence[tuple[int, int]]]


def fresh_nonce(group: Group[Element]) -> int:
    """A uniform scalar from the operating system."""
    return decode_uint(secrets.token_bytes(group.scalar_length + OVERSAMPLING), group.order)


def derive_challenge(group: Group[Element], session_id: bytes, statement: bytes, commitment: bytes) -> int:
    """[DeriveChallenge] from session id, serialised instance and serialised commitment: nothing is left out."""
    sponge = DuplexSponge(session_id)
    sponge.absorb(statement)
    sponge.absorb(commitment)
    return decode_uint(sponge.squeeze(group.scalar_length + OVERSAMPLING), group.order)


def _split(source: bytes, size: int) -> list[bytes]:
    return [source[i : i + size] for i in range(0, len(source), size)]


def _expand(row: Mapping[int, int], known: Known, order: int) -> dict[int, int]:
    """The row with every element of known representation replaced by that representation."""
    pairs: list[tuple[int, int]] = []
    for index, coefficient in row.items():
        if index in known:
            pairs += [(base, coefficient * scalar) for base, scalar in known[index]]
        else:
            pairs.append((index, coefficient))
    return collect(pairs, order)


def _evaluate_fixed(relation: LinearRelation[Element], row: Mapping[int, int], fixed: frozenset[int]) -> Element:
    """The row's sum, by table for the bases in `fixed`."""
    group = relation.group
    total = evaluate(relation, {index: c for index, c in row.items() if index not in fixed})
    for index in fixed & row.keys():
        total = group.add(total, group.multiply_fixed(row[index], relation.elements[index]))
    return total


def _check_known(relation: LinearRelation[Element], known: Known, fixed: frozenset[int]) -> None:
    for index, representation in known.items():
        if any(base in known for base, _ in representation):
            raise ValueError(f"element {index} is given over a base that is itself given over others")
        claimed = _evaluate_fixed(relation, collect(representation, relation.group.order), fixed)
        if not relation.group.equal(claimed, relation.elements[index]):
            raise ValueError(f"element {index} is not what its representation says")


def _commit_and_respond(
    tag: bytes,
    relation: LinearRelation[Element],
    witness: Sequence[int],
    nonce_source: NonceSource | None,
    known: Known,
) -> tuple[bytes, int, list[int]]:
    """[ProverCommitment], [DeriveChallenge], [ProverResponse]: serialised commitment, challenge, response."""
    group, order = relation.group, relation.group.order
    failed = failed_check(relation)
    if failed is not None:
        raise ValueError(f"the instance fails check {failed} of instance validation")
    if len(witness) != relation.scalar_count:
        raise ValueError(f"the witness has {len(witness)} scalars, the relation {relation.scalar_count}")
    fixed = frozenset({0} | {base for representation in known.values() for base, _ in representation})
    _check_known(relation, known, fixed)
    for number, equation in enumerate(relation.equations):
        difference = list(map_row(equation, witness, order).items())
        difference += [(index, -coefficient) for index, coefficient in image_row(equation, order).items()]
        row = _expand(collect(difference, order), known, order)
        if row and not group.is_identity(_evaluate_fixed(relation, row, fixed)):
            raise ValueError(f"the witness does not satisfy equation {number}")
    draw = nonce_source or (lambda: fresh_nonce(group))
    for _ in range(MAXIMAL_DRAWS):
        nonces = [draw() for _ in witness]
        rows = [_expand(map_row(equation, nonces, order), known, order) for equation in relation.equations]
        commitment = [_evaluate_fixed(relation, row, fixed) for row in rows]
        if any(map(group.is_identity, commitment)):
            continue  # No proof may hold the identity; with honest nonces this never happens.
        serialized = b"".join(map(group.encode, commitment))
        challenge = derive_challenge(group, derive_session_id(tag), serialize(relation), serialized)
        response = [(nonce + scalar * challenge) % order for nonce, scalar in zip(nonces, witness, strict=True)]
        return serialized, challenge, response
    raise ArithmeticError(f"{MAXIMAL_DRAWS} draws of nonces all gave an identity: the nonce source is broken")


def prove_batchable(
    tag: bytes,
    relation: LinearRelation[Element],
    witness: Sequence[int],
    *,
    nonce_source: NonceSource | None = None,
    known: Known | None = None,
) -> bytes:
    """[ProveBatchable] commitment ‖ response. ValueError for an invalid instance or a witness that does not satisfy it.

    nonce_source: only for test vectors; left out, nonces come from the operating system, as they must.
    known: {element index: ((base index, scalar), …)} for elements the prover made herself; with it every
    multiplication is one by a fixed base. A representation that is not true raises ValueError.
    """
    commitment, _, response = _commit_and_respond(tag, relation, witness, nonce_source, known or {})
    return commitment + b"".join(map(relation.group.encode_scalar, response))


def prove_compact(
    tag: bytes, relation: LinearRelation[Element], witness: Sequence[int], *, nonce_source: NonceSource | None = None
) -> bytes:
    """[ProveCompact] challenge ‖ response; errors and `nonce_source` as `prove_batchable`."""
    _, challenge, response = _commit_and_respond(tag, relation, witness, nonce_source, {})
    return b"".join(map(relation.group.encode_scalar, [challenge, *response]))


@dataclass(frozen=True)
class Transcript(Generic[Element]):
    """A batchable proof with its statement, read but not verified: a valid instance, and every encoding good."""

    session_id: bytes
    relation: LinearRelation[Element]
    statement: bytes
    proof: bytes
    commitment: tuple[Element, ...]
    challenge: int
    response: tuple[int, ...]


def read_transcript(
    session_id: bytes, relation: LinearRelation[Element], statement: bytes, proof: bytes
) -> Transcript[Element] | None:
    """Steps 1 and 2 of [VerifyBatchable] for an instance that is already validated; None if they fail.

    statement: the instance serialised.
    """
    group = relation.group
    if len(proof) != relation.proof_length:
        return None
    boundary = group.element_length * len(relation.equations)
    try:
        commitment = tuple(map(group.decode, _split(proof[:boundary], group.element_length)))
        response = tuple(map(group.decode_scalar, _split(proof[boundary:], group.scalar_length)))
    except EncodingError:
        return None
    challenge = derive_challenge(group, session_id, statement, proof[:boundary])
    return Transcript(session_id, relation, statement, proof, commitment, challenge, response)


def _open(tag: bytes, relation: LinearRelation[Element], proof: bytes) -> Transcript[Element] | None:
    if failed_check(relation) is not None:
        return None
    return read_transcript(derive_session_id(tag), relation, serialize(relation), proof)


def accepts(transcript: Transcript[Element]) -> bool:
    """[Verifier], equation by equation: map(response) = commitment + challenge·image, with no randomness at all."""
    relation, order = transcript.relation, transcript.relation.group.order
    for equation, commitment in zip(relation.equations, transcript.commitment, strict=True):
        row = list(map_row(equation, transcript.response, order).items())
        row += [(index, -transcript.challenge * c) for index, c in image_row(equation, order).items()]
        if not relation.group.equal(evaluate(relation, collect(row, order)), commitment):
            return False
    return True


def verify_batchable(tag: bytes, relation: LinearRelation[Element], proof: bytes) -> bool:
    """[VerifyBatchable]."""
    transcript = _open(tag, relation, proof)
    return transcript is not None and accepts(transcript)


def verify_compact(tag: bytes, relation: LinearRelation[Element], proof: bytes) -> bool:
    """[VerifyCompact]: the commitment is recomputed from the response, and must give the same challenge."""
    group, order = relation.group, relation.group.order
    if failed_check(relation) is not None or len(proof) != group.scalar_length * (relation.scalar_count + 1):
        return False
    try:
        challenge, *response = map(group.decode_scalar, _split(proof, group.scalar_length))
    except EncodingError:
        return False
    commitment = []
    for equation in relation.equations:
        row = list(map_row(equation, response, order).items())
        row += [(index, -challenge * c) for index, c in image_row(equation, order).items()]
        commitment.append(evaluate(relation, collect(row, order)))
    if any(map(group.is_identity, commitment)):
        return False
    serialized = b"".join(map(group.encode, commitment))
    return derive_challenge(group, derive_session_id(tag), serialize(relation), serialized) == challenge


def batch_weights(transcripts: Sequence[Transcript[Element]]) -> list[int]:
    """One weight of 128 bits per equation per proof, from everything in the batch equation, responses included."""
    sponge = DuplexSponge(derive_session_id(BATCH_TAG))
    for transcript in transcripts:
        sponge.absorb(transcript.session_id)
        sponge.absorb(transcript.statement)
        sponge.absorb(transcript.proof)
    count = sum(len(transcript.relation.equations) for transcript in transcripts)
    return [int.from_bytes(weight, "little") for weight in _split(sponge.squeeze(WEIGHT_LENGTH * count), WEIGHT_LENGTH)]


def batch_accepts(group: Group[Element], transcripts: Sequence[Transcript[Element]]) -> bool:
    """Whether the weighted sum of all verification equations holds: False if any fails, but for a chance of 2^-128."""
    weights = iter(batch_weights(transcripts))
    coefficients: dict[Element, int] = {}  # One entry for an element that many statements share, such as the generator.
    for transcript in transcripts:
        relation, challenge, response = transcript.relation, transcript.challenge, transcript.response
        row = [0] * len(relation.elements)
        for equation, commitment in zip(relation.equations, transcript.commitment, strict=True):
            weight = next(weights)
            coefficients[commitment] = coefficients.get(commitment, 0) + weight
            for index, coefficient in equation.image:
                row[index] += weight * challenge * coefficient
            for scalar, index, coefficient in equation.terms:
                row[index] -= weight * response[scalar] * coefficient
        for element, coefficient in zip(relation.elements, row, strict=True):
            coefficients[element] = coefficients.get(element, 0) + coefficient
    scalars = [coefficient % group.order for coefficient in coefficients.values()]
    return group.is_identity(group.multi_scalar_multiply(scalars, list(coefficients)))


def batch_verify(
    group: Group[Element], tags: Sequence[bytes], relations: Sequence[LinearRelation[Element]], proofs: Sequence[bytes]
) -> bool:
    """The draft's batch verification of batchable proofs, of one relation or of many; an empty batch is accepted."""
    transcripts = []
    for tag, relation, proof in zip(tags, relations, proofs, strict=True):
        transcript = _open(tag, relation, proof)
        if transcript is None:
            return False
        transcripts.append(transcript)
    return batch_accepts(group, transcripts)


def culprits(group: Group[Element], transcripts: Sequence[Transcript[Element]]) -> list[int]:
    """The ascending positions of the proofs that fail: a half that passes as a batch is cleared."""
    if batch_accepts(group, transcripts):
        return []
    if len(transcripts) == 1:
        return [] if accepts(transcripts[0]) else [0]
    middle = len(transcripts) // 2
    return culprits(group, transcripts[:middle]) + [middle + i for i in culprits(group, transcripts[middle:])]
