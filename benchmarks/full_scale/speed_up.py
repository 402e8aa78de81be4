"""What a second worker of a cluster brings: a scheduler and workers as processes here, one core each, on one board."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

from benchmarks.__main__ import machine
from benchmarks.full_scale.recount import FIGURES, recount

PATIENCE_SECONDS = 60


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers while the block runs; each has one core for its proofs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    quiet = ("--no-dashboard", "--host", "127.0.0.1")
    started = [_start("dask_scheduler", "--port", port, "--no-show", *quiet)]
    one = ("--nworkers", "1", "--nthreads", "1", "--no-nanny")
    try:
        started += [_start("dask_worker", address, *one, *quiet) for _ in range(workers)]
        with Client(address, timeout=PATIENCE_SECONDS) as client:
            client.wait_for_workers(workers, timeout=PATIENCE_SECONDS)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def _start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
    settings = {**os.environ, "RAYON_NUM_THREADS": "1"}
    # Dask's own programs.
    return subprocess.Popen(  # noqa: S603
        command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def speed_up(folder: Path, ballots: int) -> dict[str, object]:
    """Seconds for one board with one worker and with two. Written into full_scale.json."""
    seconds = {}
    for workers in (1, 2):
        with cluster(workers) as address:
            seconds[str(workers)] = recount(folder, ballots, address).from_nothing.seconds
    made = {"ballots": ballots, "seconds": seconds, "machine": machine()}
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"runs": []}
    FIGURES.write_text(json.dumps({**figures, "cluster": made}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return made
