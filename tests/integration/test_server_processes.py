"""Several real processes on one PostgreSQL: one leads, any of them may die, and nothing that was answered is lost."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from retally_crypto.engine import engine
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.replay import Record
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.boards.election import MAYOR, Election, district, signing_key
from retally_server.processes.leadership import Leadership
from tests.databases import DATABASES
from tests.server_boards import read_board, write_board_key

pytestmark = pytest.mark.usefixtures("on_postgresql")
HERE = "/elections/2027"
BOARD_KEY = signing_key("board.example/2027").verifier_key
VOTERS = 90 if engine.NAME == "native" else 9


class Process:
    """`retally-server serve` on a free port, with the database of `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log = folder / f"log-{time.monotonic_ns()}"
        environment = {
            **os.environ,
            "RETALLY_DATA": str(folder / "data"),
            "RETALLY_DATABASE_URL": DATABASES.address(folder),
            "RETALLY_PORT": "0",
            "RETALLY_ADDRESS_RATE": "0",
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "retally_server.operator.cli", "serve", *options]
            self.process = subprocess.Popen(command, stderr=log, env=environment)
        said = wait(self._listens)
        self.address = f"http://{said['host']}:{said['port']}"

    def _listens(self) -> dict[str, str] | None:
        assert self.process.poll() is None, self.log.read_text()
        return next(iter(self.said("listening")), None)

    def said(self, event: str) -> list[dict[str, str]]:
        """The lines of its log about this event."""
        whole = [line for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        lines = [json.loads(line) for line in whole if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def became_leader(self) -> bool:
        return bool(self.said("leads")) or any(line["leads"] for line in self.said("started"))

    def cast(self, raw: bytes) -> httpx.Response | None:
        """The answer to an entry, None if there is none."""
        kind = "entries" if b"\n" in raw else "ballots"
        try:
            return httpx.post(f"{self.address}{HERE}/{kind}", content=raw, timeout=60)
        except httpx.TransportError:
            return None

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", timeout=60)

    def end(self) -> None:
        """As kill -9 does it."""
        self.process.kill()
        self.process.wait(60)


def wait(found: Callable[[], Any], seconds: float = 180) -> Any:
    """What `found` finds, as soon as it does."""
    deadline = time.monotonic() + seconds
    while (result := found()) is None or result is False:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


@pytest.fixture
def start(tmp_path: Path, on_postgresql: None) -> Iterator[Callable[..., Process]]:
    """Starts processes on one data folder and one database; all are ended with the test."""
    write_board_key(tmp_path / "data")
    started: list[Process] = []

    def start(*options: str) -> Process:
        started.append(Process(tmp_path, *options))
        return started[-1]

    yield start
    for process in started:
        process.process.send_signal(signal.SIGCONT)
        process.end()


def open_election(process: Process) -> tuple[Election, list[bytes]]:
    """An election that is open on the server, and a ballot of every voter that is not there yet."""
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        voters={"north": VOTERS},
        opens=now - 5,
        closes=now + 3600,
    )
    election.ceremony()
    election.roll()
    election.open()
    assert httpx.post(f"{process.address}/elections", content=election.entries[0], timeout=60).status_code == 201
    for raw in election.entries[1:]:
        answer = process.cast(raw)
        assert answer is not None
        assert answer.status_code == 201, answer.text
    return election, [election.ballot(name, [[1, 0, 0]]) for name in election.voters]


def require_all(folder: Path, election: Election, ballots: list[bytes], receipts: dict[bytes, bytes]) -> None:
    """Every ballot stands on the published board once, where its receipt says, and the board passes."""
    entries = read_board(folder / "data" / "boards" / "2027", BOARD_KEY)
    for raw, receipt in receipts.items():
        proof = parse_tlog_proof(receipt)
        verify_tlog_proof(proof, raw, BOARD_KEY, (), 0)
        assert entries[proof.index] == raw
    assert sorted(entries) == sorted([*election.entries, *ballots])
    assert all(ruling.accepted for ruling in Record(entries[0]).replay(entries[1:]))


def cast_until_answered(processes: list[Process], raw: bytes, after: Callable[[bytes, bytes], None]) -> None:
    """Sends the same bytes to one process after the other until there is a receipt; every refusal must be a 503."""
    deadline = time.monotonic() + 120
    turn = raw[-9]
    while True:
        answer = processes[turn % len(processes)].cast(raw)
        if answer is not None and answer.status_code in (200, 201):
            after(raw, answer.content)
            return
        assert answer is None or (answer.status_code == 503 and "Retry-After" in answer.headers), answer.text
        assert time.monotonic() < deadline
        time.sleep(0.2)
        turn += 1


def test_when_the_leader_is_killed_under_load_another_goes_on_and_nothing_answered_is_lost(
    tmp_path: Path, start: Callable[..., Process]
) -> None:
    leader, *others = processes = [start() for _ in range(3)]
    election, ballots = open_election(others[0])
    receipts: dict[bytes, bytes] = {}
    kept = itertools.count(1)

    def keep(raw: bytes, receipt: bytes) -> None:
        receipts[raw] = receipt
        if next(kept) == VOTERS // 3:
            leader.process.kill()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda raw: cast_until_answered(processes, raw, keep), ballots))
    assert leader.process.wait(60) == -9
    assert len(receipts) == VOTERS
    require_all(tmp_path, election, ballots, receipts)
    assert [process.became_leader() for process in others].count(True) == 1
    # The same bytes have the same receipt, whoever leads and whoever is asked.
    for raw, receipt in list(receipts.items())[:: VOTERS // 6]:
        for process in others:
            again = process.cast(raw)
            assert again is not None
            assert (again.status_code, again.content) == (200, receipt)


def test_a_leader_that_was_stopped_for_a_while_comes_back_as_a_follower_and_changes_nothing(
    tmp_path: Path, start: Callable[..., Process]
) -> None:
    old, new = start(), start()
    election, ballots = open_election(old)
    receipts: dict[bytes, bytes] = {}
    stopped = ballots[: VOTERS // 3]
    with ThreadPoolExecutor(8) as pool:
        # It is stopped in the middle of its work, with whatever it has in hand.
        under_way = [pool.submit(old.cast, raw) for raw in stopped]
        time.sleep(0.05)
        old.process.send_signal(signal.SIGSTOP)
        for raw in ballots[VOTERS // 3 : 2 * VOTERS // 3]:
            cast_until_answered([new], raw, receipts.__setitem__)
        assert new.became_leader()
        before = (tmp_path / "data" / "boards" / "2027" / "checkpoint").read_bytes()
        old.process.send_signal(signal.SIGCONT)
        for future in under_way:
            future.result()
    wait(lambda: bool(old.said("leads no more")))
    for raw in [*stopped, *ballots[2 * VOTERS // 3 :]]:
        cast_until_answered([old, new], raw, receipts.__setitem__)
    assert before != (tmp_path / "data" / "boards" / "2027" / "checkpoint").read_bytes()
    require_all(tmp_path, election, ballots, receipts)
    assert {process.get("/health").status_code for process in (old, new)} == {200}


def test_a_follower_answers_and_shows_what_the_leader_has_published(start: Callable[..., Process]) -> None:
    leader, follower = start(), start()
    election, ballots = open_election(follower)
    cast = follower.cast(ballots[0])
    assert cast is not None
    assert cast.status_code == 201
    index = parse_tlog_proof(cast.content).index
    # An answer waits a little until the follower shows the entry, and is given without on a slow machine.
    wait(lambda: follower.get(f"{HERE}/proofs/receipt?index={index}").status_code == 200)
    shown = follower.get(f"{HERE}/proofs/receipt?index={index}")
    assert (shown.status_code, shown.content) == (200, cast.content)
    again = leader.cast(ballots[0])
    assert again is not None
    assert (again.status_code, again.content) == (200, cast.content)
    forged = ballots[1].replace(b'"proof":"', b'"proof":"AAAA', 1)
    stranger = election.ballot("nobody", [[1, 0, 0]]) if "nobody" in election.voters else forged
    for wrong in (forged, stranger, b"{}"):
        said = [process.cast(wrong) for process in (leader, follower)]
        assert said[0] is not None
        assert said[1] is not None
        assert said[0].status_code in (400, 422)
        assert (said[0].status_code, said[0].json()) == (said[1].status_code, said[1].json())
    wait(lambda: leader.get("/elections").json() == follower.get("/elections").json())
    assert not follower.became_leader()


def test_the_database_is_killed_under_load_and_the_processes_go_on_when_it_is_back(
    tmp_path: Path, start: Callable[..., Process]
) -> None:
    processes = [start(), start()]
    election, ballots = open_election(processes[0])
    receipts: dict[bytes, bytes] = {}
    kept = itertools.count(1)

    def keep(raw: bytes, receipt: bytes) -> None:
        receipts[raw] = receipt
        if next(kept) == VOTERS // 3:
            DATABASES.cluster.crash()
            DATABASES.cluster.start()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda raw: cast_until_answered(processes, raw, keep), ballots))
    require_all(tmp_path, election, ballots, receipts)
    assert all(process.process.poll() is None for process in processes)


def test_workers_share_one_socket_are_started_again_and_stop_together(
    tmp_path: Path, start: Callable[..., Process]
) -> None:
    server = start("--workers", "2")
    election, ballots = open_election(server)
    pids = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    assert len(pids) == 2
    receipts: dict[bytes, bytes] = {}
    for number, raw in enumerate(ballots):
        if number == 3:
            os.kill(int(pids[0]), signal.SIGKILL)
        cast_until_answered([server], raw, receipts.__setitem__)
    require_all(tmp_path, election, ballots, receipts)
    wait(lambda: bool(server.said("worker died")) and len(server.said("started")) == 3)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    assert len(server.said("stopped")) == 2


def test_sqlite_has_no_workers(tmp_path: Path) -> None:
    environment = {**os.environ, "RETALLY_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "retally_server.operator.cli", "serve", "--workers", "2"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "SQLite has one process" in done.stderr


def test_one_process_leads_at_a_time_and_the_next_as_soon_as_it_is_gone(tmp_path: Path) -> None:
    first, second = (Leadership(DATABASES.address(tmp_path)) for _ in range(2))
    assert first.acquire()
    assert not second.acquire()
    assert first.beat()
    assert not second.beat()
    assert not second.acquire()
    first.release()
    assert not first.leads
    # The database frees a lock when it has noticed that the session ended.
    wait(second.acquire)
    assert not first.acquire()
    DATABASES.cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'", database=DATABASES.name(tmp_path)
    )
    wait(lambda: not second.beat())
    assert not second.leads
    wait(first.acquire)
    first.close()
    second.close()
