"""What is proved, said once: relations in the draft's own notation, compiled to the bytes that both engines understand.

A declaration such as

    Relation GuardianCommitment(F_0, ..., F_k-1):
      Witness: a_0, ..., a_k-1
      Equations:
        F_j = a_j*G                  for j = 0..k-1

compiles to a `Template`: `SerializeLinearRelation` of draft-irtf-cfrg-sigma-protocols-03 without the elements. An
instance is the template's header followed by the encodings of its elements (docs/spec page 2, sections 2.3 and 2.4).

Every rule of the draft's section "Specifying the relation" is kept: indices follow the order of declaration, a term
without a witness scalar moves to the image with its sign turned when it was written on the right, parentheses
distribute. Two things the draft describes in prose are written out here: lists with `...` and equations with `for i =
a..b`; both unroll in index order.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Order of the ristretto255 group, RFC 9496."""

SUITE: Final = "sigma-proofs_Shake128_Ristretto255"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TOKEN: Final = re.compile(r"\s*(?:(?P<integer>[0-9]+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign>[-+*()]))")
_DECLARATION: Final = re.compile(
    r"\s*Relation\s+(?P<name>[A-Za-z0-9_]+)\((?P<parameters>[^)]*)\):\s*\n"
    r"\s*Witness:(?P<witness>[^\n]*)\n"
    r"\s*Equations:[^\S\n]*\n(?P<equations>.*)",
    re.DOTALL,
)
_FAMILY: Final = re.compile(
    r"(?P<equation>.*\S)\s+for\s+(?P<index>[a-z])\s*=\s*(?P<first>[^.\s]+)\.\.(?P<last>\S+)", re.DOTALL
)
_INDEX: Final = re.compile(r"(?P<size>[a-z]+)?(?P<offset>[-+]?[0-9]+)?")


@dataclass(frozen=True)
class Template:
    """A compiled relation without its elements.

    `elements` names elements 1, 2, … in order (element 0 is the generator), `scalars` the witness in order; `header`
    is the serialised instance up to where the elements begin.
    """

    name: str
    elements: tuple[str, ...]
    scalars: tuple[str, ...]
    equations: int
    header: bytes

    @property
    def proof_length(self) -> int:
        """Bytes of a batchable proof: one point an equation, one scalar a witness."""
        return 32 * (self.equations + len(self.scalars))


@dataclass(frozen=True)
class _Term:
    """coefficient · (witness scalar or 1) · (element or 1)."""

    coefficient: int
    scalar: int | None = None
    element: int | None = None

    def __mul__(self, other: "_Term") -> "_Term":
        if self.scalar is not None and other.scalar is not None:
            raise ValueError("an equation is not linear in the witness: two secret scalars are multiplied")
        if self.element is not None and other.element is not None:
            raise ValueError("two group elements are multiplied")
        return _Term(
            self.coefficient * other.coefficient,
            other.scalar if self.scalar is None else self.scalar,
            other.element if self.element is None else self.element,
        )

    def __neg__(self) -> "_Term":
        return _Term(-self.coefficient, self.scalar, self.element)


@lru_cache(maxsize=512)
def compile_relation(text: str, **values: int) -> Template:
    """Compile a declaration.

    `values` gives every public scalar among the parameters and every size used by a family (`n` in `A_1, ..., A_n`).

    Raises ValueError, naming what is wrong, for a declaration that does not compile to a structurally valid instance
    (checks 1 to 6 of the draft's instance validation).
    """
    declaration = _DECLARATION.fullmatch(text)
    if declaration is None:
        raise ValueError("not a relation declaration: " + text.strip().split("\n", 1)[0])
    name = declaration["name"]
    parameters = _names(declaration["parameters"], values)
    witness = _names(declaration["witness"], values)
    declared = [*parameters, *witness]
    if len(set(declared)) != len(declared) or "G" in declared:
        raise ValueError(f"relation {name}: G is declared, or a name twice")
    elements = ("G", *(p for p in parameters if p[0].isupper()))

    meaning = {element: _Term(1, element=index) for index, element in enumerate(elements)}
    meaning |= {scalar: _Term(1, scalar=index) for index, scalar in enumerate(witness)}
    for parameter in parameters:
        if parameter[0].islower():
            if parameter not in values:
                raise ValueError(f"relation {name}: no value for the public scalar {parameter}")
            meaning[parameter] = _Term(values[parameter])

    equations = [_equation(line, meaning) for line in _lines(declaration["equations"], values)]
    _require_complete(name, elements, witness, equations)
    header = bytearray(_le32(len(equations)))
    for image, terms in equations:
        header += _le32(len(image))
        for term in image:
            header += _le32(term.element or 0) + _coefficient(term)
        header += _le32(len(terms))
        for term in terms:
            header += _le32(term.scalar or 0) + _le32(term.element or 0) + _coefficient(term)
    return Template(name, elements[1:], tuple(witness), len(equations), bytes(header))


def tag(relation: str, *context: bytes) -> bytes:
    """The tag of a proof, docs/spec 2.4: `RETALLY-V01-<relation>-<context in hex>-DSFS-with-<suite>`, ASCII."""
    return f"RETALLY-V01-{relation}-{b''.join(context).hex()}-DSFS-with-{SUITE}".encode("ascii")


def _names(listing: str, values: dict[str, int]) -> list[str]:
    """The names of a list, `A_1, B_1, ..., A_n, B_n` written out; a family whose last index is below its first is
    empty."""
    entries = [entry.strip() for entry in listing.split(",") if entry.strip()]
    names: list[str] = []
    while "..." in entries:
        dots = entries.index("...")
        last = [entry.rpartition("_") for entry in entries[dots + 1 :]]
        # The group after the dots runs as far as its last index stays the same.
        period = next((i for i, part in enumerate(last) if part[2] != last[0][2]), len(last))
        stems = [part[0] for part in last[:period]]
        first = [entry.rpartition("_") for entry in entries[max(dots - period, 0) : dots]]
        if not stems or [part[0] for part in first] != stems or len({part[2] for part in first}) != 1:
            raise ValueError(f"the two ends of a family do not match: {listing.strip()}")
        names += entries[: dots - period]
        indices = range(_index(first[0][2], values), _index(last[0][2], values) + 1)
        names += [f"{stem}_{index}" for index in indices for stem in stems]
        entries = entries[dots + 1 + period :]
    names += entries
    for written in names:
        if not _NAME.fullmatch(written):
            raise ValueError(f"not a name: {written}")
    return names


def _lines(block: str, values: dict[str, int]) -> list[str]:
    """The equations, families written out in index order."""
    lines: list[str] = []
    for line in block.splitlines():
        if not line.strip():
            continue
        family = _FAMILY.fullmatch(line.strip())
        if family is None:
            lines.append(line.strip())
            continue
        member = re.compile(rf"_{family['index']}\b")
        indices = range(_index(family["first"], values), _index(family["last"], values) + 1)
        lines += [member.sub(f"_{index}", family["equation"]) for index in indices]
    return lines


def _index(expression: str, values: dict[str, int]) -> int:
    match = _INDEX.fullmatch(expression)
    if match is None or not expression:
        raise ValueError(f"not an index: {expression!r}")
    if match["size"] is not None and match["size"] not in values:
        raise ValueError(f"no value for the size {match['size']}")
    return (values[match["size"]] if match["size"] else 0) + int(match["offset"] or 0)


def _equation(line: str, meaning: dict[str, _Term]) -> tuple[list[_Term], list[_Term]]:
    sides = line.split("=")
    if len(sides) != 2:
        raise ValueError(f"not an equation: {line}")
    left, right = (_combination(side, meaning) for side in sides)
    if any(term.element is None for term in (*left, *right)):
        raise ValueError(f"a term without a group element: {line}")
    image = [t for t in left if t.scalar is None] + [-t for t in right if t.scalar is None]
    terms = [-t for t in left if t.scalar is not None] + [t for t in right if t.scalar is not None]
    if not image or not terms:
        raise ValueError(f"an equation needs a public and a secret side: {line}")
    return image, terms


def _combination(side: str, meaning: dict[str, _Term]) -> list[_Term]:
    """Parse a sum of products; products distribute over parentheses from left to right."""
    tokens: list[str] = []
    position = 0
    stripped = side.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ValueError(f"unexpected character in: {side.strip()}")
        tokens.append(match.group().strip())
        position = match.end()
    tokens.append("")
    terms, used = _sum(tokens, 0, meaning)
    if tokens[used] != "":
        raise ValueError(f"unexpected {tokens[used]!r} in: {side.strip()}")
    return terms


def _sum(tokens: list[str], at: int, meaning: dict[str, _Term]) -> tuple[list[_Term], int]:
    terms: list[_Term] = []
    negative = tokens[at] == "-"
    at += negative
    while True:
        product, at = _product(tokens, at, meaning)
        terms += [-term for term in product] if negative else product
        if tokens[at] not in ("+", "-"):
            return terms, at
        negative = tokens[at] == "-"
        at += 1


def _product(tokens: list[str], at: int, meaning: dict[str, _Term]) -> tuple[list[_Term], int]:
    terms, at = _factor(tokens, at, meaning)
    while tokens[at] == "*":
        factor, at = _factor(tokens, at + 1, meaning)
        terms = [left * right for left in terms for right in factor]
    return terms, at


def _factor(tokens: list[str], at: int, meaning: dict[str, _Term]) -> tuple[list[_Term], int]:
    symbol = tokens[at]
    if symbol == "(":
        terms, at = _sum(tokens, at + 1, meaning)
        if tokens[at] != ")":
            raise ValueError("a parenthesis is not closed")
        return terms, at + 1
    if symbol.isdecimal():
        return [_Term(int(symbol))], at + 1
    if symbol not in meaning:
        raise ValueError(f"undeclared name: {symbol!r}")
    return [meaning[symbol]], at + 1


def _require_complete(
    name: str, elements: tuple[str, ...], witness: list[str], equations: list[tuple[list[_Term], list[_Term]]]
) -> None:
    if not equations:
        raise ValueError(f"relation {name} has no equation")
    used_elements = {term.element for image, terms in equations for term in (*image, *terms)}
    used_scalars = {term.scalar for _, terms in equations for term in terms}
    unused = [element for index, element in enumerate(elements) if index and index not in used_elements]
    unused += [scalar for index, scalar in enumerate(witness) if index not in used_scalars]
    if unused:
        raise ValueError(f"relation {name}: declared and not used: {', '.join(unused)}")


def _le32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _coefficient(term: _Term) -> bytes:
    return (term.coefficient % ORDER).to_bytes(32, "little")
