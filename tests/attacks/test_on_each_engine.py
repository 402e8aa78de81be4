"""One tampered board for each check, from files, in processes of their own: on both engines and by both commands."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.policy_text import format_policy
from retally_lab.attacks import scenarios
from retally_lab.attacks.tampering import ATTACKS, CHECKS, Tampered, at_count, honest
from retally_lab.boards.places import board_folder
from tests.attacks.verify_folders import POLICY

assert scenarios.__all__

ROOT = Path(__file__).parents[2]
COMMAND = "from retally_client.cli import main; main()"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def laid_out(folder: Path, board: Tampered) -> Path:
    board_folder(folder, board.files)
    (folder / POLICY).write_bytes(format_policy(board.policy))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The honest board and, for each check, the first attack that needs neither receipts nor kept checkpoints."""
    place = tmp_path_factory.mktemp("boards")
    boards = {"honest": Tampered.board(honest())}
    for attack in ATTACKS.values():
        if attack.state == "fail" and attack.check not in boards:
            board = attack.build()
            if not (board.kept or board.receipts):
                boards[attack.check] = board
    return {name: laid_out(place / name, board) for name, board in boards.items()}


def found_by(engine: str, folders: dict[str, Path]) -> dict[str, Any]:
    done = run("-m", "tests.attacks.verify_folders", *map(str, folders.values()), RETALLY_ENGINE=engine)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["engine"] == engine
    return {name: answer["boards"][str(folder)] for name, folder in folders.items()}


def assert_each_names_its_check(found: dict[str, Any]) -> None:
    assert found["honest"]["exit code"] == 0
    for check in CHECKS[:-1]:
        assert (found[check]["exit code"], list(found[check]["notes"])) == (1, [check])


def test_the_reference_engine_refuses_what_must_be_refused(folders: dict[str, Path]) -> None:
    assert_each_names_its_check(found_by("reference", folders))


@pytest.mark.skipif(importlib.util.find_spec("retally_native") is None, reason="retally-native is not installed")
def test_the_native_engine_finds_the_same(folders: dict[str, Path]) -> None:
    native = found_by("native", folders)
    assert_each_names_its_check(native)
    assert native == found_by("reference", folders)


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory, folders: dict[str, Path]) -> dict[int, Path]:
    """A folder for each exit code."""
    place = tmp_path_factory.mktemp("ends")
    open_board = laid_out(place / "incomplete", Tampered.board(at_count()))
    nothing = place / "nothing"
    nothing.mkdir()
    (nothing / POLICY).write_bytes((folders["honest"] / POLICY).read_bytes())
    return {0: folders["honest"], 1: folders["V10"], 2: open_board, 3: nothing}


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_both_commands_end_with_the_same_code(code: int, ends: dict[int, Path]) -> None:
    folder = ends[code]
    policy = str(folder / POLICY)
    ours = run("-c", COMMAND, "verify", str(folder), "--policy", policy, "--forget", "--json")
    theirs = run("-m", "retally_reference", str(folder), "--policy", policy, "--json")
    assert (ours.returncode, theirs.returncode) == (code, code), (ours.stderr, theirs.stderr)
    if code < 3:
        first, second = json.loads(ours.stdout), json.loads(theirs.stdout)
        assert first["verdict"] == second["verdict"]
        assert {one["check"]: one["state"] for one in first["checks"]} == {
            one["check"]: one["state"] for one in second["checks"]
        }
