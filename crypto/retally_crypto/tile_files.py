"""A log's files for whoever writes, serves or copies them (C2SP tlog-tiles; specification 3.1).

Which tiles and bundles a log of some size has, what is in them, and what file a path names. How a tile or a bundle is
read: `retally_crypto.tiles`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retally_crypto.errors import Malformed
from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_crypto.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile
from retally_crypto.tree_proofs import HashAt

MAX_LEVEL = 63

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")

_MAX_INDEX_DIGITS = 21


def parse_tile_path(path: str) -> Tile | Bundle:
    """What file a path names; raises Malformed unless it is the one way to write that path."""
    match = _PATH.fullmatch(path)
    if match is None or len(path) > 3 * _MAX_INDEX_DIGITS:
        raise Malformed(f"tile path {path[:80]!r}: not of the form tile/<level or entries>/<index>[.p/<width>]")
    level, digits, width = match.groups()
    index = int(digits.replace("x", "").replace("/", ""))
    if (level != "entries" and int(level) > MAX_LEVEL) or (width is not None and int(width) >= TILE_WIDTH):
        raise Malformed(f"tile path {path!r}: level above {MAX_LEVEL} or width above {TILE_WIDTH - 1}")
    count = int(width) if width is not None else TILE_WIDTH
    file = Bundle(index, count) if level == "entries" else Tile(int(level), index, count)
    if file.path != path:
        raise Malformed(f"tile path {path!r}: not the shortest form of index {index}")
    return file


def changed_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The tiles that a tree of `new_size` has and a tree of `old_size` has not, level by level, in ascending order."""
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree does not grow from {old_size} to {new_size}")
    level = 0
    while new_size:
        for index, width in _changed(old_size, new_size):
            yield Tile(level, index, width)
        old_size >>= TILE_HEIGHT
        new_size >>= TILE_HEIGHT
        level += 1


def changed_bundles(old_size: int, new_size: int) -> Iterator[Bundle]:
    """The entry bundles that a board of `new_size` entries has and one of `old_size` has not."""
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a board does not grow from {old_size} to {new_size}")
    for index, width in _changed(old_size, new_size):
        yield Bundle(index, width)


def _changed(old_count: int, new_count: int) -> Iterator[tuple[int, int]]:
    if old_count < new_count:
        for index in range(old_count // TILE_WIDTH, -(-new_count // TILE_WIDTH)):
            yield index, min(TILE_WIDTH, new_count - index * TILE_WIDTH)


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of a tree of `size` leaves, partial ones only where the tree ends."""
    return changed_tiles(0, size)


def bundles_of(size: int) -> Iterator[Bundle]:
    """All entry bundles of a board of `size` entries."""
    return changed_bundles(0, size)


def tile_bytes(tile: Tile, hash_at: HashAt) -> bytes:
    """The content of a tile, 32·width bytes, from a source of subtree hashes."""
    first = tile.index * TILE_WIDTH
    return b"".join(hash_at(TILE_HEIGHT * tile.level, first + place) for place in range(tile.width))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry preceded by its length as 2 bytes, big-endian."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ValueError(f"a bundle cannot hold {len(entries)} entries")
    for place, entry in enumerate(entries):
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"entry {place} of the bundle has {len(entry)} bytes, more than {MAX_ENTRY_BYTES}")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
