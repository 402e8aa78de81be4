"""`python -m benchmarks.hammer make FOLDER` and `python -m benchmarks.hammer run FOLDER`.

    make    a trial election with real ballots, ahead of time
    run     a fresh server on loopback, its rate raised step by step; then every receipt and the whole board verified

`--database` is an address of an empty, migrated database; without it SQLite. Exit code 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.__main__ import machine
from benchmarks.hammer.audit import audit
from benchmarks.hammer.ballots import Trial, make_trial, read_trial
from benchmarks.hammer.hammer import Run, hammer
from benchmarks.hammer.servers import RunningServer, cpu_seconds, running
from retally_crypto.errors import RetallyError

CONNECTIONS = 256
out = Console(stderr=True)


def make(folder: Path, voters: int, processes: int) -> dict[str, Any]:
    """Makes a trial and says how long it took."""
    began = time.monotonic()
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("making ballots", total=round(voters * 1.1))
        trial = make_trial(folder, voters, processes=processes, advance=lambda more: bar.advance(task, more))
    seconds = time.monotonic() - began
    return {"ballots": len(trial.ballots), "seconds": round(seconds, 1), "bytes": len(trial.ballots[0])}


def percentile(latencies: list[float], share: float) -> float:
    """The smallest latency that this share of them does not exceed, seconds."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def figures(run: Run, server_cpu: float, hammer_cpu: float) -> dict[str, Any]:
    """What one run says."""
    latencies = [cast.latency for cast in run.acknowledged]
    return {
        "asked": run.rate,
        "ballots": len(run.casts),
        "acknowledged": len(latencies),
        "seconds": round(run.seconds, 2),
        "a second": round(len(latencies) / run.seconds, 1),
        "p50 ms": round(1000 * percentile(latencies, 0.5), 1),
        "p99 ms": round(1000 * percentile(latencies, 0.99), 1),
        "max ms": round(1000 * max(latencies), 1),
        "answers": {str(status): count for status, count in sorted(run.answers.items())},
        "503 without Retry-After": run.without_retry_after,
        "refused": len([cast for cast in run.casts if cast.refusal]),
        "server CPU ms a ballot": round(1000 * server_cpu / len(latencies), 2),
        "hammer CPU ms a ballot": round(1000 * hammer_cpu / len(latencies), 2),
    }


def one_run(trial: Trial, server: RunningServer, places: range, rate: float | None, give_up: float) -> tuple[Run, Any]:
    """One rate, with the processor time of both sides."""
    before, own = _all_cpu(server), time.process_time()
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("at the maximum" if rate is None else f"{rate:g} a second", total=len(places))
        run = hammer(trial, server.address, places, rate, CONNECTIONS, give_up, lambda more: bar.advance(task, more))
    return run, figures(run, _all_cpu(server) - before, time.process_time() - own)


def _all_cpu(server: RunningServer) -> float:
    """Of the server's process and its workers."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(cpu_seconds(each) for each in (pid, *map(int, children)))


def measure(
    trial: Trial, rates: list[float | None], seconds: float, database: str | None, workers: int, queue: int
) -> Any:
    """A fresh server, these rates one after the other, then the audit."""
    folder = Path(tempfile.mkdtemp(prefix="hammer-"))
    settings = {"RETALLY_RATE_BALLOTS": "1000", "RETALLY_QUEUE_LIMIT": str(queue), "RETALLY_LOG_LEVEL": "info"}
    if database is not None:
        settings["RETALLY_DATABASE_URL"] = database
    serve = ("-m", "retally_server.cli", "serve", *(["--workers", str(workers)] if workers > 1 else []))
    trial.install(folder / "data")
    runs, rows, at = [], [], 0
    try:
        with running(folder / "data", settings, folder / "log", serve) as server:
            trial.set_up(server.address)
            for rate in rates:
                count = len(trial.ballots) - at if rate is None else min(round(rate * seconds), len(trial.ballots) - at)
                if count <= 0:
                    break
                run, row = one_run(trial, server, range(at, at + count), rate, 20 * seconds + 60)
                at += count
                runs.append(run)
                rows.append(row)
            memory = server.memory()
            found = audit(trial, server.address, runs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "database": "PostgreSQL" if database else "SQLite",
        "processes": workers,
        "queue limit": queue,
        "rows": rows,
        "acknowledged": found.acknowledged,
        "accepted on the board": found.on_board,
        "failed checks": list(found.failed),
        "first process MiB": memory >> 20,
    }


def show(measured: dict[str, Any]) -> None:
    """The figures as a table."""
    table = Table(title=f"{measured['database']}, {measured['processes']} process(es)", box=None, pad_edge=False)
    heads = ("asked", "acknowledged", "a second", "p50 ms", "p99 ms", "max ms", "server CPU ms a ballot", "answers")
    for head in heads:
        table.add_column(head, justify="right")
    for row in measured["rows"]:
        table.add_row(*("maximum" if row[head] is None else str(row[head]) for head in heads))
    Console().print(table)
    Console().print(f"{measured['acknowledged']} acknowledged, {measured['accepted on the board']} on the board")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hammer", description=__doc__)
    parser.add_argument("--json", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--voters", type=int, default=10_000)
    making.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    doing = commands.add_parser("run")
    doing.add_argument("folder", type=Path)
    doing.add_argument("--rates", default="100,200,430,max", help="ballots a second, in order; max: a closed loop")
    doing.add_argument("--seconds", type=float, default=20.0, help="of each rate")
    doing.add_argument("--database")
    doing.add_argument("--workers", type=int, default=1)
    doing.add_argument("--queue", type=int, default=4096)
    chosen = parser.parse_args()
    try:
        if chosen.command == "make":
            print(json.dumps(make(chosen.folder, chosen.voters, chosen.processes)))
            return 0
        rates = [None if each == "max" else float(each) for each in chosen.rates.split(",")]
        trial = read_trial(chosen.folder)
        measured = measure(trial, rates, chosen.seconds, chosen.database, chosen.workers, chosen.queue)
    except (RetallyError, OSError) as error:
        out.print(f"The hammer stopped: {error}")
        return 1
    if chosen.json:
        print(json.dumps({"machine": machine(), **measured}, indent=1))
    else:
        show(measured)
    return int(bool(measured["failed checks"] or measured["acknowledged"] > measured["accepted on the board"]))


if __name__ == "__main__":
    sys.exit(main())
