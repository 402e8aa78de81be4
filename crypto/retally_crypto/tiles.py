"""A log as static files: hash tiles and entry bundles (C2SP tlog-tiles; specification 3.1).

Where a tile or a bundle is, and how its bytes are read. Which files a log of some size has, and how they are written:
`retally_crypto.tile_files`; proofs from tiles: `retally_crypto.tile_proofs`.

A tile of level l and index n holds up to 256 hashes; hash i of it is the root over the 256^l leaves from
(256·n + i)·256^l on. Width 256 is a full tile, less is a partial one. Entry bundles are cut like the tiles of level 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from retally_crypto.errors import Malformed
from retally_crypto.merkle import HASH_BYTES

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT


@dataclass(frozen=True)
class Tile:
    """Which hashes: level, index within the level, width 1..256."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it is, relative to the board's prefix."""
        return tile_path(self)

    @property
    def full(self) -> Tile:
        """The tile of width 256 that this one grows to; a board that has it need not keep this one."""
        return Tile(self.level, self.index, TILE_WIDTH)

    def cut(self, full: bytes) -> bytes:
        """This tile's bytes, from those of the full one."""
        return full[: HASH_BYTES * self.width]


@dataclass(frozen=True)
class Bundle:
    """Which entries: bundle index, width 1..256."""

    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it is, relative to the board's prefix."""
        return bundle_path(self)

    @property
    def first(self) -> int:
        """The index of its first entry."""
        return TILE_WIDTH * self.index

    @property
    def full(self) -> Bundle:
        """The bundle of width 256 that this one grows to; a board that has it need not keep this one."""
        return Bundle(self.index, TILE_WIDTH)

    @property
    def leaves(self) -> Tile:
        """The tile of level 0 with the hashes of the same entries."""
        return Tile(0, self.index, self.width)

    def cut(self, full: bytes) -> bytes:
        """This bundle's bytes, from those of the full one. They are as right or wrong as those are."""
        end = 0
        for _ in range(self.width):
            end += 2 + int.from_bytes(full[end : end + 2], "big")
        return full[:end]

    def entries(self, raw: bytes) -> tuple[bytes, ...]:
        """The entries in this bundle's bytes. Raises Malformed unless they are exactly `width`."""
        return decode_bundle(raw, self.width)


def tile_path(tile: Tile) -> str:
    """`tile/<L>/<N>[.p/<W>]`, relative to the board's prefix."""
    return _path(str(tile.level), tile.index, tile.width)


def bundle_path(bundle: Bundle) -> str:
    """`tile/entries/<N>[.p/<W>]`, relative to the board's prefix."""
    return _path("entries", bundle.index, bundle.width)


def _path(level: str, index: int, width: int) -> str:
    if not 1 <= width <= TILE_WIDTH or index < 0:
        raise ValueError(f"no tile of index {index} and width {width}")
    groups = f"{index:,}".split(",")
    groups[0] = groups[0].zfill(3)
    path = "/".join(["tile", level, *(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def split_tile(raw: bytes, width: int) -> tuple[bytes, ...]:
    """The hashes of a tile; raises Malformed unless there are exactly `width`."""
    if len(raw) != HASH_BYTES * width:
        raise Malformed(f"tile: {len(raw)} bytes instead of {HASH_BYTES * width}")
    return tuple(raw[start : start + HASH_BYTES] for start in range(0, len(raw), HASH_BYTES))


def decode_bundle(raw: bytes, width: int) -> tuple[bytes, ...]:
    """The entries of a bundle; raises Malformed unless the bytes are exactly `width` entries."""
    entries: list[bytes] = []
    position = 0
    while position < len(raw):
        end = position + 2 + int.from_bytes(raw[position : position + 2], "big")
        if position + 2 > len(raw) or end > len(raw):
            raise Malformed(f"entry bundle: entry {len(entries)} is cut off at byte {len(raw)}")
        entries.append(raw[position + 2 : end])
        position = end
    if len(entries) != width:
        raise Malformed(f"entry bundle: {len(entries)} entries instead of {width}")
    return tuple(entries)
