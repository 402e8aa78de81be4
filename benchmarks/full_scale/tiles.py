"""A board's static files, written as it grows: bundles and tiles once, a checkpoint whenever asked (docs/spec 3.1).

Test equipment: the leaf hashes of the whole board stay in memory, 32 bytes an entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.engine import records
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.tile_files import changed_tiles, encode_bundle
from retally_crypto.tiles import TILE_WIDTH, Bundle, Tile, bundle_path, decode_bundle, tile_path


class TileWriter:
    """The files of one board in `folder`. `rows[l]` are the hashes of all complete subtrees of level 8·l."""

    def __init__(self, folder: Path, key: SigningKey) -> None:
        self.size = 0
        self._folder = folder
        self._key = key
        self._rows: list[bytearray] = [bytearray()]
        self._open: list[bytes] = []
        self._published = 0

    def append(self, entries: Iterable[bytes]) -> None:
        """Adds entries; every bundle that they fill is written."""
        for entry in entries:
            self._open.append(entry)
            self.size += 1
            if len(self._open) == TILE_WIDTH:
                self._write_bundle()
                self._open.clear()

    def publish(self) -> None:
        """Writes the last bundle, all new tiles and a checkpoint of everything that was appended."""
        if self._open:
            self._write_bundle()
        for tile in changed_tiles(self._published, self.size):
            row = self._rows[tile.level]
            first = 32 * TILE_WIDTH * tile.index
            self._write(tile_path(tile), bytes(row[first : first + 32 * tile.width]))
        head = Checkpoint(self._key.verifier_key.name, self.size, records.merkle_root(bytes(self._rows[0])))
        self._write("checkpoint", sign_checkpoint(head, self._key))
        self._published = self.size

    def _write_bundle(self) -> None:
        index, width = (self.size - 1) // TILE_WIDTH, len(self._open)
        raw = encode_bundle(self._open)
        self._write(bundle_path(Bundle(index, width)), raw)
        del self._rows[0][32 * TILE_WIDTH * index :]
        self._rows[0] += records.hash_leaves(raw)
        if width == TILE_WIDTH:
            self._rise(0)

    def _rise(self, level: int) -> None:
        """The last tile of `level` is full: its root is a hash of the level above."""
        if level + 1 == len(self._rows):
            self._rows.append(bytearray())
        self._rows[level + 1] += records.merkle_root(bytes(self._rows[level][-32 * TILE_WIDTH :]))
        if len(self._rows[level + 1]) % (32 * TILE_WIDTH) == 0:
            self._rise(level + 1)

    def _write(self, path: str, content: bytes) -> None:
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def link(self, other: Path, size: int) -> None:
        """Begins with the first `size` entries of the board in `other`: full bundles and tiles are hard links."""
        full, rest = divmod(size, TILE_WIDTH)
        for index in range(full):
            for path in (bundle_path(Bundle(index, TILE_WIDTH)), tile_path(Tile(0, index, TILE_WIDTH))):
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / path).hardlink_to(other / path)
            self._rows[0] += (other / tile_path(Tile(0, index, TILE_WIDTH))).read_bytes()
            self._rise(0)
        self.size = full * TILE_WIDTH
        if rest:
            whole = other / bundle_path(Bundle(full, TILE_WIDTH))
            width = TILE_WIDTH if whole.exists() else rest
            raw = (other / bundle_path(Bundle(full, width))).read_bytes()
            self.append(decode_bundle(raw, width)[:rest])
