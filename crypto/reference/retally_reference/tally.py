"""Page 7: units, aggregates, partial decryptions and counts."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from retally_reference import edwards
from retally_reference.discrete_log import discrete_logs
from retally_reference.edwards import Point
from retally_reference.group import RISTRETTO255, decode_any, decode_points, encode_any
from retally_reference.manifest import Manifest
from retally_reference.shapes import shape_of
from retally_reference.statements import decryption_is_proved, tag


@dataclass(frozen=True)
class Unit:
    """Districts that are reported together."""

    districts: list[str]
    counted: int
    state: str


@dataclass(frozen=True)
class Aggregate:
    """An encrypted count: of which unit, contest and option, and the largest number it can be."""

    unit: int
    contest: str
    a: Point
    b: Point
    bound: int


@dataclass
class Counting:
    """What the closing fixes: units, aggregates of the reported ones in order, and their digest."""

    units: list[Unit]
    aggregates: list[Aggregate]
    digest: bytes
    counts: list[int | None] | None = None
    combined: bytes = b""
    counted: int = 0
    partials: dict[int, list[Point]] = field(default_factory=dict)

    @property
    def reported(self) -> list[list[str]]:
        return [unit.districts for unit in self.units if unit.state == "reported"]

    @property
    def listed(self) -> list[Aggregate]:
        """7.5: those whose A is not the identity."""
        return [one for one in self.aggregates if not RISTRETTO255.is_identity(one.a)]


def form_units(manifest: Manifest, counted: Mapping[str, int]) -> list[Unit]:
    """7.2."""
    smallest = max(2, manifest["smallest_unit"])
    order = [district["id"] for district in manifest["districts"]]
    together = {name: {name} for name in order}
    for district in manifest["districts"]:
        name, other = district["id"], district["merge"]
        if other is not None and 0 < counted.get(name, 0) < smallest:
            joined = together[name] | together[other]
            for member in joined:
                together[member] = joined
    units: list[Unit] = []
    for name in order:
        members = [member for member in order if member in together[name]]
        if members[0] == name:
            total = sum(counted.get(member, 0) for member in members)
            state = "empty" if total == 0 else "reported" if total >= smallest else "withheld"
            units.append(Unit(members, total, state))
    return units


def count(manifest: Manifest, election: bytes, ballots: Iterable[tuple[int, bytes]]) -> Counting:
    """7.1 to 7.4, from (style index, ciphertexts) of every counted ballot."""
    by_district: dict[str, list[bytes]] = {}
    for style, ciphertexts in ballots:
        by_district.setdefault(manifest["styles"][style]["district"], []).append(ciphertexts)
    sums = {district: _sums(all_of_it) for district, all_of_it in by_district.items()}
    units = form_units(manifest, {district: len(all_of_it) for district, all_of_it in by_district.items()})
    aggregates = [
        aggregate
        for place, unit in enumerate(units)
        if unit.state == "reported"
        for aggregate in _aggregates(manifest, place, unit, sums)
    ]
    encoded = b"".join(encode_any(one.a) + encode_any(one.b) for one in aggregates)
    digest = hashlib.sha256(b"RETALLY-V01-aggregates" + election + encoded).digest()
    return Counting(units, aggregates, digest, counted=sum(unit.counted for unit in units))


def _sums(ballots: list[bytes]) -> list[Point]:
    """Column by column: the sum of every point over the ballots of a district."""
    total: list[Point] = []
    for ciphertexts in ballots:
        points = decode_points(ciphertexts)
        total = list(map(edwards.add, total, points)) if total else points
    return total


def _aggregates(manifest: Manifest, place: int, unit: Unit, sums: Mapping[str, list[Point]]) -> Iterable[Aggregate]:
    style = next(i for i, style in enumerate(manifest["styles"]) if style["district"] == unit.districts[0])
    for name, bits in zip(manifest["styles"][style]["contests"], shape_of(manifest, style).contests, strict=True):
        for option in range(bits.options):
            pair = []
            for half in (0, 1):
                terms = [
                    (weight, sums[district][2 * bit + half])
                    for district in unit.districts
                    if district in sums
                    for bit, weight in bits.option(option)
                ]
                pair.append(RISTRETTO255.multi_scalar_multiply([w for w, _ in terms], [p for _, p in terms]))
            yield Aggregate(place, name, pair[0], pair[1], unit.counted * manifest["contest"][name]["score"])


def partial_is_right(counting: Counting, content: dict[str, Any], public_share: Point, election: bytes) -> bool:
    """7.5: as many points as are listed, and the proof. `public_share` is S of the guardian."""
    listed = counting.listed
    if len(content["points"]) != 32 * len(listed):
        return False
    number, size = content["guardian"].to_bytes(4, "little"), content["size"].to_bytes(8, "little")
    context = tag("PartialDecryption", election, number, size, content["root"])
    pairs = list(zip((one.a for one in listed), decode_points(content["points"]), strict=True))
    return decryption_is_proved(context, public_share, pairs, content["proof"])


def combine(counting: Counting, election: bytes, threshold: int) -> None:
    """7.6: fills in `counts` and `combined` from the k valid partial decryptions with the lowest numbers."""
    order = RISTRETTO255.order
    chosen = sorted(counting.partials)[:threshold]
    factors = []
    for i in chosen:
        factor = 1
        for other in chosen:
            if other != i:
                factor = factor * other * pow(other - i, -1, order) % order
        factors.append(-factor % order)
    decrypted, row = [], 0
    for one in counting.aggregates:
        point = one.b
        if not RISTRETTO255.is_identity(one.a):
            shares = [counting.partials[i][row] for i in chosen]
            point = RISTRETTO255.add(point, RISTRETTO255.multi_scalar_multiply(factors, shares))
            row += 1
        decrypted.append(point)
    encoded = b"".join(map(encode_any, decrypted))
    counting.combined = hashlib.sha256(b"RETALLY-V01-combined" + election + encoded).digest()
    # Through the encoding and back: which of its four points represents an element does not matter any more.
    points = [decode_any(encoded[at : at + 32]) for at in range(0, len(encoded), 32)]
    counting.counts = discrete_logs(points, [one.bound for one in counting.aggregates])


def result_units(manifest: Manifest, counting: Counting) -> list[dict[str, Any]]:
    """`units` of 7.7 as they must be; a count that was not found is None."""
    units = []
    for place, unit in enumerate(counting.units):
        contests: list[dict[str, Any]] = []
        for name in manifest["contests_of"][unit.districts[0]]:
            options = len(manifest["contest"][name]["options"])
            pairs = zip(counting.aggregates, counting.counts or [], strict=False)
            counts: list[int | None] = [found for one, found in pairs if (one.unit, one.contest) == (place, name)]
            contests.append({"contest": name, "counts": [0] * options if unit.state == "empty" else counts})
        units.append(
            {
                "districts": unit.districts,
                "state": unit.state,
                "counted": unit.counted,
                "contests": [] if unit.state == "withheld" else contests,
            }
        )
    return units
