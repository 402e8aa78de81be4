"""What one run says: rates, latencies, answers, processor time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks.hammer.ballots import Trial
from benchmarks.hammer.hammer import Run, hammer
from benchmarks.hammer.servers import RunningServer, cpu_seconds

CONNECTIONS = 256


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


def one_run(
    trial: Trial, server: RunningServer, places: range, rate: float | None, give_up: float, out: Console
) -> tuple[Run, Any]:
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
