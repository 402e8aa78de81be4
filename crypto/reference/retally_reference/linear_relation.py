"""Linear relations: what a sigma proof states, when a statement is acceptable, and its bytes.

Source: draft-irtf-cfrg-sigma-protocols-03, section "Linear relations" (representation, map evaluation, instance
validation, serialisation). An instance is a system of equations image = M·witness between group elements, written
sparsely: elements and scalars are named by index, and element 0 is always the generator, which is never serialised.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from retally_reference.group import Element, EncodingError, Group

INDEX_LIMIT = 2**32
TERM_LIMIT = (
    2**20
)  # equations and terms of a header together: far above any ballot, far below what would exhaust memory


@dataclass(frozen=True)
class Equation:
    """Σ coefficient·element over `image` = Σ coefficient·scalar·element over `terms`.

    image: (element index, coefficient); terms: (scalar index, element index, coefficient).
    """

    image: tuple[tuple[int, int], ...]
    terms: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class LinearRelation(Generic[Element]):
    """One instance. `elements[0]` must be the group's generator."""

    group: Group[Element]
    elements: tuple[Element, ...]
    equations: tuple[Equation, ...]

    @cached_property
    def scalar_count(self) -> int:
        return scalar_count(self.equations)

    @property
    def proof_length(self) -> int:
        """Bytes of a batchable proof: one element an equation, one scalar a witness scalar."""
        return self.group.element_length * len(self.equations) + self.group.scalar_length * self.scalar_count


def scalar_count(equations: Sequence[Equation]) -> int:
    """1 + the largest scalar index used."""
    return 1 + max(scalar for equation in equations for scalar, _, _ in equation.terms)


def evaluate(relation: LinearRelation[Element], row: Mapping[int, int]) -> Element:
    """Σ coefficient·element for a row given as {element index: coefficient}; variable time."""
    indices = [index for index, coefficient in row.items() if coefficient % relation.group.order]
    return relation.group.multi_scalar_multiply(
        [row[index] for index in indices], [relation.elements[index] for index in indices]
    )


def collect(pairs: Iterable[tuple[int, int]], order: int) -> dict[int, int]:
    """The sum of the coefficients given for each index, modulo the order, without those that vanish."""
    row: dict[int, int] = {}
    for index, coefficient in pairs:
        row[index] = row.get(index, 0) + coefficient
    return {index: total % order for index, total in row.items() if total % order}


def image_row(equation: Equation, order: int) -> dict[int, int]:
    """The left-hand side of an equation."""
    return collect(equation.image, order)


def map_row(equation: Equation, scalars: Sequence[int], order: int) -> dict[int, int]:
    """The right-hand side of an equation at the given scalars."""
    return collect(((element, c * scalars[scalar]) for scalar, element, c in equation.terms), order)


def _is_identity_row(relation: LinearRelation[Element], row: Mapping[int, int]) -> bool:
    # In a group of prime order a single non-zero multiple of a non-identity element is never the identity.
    if len(row) < 2:
        return not row
    return relation.group.is_identity(evaluate(relation, row))


def failed_structure_check(equations: Sequence[Equation], element_count: int) -> int | None:
    """The number of the first of checks 1-6 that fails: everything that can be said without looking at an element."""
    if not equations:
        return 1
    if any(not equation.terms or not equation.image for equation in equations):
        return 2
    images = [term for equation in equations for term in equation.image]
    terms = [term for equation in equations for term in equation.terms]
    lengths = [len(part) for equation in equations for part in (equation.image, equation.terms)] + [len(equations)]
    indices = [e for e, _ in images] + [index for scalar, element, _ in terms for index in (scalar, element)]
    if any(not 0 <= number < INDEX_LIMIT for number in lengths + indices):
        return 3
    referenced = {element for element, _ in images} | {element for _, element, _ in terms}
    if max(referenced) >= element_count:
        return 4
    if len(referenced - {0}) != element_count - 1:
        return 5
    scalars = {scalar for scalar, _, _ in terms}
    if len(scalars) != 1 + max(scalars):
        return 6
    return None


def failed_element_check(relation: LinearRelation[Element]) -> int | None:
    """The number of the first of checks 7-10 that fails, for an instance known to pass checks 1-6."""
    group, elements = relation.group, relation.elements
    if not elements or not group.equal(elements[0], group.generator):
        return 7
    if any(group.is_identity(element) for element in elements):
        return 8
    if any(_is_identity_row(relation, image_row(equation, group.order)) for equation in relation.equations):
        return 9
    columns: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for number, equation in enumerate(relation.equations):
        for scalar, element, coefficient in equation.terms:
            columns.setdefault(scalar, {}).setdefault(number, []).append((element, coefficient))
    for entries in columns.values():
        if all(_is_identity_row(relation, collect(entry, group.order)) for entry in entries.values()):
            return 10
    return None


def failed_check(relation: LinearRelation[Element]) -> int | None:
    """The draft's number (1-10) of a condition of "Instance validation" that this instance breaks, or None."""
    if not relation.elements:
        return 7
    return failed_structure_check(relation.equations, len(relation.elements)) or failed_element_check(relation)


def validate_instance(relation: LinearRelation[Element]) -> bool:
    """ValidateInstance: all ten conditions hold."""
    return failed_check(relation) is None


def serialize_header(group: Group[Element], equations: Sequence[Equation]) -> bytes:
    """SerializeLinearRelation without its elements: what all instances of one relation have in common."""

    def number(value: int) -> bytes:
        return value.to_bytes(4, "little")

    parts = [number(len(equations))]
    for equation in equations:
        parts.append(number(len(equation.image)))
        for element, coefficient in equation.image:
            parts += (number(element), group.encode_scalar(coefficient % group.order))
        parts.append(number(len(equation.terms)))
        for scalar, element, coefficient in equation.terms:
            parts += (number(scalar), number(element), group.encode_scalar(coefficient % group.order))
    return b"".join(parts)


def serialize(relation: LinearRelation[Element]) -> bytes:
    """SerializeLinearRelation; ValueError if an element is the identity."""
    header = serialize_header(relation.group, relation.equations)
    return header + b"".join(map(relation.group.encode, relation.elements[1:]))


class _Reader:
    def __init__(self, source: bytes) -> None:
        self.source, self.position, self.terms = source, 0, 0

    def take(self, length: int) -> bytes:
        taken = self.source[self.position : self.position + length]
        if len(taken) != length:
            raise ValueError(f"relation header is truncated at byte {self.position}")
        self.position += length
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def count(self) -> int:
        count = self.number()
        self.terms += count
        if count == 0 or self.terms > TERM_LIMIT:
            raise ValueError(
                f"header has an empty list or over {TERM_LIMIT} equations and terms at byte {self.position - 4}"
            )
        return count


def parse_header(group: Group[Element], source: bytes) -> tuple[tuple[Equation, ...], int, int]:
    """The equations at the start of `source`, the element count (1 + the largest index), and the bytes read.

    ValueError for truncation, an empty list, a non-canonical coefficient, an index that nothing uses (checks 1-6).
    """
    reader = _Reader(source)

    def coefficient() -> int:
        try:
            return group.decode_scalar(reader.take(group.scalar_length))
        except EncodingError as refused:
            raise ValueError(f"coefficient before byte {reader.position} of a relation header: {refused}") from None

    equations = []
    for _ in range(reader.count()):
        image = tuple((reader.number(), coefficient()) for _ in range(reader.count()))
        terms = tuple((reader.number(), reader.number(), coefficient()) for _ in range(reader.count()))
        equations.append(Equation(image, terms))
    element_count = 1 + max(
        index
        for equation in equations
        for index in [element for element, _ in equation.image] + [element for _, element, _ in equation.terms]
    )
    failed = failed_structure_check(equations, element_count)
    if failed is not None:
        raise ValueError(f"relation header fails check {failed} of instance validation")
    return tuple(equations), element_count, reader.position


def parse(group: Group[Element], source: bytes) -> LinearRelation[Element]:
    """The inverse of `serialize`; ValueError for anything `serialize` would not have written."""
    equations, element_count, position = parse_header(group, source)
    size = group.element_length
    if len(source) - position != size * (element_count - 1):
        raise ValueError(f"{element_count - 1} elements do not fit the {len(source) - position} bytes after the header")
    decoded = tuple(group.decode(source[i : i + size]) for i in range(position, len(source), size))
    return LinearRelation(group, (group.generator, *decoded), equations)
