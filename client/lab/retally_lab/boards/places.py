"""Boards as a client meets them: in memory, in a folder, or behind an HTTP transport that the test writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from retally_verify.board import HttpBoard, TooLong

ADDRESS = "https://board.example/elections/2027"


class MemoryBoard:
    """A board whose files are a dictionary; `reads` lists what was asked for."""

    location = "memory"

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.reads: list[str] = []

    def read(self, path: str, limit: int) -> bytes | None:
        self.reads.append(path)
        content = self.files.get(path)
        if content is not None and len(content) > limit:
            raise TooLong(f"{path} is longer than {limit}")
        return content


def board_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Writes a board's files into a folder."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> HttpBoard:
    """A board over HTTP whose server is `handler`."""
    return HttpBoard(ADDRESS, httpx.MockTransport(handler))


def serving(files: Mapping[str, bytes]) -> HttpBoard:
    """A board over HTTP that serves these files."""

    def handler(request: httpx.Request) -> httpx.Response:
        content = files.get(request.url.path.removeprefix("/elections/2027/"))
        return httpx.Response(404) if content is None else httpx.Response(200, content=iter([content]))

    return answering(handler)
