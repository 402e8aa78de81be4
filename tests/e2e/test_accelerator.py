"""The accelerator of the verifier's page, over a real server with its policies.

It is off unless somebody switches it on, said in words where it is on, and replaced by the page's own code, in words
again, where its file does not arrive whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from retally_lab.boards.places import board_folder
from tests.e2e.axe import violations
from tests.e2e.conftest import Watched
from tests.e2e.trials import WEB, Server
from tests.own_vectors import OwnBoard, own_boards

pytestmark = pytest.mark.skipif(
    not list(WEB.glob("assets/engine-*.wasm")),
    reason="NOT TESTED: this build has no accelerator (scripts/accelerator.sh says why)",
)
BOARDS = {board.name: board for board in own_boards()}
HONEST = next(board for board in BOARDS.values() if board.expected["verdict"] == "PASS")
TAMPERED = next(board for board in BOARDS.values() if board.expected["states"]["V10"] == "fail")
SAID = {
    "en-GB": "Accelerated by the native engine\N{RIGHT SINGLE QUOTATION MARK}s code: not an independent verifier",
    "ru-RU": "Ускорено кодом основной программы: это не независимая проверка",
}


def verify(page: Any, server: Server, board: OwnBoard, folder: Path) -> str:
    """Has the page verify a board from a folder with the accelerator on, and waits for the verdict."""
    board_folder(folder / "board", board.files)
    (folder / "policy.txt").write_bytes(board.policy)
    page.goto(f"{server.address}/verify.html")
    page.locator("input[type=radio][value=folder]").check()
    page.locator("input[webkitdirectory]").set_input_files(folder / "board")
    page.locator("form input[type=file]:not([webkitdirectory])").first.set_input_files(folder / "policy.txt")
    switch = page.locator("input[aria-describedby=accelerate-hint]")
    assert not switch.is_checked()
    switch.check()
    page.locator("form button[type=submit]").click()
    line = page.locator("#verdict")
    line.wait_for(timeout=120_000)
    return str(line.inner_text()).split()[0].rstrip(":,")


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("board", [HONEST, TAMPERED], ids=["honest", "tampered"])
def test_switched_on_it_gives_the_verdict_and_says_what_it_is(
    server: Server, new_page: Any, tmp_path: Path, language: str, board: OwnBoard
) -> None:
    page = new_page(server, locale=language)
    started: list[str] = []
    page.on("worker", lambda worker: started.append(worker.url))
    assert verify(page, server, board, tmp_path) == board.expected["verdict"]
    assert page.get_by_text(SAID[language]).is_visible()
    assert any(re.search(r"/assets/accelerated\.worker-", url) for url in started)
    assert violations(page) == []


@pytest.mark.parametrize("damage", ["missing", "corrupted", "its worker is missing"])
def test_without_a_whole_engine_the_page_verifies_by_itself_and_says_so(
    server: Server, new_page: Any, watched: Watched, tmp_path: Path, damage: str
) -> None:
    watched.expected += ["Failed to load resource", "Failed to find a valid digest", "integrity checks failed"]
    page = new_page(server)
    name = "accelerated.worker-*.js" if damage == "its worker is missing" else "engine-*.wasm"
    raw = next(WEB.glob("assets/engine-*.wasm")).read_bytes()
    corrupted = {"status": 200, "content_type": "application/wasm", "body": raw[:-1] + bytes([raw[-1] ^ 1])}
    answer = corrupted if damage == "corrupted" else {"status": 404, "body": ""}
    page.route(f"**/assets/{name}", lambda route: route.fulfill(**answer))
    for board in (HONEST, TAMPERED):
        assert verify(page, server, board, tmp_path / board.name.replace(" ", "-")) == board.expected["verdict"]
        assert page.locator("#not-accelerated").is_visible()
        assert page.locator("#accelerated").count() == 0


def test_the_booth_has_none(server: Server, new_page: Any) -> None:
    page = new_page(server)
    page.goto(f"{server.address}/")
    asked = page.evaluate(
        "() => { try { new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); return 'compiled'; }"
        " catch (error) { return error.name; } }"
    )
    assert asked == "CompileError"
