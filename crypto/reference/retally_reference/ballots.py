"""Page 6: the bits of a ballot, the relation it proves, and batches of proofs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retally_reference import sigma
from retally_reference.edwards import Point
from retally_reference.fiat_shamir import derive_session_id
from retally_reference.group import RISTRETTO255, EncodingError
from retally_reference.linear_relation import Equation, LinearRelation, failed_element_check, serialize_header

if TYPE_CHECKING:
    from retally_reference.entries import Ballot

SUITE = "sigma-proofs_Shake128_Ristretto255"
BATCH = 64
"""Ballots verified together."""


def tag(relation: str, *context: bytes) -> bytes:
    """2.4."""
    return f"RETALLY-V01-{relation}-{b''.join(context).hex()}-DSFS-with-{SUITE}".encode()


def weights(largest: int) -> list[int]:
    """6.1: the weights whose subset sums are exactly 0..largest."""
    m = (largest + 1).bit_length() - 1
    rest = largest - (2**m - 1)
    return [2**i for i in range(m)] + ([rest] if rest else [])


@dataclass(frozen=True)
class ContestBits:
    """Where a contest's bits are, counted from 0: weights of all of them, how many of each option, and max if there is
    a sum."""

    first: int
    weights: tuple[int, ...]
    options: int
    per_option: int
    sum: int | None

    def option(self, number: int) -> list[tuple[int, int]]:
        """(bit, weight) of one option."""
        start = number * self.per_option
        return [(self.first + at, self.weights[at]) for at in range(start, start + self.per_option)]


@dataclass(frozen=True)
class Shape:
    """What a style fixes about its ballots."""

    contests: tuple[ContestBits, ...]

    @cached_property
    def bits(self) -> int:
        return sum(len(contest.weights) for contest in self.contests)

    @property
    def equation_count(self) -> int:
        return 4 * self.bits + 1 + sum(contest.sum is not None for contest in self.contests)

    @property
    def scalar_count(self) -> int:
        return 3 * self.bits + 1

    @property
    def ciphertexts_length(self) -> int:
        return 64 * self.bits

    @property
    def proof_length(self) -> int:
        return 32 * (self.equation_count + self.scalar_count)

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """6.5. Elements: 0 G, 1 K, 2 C, then A_1, B_1, …; scalars: 0 c, then b_1, r_1, s_1, …"""
        n = self.bits
        a, b = [3 + 2 * i for i in range(n)], [4 + 2 * i for i in range(n)]
        bit, r, s = [1 + 3 * i for i in range(n)], [2 + 3 * i for i in range(n)], [3 + 3 * i for i in range(n)]
        all_bits = range(n)
        equations = [Equation(((2, 1),), ((0, 0, 1),))]
        equations += [Equation(((a[i], 1),), ((r[i], 0, 1),)) for i in all_bits]
        equations += [Equation(((b[i], 1),), ((bit[i], 0, 1), (r[i], 1, 1))) for i in all_bits]
        equations += [Equation(((a[i], 1),), ((bit[i], a[i], 1), (s[i], 0, 1))) for i in all_bits]
        equations += [Equation(((b[i], 1),), ((bit[i], b[i], 1), (s[i], 1, 1))) for i in all_bits]
        order = RISTRETTO255.order
        for contest in self.contests:
            if contest.sum is not None:
                own = list(
                    zip(range(contest.first, contest.first + len(contest.weights)), contest.weights, strict=True)
                )
                image = [(b[i], weight) for i, weight in own] + [(0, -contest.sum % order)]
                equations.append(Equation(tuple(image), tuple((r[i], 1, weight) for i, weight in own)))
        return tuple(equations)

    @cached_property
    def header(self) -> bytes:
        return serialize_header(RISTRETTO255, self.equations)


def shape_of(manifest: dict[str, Any], style_index: int) -> Shape:
    """The shape of a style's ballots; styles alike share one."""
    cache: dict[tuple[Any, ...], Shape] = manifest.setdefault("shapes", {})
    style = manifest["styles"][style_index]
    place = tuple(style["contests"])
    if place not in cache:
        contests, first = [], 0
        for name in style["contests"]:
            contest = manifest["contest"][name]
            own = weights(contest["score"])
            limited = contest["limit"] == "total"
            slack = weights(contest["max"] - contest["min"]) if limited else []
            every = tuple(own * len(contest["options"]) + slack)
            largest = contest["max"] if limited else None
            contests.append(ContestBits(first, every, len(contest["options"]), len(own), largest))
            first += len(every)
        cache[place] = Shape(tuple(contests))
    return cache[place]


def _read(
    ballot: "Ballot", shape: Shape, election: bytes, joint_key: Point, key: bytes
) -> sigma.Transcript[Point] | None:
    own = ballot.credential + ballot.ciphertexts
    try:
        elements = [RISTRETTO255.decode(own[at : at + 32]) for at in range(0, len(own), 32)]
    except EncodingError:
        return None
    relation = LinearRelation(RISTRETTO255, (RISTRETTO255.generator, joint_key, *elements), shape.equations)
    if failed_element_check(relation) is not None:
        return None
    session_id = derive_session_id(tag("Ballot", election, ballot.body_hash))
    return sigma.read_transcript(session_id, relation, shape.header + key + own, ballot.proof)


def false_proofs(ballots: Sequence["Ballot"], manifest: dict[str, Any], election: bytes, key: bytes) -> set[int]:
    """V10 for one batch: positions of the ballots whose proof does not verify, or cannot even be read."""
    joint_key = RISTRETTO255.decode(key)
    wrong: set[int] = set()
    readable = []
    for at, ballot in enumerate(ballots):
        shape = shape_of(manifest, manifest["style_index"][ballot.style])
        transcript = _read(ballot, shape, election, joint_key, key)
        if transcript is None:
            wrong.add(at)
        else:
            readable.append((at, transcript))
    found = sigma.culprits(RISTRETTO255, [transcript for _, transcript in readable])
    return wrong | {readable[position][0] for position in found}
