"""The reference engine: the whole cryptography of Retally behind one interface of bytes in, bytes out.

It knows nothing of voting. `retally_native` exports these functions, and a counter of what it did; the two must agree
on every answer and every refusal. A point is a 32-byte canonical ristretto255 encoding, a scalar 32 bytes little-endian
below the order L; buffers are concatenations of such records, and one whose length is not a whole number of records
raises ValueError. A `header` is a relation serialised without its elements (`linear_relation.serialize_header`);
headers are ours, so a malformed one raises ValueError. Elements and proofs come from adversaries: for those `verify`
and `verify_batch` report and never raise.

Standard library only, one core, and NOT constant time: fit for verifying anything, and for secrets only on a machine
where nobody else can measure time.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from retally_reference import discrete_log, ed25519, edwards, fiat_shamir, forms, merkle, sigma
from retally_reference.edwards import ORDER, Point
from retally_reference.group import (
    RISTRETTO255,
    EncodingError,
    decode_any,
    encode_any,
    encode_doubled,
    fixed_base,
)
from retally_reference.linear_relation import (
    Equation,
    LinearRelation,
    failed_element_check,
    parse_header,
    scalar_count,
)

NAME = "reference"
VERSION = "0.1.0"

valid_ed25519_key = ed25519.valid_ed25519_key
session_id = fiat_shamir.derive_session_id
hash_leaves = merkle.hash_leaves
merkle_root = merkle.merkle_root
read_forms = forms.read_forms
sort_records = forms.sort_records
repeated_records = forms.repeated_records
cut_records = forms.cut_records

Decoded = TypeVar("Decoded")

_CHUNK = 128  # proofs per batch equation: beyond this the multiplication hardly gets cheaper, memory does grow


def _records(buffer: bytes, size: int, name: str) -> list[bytes]:
    if len(buffer) % size:
        raise ValueError(f"{name}: {len(buffer)} bytes are not a whole number of records of {size}")
    return [bytes(buffer[i : i + size]) for i in range(0, len(buffer), size)]


def _decoded(decode: Callable[[bytes], Decoded], buffer: bytes, name: str) -> list[Decoded]:
    values = []
    for index, record in enumerate(_records(buffer, 32, name)):
        try:
            values.append(decode(record))
        except EncodingError as refused:
            raise ValueError(f"{name}[{index}]: {refused}") from None
    return values


def _points(buffer: bytes, name: str = "points") -> list[Point]:
    return _decoded(decode_any, buffer, name)


def _scalars(buffer: bytes, name: str = "scalars") -> list[int]:
    return _decoded(RISTRETTO255.decode_scalar, buffer, name)


def _same_length(a: Sequence[object], b: Sequence[object], names: str) -> None:
    if len(a) != len(b):
        raise ValueError(f"{names}: {len(a)} and {len(b)} records")


def _halved(scalar: int) -> int:
    return scalar // 2 if scalar % 2 == 0 else (scalar + ORDER) // 2


def _refused(decode: Callable[[bytes], object], buffer: bytes, name: str) -> list[int]:
    refused = []
    for index, record in enumerate(_records(buffer, 32, name)):
        try:
            decode(record)
        except EncodingError:
            refused.append(index)
    return refused


def invalid_points(points: bytes) -> list[int]:
    """The indices of encodings that are non-canonical or the identity."""
    return _refused(RISTRETTO255.decode, points, "points")


def invalid_scalars(scalars: bytes) -> list[int]:
    """The indices of scalars that are not below the order L; zero is a scalar."""
    return _refused(RISTRETTO255.decode_scalar, scalars, "scalars")


def add(a: bytes, b: bytes) -> bytes:
    """Element-wise a + b, n * 32 bytes each; the identity (32 zero bytes) may go in and come out."""
    return _element_wise(edwards.add, a, b)


def subtract(a: bytes, b: bytes) -> bytes:
    """Element-wise a - b, as `add`."""
    return _element_wise(lambda p, q: edwards.add(p, edwards.negate(q)), a, b)


def _element_wise(operation: Callable[[Point, Point], Point], a: bytes, b: bytes) -> bytes:
    left, right = _points(a, "a"), _points(b, "b")
    _same_length(left, right, "a and b")
    return b"".join(encode_any(operation(p, q)) for p, q in zip(left, right, strict=True))


def multiply(scalars: bytes, points: bytes) -> bytes:
    """Element-wise scalar·point, n * 32 bytes."""
    factors, elements = _scalars(scalars), _points(points)
    _same_length(factors, elements, "scalars and points")
    return b"".join(
        encode_doubled([RISTRETTO255.multiply(_halved(s), p) for s, p in zip(factors, elements, strict=True)])
    )


def multiply_base(scalars: bytes) -> bytes:
    """Element-wise scalar·G."""
    return _multiples(RISTRETTO255.generator, scalars)


def multiply_fixed(base: bytes, scalars: bytes) -> bytes:
    """Element-wise scalar·base for one base of 32 bytes; its table is kept for the next call."""
    elements = _points(base, "base")
    if len(elements) != 1:
        raise ValueError(f"base: {len(elements)} points instead of one")
    return _multiples(elements[0], scalars)


def _multiples(base: Point, scalars: bytes) -> bytes:
    table = fixed_base(base)
    return b"".join(encode_doubled([table.multiply(_halved(scalar)) for scalar in _scalars(scalars)]))


def multi_scalar_multiply(scalars: bytes, points: bytes) -> bytes:
    """Σ scalars[i]·points[i], 32 bytes; of nothing, the identity. Public data only."""
    factors, elements = _scalars(scalars), _points(points)
    _same_length(factors, elements, "scalars and points")
    return encode_any(RISTRETTO255.multi_scalar_multiply(factors, elements))


def sum_columns(points: bytes, columns: int) -> bytes:
    """The sum of each column of a row-major matrix of points: columns * 32 bytes, the identity for no rows."""
    if columns < 0 or (columns == 0 and points) or (columns and len(points) % (32 * columns)):
        raise ValueError(f"points: {len(points)} bytes are not a whole number of rows of {columns} points")
    elements = _points(points)
    return b"".join(encode_any(edwards.sum_of_points(elements[column::columns])) for column in range(columns))


def discrete_logs(points: bytes, bounds: Sequence[int]) -> list[int | None]:
    """For each point the x in 0 … bound with x·G = point, or None. Public data only."""
    elements = _points(points)
    _same_length(elements, bounds, "points and bounds")
    return discrete_log.discrete_logs(elements, bounds)


def scalar_reduce(wide: bytes) -> bytes:
    """n * 64 bytes, little-endian, to n * 32 bytes of canonical scalars modulo L."""
    return b"".join(
        (int.from_bytes(record, "little") % ORDER).to_bytes(32, "little") for record in _records(wide, 64, "wide")
    )


@lru_cache(maxsize=64)
def _template(header: bytes) -> tuple[tuple[Equation, ...], int]:
    equations, element_count, position = parse_header(RISTRETTO255, header)
    if position != len(header):
        raise ValueError(f"relation header has {len(header) - position} trailing bytes")
    return equations, element_count


def _instance(equations: tuple[Equation, ...], elements: Sequence[Point]) -> LinearRelation[Point]:
    return LinearRelation(RISTRETTO255, (RISTRETTO255.generator, *elements), equations)


def prove(
    header: bytes, elements: bytes, tag: bytes, witness: bytes, known: Sequence[tuple[int, Sequence[tuple[int, bytes]]]]
) -> bytes:
    """A batchable proof with fresh nonces.

    known: (element index, [(base index, scalar of 32 bytes), …]) for elements the prover made herself. ValueError,
    and never a proof, if the instance is invalid, the witness does not satisfy it, or a representation in `known` is
    not true.
    """
    equations, element_count = _template(bytes(header))
    decoded = _decoded(RISTRETTO255.decode, elements, "elements")
    if len(decoded) != element_count - 1:
        raise ValueError(f"elements: {len(decoded)} given, the relation has {element_count - 1} besides the generator")
    representations: dict[int, list[tuple[int, int]]] = {}
    for index, pairs in known:
        if index in representations or not 0 < index < element_count:
            raise ValueError(f"known: element {index} does not exist, is the generator or is given twice")
        if any(not 0 <= base < element_count for base, _ in pairs):
            raise ValueError(f"known: element {index} is given over a base that does not exist")
        representations[index] = [(base, RISTRETTO255.decode_scalar(scalar)) for base, scalar in pairs]
    return sigma.prove_batchable(
        tag, _instance(equations, decoded), _scalars(witness, "witness"), known=representations
    )


def _read(
    equations: tuple[Equation, ...], shared: Sequence[Point], header: bytes, elements: bytes, tag: bytes, proof: bytes
) -> sigma.Transcript[Point] | None:
    """One member of a batch, validated and read; `header` includes the encodings of the shared elements."""
    try:
        own = [RISTRETTO255.decode(record) for record in _records(elements, 32, "elements")]
    except EncodingError:
        return None
    relation = _instance(equations, [*shared, *own])
    if failed_element_check(relation) is not None:
        return None
    return sigma.read_transcript(session_id(tag), relation, header + elements, proof)


def verify(header: bytes, elements: bytes, tag: bytes, proof: bytes) -> bool:
    """Whether a batchable proof holds, equation by equation; False for anything wrong with elements or proof."""
    equations, element_count = _template(bytes(header))
    if len(elements) != 32 * (element_count - 1):
        return False
    transcript = _read(equations, [], bytes(header), bytes(elements), bytes(tag), bytes(proof))
    return transcript is not None and sigma.accepts(transcript)


def verify_batch(header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int) -> list[int]:
    """The ascending indices of the proofs that `verify` would reject, of `count` proofs of one relation.

    shared: the encodings of elements 1 … s, common to all; elements: count * the others; tags: count * equal length;
    proofs: count * (32 an equation and 32 a scalar). Buffers of other lengths raise ValueError; nothing in them does.
    """
    equations, element_count = _template(bytes(header))
    own_length = 32 * (element_count - 1) - len(shared)
    if count < 0 or len(shared) % 32 or own_length < 0:
        raise ValueError(f"count {count}, or {len(shared)} bytes of shared elements, cannot be")
    own = _members("elements", elements, own_length, count)
    named = _members("tags", tags, len(tags) // count if count else 0, count)
    proved = _members("proofs", proofs, 32 * (len(equations) + scalar_count(equations)), count)
    if invalid_points(shared):
        return list(range(count))
    common, statement = _decoded(RISTRETTO255.decode, shared, "shared"), bytes(header) + bytes(shared)
    rejected = []
    for start in range(0, count, _CHUNK):
        indices, transcripts = [], []
        for index in range(start, min(start + _CHUNK, count)):
            transcript = _read(equations, common, statement, own(index), named(index), proved(index))
            if transcript is None:
                rejected.append(index)
            else:
                indices.append(index)
                transcripts.append(transcript)
        rejected += [indices[position] for position in sigma.culprits(RISTRETTO255, transcripts)]
    return sorted(rejected)


def _members(name: str, buffer: bytes, length: int, count: int) -> Callable[[int], bytes]:
    """What belongs to each member of a batch. ValueError if the buffer is not `count` records of that length."""
    if len(buffer) != count * length:
        raise ValueError(f"{name}: {len(buffer)} bytes are not {count} records of {length}")
    return lambda index: bytes(buffer[index * length : (index + 1) * length])


def verify_and_sum(
    header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int
) -> tuple[list[int], bytes]:
    """`verify_batch`, and for each of a member's own elements its sum over the members that are not rejected."""
    rejected = verify_batch(header, shared, elements, tags, proofs, count)
    _, element_count = _template(bytes(header))
    own = element_count - 1 - len(shared) // 32
    refused = set(rejected)
    kept = b"".join(elements[32 * own * i : 32 * own * (i + 1)] for i in range(count) if i not in refused)
    return rejected, sum_columns(kept, own)
