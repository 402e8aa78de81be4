"""Kill -9 at random moments under load, again and again: nothing that was answered is lost, nothing shown is unsaid.

`RETALLY_FAULT_ROUNDS` sets how often (20 here; a hundred and more by hand, docs/faults.md).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.faults.processes import Board, process_at, running_election

ROUNDS = int(os.environ.get("RETALLY_FAULT_ROUNDS", "20"))
LOADERS = 3


def test_a_server_killed_again_and_again_under_load_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(2021)
    board = Board(tmp_path, running_election(60))
    with board.running() as address:
        board.begin(address)
    sizes = []
    for turn in range(ROUNDS):
        stop = threading.Event()
        with board.running() as address:
            pid = process_at(int(address.rpartition(":")[2]))
            loaders = [
                threading.Thread(target=board.load, args=(address, stop, share, LOADERS)) for share in range(LOADERS)
            ]
            for loader in loaders:
                loader.start()
            until = time.monotonic() + chance.uniform(0.02, 0.5)
            # Every other kill, and the last, comes after an answer of its own round, however slow the machine is:
            # where nothing was acknowledged nothing could be lost.
            wanted = len(board.receipts) + (turn % 2 == 0 or turn == ROUNDS - 1)
            while time.monotonic() < until or len(board.receipts) < wanted:
                assert time.monotonic() < until + 120, "no ballot is acknowledged"
                board.look()
                time.sleep(0.002)
            os.kill(pid, 9)
            stop.set()
            for loader in loaders:
                loader.join(120)
        board.look()
        sizes.append(len(board.receipts))
    with board.running() as address:
        for name in list(board.unanswered):
            assert board.cast(address, name)
    size = board.audit()
    assert size == len(board.election.entries) + len(board.receipts)
    assert sizes[-1] > sizes[0] > 0
    assert not board.refused, board.refused[:3]
    print(f"\n{ROUNDS} kills, {len(board.receipts)} ballots acknowledged, {len(board.shown)} checkpoints seen")


def test_a_server_killed_while_it_starts_comes_up_the_next_time(tmp_path: Path) -> None:
    board = Board(tmp_path, running_election(12))
    with board.running() as address:
        board.begin(address)
        for name in board.election.voters:
            assert board.cast(address, name)
    chance = random.Random(1)
    for _ in range(max(4, ROUNDS // 4)):
        # Files that must be written anew make the start longer, and are killed in the middle of it.
        for file in (board.data / "boards" / "2027" / "tile").rglob("*.p/*"):
            file.unlink()
        process = subprocess.Popen(
            [sys.executable, "-m", "retally_server.operator.cli", "serve"],
            env=board.server.environment(0),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.3, 1.5))
        process.kill()
        process.wait()
    with board.running() as address:
        assert board.cast(address, next(iter(board.election.voters)))
    board.audit()
