"""The browser's verifier, run by Node over boards in folders: what tests of agreement compare the others with.

`client/web/node/verifyFolders.ts` is built into `client/web/dist-node` when it is older than its sources. Where Node or
the web client's packages are missing, the tests are skipped, loudly.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.client_boards import board_folder

WEB = Path(__file__).resolve().parent.parent / "client" / "web"
BUILT = WEB / "dist-node" / "verifyFolders.js"
SOURCES = ("node", "src/core", "src/board", "src/verifier")


@dataclass(frozen=True)
class BoardToVerify:
    """A board's files, the text of a trust policy, and what an auditor brings along."""

    files: Mapping[str, bytes]
    policy: bytes
    kept: Sequence[bytes] = ()
    receipts: Sequence[bytes] = ()


def node() -> str:
    """Node's path; skips the test where Node or the packages of the web client are missing."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("NOT TESTED: node is missing, so the browser's verifier was not compared with the others")
    if not (WEB / "node_modules" / "vite").is_dir():
        pytest.skip("NOT TESTED: client/web/node_modules is missing (npm ci), the browser's verifier was not compared")
    return found


def build(program: str) -> None:
    """Builds the verifier for Node, unless it is newer than everything it is made of."""
    sources = [path for folder in SOURCES for path in (WEB / folder).rglob("*.ts")]
    sources += [WEB / "vite.node.config.ts", WEB / "package-lock.json"]
    if BUILT.exists() and BUILT.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    done = subprocess.run(
        [program, str(vite), "build", "--config", "vite.node.config.ts"],
        cwd=WEB,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def lay_out(folder: Path, board: BoardToVerify) -> Path:
    """Writes a board where the Node program expects it."""
    board_folder(folder, {**board.files, "policy.txt": board.policy})
    for name, contents in (("kept-{:03}.checkpoint", board.kept), ("receipt-{:03}", board.receipts)):
        for position, content in enumerate(contents):
            (folder / name.format(position)).write_bytes(content)
    return folder


def verify_in_node(boards: Mapping[str, BoardToVerify], place: Path) -> dict[str, dict[str, Any]]:
    """What the browser's verifier finds on each board: one process a core, each over its share."""
    program = node()
    build(program)
    folders = {name: str(lay_out(place / f"{at:04}", board)) for at, (name, board) in enumerate(boards.items())}
    shards = max(1, min(os.cpu_count() or 1, 8))
    listed = list(folders.values())
    running = [
        subprocess.Popen([program, str(BUILT), *listed[at::shards]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for at in range(shards)
    ]
    found: dict[str, Any] = {}
    for process in running:
        out, err = process.communicate(timeout=900)
        assert process.returncode == 0, err.decode()
        found |= json.loads(out)["boards"]
    return {name: found[folder] for name, folder in folders.items()}
