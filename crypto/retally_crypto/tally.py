"""The tally: which units are reported, their encrypted sums, partial decryptions and the counts (docs/spec page 7).

No ballot is ever decrypted, nor a bit of one: guardians decrypt the sums over a reporting unit, each with its share,
and any k of them give the count as a bounded discrete logarithm.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from retally_crypto.contests import StyleLayout
from retally_crypto.engine import engine
from retally_crypto.manifest import Manifest, layout
from retally_crypto.relations import ORDER, Template, compile_relation, tag

PARTIAL_DECRYPTION: Final = """
Relation PartialDecryption(S, A_1, M_1, ..., A_m, M_m):
  Witness: s
  Equations:
    S = s*G
    M_j = s*A_j                  for j = 1..m
"""

IDENTITY: Final = bytes(32)
_WAITING_LIMIT: Final = 1 << 24
"""Bytes of ciphertexts that a `Tally` keeps before it adds them up: enough to fill all cores, small beside a board."""


@dataclass(frozen=True)
class Unit:
    """Districts that are reported together, in the manifest's order, with their counted ballots."""

    districts: tuple[str, ...]
    counted: int
    state: Literal["reported", "empty", "withheld"]


@dataclass(frozen=True)
class Aggregate:
    """One encrypted count: which it is, its ciphertext (A, B) and the largest number it can hold."""

    unit: Unit
    contest: str
    option: int
    a: bytes
    b: bytes
    bound: int


@dataclass(frozen=True)
class Aggregates:
    """Every encrypted count of the reported units in the order of 7.3: unit, contest, option."""

    items: tuple[Aggregate, ...]

    def digest(self, election_id: bytes) -> bytes:
        """`aggregates` of a partial decryption (7.4)."""
        return hashlib.sha256(
            b"RETALLY-V01-aggregates" + election_id + b"".join(item.a + item.b for item in self.items)
        ).digest()

    @cached_property
    def listed(self) -> tuple[int, ...]:
        """Positions of the aggregates whose A is not the identity; only these are decrypted (7.5)."""
        return tuple(i for i, item in enumerate(self.items) if item.a != IDENTITY)


def smallest_reported(manifest: Manifest) -> int:
    """The fewest counted ballots of a reported unit (7.2): two at least, for one ballot is never decrypted alone."""
    return max(2, manifest.smallest_unit)


def units(manifest: Manifest, counted: Mapping[str, int]) -> tuple[Unit, ...]:
    """The reporting units (7.2), from the number of counted ballots of each district (absent means none).

    A district with counted ballots, but fewer than are reported, is joined with the district its `merge` names.
    """
    smallest = smallest_reported(manifest)
    position = {district.id: i for i, district in enumerate(manifest.districts)}
    leader = list(range(len(position)))

    def find(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    for i, district in enumerate(manifest.districts):
        if district.merge is not None and 0 < counted.get(district.id, 0) < smallest:
            low, high = sorted((find(i), find(position[district.merge])))
            leader[high] = low
    members: dict[int, list[str]] = {}
    for i, district in enumerate(manifest.districts):
        members.setdefault(find(i), []).append(district.id)
    return tuple(_unit(tuple(members[i]), counted, smallest) for i in sorted(members))


def _unit(districts: tuple[str, ...], counted: Mapping[str, int], smallest: int) -> Unit:
    total = sum(counted.get(district, 0) for district in districts)
    if total == 0:
        return Unit(districts, 0, "empty")
    return Unit(districts, total, "reported" if total >= smallest else "withheld")


class Tally:
    """Sums of the ciphertexts of every bit, district by district, in memory that does not grow with the ballots.

    Every accepted ballot is added when it is accepted and taken off again when a later one supersedes it; what is
    left at closing are the counted ones. All of it is public arithmetic, so it makes no difference who does it or
    when.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._layouts: dict[str, StyleLayout] = {}
        for index, style in enumerate(manifest.styles):
            if style.district not in self._layouts:
                self._layouts[style.district] = layout(manifest, index)
        self._sums: dict[str, bytes] = {}
        self._waiting: dict[tuple[str, bool], bytearray] = {}
        self._waiting_bytes = 0

    def accept(self, district: str, ciphertexts: bytes) -> None:
        """Add an accepted ballot of a district: A_1‖B_1‖…‖B_n, well encoded."""
        self._take(district, ciphertexts, added=True)

    def supersede(self, district: str, ciphertexts: bytes) -> None:
        """Take off an accepted ballot after which another ballot of the same credential was accepted."""
        self._take(district, ciphertexts, added=False)

    def merge(self, other: "Tally") -> None:
        """Add what another tally of the same election has summed up."""
        other._settle()
        for district, sums in other._sums.items():
            self._add(district, sums, added=True)

    def aggregates(self, reported: Sequence[Unit]) -> Aggregates:
        """The aggregates (7.3) of those of the units that are reported; the others have none."""
        self._settle()
        options = {contest.id: contest.options for contest in self._manifest.contests}
        contests_of = {style.district: style.contests for style in self._manifest.styles}
        items: list[Aggregate] = []
        for unit in reported:
            if unit.state != "reported":
                continue
            shape = self._layouts[unit.districts[0]]
            rows = [self._sums[district] for district in unit.districts if district in self._sums]
            columns = engine.sum_columns(b"".join(rows), 2 * shape.n_bits)
            for contest_id, contest in zip(contests_of[unit.districts[0]], shape.contests, strict=True):
                for option in range(len(options[contest_id])):
                    bits = contest.option_bits(option)
                    a, b = (
                        _weighted(contest.option_weights, [columns[64 * i + half : 64 * i + half + 32] for i in bits])
                        for half in (0, 32)
                    )
                    items.append(Aggregate(unit, contest_id, option, a, b, unit.counted * contest.score))
        return Aggregates(tuple(items))

    def _take(self, district: str, ciphertexts: bytes, *, added: bool) -> None:
        expected = self._layouts[district].ciphertexts_length
        if len(ciphertexts) != expected:
            raise ValueError(
                f"a ballot of district {district} has {expected} bytes of ciphertexts, not {len(ciphertexts)}"
            )
        self._waiting.setdefault((district, added), bytearray()).extend(ciphertexts)
        self._waiting_bytes += expected
        if self._waiting_bytes >= _WAITING_LIMIT:
            self._settle()

    def _settle(self) -> None:
        for (district, added), rows in self._waiting.items():
            columns = 2 * self._layouts[district].n_bits
            self._add(district, engine.sum_columns(bytes(rows), columns), added=added)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _add(self, district: str, sums: bytes, *, added: bool) -> None:
        before = self._sums.get(district, bytes(len(sums)))
        self._sums[district] = engine.add(before, sums) if added else engine.subtract(before, sums)


def _weighted(weights: Sequence[int], points: Sequence[bytes]) -> bytes:
    if tuple(weights) == (1,):
        return points[0]
    return engine.multi_scalar_multiply(b"".join(w.to_bytes(32, "little") for w in weights), b"".join(points))


def verify_partial_decryption(
    aggregates: Aggregates,
    public_share: bytes,
    election_id: bytes,
    guardian: int,
    size: int,
    root: bytes,
    points: bytes,
    proof: bytes,
) -> bool:
    """Whether `points` are the listed aggregates under the share behind `public_share`, S of guardian (V17)."""
    if len(points) != 32 * len(aggregates.listed):
        return False
    template = decryption_relation(aggregates)
    elements = decryption_elements(public_share, aggregates, points)
    return engine.verify(template.header, elements, decryption_tag(template, election_id, guardian, size, root), proof)


def lagrange(guardians: Sequence[int]) -> dict[int, int]:
    """λ_i = Π_{l≠i} l/(l - i) mod the order for each of the guardians."""
    coefficients = {}
    for i in guardians:
        numerator = denominator = 1
        for other in guardians:
            if other != i:
                numerator = numerator * other % ORDER
                denominator = denominator * (other - i) % ORDER
        coefficients[i] = numerator * pow(denominator, -1, ORDER) % ORDER
    return coefficients


def combine(aggregates: Aggregates, partials: Mapping[int, bytes], threshold: int) -> bytes:
    """D_1‖D_2…: every aggregate decrypted (7.6), 32 bytes each, from valid partial decryptions by guardian.

    The k lowest guardians are used. Raises ValueError when there are fewer than k.
    """
    chosen = sorted(partials)[:threshold]
    if len(chosen) < threshold:
        raise ValueError(f"{len(chosen)} partial decryptions, {threshold} are needed")
    minus = b"".join((ORDER - factor).to_bytes(32, "little") for factor in lagrange(chosen).values())
    decrypted = [item.b for item in aggregates.items]
    for row, position in enumerate(aggregates.listed):
        shares = b"".join(partials[guardian][32 * row : 32 * row + 32] for guardian in chosen)
        decrypted[position] = engine.add(decrypted[position], engine.multi_scalar_multiply(minus, shares))
    return b"".join(decrypted)


def combined_digest(election_id: bytes, decrypted: bytes) -> bytes:
    """`combined` of a result (7.6), over D_1‖D_2…"""
    return hashlib.sha256(b"RETALLY-V01-combined" + election_id + decrypted).digest()


def counts(aggregates: Aggregates, decrypted: bytes) -> list[int | None]:
    """The count of each aggregate, or None where no number within its bound fits (V18)."""
    return engine.discrete_logs(decrypted, [item.bound for item in aggregates.items])


def decryption_relation(aggregates: Aggregates) -> Template:
    """The relation PartialDecryption over the listed aggregates (7.5)."""
    return compile_relation(PARTIAL_DECRYPTION, m=len(aggregates.listed))


def decryption_elements(public_share: bytes, aggregates: Aggregates, points: bytes) -> bytes:
    """Its elements: S, A_1, M_1, A_2, …"""
    pairs = (aggregates.items[i].a + points[32 * row : 32 * row + 32] for row, i in enumerate(aggregates.listed))
    return public_share + b"".join(pairs)


def decryption_tag(template: Template, election_id: bytes, guardian: int, size: int, root: bytes) -> bytes:
    """The tag of its proof: election id, guardian, size and root of the checkpoint."""
    return tag(template.name, election_id, guardian.to_bytes(4, "little"), size.to_bytes(8, "little"), root)
