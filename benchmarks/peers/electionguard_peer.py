"""electionguard's verification of ballots, by a process in its own environment (electionguard_worker.py)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.environment import FOLDER, call, electionguard_python
from benchmarks.peers.figures import ELECTIONGUARD, Measurement

STEP = "verify, 4096-bit group"


@dataclass
class ElectionGuard:
    """On one core and, in as many processes, on all of them."""

    cache: Path
    cores: int
    quick: bool
    python: Path = field(init=False)
    found: list[dict[str, Any]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.python = electionguard_python(self.cache)

    def round(self) -> None:
        """Everything once, with new ballots."""
        self.loads.append(os.getloadavg()[0])
        worker = [str(FOLDER / "electionguard_worker.py"), "2" if self.quick else "8", str(self.cores)]
        self.found.append(json.loads(call([str(self.python), "-I", *worker])))

    def result(self) -> list[Measurement]:
        """The best of the rounds."""
        return read(self.found, self.loads)


def read(found: list[dict[str, Any]], loads: list[float]) -> list[Measurement]:
    """What the workers printed, as measurements."""
    first = found[0]
    selections, processes = first["selections_per_ballot"], first["processes"]
    bits = first["ballots"] * selections

    def row(cores: int, name: str, details: dict[str, float | str]) -> Measurement:
        times = [1e6 * one[name] / (bits * cores) for one in found]
        return Measurement(
            system=ELECTIONGUARD,
            version=first["version"],
            step=STEP,
            cores=cores,
            selections_per_ballot=selections,
            ballots=first["ballots"] * cores,
            microseconds_per_selection=min(times),
            rounds=times,
            loads=loads,
            details=details,
        )

    exponentiations = first["exponentiations_per_ballot"]
    each = min(one["seconds_per_exponentiation"] for one in found)
    alone = min(one["seconds_alone"] for one in found)
    details: dict[str, float | str] = {
        "exponentiations a ballot": exponentiations,
        "µs of one": 1e6 * each,
        "percent of the time in them": 100 * each * exponentiations * first["ballots"] / alone,
        "gmpy2": first["gmpy2"],
    }
    rows = [row(1, "seconds_alone", details)]
    if processes > 1:
        rows.append(row(processes, "seconds_together", {}))
    return rows
