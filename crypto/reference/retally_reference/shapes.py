"""Pages 6.1 and 6.5: what a style fixes about its ballots: bits, weights, lengths, and the relation they prove."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import Equation, serialize_header

MOST_STYLES = 4096
"""As many as a manifest can have."""


def weights(largest: int) -> list[int]:
    """6.1: the weights whose subset sums are exactly 0..largest."""
    m = (largest + 1).bit_length() - 1
    rest = largest - (2**m - 1)
    return [2**i for i in range(m)] + ([rest] if rest else [])


@dataclass(frozen=True)
class Limits:
    """What a contest's bits depend on: how many options, the score of one, and min and max of their sum if it has."""

    options: int
    score: int
    total: tuple[int, int] | None


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
        # The ciphertext once more, as its own bit times itself: b = b², so b is 0 or 1.
        equations += [Equation(((a[i], 1),), ((bit[i], a[i], 1), (s[i], 0, 1))) for i in all_bits]
        equations += [Equation(((b[i], 1),), ((bit[i], b[i], 1), (s[i], 1, 1))) for i in all_bits]
        order = RISTRETTO255.order
        for contest in self.contests:
            if contest.sum is not None:
                own = [(contest.first + at, weight) for at, weight in enumerate(contest.weights)]
                # Options and slack sum to max, and the slack can be 0 … max - min: the options sum to min … max.
                image = [(b[i], weight) for i, weight in own] + [(0, -contest.sum % order)]
                equations.append(Equation(tuple(image), tuple((r[i], 1, weight) for i, weight in own)))
        return tuple(equations)

    @cached_property
    def header(self) -> bytes:
        return serialize_header(RISTRETTO255, self.equations)


def shape_of(manifest: Mapping[str, Any], style_index: int) -> Shape:
    """The shape of a style's ballots."""
    contests = [manifest["contest"][name] for name in manifest["styles"][style_index]["contests"]]
    return _shape(tuple(_limits(contest) for contest in contests))


def _limits(contest: Mapping[str, Any]) -> Limits:
    total = (contest["min"], contest["max"]) if contest["limit"] == "total" else None
    return Limits(len(contest["options"]), contest["score"], total)


@lru_cache(maxsize=MOST_STYLES)
def _shape(contests: tuple[Limits, ...]) -> Shape:
    # Kept, because the relation that hangs on a shape is large and every ballot asks for it.
    found: list[ContestBits] = []
    first = 0
    for contest in contests:
        own = weights(contest.score)
        low, high = contest.total or (0, 0)
        every = tuple(own * contest.options + weights(high - low))
        found.append(ContestBits(first, every, contest.options, len(own), high if contest.total else None))
        first += len(every)
    return Shape(tuple(found))
