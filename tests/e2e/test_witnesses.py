"""A voter, the page and the board's witness: recorded at once, witnessed when it answers, verified with its quorum."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from retally_crypto.checkpoints import open_checkpoint
from retally_crypto.notes import parse_vkey
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_server.board.witness_addresses import set_address
from tests.e2e import booth
from tests.e2e.axe import violations
from tests.e2e.booth import button
from tests.e2e.trials import Server, new_trial
from tests.witness_processes import run, serving

VOTING_SECONDS = 90
"""Two voters of a slow machine are done by then."""


def cosignatures(receipt: bytes, board: str, witness: str) -> int:
    note = parse_tlog_proof(receipt).checkpoint
    return len(open_checkpoint(note, parse_vkey(board), [parse_vkey(witness)], 1).cosignatures)


def test_a_ballot_is_recorded_then_witnessed_and_the_board_passes_with_its_quorum(
    server: Server, new_page: Any, tmp_path: Path
) -> None:
    key = run(tmp_path / "witness", "key", "witness.example/party").stdout.strip()
    boards: list[str] = []

    def board_made(board_key: str) -> None:
        boards.append(board_key)
        assert run(tmp_path / "witness", "log", "add", board_key).returncode == 0
        set_address(server.folder.data / "keys", "witnessed", parse_vkey(key), address)

    with serving(tmp_path / "witness") as (process, address):
        trial = new_trial(
            server,
            "witnessed",
            [0] * 2,
            board_made=board_made,
            witnesses={"keys": [key], "quorum": 1},
            closes=int(time.time()) + VOTING_SECONDS,
        )
        page = new_page(server)
        booth.enter(page, trial.invited(0))
        booth.fill(page, "Emmy", ("Monday",), 3)
        booth.encrypt(page)
        process.send_signal(signal.SIGSTOP)
        try:
            booth.cast(page)
            page.get_by_text("Recorded, not yet witnessed").wait_for()
            assert "0 of 1 needed witness has cosigned so far" in page.locator("main").inner_text()
            assert violations(page) == []
            assert cosignatures(saved(page, tmp_path / "before"), boards[0], key) == 0
        finally:
            process.send_signal(signal.SIGCONT)
        page.get_by_text("Recorded and witnessed").wait_for(timeout=60_000)
        assert "1 independent witness has cosigned the board with your ballot" in page.locator("main").inner_text()
        assert cosignatures(saved(page, tmp_path / "after"), boards[0], key) == 1

        # The link is the same for every voter: opened again in the first one's tab it would show her receipt.
        page = new_page(server)
        booth.vote(page, trial.invited(1), "Ada")
        page.get_by_text("Recorded and witnessed").wait_for(timeout=60_000)
        trial.finish()
        report = trial.live.report()
        assert report.verdict == "PASS"
        page = new_page(server)
        page.goto(trial.verify_link())
        button(page, "Start").click()
        page.get_by_text("PASS", exact=False).first.wait_for(timeout=60_000)
        assert "no witness" not in page.locator("main").inner_text().lower()


def saved(page: Any, path: Path) -> bytes:
    """The receipt as the page saves it."""
    with page.expect_download() as download:
        button(page, "Save the receipt").click()
    download.value.save_as(path)
    return path.read_bytes()
