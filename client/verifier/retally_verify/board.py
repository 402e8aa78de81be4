"""Reading a board's public files, from a downloaded folder or over HTTP (docs/spec, 3.1).

The operator is the adversary: every file has a limit of its size and of the time it may take, nothing is decompressed,
redirects are not followed (`fetching`), and a board that does not answer is an error and not an empty board.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx

from retally_crypto.tile_proofs import ReadTile
from retally_crypto.tiles import Tile
from retally_verify.board_folder import read_within
from retally_verify.fetching import Fetcher, TooSlow, Waits, nobody_is_told
from retally_verify.files import (
    BUNDLE_LIMIT,
    CHECKPOINT_LIMIT,
    TILE_LIMIT,
    Board,
    TooLong,
    Unreachable,
    read_file,
)

__all__ = [
    "BUNDLE_LIMIT",
    "CHECKPOINT_LIMIT",
    "TILE_LIMIT",
    "Board",
    "FolderBoard",
    "HttpBoard",
    "TooLong",
    "Unreachable",
    "open_board",
    "read_file",
    "tile_reader",
]

IF_TOO_SLOW = (
    "Try again later: the same command goes on where this one stopped (unless it was told to forget). "
    "Or fetch the board with `retally mirror`, which keeps every file that came, and verify that folder; "
    "or ask another host that mirrors this board."
)


class FolderBoard:
    """A board in a folder, as `retally mirror` and the server leave it; of it only regular files are read."""

    def __init__(self, folder: Path) -> None:
        try:
            found = folder.is_dir()
        except OSError as error:
            raise Unreachable(f"{folder} cannot be read: {error.strerror}") from error
        if not found:
            raise Unreachable(f"{folder} is not a folder; an address begins with https:// or http://")
        self.location = str(folder)
        self._folder = folder

    def read(self, path: str, limit: int) -> bytes | None:
        try:
            content = read_within(self._folder, path, limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unreachable(f"{path} in {self.location} cannot be read: {error.strerror}") from error
        if len(content) > limit:
            raise TooLong(f"{path} is longer than the {limit} bytes it may have")
        return content


class HttpBoard:
    """A board under a URL prefix."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None, waits: Waits = nobody_is_told) -> None:
        self.location = url.rstrip("/")
        self._fetcher = Fetcher(self.location, transport, waits=waits)

    def read(self, path: str, limit: int) -> bytes | None:
        try:
            return self._fetcher.fetch(path, limit)
        except TooSlow as error:
            raise TooSlow(f"{error}. {IF_TOO_SLOW}") from None


def open_board(location: str, waits: Waits = nobody_is_told) -> Board:
    """The board at a URL (http, https) or in a folder; `waits` hears of files that do not come at once. Raises
    Unreachable when there is neither."""
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
        return HttpBoard(location, waits=waits)
    return FolderBoard(Path(location))


def tile_reader(board: Board) -> ReadTile:
    """Hash tiles of a board, not yet verified, for proofs. Raises Unreachable for a tile that is not there."""

    def read(level: int, index: int, width: int) -> bytes:
        tile = Tile(level, index, width)
        raw = read_file(board, tile)
        if raw is None:
            raise Unreachable(f"{board.location} has no {tile.path}")
        return raw

    return read
