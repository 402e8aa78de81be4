"""The demonstration itself, at the size of one district: a real server process, every ballot over HTTP."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_crypto.engine import engine
from retally_crypto.policy_text import parse_policy
from retally_lab.demo import Demonstration, run_demo
from retally_lab.fraud import read_entries
from retally_lab.replay import NOTICE, Candidate, District, arranged, load_replay

RUNNER = CliRunner()

SMALL = District(
    "196",
    "District 196",
    (Candidate("a", 30, 4, 1), Candidate("b", 20, 9, 1), Candidate("c", 5, 0, 2), Candidate("d", 0, 0, 0)),
    paper_invalid=2,
)
REPLAY = load_replay(500, 1) if engine.NAME == "native" else arranged(500, [SMALL], random.Random(1))
"""The first published district; on the reference engine one of a few ballots, for it takes a second for every three."""


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    folder = tmp_path_factory.mktemp("demo") / "new"
    folder.mkdir()
    return run_demo(folder, 500, REPLAY)


def verified(demonstration: Demonstration, board: str) -> tuple[int, dict[str, object]]:
    """Exit code and JSON report of `retally verify` on a folder that the demonstration left."""
    folder = demonstration.folder
    arguments = ["verify", str(folder / board), "--policy", str(folder / "policy"), "--forget", "--json"]
    done = RUNNER.invoke(app, arguments)
    report: dict[str, object] = json.loads(done.stdout)
    return done.exit_code, report


def test_the_counts_equal_the_published_ones_and_the_fraud_is_refused(demonstration: Demonstration) -> None:
    assert (demonstration.equal, demonstration.verdict, demonstration.succeeded) == (True, "PASS", True)
    assert "V10" in demonstration.refused_by


def test_anyone_can_verify_the_board_it_leaves_and_finds_the_published_totals(demonstration: Demonstration) -> None:
    district = REPLAY.districts[0]
    code, report = verified(demonstration, "board")
    assert (code, report["verdict"], report["notice"]) == (0, "PASS", NOTICE)
    outcome = report["outcome"]
    assert isinstance(outcome, dict)
    online = [candidate.online for candidate in district.candidates]
    assert [unit["contests"][0]["counts"] for unit in outcome["units"]] == [online]
    assert [paper["votes"] for paper in outcome["paper"]] == [[candidate.paper for candidate in district.candidates]]
    assert outcome["paper"][0]["late"] is False
    numbers = outcome["reconciliation"]
    assert (numbers["counted"], numbers["superseded"], numbers["refused"]) == (
        district.counted,
        district.superseded,
        0,
    )


def test_the_altered_copy_fails_and_names_the_one_entry_that_differs(demonstration: Demonstration) -> None:
    folder = demonstration.folder
    pairs = zip(read_entries(folder / "board"), read_entries(folder / "board-altered"), strict=True)
    different = [at for at, (honest, altered) in enumerate(pairs) if honest != altered]
    assert len(different) == 1
    code, report = verified(demonstration, "board-altered")
    assert (code, report["verdict"]) == (1, "FAIL")
    checks = report["checks"]
    assert isinstance(checks, list)
    notes = {check["check"]: check["notes"] for check in checks if check["state"] == "fail"}
    assert [note.split(":")[0] for note in notes["V10"]] == [f"entry {different[0]}"]


def test_it_leaves_policy_board_and_picture_and_no_secret_open(demonstration: Demonstration) -> None:
    folder = demonstration.folder
    assert parse_policy((folder / "policy").read_bytes()).quorum == 0
    assert (folder / "result.svg").stat().st_size > 1000
    private = [*(folder / "guardians").iterdir(), folder / "server" / "board-key-passphrase"]
    private += (folder / "server" / "data" / "keys").glob("*.key")
    assert len(private) >= 5
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_the_servers_log_holds_no_hash_and_no_address_of_a_voter(demonstration: Demonstration) -> None:
    log = (demonstration.folder / "server.log").read_text(encoding="utf-8")
    ballots = [raw for raw in read_entries(demonstration.folder / "board") if b"\n" not in raw]
    credentials = [json.loads(raw)["credential"] for raw in ballots]
    assert len(credentials) == len(REPLAY.ballots)
    assert not [credential for credential in credentials if credential in log]


def test_a_scale_that_is_not_there_and_a_folder_that_is_are_refused_at_once(tmp_path: Path) -> None:
    wrong_scale = RUNNER.invoke(app, ["lab", "demo", "--scale", "7", "--folder", str(tmp_path / "new")])
    there = RUNNER.invoke(app, ["lab", "demo", "--folder", str(tmp_path)])
    assert (wrong_scale.exit_code, there.exit_code) == (3, 3)
    assert "there is no scale 7; there are 1, 100, 500" in wrong_scale.stderr
    assert "is there already" in there.stderr
    assert list(tmp_path.iterdir()) == []
