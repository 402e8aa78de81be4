"""What a recount costs: `retally verify` in a process of its own, from nothing, and once more when all is signed off.

Time that passed, the processor's time, the largest resident memory as the kernel counts it, and bytes; and whether the
counts are those that the plan of the board says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.__main__ import FOLDER, machine
from retally_crypto.errors import Unusable

FIGURES = FOLDER / "full_scale.json"


@dataclass(frozen=True)
class Cost:
    """One run. Seconds, mebibytes."""

    seconds: float
    processor_seconds: float
    memory: float


@dataclass(frozen=True)
class Recount:
    """One board of so many ballots."""

    ballots: int
    superseded: int
    entries: int
    selections: int
    credentials: int
    board_bytes: int
    kept_bytes: int
    verdict: str
    counts_as_planned: bool
    from_nothing: Cost
    again: Cost


def recount(folder: Path, ballots: int, scheduler: str | None = None) -> Recount:
    """Verifies folder/board-<ballots> twice. Raises Unusable if it does not pass with the planned counts."""
    board = folder / f"board-{ballots}"
    plan = json.loads((folder / f"counts-{ballots}.json").read_text())
    with tempfile.TemporaryDirectory(dir=folder) as store:
        first, report = _verify(board, folder / "policy", Path(store), scheduler)
        again, _ = _verify(board, folder / "policy", Path(store), scheduler)
        kept = sum(path.stat().st_size for path in Path(store).rglob("*") if path.is_file())
    numbers = report["outcome"]["reconciliation"]
    found = {unit["districts"][0]: unit["contests"][0]["counts"] for unit in report["outcome"]["units"]}
    planned = {district: list(counts.values()) for district, counts in plan["counts"].items()}
    equal = found == planned and numbers["superseded"] == plan["superseded"] and numbers["accepted"] == ballots
    if report["verdict"] != "PASS" or not equal:
        raise Unusable(
            f"{board}: {report['verdict']}, counts {'as' if equal else 'not as'} planned: nothing is written"
        )
    return Recount(
        ballots=ballots,
        superseded=numbers["superseded"],
        entries=report["size"],
        selections=plan["selections"],
        credentials=numbers["credentials"],
        board_bytes=sum(path.stat().st_size for path in board.rglob("*") if path.is_file()),
        kept_bytes=kept,
        verdict=report["verdict"],
        counts_as_planned=equal,
        from_nothing=first,
        again=again,
    )


def _verify(board: Path, policy: Path, store: Path, scheduler: str | None) -> tuple[Cost, dict[str, Any]]:
    command = [str(Path(sys.executable).with_name("retally")), "verify", str(board), "--policy", str(policy), "--json"]
    command += ["--signed-off", str(store), *(["--scheduler", scheduler] if scheduler else [])]
    settings = {**os.environ, "XDG_STATE_HOME": str(store / "state")}
    began = time.monotonic()
    # Our own command.
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, env=settings)  # noqa: S603
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        report: dict[str, Any] = json.loads(out.read())
    cost = Cost(round(seconds, 1), round(used.ru_utime + used.ru_stime, 1), round(used.ru_maxrss / 1024, 1))
    return cost, report


def write(made: Recount) -> None:
    """Into full_scale.json, in the place of an earlier figure for as many ballots."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"runs": []}
    runs = [run for run in figures["runs"] if run["ballots"] != made.ballots]
    runs.append({**asdict(made), "machine": machine()})
    figures["runs"] = sorted(runs, key=lambda run: int(run["ballots"]))
    FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
