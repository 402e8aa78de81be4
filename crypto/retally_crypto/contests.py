"""How choices become bits: weights, slack, and the layout of a ballot style (docs/spec 6.1, 6.2 and 6.5).

Every plaintext of a ballot is a bit with a public weight. The weights of a number 0..D have exactly 0..D as their
subset sums, so bits alone keep an option within 0..score, and the slack bits of a contest keep its sum within
min..max.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from retally_crypto.errors import Refused
from retally_crypto.relations import Template, compile_relation

BALLOT: Final = """
Relation Ballot(K, C, A_1, B_1, ..., A_n, B_n):
  Witness: c, b_1, r_1, s_1, ..., b_n, r_n, s_n
  Equations:
    C   = c*G
    A_i = r_i*G                  for i = 1..n
    B_i = b_i*G + r_i*K          for i = 1..n
    A_i = b_i*A_i + s_i*G        for i = 1..n
    B_i = b_i*B_i + s_i*K        for i = 1..n
"""
"""Page 6.5 up to the lines that bind a contest's sum; `StyleLayout.template` writes those out."""


def weights(largest: int) -> tuple[int, ...]:
    """The weights whose subset sums are exactly 0..largest (6.1); empty for 0."""
    if largest < 0:
        raise ValueError(f"weights of a negative number: {largest}")
    doublings = (largest + 1).bit_length() - 1
    rest = largest - (2**doublings - 1)
    return (*(2**i for i in range(doublings)), *((rest,) if rest else ()))


def bits(largest: int, value: int) -> tuple[int, ...]:
    """The bits of `value` under weights(largest): from the last weight to the first, each is taken if it fits (6.1).

    Raises ValueError, without the value, when it is not in 0..largest.
    """
    if not 0 <= value <= largest:
        raise ValueError(f"the value is not in 0..{largest}")
    chosen: list[int] = []
    for weight in reversed(weights(largest)):
        taken = int(weight <= value)
        value -= taken * weight
        chosen.append(taken)
    return tuple(reversed(chosen))


@dataclass(frozen=True)
class ContestLayout:
    """The bits of one contest within a ballot. `first` is the number of bits of the ballot that come before."""

    first: int
    options: int
    score: int
    limits: tuple[int, int] | None
    """(min, max) where `limit` is "total"; None where every option is limited alone."""

    @cached_property
    def option_weights(self) -> tuple[int, ...]:
        return weights(self.score)

    @cached_property
    def slack_weights(self) -> tuple[int, ...]:
        return weights(self.limits[1] - self.limits[0]) if self.limits else ()

    @property
    def n_bits(self) -> int:
        return self.options * len(self.option_weights) + len(self.slack_weights)

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """The weight of every bit: options first, then slack."""
        return self.option_weights * self.options + self.slack_weights

    def option_bits(self, option: int) -> range:
        """Positions in the ballot, from 0, of the bits of `option` (from 0)."""
        start = self.first + option * len(self.option_weights)
        return range(start, start + len(self.option_weights))

    def bits_of(self, choice: Sequence[int]) -> tuple[int, ...]:
        """The bits of one integer per option, slack included (6.2).

        Raises Refused, naming the broken limit and never the choice.
        """
        if len(choice) != self.options:
            raise Refused(f"{len(choice)} choices for {self.options} options")
        if any(not 0 <= value <= self.score for value in choice):
            raise Refused(f"a choice is not in 0..{self.score}")
        chosen = [bit for value in choice for bit in bits(self.score, value)]
        if self.limits:
            smallest, largest = self.limits
            if not smallest <= sum(choice) <= largest:
                raise Refused(f"the sum of the choices is not in {smallest}..{largest}")
            chosen += bits(largest - smallest, largest - sum(choice))
        return tuple(chosen)

    def choice_of(self, chosen: Sequence[int]) -> tuple[int, ...]:
        """The integers that the contest's bits stand for, the inverse of `bits_of`."""
        width = len(self.option_weights)
        return tuple(
            sum(w * b for w, b in zip(self.option_weights, chosen[width * i : width * (i + 1)], strict=True))
            for i in range(self.options)
        )


@dataclass(frozen=True)
class StyleLayout:
    """The layout of every ballot of a style. Equal layouts are one object, whatever the style or the election."""

    contests: tuple[ContestLayout, ...]

    @property
    def n_bits(self) -> int:
        last = self.contests[-1]
        return last.first + last.n_bits

    @property
    def sums(self) -> int:
        """Contests whose sum is bound: t in 6.5."""
        return sum(contest.limits is not None for contest in self.contests)

    @property
    def ciphertexts_length(self) -> int:
        """Bytes of A_1‖B_1‖A_2…"""
        return 64 * self.n_bits

    @property
    def proof_length(self) -> int:
        """Bytes of the proof: 4n + 1 + t points, 3n + 1 scalars."""
        return 32 * (7 * self.n_bits + 2 + self.sums)

    @cached_property
    def template(self) -> Template:
        """The relation of 6.5. Costs time in the number of bits: ask `ballot_entry_length` first for a stranger's
        manifest."""
        lines = []
        for contest in self.contests:
            if contest.limits:
                numbered = list(enumerate(contest.weights, start=contest.first + 1))
                image = " + ".join(f"{weight}*B_{i}" for i, weight in numbered)
                randomness = " + ".join(f"{weight}*r_{i}*K" for i, weight in numbered)
                lines.append(f"    {image} - {contest.limits[1]}*G = {randomness}\n")
        return compile_relation(BALLOT + "".join(lines), n=self.n_bits)


@lru_cache(maxsize=8192)
def layout_of(shapes: tuple[tuple[int, int, tuple[int, int] | None], ...]) -> StyleLayout:
    """The layout of a ballot whose contests have these (options, score, limits). Equal ones are one object."""
    contests: list[ContestLayout] = []
    first = 0
    for options, score, limits in shapes:
        contests.append(ContestLayout(first, options, score, limits))
        first += contests[-1].n_bits
    return StyleLayout(tuple(contests))
