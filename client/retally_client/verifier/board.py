"""Reading a board's public files, from a downloaded folder or over HTTP (docs/spec, 3.1).

The operator is the adversary: every file has a size limit that is enforced while reading, nothing is decompressed,
redirects are not followed, and a board that does not answer is an error and not an empty board.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from retally_crypto.errors import RetallyError
from retally_crypto.notes import MAX_NOTE_BYTES

CHECKPOINT_LIMIT = MAX_NOTE_BYTES
TILE_LIMIT = 256 * 32
BUNDLE_LIMIT = 256 * (2 + 65_535)
ATTEMPTS = 3
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Never asked through a proxy that the environment names."""


class Unreachable(RetallyError):
    """The board could not be read: no such folder, no answer, an answer that is not the file asked for."""


class TooLong(Unreachable):
    """The board has the file, and it is longer than any right one: whoever verifies takes it as a wrong file."""


class Board(Protocol):
    """A place that holds the files of one board."""

    location: str

    def read(self, path: str, limit: int) -> bytes | None:
        """The file at `path`, or None if the board says that it has no such file.

        Raises Unreachable when the place does not answer, TooLong when the file is longer than `limit` bytes.
        """
        ...


class FolderBoard:
    """A board in a folder, as `retally mirror` and the server leave it."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise Unreachable(f"{folder} is not a folder")
        self.location = str(folder)
        self._folder = folder

    def read(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._folder / path).open("rb") as file:
                content = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unreachable(f"{path} in {self.location} cannot be read: {error.strerror}") from error
        if len(content) > limit:
            raise TooLong(f"{path} in {self.location} is longer than the {limit} bytes it may have")
        return content


class HttpBoard:
    """A board under a URL prefix."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.location = url.rstrip("/")
        try:
            own_machine = httpx.URL(url).host in LOOPBACK
        except httpx.InvalidURL as error:
            raise Unreachable(f"{url} is not an address: {error}") from None
        self._client = httpx.Client(
            transport=transport,
            trust_env=not own_machine,
            timeout=httpx.Timeout(30, connect=10),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )

    def read(self, path: str, limit: int) -> bytes | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._read_once(path, limit)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise Unreachable(f"{self.location}/{path} does not answer: {type(error).__name__}") from error
                time.sleep(attempt)
        raise AssertionError("unreachable")

    def _read_once(self, path: str, limit: int) -> bytes | None:
        with self._client.stream("GET", f"{self.location}/{path}") as response:
            if response.status_code == 404:
                return None
            if response.status_code != 200:
                raise Unreachable(f"{self.location}/{path} answers with status {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unreachable(f"{self.location}/{path} comes compressed although that was not asked for")
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > limit:
                    raise TooLong(f"{self.location}/{path} is longer than the {limit} bytes it may have")
            return bytes(content)


def open_board(location: str) -> Board:
    """The board at a URL (http, https) or in a folder. Raises Unreachable when there is neither."""
    try:
        parts = urlsplit(location)
        # Reading the port checks it.
        _ = parts.port
    except ValueError as error:
        raise Unreachable(f"{location} is not an address: {error}") from None
    if parts.scheme in ("http", "https"):
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise Unreachable(
                f"{location} is not the address of a board: it has a user, a query or a fragment, or no host"
            )
        return HttpBoard(location)
    return FolderBoard(Path(location))
