"""The browser's verifier, run by Node and in Chromium, finds on every board what `retally verify` finds.

The same state of every check, the same verdict and exit code, the same entries named, the same counts, paper counts and
reconciliation, on every attack of `scenarios`, the honest boards they start from, and the boards of docs/spec/vectors.
So it does with the accelerator, and where the accelerator's file is missing or is another one.
`test_tampered_boards` and `test_own_boards` hold the reference verifier to the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from retally_crypto.policy_text import format_policy, parse_policy
from retally_lab.attacks import scenarios
from retally_lab.attacks.scenarios.log import another_boards_checkpoint, receipt, signed_head, unsigned_checkpoint
from retally_lab.attacks.tampering import ATTACKS, Tampered, at_count, at_opening, at_polls, honest, witnessed
from retally_lab.boards.places import MemoryBoard
from retally_verify.report import Report
from retally_verify.run import verify_board
from tests.own_vectors import own_boards
from tests.web_verifier import (
    BoardToVerify,
    Findings,
    engine,
    of_native,
    of_web,
    verify_in_chromium,
    verify_in_node,
)

assert scenarios.__all__

VECTORS = {f"vectors: {board.name}": board for board in own_boards()}
STARTS = ("honest", "witnessed", "in setup", "at the polls", "at the count", "receipts and checkpoints")
NAMES = [*STARTS, *ATTACKS, *VECTORS]
IN_WORKERS = {*STARTS, *{attack.check: name for name, attack in ATTACKS.items()}.values()}
"""In Chromium these have workers, which take time to start: an attack on each check, and the honest boards."""


def _starts() -> dict[str, Tampered]:
    finished = honest()
    at = finished.index_of("ballot")
    genuine = receipt(finished, at)
    kept = (*(signed_head(finished, size) for size in (0, 1, 7, len(finished.entries))), another_boards_checkpoint())
    receipts = (
        genuine,
        receipt(finished, at, at + 1),
        genuine[:-10],
        b"",
        b"\xff",
        genuine.replace(b"v1\n", b"v1\n\n"),
    )
    with_extra = genuine.replace(b"tlog-proof@v1\n", b"tlog-proof@v1\nextra AAAA\n")
    return {
        "honest": Tampered.board(finished),
        "witnessed": Tampered.board(witnessed()),
        "in setup": Tampered.board(at_opening()),
        "at the polls": Tampered.board(at_polls()),
        "at the count": Tampered.board(at_count()),
        "receipts and checkpoints": Tampered.board(
            finished, kept=(*kept, unsigned_checkpoint(finished), b"", b"\xff"), receipts=(*receipts, with_extra)
        ),
    }


@pytest.fixture(scope="module")
def boards() -> dict[str, BoardToVerify]:
    built = {**_starts(), **{name: attack.build() for name, attack in ATTACKS.items()}}
    boards = {
        name: BoardToVerify(board.files, format_policy(board.policy), board.kept, board.receipts)
        for name, board in built.items()
    }
    return boards | {name: BoardToVerify(board.files, board.policy, board.kept) for name, board in VECTORS.items()}


@pytest.fixture(scope="module")
def native(boards: dict[str, BoardToVerify]) -> dict[str, Report]:
    return {
        name: verify_board(MemoryBoard(board.files), parse_policy(board.policy), board.kept, board.receipts)
        for name, board in boards.items()
    }


@pytest.fixture(scope="module")
def in_node(boards: dict[str, BoardToVerify], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return verify_in_node(boards, tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module")
def in_chromium(boards: dict[str, BoardToVerify], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return verify_in_chromium(boards, IN_WORKERS, tmp_path_factory.mktemp("chromium"))


@pytest.fixture(scope="module")
def accelerated_in_node(boards: dict[str, BoardToVerify], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return verify_in_node(boards, tmp_path_factory.mktemp("accelerated"), accelerated=True)


@pytest.fixture(scope="module")
def accelerated_in_chromium(boards: dict[str, BoardToVerify], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    some = {name: boards[name] for name in sorted(IN_WORKERS)}
    place = tmp_path_factory.mktemp("accelerated")
    return verify_in_chromium(some, (), place, dict.fromkeys(some, ""))


@pytest.mark.parametrize("name", NAMES)
def test_accelerated_in_node_it_finds_the_same_in_the_same_words(
    name: str, accelerated_in_node: Findings, in_node: Findings
) -> None:
    ours, theirs = dict(accelerated_in_node[name]), dict(in_node[name])
    del ours["seconds"], theirs["seconds"]
    assert ours == theirs


@pytest.mark.parametrize("name", sorted(IN_WORKERS))
def test_accelerated_in_chromium_it_finds_what_retally_verify_finds(
    name: str, accelerated_in_chromium: Findings, native: dict[str, Report]
) -> None:
    found = accelerated_in_chromium[name]
    assert of_web(found) == of_native(native[name])
    assert (found["workers"] > 0, found["fault"]) == (True, None)


@pytest.mark.parametrize("damage", ["missing", "another page", "one byte", "cut short"])
def test_an_accelerator_that_is_not_the_builds_leaves_the_page_its_own_verdict(
    damage: str, boards: dict[str, BoardToVerify], native: dict[str, Report], tmp_path: Path
) -> None:
    raw = engine().read_bytes()
    flipped = bytes([raw[-1] ^ 1])
    damaged = {"another page": b"<!doctype html>", "one byte": raw[:-1] + flipped, "cut short": raw[: len(raw) // 2]}
    if damage in damaged:
        (tmp_path / "engine.wasm").write_bytes(damaged[damage])
    attacked = next(name for name, attack in ATTACKS.items() if attack.check == "V10")
    some = {name: boards[name] for name in ("honest", attacked)}
    found = verify_in_chromium(some, (), tmp_path, dict.fromkeys(some, "engine.wasm"))
    for name in some:
        assert of_web(found[name]) == of_native(native[name])
        assert "its file cannot be loaded" in found[name]["fault"]


@pytest.mark.parametrize("name", NAMES)
def test_in_node_it_finds_what_retally_verify_finds(name: str, in_node: Findings, native: dict[str, Report]) -> None:
    assert of_web(in_node[name]) == of_native(native[name])


@pytest.mark.parametrize("name", NAMES)
def test_in_chromium_it_finds_what_retally_verify_finds(
    name: str, in_chromium: Findings, native: dict[str, Report]
) -> None:
    assert of_web(in_chromium[name]) == of_native(native[name])
    assert (in_chromium[name]["workers"] > 0) == (name in IN_WORKERS)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_refuses_every_attack_under_its_check_alone(name: str, in_node: Findings) -> None:
    states = in_node[name]["states"]
    attack = ATTACKS[name]
    failed = [check for check, state in states.items() if state == "fail"]
    assert (states[attack.check], failed) == (attack.state, [attack.check] if attack.state == "fail" else [])


@pytest.mark.parametrize("name", VECTORS)
def test_it_finds_what_the_vectors_say(name: str, in_node: Findings) -> None:
    found, expected = in_node[name], VECTORS[name].expected
    assert found["states"] == expected["states"]
    assert (found["verdict"], found["exitCode"]) == (expected["verdict"], expected["exit_code"])
    assert (found["counts"], found["reconciliation"]) == (expected["units"], expected["reconciliation"])
