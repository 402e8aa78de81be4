"""How casting changes as a board grows: at each size the server is started anew on it and ballots come at a rate.

Between the sizes a board is filled without HTTP, by the server's own sequencing in this process: every proof is
checked, every batch committed and published as ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.hammer.audit import Audited, audit
from benchmarks.hammer.ballots import SLUG, Trial
from benchmarks.hammer.figures import one_run
from benchmarks.hammer.hammer import Run
from benchmarks.hammer.servers import running
from retally_crypto.errors import Unusable
from retally_crypto.replay import Record
from retally_server import logs
from retally_server.board.submissions import Answer, Submission
from retally_server.elections import Elections
from retally_server.settings import Settings

BATCH = 512
SETTINGS = {"RETALLY_RATE_BALLOTS": "1000", "RETALLY_ADDRESS_RATE": "0"}


def fill(trial: Trial, data: Path, places: range, advance: Callable[[int], None]) -> float:
    """Puts the ballots at `places` on the board in `data` and returns the seconds that it took, opening not counted.

    Raises Unusable if one is refused.
    """
    logs.configure("error")
    elections = Elections(Settings(data=data), time.time, Record)
    try:
        log = elections.get(SLUG).log
        began = time.monotonic()
        for at in range(places.start, places.stop, BATCH):
            end = min(at + BATCH, places.stop)
            answers = log.sequence([Submission.received(raw, time.time()) for raw in trial.ballots[at:end]])
            if not all(isinstance(answer, Answer) for answer in answers):
                raise Unusable(f"a ballot between {at} and {end} was refused")
            advance(end - at)
        return time.monotonic() - began
    finally:
        elections.close()


def grow(
    trial: Trial,
    folder: Path,
    sizes: Sequence[int],
    rate: float,
    seconds: float,
    out: Console,
    advance: Callable[[int], None],
) -> tuple[list[dict[str, Any]], Audited]:
    """One row for each size, ascending, and what the audit of the last board found. Raises Unusable if it fails."""
    data, log = folder / "data", folder / "log"
    trial.install(data)
    with running(data, SETTINGS, log) as server:
        trial.set_up(server.address)
    rows: list[dict[str, Any]] = []
    runs: list[Run] = []
    at, count = 0, round(rate * seconds)
    for size in sizes:
        filled = size - len(trial.setup) - at
        if filled <= 0 or at + filled + count > len(trial.ballots):
            raise Unusable(f"the trial has too few ballots for a board of {size} entries")
        took = fill(trial, data, range(at, at + filled), advance)
        at += filled
        with running(data, SETTINGS, log) as server:
            memory = server.memory()
            run, row = one_run(trial, server, range(at, at + count), rate, 20 * seconds + 60, out)
            grown = {
                "entries": size,
                "filled a second": round(filled / took),
                "seconds to start": round(server.started_after, 1),
                "MiB after the start": memory >> 20,
                "MiB after the run": server.memory() >> 20,
            }
            rows.append({**grown, **row})
            runs.append(run)
            at += count
            if size == sizes[-1]:
                found = audit(trial, server.address, runs)
    return rows, found
