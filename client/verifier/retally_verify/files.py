"""What a verifier asks of a board: files by their path, each with a limit to its size.

Whatever answers is not trusted: a file may be absent, wrong or too long, and the place may not answer at all. The first
three are found by whoever asked; only the last is nobody's verdict. Places that answer: `board`.
"""

from __future__ import annotations

from typing import Protocol

from retally_crypto.errors import RetallyError
from retally_crypto.merkle import HASH_BYTES
from retally_crypto.notes import MAX_ENTRY_BYTES, MAX_NOTE_BYTES
from retally_crypto.tiles import TILE_WIDTH, Bundle, Tile

CHECKPOINT_LIMIT = MAX_NOTE_BYTES
TILE_LIMIT = TILE_WIDTH * HASH_BYTES
BUNDLE_LIMIT = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)


class Unreachable(RetallyError):
    """The file could not be read: no such folder, no answer, an answer that is not the file asked for."""


class TooLong(RetallyError):
    """The file is there, and it is longer than any right one: whoever verifies takes it as a wrong file."""


class Board(Protocol):
    """A place that holds the files of one board."""

    location: str

    def read(self, path: str, limit: int) -> bytes | None:
        """The file at `path`, or None if the board says that it has no such file.

        Raises Unreachable when the place does not answer, TooLong when the file is longer than `limit` bytes.
        """
        ...


def read_file(board: Board, file: Tile | Bundle) -> bytes | None:
    """A tile or bundle, not yet verified; None if the board has neither it nor the full one that it grew to, which a
    board need not keep beside it. Raises as `Board.read`."""
    limit = TILE_LIMIT if isinstance(file, Tile) else BUNDLE_LIMIT
    raw = board.read(file.path, limit)
    if raw is None and file != file.full:
        full = board.read(file.full.path, limit)
        raw = None if full is None else file.cut(full)
    return raw
