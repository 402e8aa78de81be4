"""Every board of docs/spec/vectors: both engines and the reference verifier find exactly what is written there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest

from retally_reference.verify import verify_board
from tests.own_vectors import FOLDER, OwnBoard, own_boards

BOARDS = list(own_boards())
every_board = pytest.mark.parametrize("board", BOARDS, ids=[board.name for board in BOARDS])


@cache
def found_with(engine: str) -> dict[str, Any]:
    """What `retally verify` finds with an engine; an engine is chosen once a process, so each has its own."""
    if engine == "native" and find_spec("retally_native") is None:
        pytest.skip("the native engine (retally_native) is not installed")
    run = subprocess.run(
        [sys.executable, "-m", "tests.own_vectors"],
        env={**os.environ, "RETALLY_ENGINE": engine},
        cwd=FOLDER.parents[2],
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    found: dict[str, Any] = json.loads(run.stdout)
    assert found.pop("engine") == engine
    boards: dict[str, Any] = found["boards"]
    return boards


@pytest.mark.parametrize("engine", ["native", "reference"])
@every_board
def test_retally_verify_finds_what_the_vectors_say(board: OwnBoard, engine: str) -> None:
    expected = {name: member for name, member in board.expected.items() if name != "reconciliation"}
    assert found_with(engine)[board.name] == expected


@every_board
def test_the_reference_verifier_finds_what_the_vectors_say(board: OwnBoard) -> None:
    report = verify_board(board.files.get, board.policy, board.kept)
    expected = board.expected
    assert report.states == expected["states"]
    assert (report.verdict, report.exit_code) == (expected["verdict"], expected["exit_code"])
    assert (report.counts, report.reconciliation) == (expected["units"], expected["reconciliation"])


def test_for_every_check_some_board_fails_it_alone() -> None:
    alone = {tuple(n for n, state in board.expected["states"].items() if state == "fail") for board in BOARDS}
    assert alone == {(), *((f"V{number:02}",) for number in range(1, 21))}


def test_the_verdict_follows_from_the_states() -> None:
    for board in BOARDS:
        states = set(board.expected["states"].values())
        verdict = "FAIL" if "fail" in states else "INCOMPLETE" if "incomplete" in states else "PASS"
        assert board.expected["verdict"] == verdict, board.name
