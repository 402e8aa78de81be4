"""The verifier as one file: opened from disk, with a board from disk, and with nobody to ask."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from retally_lab.boards.places import board_folder
from tests.e2e.axe import violations
from tests.e2e.conftest import Watched
from tests.e2e.trials import WEB
from tests.own_vectors import OwnBoard, own_boards

BOARDS = {board.name: board for board in islice(own_boards(), 0, None, 8)}
"""The honest board of the vectors and some of the tampered ones."""


@pytest.fixture
def page(new_page: Any, tmp_path: Path) -> Any:
    """The file alone in a folder, without the rest of the bundle, in a browser without a network."""
    alone = shutil.copy(WEB / "verify-offline.html", tmp_path / "saved.html")
    opened = new_page()
    opened.context.set_offline(True)
    opened.goto(Path(alone).as_uri())
    return opened


def verdict(page: Any, folder: Path, board: OwnBoard) -> str:
    """Gives the page a board's folder, the policy and what was kept, and waits for its verdict line."""
    board_folder(folder / "board", board.files)
    (folder / "policy.txt").write_bytes(board.policy)
    page.locator("input[webkitdirectory]").set_input_files(folder / "board")
    page.locator("form input[type=file]:not([webkitdirectory])").first.set_input_files(folder / "policy.txt")
    page.locator("summary").first.click()
    for number, checkpoint in enumerate(board.kept):
        (folder / f"kept-{number}").write_bytes(checkpoint)
    if board.kept:
        paths = [folder / f"kept-{number}" for number in range(len(board.kept))]
        page.locator("form details input[type=file]").first.set_input_files(paths)
    page.locator("form button[type=submit]").click()
    line = page.locator("#verdict")
    line.wait_for(timeout=120_000)
    return str(line.inner_text())


def test_it_opens_from_disk_under_its_policy_and_asks_nobody(page: Any, watched: Watched) -> None:
    page.get_by_role("heading", level=1).wait_for()
    assert violations(page) == []
    assert [url for url in watched.urls if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("name", BOARDS)
def test_it_gives_the_verdict_of_the_vectors_in_workers_without_a_server(page: Any, tmp_path: Path, name: str) -> None:
    started: list[str] = []
    page.on("worker", lambda worker: started.append(worker.url))
    line = verdict(page, tmp_path, BOARDS[name])
    assert line.split()[0].rstrip(":,") == BOARDS[name].expected["verdict"]
    assert started, "the workers did not start"
    assert all(url.startswith("blob:") for url in started)
