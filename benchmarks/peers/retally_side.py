"""Retally's own cost, by `benchmarks.measure` in a process of its own for each number of cores.

The row that is compared begins with a board's bytes, as `retally verify` does: hashed, read, verified, summed. The
others are batches of ballots that are read already, ballots verified one by one, and the bounds: points decoded, and
one multi-scalar multiplication.

`python -m benchmarks.peers.retally_side BALLOTS CORES` is that process: what `benchmarks.measure` does, with so many
ballots and everything once, since the rounds repeat it; on one core by the processor's clock.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Any

from benchmarks.__main__ import PROJECT
from benchmarks.peers.environment import call
from benchmarks.peers.figures import RETALLY, Measurement

BOARD = "verify a board's range"
PARTS = ("verify in a batch", "verify singly", "raw decompressions", "raw multi-scalar multiplication")


@dataclass
class Retally:
    """The native engine on one core and on all, or else the reference engine on one.

    A quick run has as many ballots as a long one: in a smaller batch each of them costs more.
    """

    cores: int
    native: bool = field(default_factory=lambda: find_spec("retally_native") is not None)
    found: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)

    def round(self) -> None:
        """Everything once."""
        self.loads.append(os.getloadavg()[0])
        engine, ballots = ("native", 1024) if self.native else ("reference", 16)
        command = [sys.executable, "-m", "benchmarks.peers.retally_side", str(ballots)]
        for used in sorted({1, self.cores}) if self.native else [1]:
            settings = {"RETALLY_ENGINE": engine, "RAYON_NUM_THREADS": str(used)}
            self.found.setdefault(used, []).append(json.loads(call([*command, str(used)], PROJECT, settings)))

    def result(self) -> list[Measurement]:
        """The best of the rounds."""
        return [row for used, found in self.found.items() for row in read(used, found, self.loads)]


def read(cores: int, found: list[dict[str, Any]], loads: list[float]) -> list[Measurement]:
    """What the rounds printed, as measurements."""
    first = found[0]
    rounds: list[dict[str, float]] = [one["microseconds_per_selection"] for one in found]

    def row(step: str, times: list[float], compared: bool) -> Measurement:
        return Measurement(
            system=RETALLY,
            version=f"{first['version']} ({first['engine']} engine)",
            step=step,
            cores=cores,
            selections_per_ballot=first["selections"] // first["ballots"],
            ballots=first["ballots"],
            microseconds_per_selection=min(times),
            rounds=times,
            loads=loads,
            compared=compared,
        )

    whole = row(BOARD, [times[BOARD] for times in rounds], True)
    return [whole, *(row(name, [times[name] for times in rounds], False) for name in PARTS)]


def main() -> None:
    """The process that one round starts."""
    from benchmarks.measure import measure

    ballots, cores = map(int, sys.argv[1:3])
    clock = time.process_time if cores == 1 else time.perf_counter
    json.dump(asdict(measure(ballots, max(1, ballots // 8), 1, clock)), sys.stdout)


if __name__ == "__main__":
    main()
