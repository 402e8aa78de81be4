"""The real command in a real process: it is killed in the middle of its work, and nothing it answered is lost."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from retally_crypto.engine import engine
from retally_crypto.notes import format_vkey
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.replay import Record
from retally_crypto.secret.sign import SigningKey
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.boards.election import MAYOR, Election, district, signing_key
from tests.server_boards import read_board, write_board_key

HERE = "/elections/2027"
BOARD_KEY = signing_key("board.example/2027").verifier_key
COMMAND = [sys.executable, "-m", "retally_server.operator.cli"]


class Process:
    """`retally-server serve` on a free port."""

    def __init__(self, data: Path) -> None:
        self.log = data.parent / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as log:
            environment = {**os.environ, "RETALLY_DATA": str(data), "RETALLY_PORT": "0"}
            self.process = subprocess.Popen([*COMMAND, "serve"], stderr=log, env=environment)
        self.address = self._address()

    def _address(self) -> str:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log.read_text().splitlines(keepends=True):
                if line.endswith("\n") and (said := json.loads(line))["event"] == "listening":
                    return f"http://{said['host']}:{said['port']}"
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def end(self) -> None:
        """As kill -9 does it."""
        self.process.kill()
        self.process.wait(60)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.end()


def cast(address: str, raw: bytes) -> httpx.Response | None:
    """The answer to a ballot, None if the server is gone."""
    try:
        return httpx.post(f"{address}{HERE}/ballots", content=raw, timeout=60)
    except httpx.TransportError:
        return None


def test_a_server_killed_under_load_has_lost_nothing_that_it_answered(tmp_path: Path, processes: list[Process]) -> None:
    voters = 120 if engine.NAME == "native" else 12
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        voters={"north": voters},
        opens=now - 5,
        closes=now + 3600,
    )
    election.ceremony()
    election.roll()
    election.open()
    ballots = [election.ballot(name, [[1, 0, 0]]) for name in election.voters]
    data = tmp_path / "data"
    write_board_key(data)
    processes.append(Process(data))
    address = processes[-1].address
    assert httpx.post(f"{address}/elections", content=election.entries[0], timeout=60).status_code == 201
    for raw in election.entries[1:]:
        assert httpx.post(f"{address}{HERE}/entries", content=raw, timeout=60).status_code == 201

    receipts: dict[bytes, bytes] = {}
    kept = itertools.count(1)

    def cast_and_keep(raw: bytes) -> None:
        answer = cast(address, raw)
        if answer is not None and answer.status_code == 201:
            receipts[raw] = answer.content
            if next(kept) == voters // 2:
                processes[0].process.kill()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(cast_and_keep, ballots))
    assert processes[0].process.wait(60) == -9
    assert voters // 2 <= len(receipts) < voters

    processes.append(Process(data))
    again = processes[-1].address
    entries = read_board(data / "boards" / "2027", BOARD_KEY)
    for raw, receipt in receipts.items():
        proof = parse_tlog_proof(receipt)
        verify_tlog_proof(proof, raw, BOARD_KEY, (), 0)
        assert entries[proof.index] == raw
    answers: list[Any] = [cast(again, raw) for raw in ballots]
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert {raw: answer.content for raw, answer in zip(ballots, answers, strict=True) if raw in receipts} == receipts

    entries = read_board(data / "boards" / "2027", BOARD_KEY)
    assert sorted(entries) == sorted([*election.entries, *ballots])
    assert all(ruling.accepted for ruling in Record(entries[0]).replay(entries[1:]))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_version_names_the_engine() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert f"({engine.NAME} engine" in done.stdout


def test_a_new_board_key_is_printed_as_the_manifest_needs_it(tmp_path: Path) -> None:
    arguments = ("board", "new", "council", "--origin-host", "ballots.example")
    done = run(*arguments, RETALLY_DATA=str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.startswith("ballots.example/council+")
    assert "not encrypted" in done.stderr
    assert "No --authority" in done.stderr
    again = run(*arguments, RETALLY_DATA=str(tmp_path))
    assert again.returncode == 3
    assert "never replaced" in again.stderr


def test_a_passphrase_file_encrypts_the_board_key(tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a long passphrase\n")
    settings = tmp_path / "server.toml"
    settings.write_text(f'data = "{tmp_path}"\nkey_passphrase_file = "{passphrase}"\n')
    authority = format_vkey(SigningKey.from_seed("ballots.example/authority", bytes(32)).verifier_key)
    named = ("--origin-host", "ballots.example", "--authority", authority)
    done = run("board", "new", "council", *named, "--config", str(settings))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "keys" / "council.authority").read_text() == authority + "\n"
    assert b"argon2id" in (tmp_path / "keys" / "council.key").read_bytes()


def test_a_second_server_on_the_same_data_does_not_start(tmp_path: Path, processes: list[Process]) -> None:
    processes.append(Process(tmp_path / "data"))
    done = run("serve", RETALLY_DATA=str(tmp_path / "data"), RETALLY_PORT="0")
    assert done.returncode == 3
    assert "another server" in done.stderr


def test_wrong_settings_stop_the_server_and_are_named(tmp_path: Path) -> None:
    done = run("serve", RETALLY_DATA=str(tmp_path), RETALLY_QUEUE_LIMIT="none")
    assert done.returncode == 3
    assert "queue_limit" in done.stderr
