"""What was measured, and how it is written: no clock and no process here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

RETALLY = "Retally"
ELECTIONGUARD = "electionguard"
BELENIOS = "belenios-tool"
AIMS = {ELECTIONGUARD: 300, BELENIOS: 20}
"""How many times as much as Retally each peer is meant to cost, at least, on one core."""


@dataclass(frozen=True)
class Measurement:
    """The cost of one step of one system on so many cores."""

    system: str
    version: str
    step: str
    cores: int
    selections_per_ballot: int
    ballots: int
    microseconds_per_selection: float
    """The best of the rounds: on one core the processor's time, on two passed time, half of what each core spends."""
    rounds: list[float]
    """The same of each round. Rounds of different systems alternate: what disturbs one disturbs its neighbours."""
    loads: list[float]
    """Of the machine, before each round."""
    compared: bool = True
    """Whether this step is the whole verification, which the comparison is about."""
    details: dict[str, float | str] = field(default_factory=dict)

    @property
    def core_microseconds(self) -> float:
        """What a selection costs counted per core."""
        return self.microseconds_per_selection * self.cores


@dataclass(frozen=True)
class Absent:
    """A peer, or a part of one, that was not measured."""

    system: str
    reason: str


def slope(few: tuple[int, float], many: tuple[int, float]) -> float:
    """Seconds that one more ballot costs, from the seconds for few and for many: starting up drops out."""
    (count, time), (more, longer) = few, many
    if more <= count:
        raise ValueError("a slope needs more ballots the second time")
    if longer <= time:
        raise ValueError("more ballots took no longer: the difference drowned in noise")
    return (longer - time) / (more - count)


def fastest(measured: Iterable[Measurement], system: str, cores: int) -> Measurement | None:
    """The system's cheapest whole verification of a selection on so many cores: the fair one to compare with."""
    fitting = [one for one in measured if (one.system, one.cores, one.compared) == (system, cores, True)]
    return min(fitting, key=lambda one: one.microseconds_per_selection, default=None)


def times(measured: Sequence[Measurement], one: Measurement) -> float | None:
    """How many times as much as Retally's whole verification on as many cores."""
    ours = fastest(measured, RETALLY, one.cores)
    return one.microseconds_per_selection / ours.microseconds_per_selection if ours else None


def times_by_round(measured: Sequence[Measurement], one: Measurement) -> list[float]:
    """The same for each round alone, which tells how far the ratio can be trusted on a busy machine."""
    ours = fastest(measured, RETALLY, one.cores)
    return [peer / own for peer, own in zip(one.rounds, ours.rounds, strict=True)] if ours else []


def digits(value: float) -> str:
    """Three significant digits or the whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(measured: Sequence[Measurement]) -> str:
    """Every measurement, in columns that line up in a terminal and are a table in Markdown."""
    heads = [
        "system",
        "step",
        "cores",
        "bits",
        "ballots",
        "µs a selection",
        "slowest round",
        "µs per core",
        "÷ Retally",
        "load",
    ]
    rows = [
        [
            one.system,
            one.step,
            str(one.cores),
            str(one.selections_per_ballot),
            f"{one.ballots:,}",
            digits(one.microseconds_per_selection),
            digits(max(one.rounds)),
            digits(one.core_microseconds),
            digits(ratio) if one.compared and (ratio := times(measured, one)) else "",
            f"{sum(one.loads) / len(one.loads):.1f}",
        ]
        for one in measured
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    left = 2

    def line(cells: list[str]) -> str:
        padded = [
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if at < left else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    return "\n".join([line(heads), line(rule), *map(line, rows)])


def verdicts(measured: Sequence[Measurement]) -> list[str]:
    """Each aim beside what was measured, one core against one core."""
    lines = []
    for system, aim in AIMS.items():
        peer = fastest(measured, system, 1)
        ratio = times(measured, peer) if peer else None
        if peer is None or ratio is None:
            lines.append(f"- {system}: not measured (the aim is {aim} times).")
        else:
            met = "met" if ratio >= aim else "NOT met"
            rounds = times_by_round(measured, peer)
            lines.append(
                f"- {system} costs **{digits(ratio)} times** as much as Retally, one core against one core\n"
                f"  ({peer.step}; single rounds: {digits(min(rounds))} to {digits(max(rounds))} times).\n"
                f"  The aim, at least {aim} times, is {met}."
            )
    return lines


def page(machine: dict[str, Any], measured: Sequence[Measurement], absent: Sequence[Absent]) -> str:
    """PEERS.md."""
    batch = next((f"{one.ballots:,}" for one in measured if one.system == RETALLY), "no")
    versions = dict.fromkeys(f"{one.system} {one.version}" for one in measured)
    details = [
        f"- {one.system}, {one.step}, cores: {one.cores}:\n  "
        + ", ".join(
            f"{name} {value if isinstance(value, str) else digits(value)}" for name, value in one.details.items()
        )
        for one in measured
        if one.details
    ]
    lines = [
        "# Beside the peers",
        "",
        "Written by `python -m benchmarks.peers`; the same in `peers.json`.",
        "Everything was measured in one run.",
        "",
        f"{machine['date']} · {machine['processor']}, {machine['cores']} cores · {machine['system']} ·",
        f"Python {machine['python']} · {' · '.join(versions)}",
        "",
        *verdicts(measured),
        "",
        table(measured),
        "",
        *(f"Not measured: {one.system}: {one.reason}" for one in absent),
        *([""] if absent else []),
        *details,
        *([""] if details else []),
        EXPLANATION.replace("{ballots}", batch),
    ]
    return "\n".join(lines)


EXPLANATION = """\
## What is compared

The ballot is one question with 11 answers of which a voter chooses one or none.
A selection is one encrypted bit; every time is divided by the number of bits verified.
On one core it is the processor's time, which other work on the machine does not lengthen by having
its turn; on more it is passed time.
Retally and the peers take turns, and each row is the best of its rounds, so that what disturbs the
machine disturbs all of them.
`÷ Retally` divides by the row of Retally that verifies a board's bytes, on as many cores; rows
without it are parts, or bounds.
Before it is timed, each peer has accepted honest ballots and refused a forged one.

| | Retally | electionguard | belenios-tool |
|---|---|---|---|
| group | ristretto255 | integers modulo 4096 bits | integers modulo 2048 bits |
| a ballot's bits | 11 answers, empty choice | 11 answers, placeholder | 11 answers, with or without a blank |
| proofs verified | each bit, sum, voter's key | each bit, sum | each bit, sum, blank, voter's signature |
| how | all ballots in one equation | ballot by ballot | ballot by ballot |
| parsing | counted | not counted: objects in memory | counted: archive and JSON |
| start-up | not counted | not counted | not counted: the slope between few and many ballots |

- **Retally** is the `measure` benchmark of this project, run again here.
  Its *verify singly* row does without the batch: what separates it from the peers is the group and
  the language, and the rest is the batch.
- **electionguard** is the reference implementation in Python.
  Its modular exponentiations are GMP's, and the details say which part of its time they are: that
  part would stay in any language that uses GMP the same way.
  More than one core is so many processes, each with ballots of its own.
- **belenios-tool** is OCaml with GMP, as Debian packages it.
  It has no default group; every group that this version knows was measured, and the fastest row is
  the one compared.
  `BELENIOS-2048` has exponents of 256 bits, while `RFC-3526-2048` has full-length ones.
  More than one core is so many processes of `verify` at once.
- The three groups are not equally strong: ristretto255 is near integers modulo 3072 bits, so
  electionguard's is stronger than ours and Belenios's weaker.
  Nothing is scaled for that.
- Retally's batches are of {ballots} ballots; in smaller ones each of them costs more, in larger
  ones less.
- *Load* is the machine's before each round, on average; the peers' own work just before is part of
  it.
"""
