"""Disks that are full, read-only or out of names under a running server; each a small file system of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.processes import HERE, Board, running_election


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,nr_inodes=2k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here (it needs root)")
    yield place
    subprocess.run(["umount", "-l", place], check=False)


def fill(disk: Path, how: str) -> None:
    if how == "full":
        with (disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(65_536))
            except OSError:
                return
    elif how == "out of names":
        (disk / "names").mkdir()
        try:
            for number in range(10_000):
                (disk / "names" / str(number)).touch()
        except OSError:
            return
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def relieve(disk: Path, how: str) -> None:
    if how == "full":
        (disk / "filler").unlink()
    elif how == "out of names":
        for file in (disk / "names").iterdir():
            file.unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


@pytest.mark.parametrize("how", ["full", "out of names", "read-only"])
@pytest.mark.parametrize("place", ["data", "locks"])
def test_a_disk_that_takes_nothing_stops_acknowledging_and_nothing_else(
    tmp_path: Path, disk: Path, how: str, place: str
) -> None:
    board = Board(disk if place == "data" else tmp_path / "board", running_election(6))
    if place == "locks":
        # Beside the data folder by default: here on the disk that fills up.
        (disk / "locks").mkdir()
        (board.folder / "data-locks").symlink_to(disk / "locks")
    first, *others = board.election.voters
    with board.running() as address:
        board.begin(address)
        assert board.cast(address, first)
        if place == "data" and how == "read-only":
            # The log of this process is on the same disk, and a file that is open for writing keeps it writable.
            pytest.skip("a disk with files open for writing cannot be made read-only")
        fill(disk, how)
        assert not board.cast(address, others[0])
        status, text = board.refused.pop()
        assert (status, "not-stored" in text) == (503, True), text
        board.look()
        assert httpx.get(f"{address}{HERE}/checkpoint", timeout=60).status_code == 200
        assert httpx.get(f"{address}{HERE}", timeout=60).status_code == 200
        relieve(disk, how)
        deadline = time.monotonic() + 60
        while others[0] in board.unanswered and not board.cast(address, others[0]):
            assert time.monotonic() < deadline, board.refused[-1:]
            time.sleep(0.1)
        board.refused.clear()
        for name in others:
            assert board.cast(address, name)
    with board.running() as address:
        assert board.cast(address, first)
    assert board.audit() == len(board.election.entries) + len(board.receipts)
