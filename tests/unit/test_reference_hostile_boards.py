"""What strangers put into a folder or on a board costs the reference verifier no more than reading it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def _named_pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("plant", "says"),
    [(_named_pipe, "no regular file"), (_loop, "no regular file"), (_link_to_a_device, "a link that leads out of")],
)
def test_what_is_no_regular_file_of_the_folder_is_named_and_never_waited_for(
    tmp_path: Path, plant: Callable[[Path], None], says: str
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    plant(folder / "checkpoint")
    program = (
        "import sys; from retally_reference.board import open_board\n"
        "try: open_board(sys.argv[1])('checkpoint')\n"
        "except OSError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.startswith("checkpoint")
    assert says in done.stdout
