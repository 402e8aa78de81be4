"""`python -m benchmarks.peers [--quick] [--json]`: verification beside electionguard and belenios-tool.

Makes the peers' environments if they are absent, measures, prints a table and writes benchmarks/peers.json and
benchmarks/PEERS.md, unless quick. A peer that cannot be had is named with the reason; the rest is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from benchmarks.__main__ import machine
from benchmarks.peers.belenios_peer import Belenios
from benchmarks.peers.electionguard_peer import ElectionGuard
from benchmarks.peers.environment import DEFAULT, Unavailable
from benchmarks.peers.figures import BELENIOS, ELECTIONGUARD, RETALLY, Absent, Measurement, page, table, verdicts
from benchmarks.peers.retally_side import Retally

BENCHMARKS = Path(__file__).resolve().parents[1]
ROUNDS = 3


class Contender(Protocol):
    """Whoever is measured: ready when made, then a round whenever it is its turn."""

    def round(self) -> None: ...

    def result(self) -> list[Measurement]: ...


def take_turns(
    makers: dict[str, Callable[[], Contender]], rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, Contender], list[Measurement], list[Absent]]:
    """Make everyone, then measure in turn; whoever fails is out, with the reason."""
    ready: dict[str, Contender] = {}
    absent: list[Absent] = []
    measured: list[Measurement] = []

    def out(name: str, reason: Unavailable) -> None:
        ready.pop(name, None)
        absent.append(Absent(name, str(reason)))
        say(f"{name}: {reason}")

    for name, make in makers.items():
        say(f"{name}: made ready")
        try:
            ready[name] = make()
        except Unavailable as reason:
            out(name, reason)
    for number in range(1, rounds + 1):
        for name, contender in list(ready.items()):
            say(f"{name}: round {number} of {rounds}")
            try:
                contender.round()
            except Unavailable as reason:
                out(name, reason)
    for name, contender in list(ready.items()):
        try:
            measured += contender.result()
        except Unavailable as reason:
            out(name, reason)
    return ready, measured, absent


def main() -> None:
    """Measure everyone, print and write."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few ballots, one round; writes nothing")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--cache", type=Path, default=DEFAULT, metavar="FOLDER", help="where the peers are installed")
    chosen = parser.parse_args()
    cache, quick = chosen.cache.resolve(), chosen.quick
    about = machine()
    cores = about["cores"]
    makers: dict[str, Callable[[], Contender]] = {
        RETALLY: lambda: Retally(cores),
        ELECTIONGUARD: lambda: ElectionGuard(cache, cores, quick),
        BELENIOS: lambda: Belenios(cache, cores, quick),
    }
    ready, measured, absent = take_turns(makers, 1 if quick else ROUNDS, lambda text: print(text, file=sys.stderr))
    belenios = ready.get(BELENIOS)
    if isinstance(belenios, Belenios):
        absent += belenios.unknown
        about["belenios_tool_sha256"] = belenios.sha256

    figures = {
        "machine": about,
        "quick": quick,
        "measured": [asdict(one) for one in measured],
        "absent": [asdict(one) for one in absent],
    }
    written = json.dumps(figures, indent=1, ensure_ascii=False)
    if chosen.json:
        print(written)
    else:
        print(table(measured), "", *verdicts(measured), sep="\n")
        for one in absent:
            print(f"- NOT MEASURED: {one.system}: {one.reason}")
    if not quick:
        (BENCHMARKS / "peers.json").write_text(written + "\n", encoding="utf-8")
        (BENCHMARKS / "PEERS.md").write_text(page(about, measured, absent), encoding="utf-8")


if __name__ == "__main__":
    main()
