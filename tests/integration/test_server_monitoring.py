"""Metrics that move with what happens and name nobody, readiness that says why not, and a stop that loses nothing."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from retally_crypto.encoding import b64url_encode
from retally_lab.boards.election import MAYOR, Election, body_hash, district
from retally_lab.server_process import ServerFolder, running_server
from retally_server.api import readiness
from tests.faults.processes import process_at
from tests.server_boards import write_board_key
from tests.server_http import HERE, SLUG, Server


@pytest.fixture
def election() -> Election:
    made = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), voters={"north": 20}
    )
    made.ceremony()
    made.roll()
    made.open()
    return made


@pytest.fixture
def server(tmp_path: Path, election: Election) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    here = Server(tmp_path, metrics_port=port)
    assert here.http.post("/elections", content=election.entries[0], timeout=60).status_code == 201
    assert {answer.status_code for answer in here.append(election.entries[1:])} == {201}
    yield here
    here.http.stop()


def numbers(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels."""
    text = httpx.get(f"http://127.0.0.1:{server.settings.metrics_port}/metrics", trust_env=False).text
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


BOARD = ("board", SLUG)


def test_metrics_move_with_what_happens(server: Server, election: Election) -> None:
    before = numbers(server)
    assert before["retally_entries_total", (BOARD, ("outcome", "accepted"))] == len(election.entries) - 1
    assert before["retally_board_entries", (BOARD,)] == len(election.entries)
    assert before["retally_board_in_step", (BOARD,)] == 1
    assert before["retally_board_halted", (BOARD,)] == 0
    assert before["retally_leads", ()] == 1
    assert abs(before["retally_clock_seconds", ()] - time.time()) < 60
    batches = before["retally_batch_seconds_count", (BOARD,)]
    ballot = election.ballot("north-1", [[1, 0, 0]])
    for raw, status in ((ballot, 201), (ballot, 200), (ballot[:-9], 400)):
        assert server.http.post(f"{HERE}/ballots", content=raw).status_code == status
    again = election.ballot("north-1", [[0, 1, 0]])
    assert server.http.post(f"{HERE}/ballots", content=again).status_code == 409
    after = numbers(server)
    assert after["retally_board_entries", (BOARD,)] == len(election.entries) + 1
    assert after["retally_entries_total", (BOARD, ("outcome", "accepted"))] == len(election.entries)
    assert after["retally_entries_total", (BOARD, ("outcome", "known"))] == 2
    assert after["retally_entries_total", (BOARD, ("outcome", "V09"))] == 1
    assert after["retally_entries_total", (BOARD, ("outcome", "V12"))] == 1
    assert after["retally_batch_seconds_count", (BOARD,)] == batches + 4
    assert after["retally_batch_entries_sum", (BOARD,)] == before["retally_batch_entries_sum", (BOARD,)] + 4
    server.elections.get(SLUG).log.halt("a test")
    assert numbers(server)["retally_board_halted", (BOARD,)] == 1


def test_metrics_name_nobody(server: Server, election: Election) -> None:
    ballot = election.ballot("north-1", [[1, 0, 0]])
    server.http.post(f"{HERE}/ballots", content=ballot)
    text = httpx.get(f"http://127.0.0.1:{server.settings.metrics_port}/metrics", trust_env=False).text
    for secret in (election.voters["north-1"].credential, body_hash(ballot)):
        assert secret.hex() not in text
        assert b64url_encode(secret) not in text
    assert "203.0.113.7" not in text
    labels = {name for _sample, pairs in numbers(server) for name, _value in pairs}
    assert labels <= {"board", "outcome", "le", "implementation", "major", "minor", "patchlevel", "version"}


def test_metrics_are_not_at_the_public_address(server: Server) -> None:
    assert server.http.get("/metrics").status_code == 404


def ready(server: Server) -> tuple[int, list[str]]:
    answer = server.http.get("/health/ready")
    assert answer.json()["ready"] == (answer.status_code == 200)
    return answer.status_code, answer.json()["reasons"]


def test_a_server_that_can_take_ballots_is_ready(server: Server) -> None:
    assert ready(server) == (200, [])
    assert server.http.get("/health/live").status_code == 200


def test_a_halted_board_is_not_ready_and_says_why(server: Server) -> None:
    server.elections.get(SLUG).log.halt("a witness saw more")
    status, reasons = ready(server)
    assert (status, reasons) == (503, [f"board {SLUG} has stopped: a witness saw more"])
    assert server.http.get("/health/live").status_code == 200


def test_a_disk_that_is_nearly_full_is_not_ready(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LEAST_FREE", 1 << 62)
    status, reasons = ready(server)
    assert status == 503
    assert len(reasons) == 2
    assert all("MiB left" in reason for reason in reasons)


def test_a_database_that_does_not_answer_is_not_ready(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr(server.elections.store, "boards", refuse)
    status, reasons = ready(server)
    assert (status, reasons) == (503, ["the database does not answer (OperationalError)"])


def test_a_board_that_is_not_published_in_full_is_not_ready(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.elections.get(SLUG).log, "published", None)
    assert ready(server)[0] == 503


def test_a_server_told_to_stop_answers_what_waits_and_loses_nothing(tmp_path: Path) -> None:
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), voters={"north": 60},
        opens=now - 5, closes=now + 3600,
    )  # fmt: skip
    election.ceremony()
    election.roll()
    election.open()
    ballots = [election.ballot(name, [[1, 0, 0]]) for name in election.voters]
    folder = ServerFolder(tmp_path / "data", tmp_path / "passphrase")
    folder.passphrase_file.write_text("\n")
    write_board_key(folder.data)
    answers: dict[bytes, int] = {}
    with running_server(folder, tmp_path / "log") as address:
        assert httpx.post(f"{address}/elections", content=election.entries[0], timeout=60).status_code == 201
        for raw in election.entries[1:]:
            assert httpx.post(f"{address}{HERE}/entries", content=raw, timeout=60).status_code == 201
        port = address.rpartition(":")[2]

        def cast(raw: bytes) -> None:
            try:
                answers[raw] = httpx.post(f"{address}{HERE}/ballots", content=raw, timeout=60).status_code
            except httpx.TransportError:
                answers[raw] = 0

        threads = [threading.Thread(target=cast, args=(raw,)) for raw in ballots]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while 201 not in list(answers.values()):
            assert time.monotonic() < deadline, "no ballot is acknowledged"
            time.sleep(0.001)
        os.kill(process_at(int(port)), signal.SIGTERM)
        for thread in threads:
            thread.join(120)
    assert set(answers.values()) <= {201, 503, 0}
    accepted = [raw for raw, status in answers.items() if status == 201]
    assert accepted
    assert '"stopped"' in (tmp_path / "log").read_text()
    with running_server(folder, tmp_path / "log2") as address:
        for raw in accepted:
            assert httpx.post(f"{address}{HERE}/ballots", content=raw, timeout=60).status_code == 200
