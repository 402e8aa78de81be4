"""Nothing that a server writes or answers links a voter, an address and a ballot beyond what the board shows everybody.

A real process, asked from a loopback address and through a proxy's header that occur nowhere else; then every byte it
left behind is searched for them.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from retally_crypto.encoding import b64url_encode
from retally_crypto.merkle import leaf_hash
from retally_crypto.tracking import tracking_code
from retally_lab.boards.election import MAYOR, Election, body_hash, district
from retally_lab.server_process import ServerFolder, running_server
from retally_verify.board import HttpBoard
from tests.server_boards import write_board_key
from tests.verified import verify_board

HERE = "/elections/2027"
PEER, FORWARDED, AGENT, REFERRER = "127.9.8.7", "203.0.113.177", "LinkableAgent/4.7", "https://mail.example/linkable"


@dataclass
class Held:
    """An election that was held, and what its server left behind."""

    election: Election
    data: Path
    locks: Path
    log: str
    answers: dict[str, Any]
    ballots: list[bytes]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    folder = tmp_path_factory.mktemp("links")
    data = folder / "data"
    write_board_key(data)
    (folder / "passphrase").write_text("\n")
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        voters={"north": 4},
        opens=now - 5,
        closes=now + 3600,
    )
    election.ceremony()
    election.roll()
    election.open()
    start = len(election.entries)
    for name, choice in (("north-1", [1, 0, 0]), ("north-2", [0, 1, 0]), ("north-1", [0, 0, 1])):
        election.cast(name, [choice])
    ballots = election.entries[start:]
    os.environ["RETALLY_LOG_LEVEL"] = "debug"
    try:
        with running_server(ServerFolder(data, folder / "passphrase"), folder / "log") as address:
            headers = {"User-Agent": AGENT, "Referer": REFERRER, "X-Forwarded-For": FORWARDED}
            transport = httpx.HTTPTransport(local_address=PEER)
            with httpx.Client(base_url=address, transport=transport, headers=headers, timeout=60) as voter:
                assert voter.post("/elections", content=election.entries[0]).status_code == 201
                for raw in election.entries[1:start]:
                    assert voter.post(f"{HERE}/entries", content=raw).status_code == 201
                for raw in ballots:
                    assert voter.post(f"{HERE}/ballots", content=raw).status_code == 201
                assert voter.post(f"{HERE}/ballots", content=ballots[0]).status_code == 200
                assert voter.post(f"{HERE}/ballots", content=ballots[0][:-9]).status_code == 400
                assert voter.post(f"{HERE}/ballots", content=b'{"credential":1}').status_code == 400
                assert voter.get("/nowhere/north-1").status_code == 404
                assert voter.get(f"{HERE}/tile/0/../../secret").status_code in (400, 404)
                credential = b64url_encode(election.voters["north-1"].credential)
                code = tracking_code(body_hash(ballots[0]))
                answers = {
                    "/openapi.json": voter.get("/openapi.json").json(),
                    "credential": voter.get(f"{HERE}/credentials/{credential}").json(),
                    "tracking": voter.get(f"{HERE}/tracking/{code}").json(),
                    "election": voter.get(HERE).json(),
                    "elections": voter.get("/elections").json(),
                    "turnout": voter.get(f"{HERE}/turnout").json(),
                    "health": voter.get("/health").json(),
                }
                answers["report"] = verify_board(HttpBoard(f"{address}{HERE}"), election.policy())
        log = (folder / "log").read_text()
    finally:
        del os.environ["RETALLY_LOG_LEVEL"]
    return Held(election, data, data.with_name("data-locks"), log, answers, ballots)


def test_no_address_header_or_path_is_written_anywhere(held: Held) -> None:
    traces = [PEER, FORWARDED, AGENT, REFERRER, "linkable", "nowhere/north-1", "credentials/", "tracking/"]
    files = [file for folder in (held.data, held.locks) for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "board.sqlite" for file in files)
    assert any(file.suffix == ".checkpoint" for file in files)
    for trace in traces:
        assert trace not in held.log
        for file in files:
            assert trace.encode() not in file.read_bytes(), (trace, file.name)


def test_the_log_names_no_ballot_in_any_form(held: Held) -> None:
    assert held.log.count('"event": "batch"') >= len(held.ballots)
    secrets = [voter.credential for voter in held.election.voters.values()]
    secrets += [each(raw) for raw in held.ballots for each in (body_hash, leaf_hash)]
    for secret in secrets:
        for form in (secret.hex(), b64url_encode(secret), repr(secret)[2:-1], tracking_code(secret)):
            assert form not in held.log
    for raw in held.ballots:
        assert raw[:40].decode() not in held.log


def test_the_database_has_no_column_that_could_hold_a_time_or_an_address_of_a_ballot(held: Held) -> None:
    with sqlite3.connect(held.data / "board.sqlite") as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        columns = {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in tables}
    assert columns["entries"] == {"board_id", "idx", "raw", "leaf_hash"}
    assert columns["ballots"] == {"board_id", "idx", "credential", "body_hash"}
    assert columns["checkpoints"] == {"board_id", "size", "previous_size", "root", "note"}
    assert columns["turnout"] == {"board_id", "time", "entries", "ballots"}
    assert {table for table in tables if "time" in columns[table]} == {"turnout"}


def test_every_answer_about_voters_follows_from_the_public_board(held: Held) -> None:
    report = held.answers["report"]
    record = report.record
    credential = held.election.voters["north-1"].credential
    mine = [raw for raw in held.ballots if f'"credential":"{b64url_encode(credential)}"'.encode() in raw]
    assert len(mine) == 2
    entries = held.election.entries
    assert held.answers["credential"] == {
        "credential": b64url_encode(credential),
        "style": "north",
        "active": record.is_active(credential),
        "ballots": [{"index": entries.index(raw), "tracking_code": tracking_code(body_hash(raw))} for raw in mine],
        "previous": b64url_encode(record.previous_of(credential)),
    }
    assert held.answers["tracking"] == {
        "index": entries.index(held.ballots[0]),
        "tracking_code": tracking_code(body_hash(held.ballots[0])),
        "credential": b64url_encode(credential),
        "superseded": record.ballots_of(credential)[-1] != entries.index(held.ballots[0]),
    }
    assert held.answers["election"]["size"] == report.head.size == len(entries)
    assert held.answers["election"]["root"] == b64url_encode(report.head.root)
    assert held.answers["elections"]["elections"] == [held.answers["election"]]
    # Noted at the end of intervals of fifteen minutes, and the election lasted seconds: one note at the most.
    assert len(held.answers["turnout"]["points"]) <= 1
    assert set(held.answers["health"]) <= {"status", "version", "engine", "elections", "waiting", "reasons", "role"}


def test_no_other_address_answers_questions_about_voters(held: Held) -> None:
    reading = {path for path, methods in held.answers["/openapi.json"]["paths"].items() if "get" in methods}
    about_ballots = {path for path in reading if "{credential}" in path or "{code}" in path}
    assert about_ballots == {"/elections/{slug}/credentials/{credential}", "/elections/{slug}/tracking/{code}"}
    # The rest is the log itself, proofs about it, and the server's health; a new address has to be looked at here.
    assert reading - about_ballots - {"/health", "/health/live", "/health/ready"} == {
        "/elections",
        "/elections/{slug}",
        "/elections/{slug}/turnout",
        "/elections/{slug}/checkpoint",
        "/elections/{slug}/checkpoint.{name}",
        "/elections/{slug}/tile/{path}",
        "/elections/{slug}/proofs/inclusion",
        "/elections/{slug}/proofs/consistency",
        "/elections/{slug}/proofs/receipt",
    }
