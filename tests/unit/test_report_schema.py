"""`report.schema.json` says exactly what `report_json` gives, whatever a board is like."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import retally_verify
from retally_lab.boards.election import Election
from retally_lab.boards.places import MemoryBoard, board_folder
from retally_verify import open_board, report_json, verify
from retally_verify.files import CHECKPOINT_LIMIT
from retally_verify.report import Report

SCHEMA = json.loads((Path(retally_verify.__file__).parent / "report.schema.json").read_text())
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)


def a_board_as_it_should_be(election: Election) -> dict[str, bytes]:
    return election.files()


def an_open_board(election: Election) -> dict[str, bytes]:
    return election.before("closing").files()


def a_board_before_its_opening(election: Election) -> dict[str, bytes]:
    return election.before("opening").files()


def a_board_that_nobody_has_decrypted(election: Election) -> dict[str, bytes]:
    return election.before("partial-decryption").files()


def a_board_with_an_entry_that_is_none(election: Election) -> dict[str, bytes]:
    other = election.before("closing")
    other.append(b"\n")
    other.append(b"{}")
    return other.files()


def a_checkpoint_that_is_none(election: Election) -> dict[str, bytes]:
    return {**election.files(), "checkpoint": b""}


def entries_that_are_missing(election: Election) -> dict[str, bytes]:
    return {path: raw for path, raw in election.files().items() if not path.startswith("tile/entries")}


BOARDS: tuple[Callable[[Election], dict[str, bytes]], ...] = (
    a_board_as_it_should_be,
    an_open_board,
    a_board_before_its_opening,
    a_board_that_nobody_has_decrypted,
    a_board_with_an_entry_that_is_none,
    a_checkpoint_that_is_none,
    entries_that_are_missing,
)


def as_json(report: Report) -> Any:
    return json.loads(json.dumps(report_json(report)))


@pytest.mark.parametrize("files", BOARDS, ids=lambda files: files.__name__)
def test_every_report_has_the_published_shape(
    files: Callable[[Election], dict[str, bytes]], honest_election: Election
) -> None:
    report = verify(MemoryBoard(files(honest_election)), honest_election.policy())
    VALIDATOR.validate(as_json(report))
    assert {finding["check"] for finding in as_json(report)["findings"]} == set(report.failed)


def test_the_schema_allows_nothing_else(honest_election: Election) -> None:
    report = as_json(verify(MemoryBoard(honest_election.files()), honest_election.policy()))
    for name in report:
        assert not VALIDATOR.is_valid({other: value for other, value in report.items() if other != name})
    assert not VALIDATOR.is_valid({**report, "folder": "."})
    assert not VALIDATOR.is_valid({**report, "verdict": "PASSED"})


def test_a_report_does_not_say_where_the_board_was_read(honest_election: Election, tmp_path: Path) -> None:
    """Also where files are missing, and in what an earlier run has kept."""
    board = board_folder(tmp_path / "board", honest_election.files())
    kept = tmp_path / "kept"
    for count in range(2):
        report = verify(open_board(str(board)), honest_election.policy(), signed_off=kept)
        assert str(tmp_path) not in json.dumps(as_json(report))
        assert as_json(report)["kept"]["entries"] == count * len(honest_election.entries)
    (board / "checkpoint").write_bytes(b"x" * (CHECKPOINT_LIMIT + 1))
    report = verify(open_board(str(board)), honest_election.policy())
    assert report.failed == ("V01",)
    assert str(tmp_path) not in json.dumps(as_json(report))
