"""The calls that make an entry durable fail, one after the other, with a full disk's and a broken disk's errors.

`strace` makes one call of each thread of the server fail, for the next ballot the next call of its kind, so that every
durable step of a ballot fails once. The server may refuse the ballot (503) or get it done; it may not acknowledge what
is not durable, and after the fault it goes on without a restart.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.faults.processes import HERE, Board, process_at, running_election

STRACE = shutil.which("strace")
MOST = int(os.environ.get("RETALLY_FAULT_CALLS", "4"))
"""How many calls of each kind fail, one at a time, at the most; by hand all of them (docs/faults.md)."""

KINDS = ("fsync", "fdatasync", "rename", "pwrite64", "openat", "mkdir", "ftruncate", "unlink")


@contextmanager
def traced(pid: int, log: Path, *how: str) -> Iterator[None]:
    """Every thread of the process under strace, with these options, for as long as the block runs."""
    assert STRACE is not None
    tracer = subprocess.Popen([STRACE, "-f", "-qq", "-o", str(log), "-p", str(pid), *how], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while any(_untraced(task) for task in Path(f"/proc/{pid}/task").iterdir()):
            if tracer.poll() is not None or time.monotonic() > deadline:
                said = tracer.stderr.read().decode() if tracer.poll() is not None and tracer.stderr else "it is slow"
                pytest.skip(f"strace cannot attach here: {said.strip()[-200:]}")
            time.sleep(0.01)
        yield
    finally:
        tracer.terminate()
        tracer.wait(30)


def _untraced(task: Path) -> bool:
    try:
        return "TracerPid:\t0" in (task / "status").read_text()
    except OSError:
        return False  # The thread has ended meanwhile.


def calls_of_a_ballot(board: Board, address: str, pid: int, name: str) -> Counter[str]:
    """How often each call is made while one ballot is cast."""
    log = board.folder / "calls"
    with traced(pid, log, "-e", f"trace={','.join(KINDS)}"):
        assert board.cast(address, name)
    made: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        call = line.split(None, 1)[1].split("(", 1)[0]
        if "/proc/" not in line and "/sys/" not in line and call in KINDS:
            made[call] += 1
    return made


@pytest.fixture
def board(tmp_path: Path, witnesses: int) -> Iterator[Board]:
    here = Board(tmp_path, running_election(40, witnesses))
    yield here
    here.end()


@pytest.mark.parametrize(("error", "witnesses"), [("EIO", 0), ("ENOSPC", 0), ("EIO", 1)])
def test_a_call_that_fails_never_loses_what_was_acknowledged(board: Board, error: str, witnesses: int) -> None:
    if STRACE is None:
        pytest.skip("strace is missing (Debian: apt-get install strace)")
    names = list(board.election.voters)
    with board.running() as address:
        board.begin(address)
        pid = process_at(int(address.rpartition(":")[2]))
        made = calls_of_a_ballot(board, address, pid, names[0])
        assert made["fsync"] + made["fdatasync"] >= 4, made
        # The lock, a tile or bundle, the checkpoint; with witnesses the pending one, too.
        assert made["rename"] >= 3 + witnesses, made
        assert made["pwrite64"] >= 2, made
        outcomes: Counter[str] = Counter()
        turn = 0
        for kind in (each for each in KINDS if made[each]):
            for which in range(1, min(made[kind], MOST) + 1):
                turn += 1
                name = names[turn % len(names)]
                before = board.receipts.copy()
                with traced(
                    pid,
                    board.folder / "faults",
                    "-e",
                    f"trace={kind}",
                    "-e",
                    f"inject={kind}:error={error}:when={which}",
                ):
                    answered = board.cast(address, name)
                    board.look()
                    # Reading goes on whatever happens to the disk.
                    assert httpx.get(f"{address}{HERE}", timeout=60).status_code == 200
                outcomes["acknowledged" if answered else "refused"] += 1
                if not answered:
                    assert board.receipts == before
                    status, text = board.refused.pop()
                    assert status == 503, text
                    assert "not-stored" in text or "not-ready" in text, text
                injected = (board.folder / "faults").read_text().count("INJECTED")
                outcomes["injected"] += bool(injected)
                # The same bytes, after the fault and without a restart.
                deadline = time.monotonic() + 60
                while name in board.unanswered and not board.cast(address, name):
                    assert time.monotonic() < deadline, (kind, which, board.refused[-1:])
                    time.sleep(0.1)
                board.refused.clear()
                # Neither does the witnesses' quorum wait for a restart.
                board.settle()
        assert outcomes["injected"] >= turn // 2, outcomes
        assert outcomes["refused"] >= 3, outcomes
        board.look()
    with board.running() as address:
        assert board.cast(address, names[0])
        board.settle()
    size = board.audit()
    assert size == len(board.election.entries) + len(board.receipts)
    print(f"\n{error}, {witnesses} witnesses: {turn} ballots, {dict(outcomes)}, calls of one ballot {dict(made)}")
