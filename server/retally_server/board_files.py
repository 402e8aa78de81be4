"""A board's static files (docs/spec 3.1): entry bundles, hash tiles, and the checkpoint that says how far they reach.

All of them follow from the database. They are written in this order, each durably (`durable.py`): bundles and tiles
first, the checkpoint last, so that whoever reads a checkpoint finds every file it needs. Tiles never change: a file
that differs from what the database says is damaged and is written anew.

A partial tile is kept until the full one has been there for the length of another tile; a reader with an older
checkpoint then takes the full one (C2SP tlog-tiles, "Partial Tiles").
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from retally_crypto.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, bundle_path, encode_bundle, tile_path
from retally_server.durable import write_durably
from retally_server.hash_tree import HashTree

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
    """The folder of one board."""

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist yet."""
        self.folder = folder

    def write_tiles(self, tree: HashTree, entries: Entries, old: int, sizes: Sequence[int]) -> list[str]:
        """Writes what `tiles_for` says, as far as it is not there; `entries(first, end)` gives the entries of a range.

        Returns the paths of damaged files that were written anew. OSError if the disk refuses.
        """
        damaged = []
        for file, name, content in _contents(tree, entries, old, sizes):
            there = _read(self.folder / name)
            if there != content:
                if there is not None:
                    damaged.append(name)
                write_durably(self.folder / name, content)
            if file.width == TILE_WIDTH and file.index > 0:
                self._remove_partial(file)
        return damaged

    def differing(self, tree: HashTree, entries: Entries, size: int) -> list[str]:
        """The files that a checkpoint of `size` needs and that are missing or wrong."""
        return [
            name for _file, name, content in _contents(tree, entries, 0, [size]) if _read(self.folder / name) != content
        ]

    def publish(self, note: bytes, name: str = CHECKPOINT) -> None:
        """Replaces a checkpoint. From here on everybody sees it. OSError if the disk refuses."""
        write_durably(self.folder / name, note)

    def checkpoint(self, name: str = CHECKPOINT) -> bytes | None:
        """A published checkpoint, None before the first of this name."""
        return _read(self.folder / name)

    def _remove_partial(self, full: Bundle | Tile) -> None:
        before = full.index - 1
        name = (
            bundle_path(Bundle(before, TILE_WIDTH))
            if isinstance(full, Bundle)
            else tile_path(Tile(full.level, before, TILE_WIDTH))
        )
        shutil.rmtree(self.folder / f"{name}.p", ignore_errors=True)


def _contents(
    tree: HashTree, entries: Entries, old: int, sizes: Sequence[int]
) -> Iterator[tuple[Bundle | Tile, str, bytes]]:
    for file in tiles_for(old, sizes):
        if isinstance(file, Bundle):
            first = file.index * TILE_WIDTH
            yield file, bundle_path(file), encode_bundle(list(entries(first, first + file.width)))
        else:
            yield file, tile_path(file), tree.tile(file.level, file.index, file.width)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
