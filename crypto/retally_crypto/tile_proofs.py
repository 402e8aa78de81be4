"""Proofs from hash tiles of a host that nobody trusts (C2SP tlog-tiles; specification 3.1).

Promise: whatever is read from tiles through `VerifiedTiles` was first checked against one tree head. The partial tiles
on the right edge are hashed to the root; every full tile is then held to its own hash in the tile above it. So proofs
and leaf hashes can be computed from such files.
"""

from __future__ import annotations

from collections.abc import Callable

from retally_crypto.errors import BadProof
from retally_crypto.merkle import EMPTY_ROOT, TreeHead
from retally_crypto.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, split_tile, tile_path
from retally_crypto.tree_proofs import consistency_proof, inclusion_proof, perfect_root, span_root

ReadTile = Callable[[int, int, int], bytes]
"""(level, index, width) -> the bytes of that tile, 32·width of them. What it raises is not caught here."""


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
