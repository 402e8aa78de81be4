"""A real ballot server in a process of its own, on loopback, for as long as a block runs."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from retally_crypto.errors import Unusable
from retally_crypto.notes import VerifierKey, format_vkey

START_SECONDS = 60.0


@dataclass(frozen=True)
class ServerFolder:
    """The server's data folder, with the passphrase of its board keys beside it (this is a trial: both on one disk).

    `web` is a build of the web client to be served, if any.
    """

    data: Path
    passphrase_file: Path
    web: Path | None = None

    def environment(self, port: int) -> dict[str, str]:
        pages = {} if self.web is None else {"RETALLY_WEB": str(self.web), "RETALLY_TURNOUT_SECONDS": "60"}
        return (
            os.environ
            | pages
            | {
                "RETALLY_DATA": str(self.data),
                "RETALLY_HOST": "127.0.0.1",
                "RETALLY_PORT": str(port),
                "RETALLY_KEY_PASSPHRASE_FILE": str(self.passphrase_file),
            }
        )


def make_server_folder(folder: Path, web: Path | None = None) -> ServerFolder:
    """An empty data folder and a fresh passphrase; with the pages of a build of the web client, if one is named."""
    folder.mkdir(parents=True)
    passphrase_file = folder / "board-key-passphrase"
    passphrase_file.touch(mode=0o600)
    passphrase_file.write_text(secrets.token_urlsafe(24) + "\n")
    return ServerFolder(folder / "data", passphrase_file, web)


def new_board_key(server: ServerFolder, slug: str, origin_host: str, authority: VerifierKey) -> str:
    """Has the server make the key of a board for this authority; returns its verifier key, for the manifest."""
    named = ["--origin-host", origin_host, "--authority", format_vkey(authority)]
    command = [*_program(), "board", "new", slug, *named]
    done = subprocess.run(command, env=server.environment(0), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unusable(f"the server makes no board key: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def running_server(server: ServerFolder, log: Path, port: int = 0) -> Iterator[str]:
    """Starts the server and yields its address, http://127.0.0.1:PORT; stops it gracefully at the end.

    Raises Unusable if it does not come up; its log is in `log`.
    """
    with log.open("w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [*_program(), "serve"],
            env=server.environment(port),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        listening: list[int] = []
        reader = threading.Thread(target=_follow, args=(process, sink, listening), daemon=True)
        reader.start()
        try:
            yield _wait_until_ready(process, listening, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reader.join(timeout=10)


def _program() -> list[str]:
    return [sys.executable, "-m", "retally_server.operator.cli"]


def _follow(process: subprocess.Popen[str], sink: object, listening: list[int]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        print(line, end="", file=sink, flush=True)  # type: ignore[call-overload]
        if '"listening"' in line:
            listening.append(int(json.loads(line)["port"]))


def _wait_until_ready(process: subprocess.Popen[str], listening: list[int], log: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unusable(f"the server ended with exit code {process.returncode}; its log is {log}")
        if listening:
            address = f"http://127.0.0.1:{listening[0]}"
            try:
                if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                    return address
            except httpx.TransportError:
                pass
        time.sleep(0.05)
    raise Unusable(f"the server does not answer after {START_SECONDS:.0f} seconds; its log is {log}")
