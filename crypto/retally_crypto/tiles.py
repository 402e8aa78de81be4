"""A log as static files: hash tiles and entry bundles (C2SP tlog-tiles; specification 3.1).

Promise: whatever is read from tiles through `VerifiedTiles` was first checked against one tree head. The partial tiles
on the right edge are hashed to the root; every full tile is then held to its own hash in the tile above it. So proofs
and leaf hashes can be computed from files of a host that nobody trusts.

A tile of level l and index n holds up to 256 hashes; hash i of it is the root over the 256^l leaves from
(256·n + i)·256^l on. Width 256 is a full tile, less is a partial one. Entry bundles are cut like the tiles of level 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retally_crypto.errors import BadProof, Malformed
from retally_crypto.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    HashAt,
    TreeHead,
    consistency_proof,
    inclusion_proof,
    perfect_root,
    span_root,
)
from retally_crypto.notes import MAX_ENTRY_BYTES

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_LEVEL = 63

ReadTile = Callable[[int, int, int], bytes]
"""(level, index, width) -> the bytes of that tile, 32·width of them. What it raises is not caught here."""

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_MAX_INDEX_DIGITS = 21


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
    if _path(level, index, count) != path:
        raise Malformed(f"tile path {path!r}: not the shortest form of index {index}")
    return Bundle(index, count) if level == "entries" else Tile(int(level), index, count)


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


def split_tile(raw: bytes, width: int) -> tuple[bytes, ...]:
    """The hashes of a tile; raises Malformed unless there are exactly `width`."""
    if len(raw) != HASH_BYTES * width:
        raise Malformed(f"tile: {len(raw)} bytes instead of {HASH_BYTES * width}")
    return tuple(raw[start : start + HASH_BYTES] for start in range(0, len(raw), HASH_BYTES))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry preceded by its length as 2 bytes, big-endian."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ValueError(f"a bundle cannot hold {len(entries)} entries")
    for place, entry in enumerate(entries):
        if len(entry) > MAX_ENTRY_BYTES:
            raise ValueError(f"entry {place} of the bundle has {len(entry)} bytes, more than {MAX_ENTRY_BYTES}")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


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


class VerifiedTiles:
    """Subtree hashes of the tree of `head`, read from untrusted tiles and checked before use.

    Construction reads the right edge (at most 8 tiles) and raises BadProof unless it hashes to the root. `hash_at` can
    then be given to `inclusion_proof` and `consistency_proof` for any size up to the head's. Tiles once verified are
    kept, so one object serves one proof or a short run of them, not a whole board.
    """

    def __init__(self, head: TreeHead, read_tile: ReadTile) -> None:
        self.head = head
        self._read_tile = read_tile
        self._verified: dict[tuple[int, int], tuple[bytes, ...]] = {}
        for level in range(-(-head.size.bit_length() // TILE_HEIGHT)):
            count = head.size >> TILE_HEIGHT * level
            if count % TILE_WIDTH:
                index = count // TILE_WIDTH
                self._verified[level, index] = self._read(Tile(level, index, count % TILE_WIDTH))
        root = span_root(0, head.size, self.hash_at) if head.size else EMPTY_ROOT
        if root != head.root:
            raise BadProof(
                f"tiles: the right edge at size {head.size} has the root {root.hex()}, not {head.root.hex()}"
            )

    def _read(self, tile: Tile) -> tuple[bytes, ...]:
        return split_tile(self._read_tile(tile.level, tile.index, tile.width), tile.width)

    def _tile(self, level: int, index: int) -> tuple[bytes, ...]:
        hashes = self._verified.get((level, index))
        if hashes is None:
            hashes = self._read(Tile(level, index, TILE_WIDTH))
            expected = self._tile(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]
            if perfect_root(hashes) != expected:
                raise BadProof(
                    f"{tile_path(Tile(level, index, TILE_WIDTH))}: its hash is not the one in the tile above it"
                )
            self._verified[level, index] = hashes
        return hashes

    def hash_at(self, level: int, index: int) -> bytes:
        """The hash over leaves index·2^level to (index + 1)·2^level - 1, all of them in the tree; a `HashAt`."""
        if not 0 <= index < self.head.size >> level:
            raise ValueError(f"no complete subtree {index} of level {level} in a tree of size {self.head.size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        hashes = self._tile(tile_level, first // TILE_WIDTH)
        place = first % TILE_WIDTH
        return perfect_root(hashes[place : place + (1 << height)])


def inclusion_proof_from_tiles(index: int, head: TreeHead, read_tile: ReadTile) -> tuple[bytes, ...]:
    """The inclusion proof of entry `index` in the tree of `head`, from tiles checked against its root."""
    return inclusion_proof(index, head.size, VerifiedTiles(head, read_tile).hash_at)


def consistency_proof_from_tiles(old_size: int, head: TreeHead, read_tile: ReadTile) -> tuple[bytes, ...]:
    """The proof that the tree of `old_size` is a prefix of that of `head`, from tiles checked against its root."""
    return consistency_proof(old_size, head.size, VerifiedTiles(head, read_tile).hash_at)
