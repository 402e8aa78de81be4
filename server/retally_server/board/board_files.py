"""A board's static files (docs/spec 3.1): entry bundles, hash tiles, and the checkpoint that says how far they reach.

All of them follow from the database. They are written in this order, each durably (`tile_storage.py`): bundles and
tiles first, the checkpoint last, so that whoever reads a checkpoint finds every file it needs. Tiles never change: a
file that differs from what the database says is damaged and is written anew.

A partial tile is kept until the full one has been there for the length of another tile; a reader with an older
checkpoint then takes the full one (C2SP tlog-tiles, "Partial Tiles").
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from retally_crypto.tile_files import encode_bundle
from retally_crypto.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, bundle_path, tile_path
from retally_server.board.folder_storage import FolderStorage
from retally_server.board.hash_tree import HashTree
from retally_server.board.storage_places import open_storage
from retally_server.board.tile_storage import TileStorage
from retally_server.settings import Settings

_AT_ONCE = 32

CHECKPOINT = "checkpoint"
PENDING = "checkpoint.pending"
"""With witnesses only: the newest signed checkpoint, which the quorum need not have cosigned yet."""

Entries = Callable[[int, int], Iterable[bytes]]
"""Gives the entries of the indices first..end-1."""


def tiles_for(old: int, sizes: Sequence[int]) -> Iterator[Bundle | Tile]:
    """The bundles and tiles that checkpoints of these sizes (ascending, above `old`) need beyond those of size `old`.

    Of those that are full at the last size only the full ones.
    """
    last, level = sizes[-1], 0
    while last >> TILE_HEIGHT * level:
        full = last >> TILE_HEIGHT * (level + 1)
        counts = [size >> TILE_HEIGHT * level for size in sizes]
        widths = {count % TILE_WIDTH for count in counts if count >> TILE_HEIGHT == full} - {0}
        wanted = [(index, TILE_WIDTH) for index in range(old >> TILE_HEIGHT * (level + 1), full)]
        wanted += [(full, width) for width in sorted(widths)]
        if level == 0:
            yield from (Bundle(index, width) for index, width in wanted)
        yield from (Tile(level, index, width) for index, width in wanted)
        level += 1


class BoardFiles:
    """The files of one board."""

    def __init__(self, place: Path | TileStorage) -> None:
        """`place` is a storage, or a local folder, which need not exist yet."""
        self._storage = FolderStorage(place) if isinstance(place, Path) else place

    def write_tiles(self, tree: HashTree, entries: Entries, old: int, sizes: Sequence[int]) -> list[str]:
        """Writes what `tiles_for` says, as far as it is not there; `entries(first, end)` gives the entries of a range.

        Returns the paths of damaged files that were written anew. OSError if the storage refuses.
        """
        damaged: list[str] = []
        for some in _some_at_a_time(_contents(tree, entries, old, sizes)):
            damaged += self._storage.keep([(name, content) for _file, name, content in some])
            for file, _name, _content in some:
                if file.width == TILE_WIDTH and file.index > 0:
                    self._storage.remove_partials(_path(replace(file, index=file.index - 1)))
        return damaged

    def differing(self, tree: HashTree, entries: Entries, size: int) -> list[str]:
        """The files that a checkpoint of `size` needs and that are missing or wrong."""
        return [
            name for _file, name, content in _contents(tree, entries, 0, [size]) if self._storage.read(name) != content
        ]

    def publish(self, note: bytes, name: str = CHECKPOINT) -> None:
        """Replaces a checkpoint, never by a smaller one. From here on everybody sees it.

        OSError if the storage refuses, or if a larger one is there: then somebody else publishes this board.
        """
        size = _size_of(note)
        self._storage.replace(name, note, lambda there: _size_of(there) <= size)

    def checkpoint(self, name: str = CHECKPOINT) -> bytes | None:
        """A published checkpoint, None before the first of this name."""
        return self._storage.read(name)

    def tile(self, name: str) -> bytes | None:
        """A tile or bundle by its path (`tile/…`), None if it is not there. OSError if the storage does not answer."""
        return self._storage.read(name)


def open_board_files(settings: Settings, slug: str) -> BoardFiles:
    """The files of the board `slug`, where the settings say. Unusable if that is no place."""
    return BoardFiles(open_storage(settings.tiles, settings.files.resolve(), slug, settings.checkpoint_seconds))


def _contents(
    tree: HashTree, entries: Entries, old: int, sizes: Sequence[int]
) -> Iterator[tuple[Bundle | Tile, str, bytes]]:
    for file in tiles_for(old, sizes):
        if isinstance(file, Bundle):
            first = file.index * TILE_WIDTH
            yield file, bundle_path(file), encode_bundle(list(entries(first, first + file.width)))
        else:
            yield file, tile_path(file), tree.tile(file.level, file.index, file.width)


def _some_at_a_time(
    files: Iterator[tuple[Bundle | Tile, str, bytes]],
) -> Iterator[list[tuple[Bundle | Tile, str, bytes]]]:
    while some := list(islice(files, _AT_ONCE)):
        yield some


def _path(file: Bundle | Tile) -> str:
    return bundle_path(file) if isinstance(file, Bundle) else tile_path(file)


def _size_of(note: bytes) -> int:
    """The size that a checkpoint says; 0 for what is none, which anything may replace."""
    lines = note.split(b"\n", 2)
    return int(lines[1]) if len(lines) == 3 and lines[1].isdigit() and len(lines[1]) < 20 else 0
