"""`python -m benchmarks.hammer make FOLDER` and `python -m benchmarks.hammer run FOLDER`.

    make    a trial election with real ballots, ahead of time
    run     a fresh server on loopback, its rate raised step by step; then every receipt and the whole board verified
    grow    the same rate on a board of more and more entries, the server started anew on each

On SQLite unless told otherwise: `--postgresql` starts a PostgreSQL of its own, at its default settings, and removes it;
`--database` takes the address of an empty, migrated database. Exit code 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.__main__ import machine
from benchmarks.hammer.audit import audit
from benchmarks.hammer.ballots import OPTIONS, Trial, make_trial, read_trial
from benchmarks.hammer.figures import one_run
from benchmarks.hammer.growth import grow
from benchmarks.hammer.servers import running
from retally_crypto.errors import RetallyError, Unusable
from retally_lab.postgresql_cluster import ABSENT, Cluster

out = Console(stderr=True)


def make(folder: Path, voters: int, options: int, processes: int) -> dict[str, Any]:
    """Makes a trial and says how long it took."""
    began = time.monotonic()
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("making ballots", total=round(voters * 1.1))
        trial = make_trial(folder, voters, options, processes=processes, advance=lambda more: bar.advance(task, more))
    seconds = time.monotonic() - began
    return {"ballots": len(trial.ballots), "seconds": round(seconds, 1), "bytes": len(trial.ballots[0])}


def measure(
    trial: Trial, rates: list[float | None], seconds: float, database: str | None, workers: int, queue: int
) -> Any:
    """A fresh server, these rates one after the other, then the audit."""
    folder = Path(tempfile.mkdtemp(prefix="hammer-"))
    settings = {"RETALLY_RATE_BALLOTS": "1000", "RETALLY_QUEUE_LIMIT": str(queue), "RETALLY_LOG_LEVEL": "info"}
    if database is not None:
        settings["RETALLY_DATABASE_URL"] = database
    serve = ("-m", "retally_server.operator.cli", "serve", *(["--workers", str(workers)] if workers > 1 else []))
    trial.install(folder / "data")
    runs, rows, at = [], [], 0
    try:
        with running(folder / "data", settings, folder / "log", serve) as server:
            trial.set_up(server.address)
            for rate in rates:
                count = len(trial.ballots) - at if rate is None else min(round(rate * seconds), len(trial.ballots) - at)
                if count <= 0:
                    break
                run, row = one_run(trial, server, range(at, at + count), rate, 20 * seconds + 60, out)
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


def measure_growth(trial: Trial, sizes: list[int], rate: float, seconds: float) -> dict[str, Any]:
    """The figures of each size, then the audit."""
    folder = Path(tempfile.mkdtemp(prefix="hammer-"))
    try:
        with Progress(console=out, transient=True) as bar:
            task = bar.add_task("filling the board", total=sizes[-1])
            rows, found = grow(trial, folder, sizes, rate, seconds, out, lambda more: bar.advance(task, more))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "database": "SQLite",
        "processes": 1,
        "rows": rows,
        "acknowledged": found.acknowledged,
        "accepted on the board": found.on_board,
        "failed checks": list(found.failed),
    }


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty, migrated database of a PostgreSQL that is ours alone, or Unusable."""
    if ABSENT is not None:
        raise Unusable(ABSENT)
    cluster = Cluster()
    try:
        cluster.create("hammered", "template")
        yield cluster.address("hammered")
    finally:
        cluster.stop()


def show(measured: dict[str, Any]) -> None:
    """The figures as a table."""
    grown = "entries" in measured["rows"][0]
    table = Table(title=f"{measured['database']}, {measured['processes']} process(es)", box=None, pad_edge=False)
    first = ("entries", "filled a second", "seconds to start", "MiB after the start") if grown else ()
    heads = (*first, "asked", "acknowledged", "a second", "p50 ms", "p99 ms", "max ms", "answers")
    for head in heads:
        table.add_column(head, justify="right")
    for row in measured["rows"]:
        answers = ", ".join(f"{count} of {status}" for status, count in row["answers"].items())
        shown = {**row, "asked": row["asked"] or "maximum", "answers": answers}
        table.add_row(*(str(shown[head]) for head in heads))
    Console().print(table)
    Console().print(f"{measured['acknowledged']} acknowledged, {measured['accepted on the board']} on the board")


def finish(measured: dict[str, Any], as_json: bool) -> int:
    """Prints the figures and returns the exit code."""
    if as_json:
        print(json.dumps({"machine": machine(), **measured}, indent=1))
    else:
        show(measured)
    return int(bool(measured["failed checks"] or measured["acknowledged"] > measured["accepted on the board"]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hammer", description=__doc__)
    parser.add_argument("--json", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--voters", type=int, default=10_000)
    making.add_argument("--options", type=int, default=OPTIONS)
    making.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    doing = commands.add_parser("run")
    doing.add_argument("folder", type=Path)
    doing.add_argument("--rates", default="100,200,430,max", help="ballots a second, in order; max: a closed loop")
    doing.add_argument("--seconds", type=float, default=20.0, help="of each rate")
    where = doing.add_mutually_exclusive_group()
    where.add_argument("--postgresql", action="store_true")
    where.add_argument("--database")
    doing.add_argument("--workers", type=int, default=1)
    doing.add_argument("--queue", type=int, default=4096)
    growing = commands.add_parser("grow")
    growing.add_argument("folder", type=Path)
    growing.add_argument("--sizes", default="10000,100000,1000000", help="of the board, in entries, ascending")
    growing.add_argument("--rate", type=float, default=430.0, help="ballots a second")
    growing.add_argument("--seconds", type=float, default=15.0, help="at each size")
    chosen = parser.parse_args()
    try:
        if chosen.command == "make":
            print(json.dumps(make(chosen.folder, chosen.voters, chosen.options, chosen.processes)))
            return 0
        if chosen.command == "grow":
            sizes = [int(each) for each in chosen.sizes.split(",")]
            return finish(measure_growth(read_trial(chosen.folder), sizes, chosen.rate, chosen.seconds), chosen.json)
        rates = [None if each == "max" else float(each) for each in chosen.rates.split(",")]
        trial = read_trial(chosen.folder)
        with postgresql() if chosen.postgresql else nullcontext(chosen.database) as database:
            measured = measure(trial, rates, chosen.seconds, database, chosen.workers, chosen.queue)
        return finish(measured, chosen.json)
    except (RetallyError, OSError) as error:
        out.print(f"The hammer stopped: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
