"""`retally verify --scheduler` with a scheduler and workers that are processes of their own: same report, and a worker
that is killed costs its ranges only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retally_crypto.engine import choose_engine, engine
from retally_crypto.errors import Unusable
from retally_lab.boards.election import Election
from retally_lab.boards.places import board_folder
from retally_verify.board import FolderBoard
from retally_verify.cluster import Cluster
from retally_verify.progress import Progress, Untold
from retally_verify.report import Report
from retally_verify.report_document import report_json
from retally_verify.run import verify_board
from tests.wide_board import finish, short_ranges, wide_election

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

SECONDS = 60


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    settings = {**os.environ, "RAYON_NUM_THREADS": "1", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s"}
    command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]]
    return subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The scheduler's address, and two workers."""
    port = _free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = _start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
    options = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
    workers = [_start("dask_worker", address, *options) for _ in range(2)]
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with distributed.Client(address, timeout=5) as client:
                    client.wait_for_workers(2, timeout=SECONDS)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def election() -> Election:
    return finish(wide_election())


@pytest.fixture(scope="module")
def board(election: Election, tmp_path_factory: pytest.TempPathFactory) -> FolderBoard:
    return FolderBoard(board_folder(tmp_path_factory.mktemp("board"), election.files()))


def _on(address: str, board: FolderBoard, election: Election, tell: Progress | None = None) -> Report:
    workers = Cluster(address)
    try:
        return verify_board(board, election.policy(), tell=tell, workers=workers)
    finally:
        workers.close()


def test_a_cluster_gives_the_report_of_one_machine(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    board: FolderBoard,
    election: Election,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_ranges(monkeypatch)
    alone = verify_board(board, election.policy())
    together = _on(cluster[0], board, election)
    assert report_json(together) == report_json(alone)
    assert together.verdict == "PASS"


def test_a_cluster_names_what_is_wrong(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    election: Election,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_ranges(monkeypatch)
    files = election.files()
    damaged = bytearray(files["tile/entries/001"])
    damaged[5000] ^= 1
    broken = FolderBoard(board_folder(tmp_path, {**files, "tile/entries/001": bytes(damaged)}))
    report = _on(cluster[0], broken, election)
    assert report.failed == ("V02",)
    assert report_json(report) == report_json(verify_board(broken, election.policy()))


def test_a_killed_worker_costs_its_ranges_only(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    board: FolderBoard,
    election: Election,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_ranges(monkeypatch)
    address, workers = cluster
    seen: list[int] = []

    class KillsOne(Untold):
        def advance(self, by: int) -> None:
            seen.append(by)
            if len(seen) == 2:
                workers[0].send_signal(signal.SIGKILL)

    report = _on(address, board, election, KillsOne())
    assert workers[0].wait(SECONDS) == -signal.SIGKILL
    assert workers[1].poll() is None
    assert len(seen) > 2
    assert report_json(report) == report_json(verify_board(board, election.policy()))


def test_workers_take_the_engine_of_this_machine(cluster: tuple[str, list[subprocess.Popen[bytes]]]) -> None:
    """Also one that they would not have taken by themselves."""
    before = engine.NAME
    try:
        for name in ("reference", before):
            choose_engine(name)
            Cluster(cluster[0]).close()
    finally:
        choose_engine(before)


def test_without_a_scheduler_it_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retally_verify.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(Unusable, match="no scheduler at tcp:"):
        Cluster(f"tcp://127.0.0.1:{_free_port()}")


WITHOUT_RETALLY = """
import asyncio, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "retally_verify":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from distributed import Scheduler, Worker

async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        async with Worker(scheduler.address, dashboard=False):
            print(scheduler.address, flush=True)
            await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_worker_without_retally_is_said_so() -> None:
    command = [sys.executable, "-c", WITHOUT_RETALLY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            with pytest.raises(Unusable, match="has it retally-verify"):
                Cluster(process.stdout.readline().strip())
        finally:
            process.kill()


def test_workers_find_a_folder_that_is_named_from_here(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
    board: FolderBoard,
    election: Election,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_ranges(monkeypatch)
    monkeypatch.chdir(Path(board.location).parent)
    report = _on(cluster[0], FolderBoard(Path(Path(board.location).name)), election)
    assert report.verdict == "PASS"
