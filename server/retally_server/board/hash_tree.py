"""The board's Merkle tree in memory (RFC 6962), kept the way C2SP tlog-tiles cuts it into tiles.

Level L holds the hash of every complete subtree of 256^L entries. It is appended to, never changed; so a proof for an
older size may be computed by one thread while another appends. Memory: 32 bytes an entry and a 256th part more.
"""

from retally_crypto.merkle import HASH_BYTES, node_hash
from retally_crypto.tiles import TILE_WIDTH
from retally_crypto.tree_proofs import consistency_proof, inclusion_proof, perfect_root, span_root

_REMEMBERED = 65_536


class HashTree:
    """All hashes of one board. Sizes and indices count entries."""

    def __init__(self) -> None:
        """The tree of no entry."""
        self._levels = [bytearray()]
        self._nodes: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf_hashes: bytes) -> None:
        """Appends leaf hashes, 32 bytes each."""
        if len(leaf_hashes) % HASH_BYTES:
            raise ValueError("leaf hashes are 32 bytes each")
        self._levels[0] += leaf_hashes
        level = 0
        while (full := len(self._levels[level]) // (HASH_BYTES * TILE_WIDTH)) > 0:
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
            above = self._levels[level + 1]
            for number in range(len(above) // HASH_BYTES, full):
                tile = self.tile(level, number, TILE_WIDTH)
                above += perfect_root([tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)])
            level += 1

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The content of a hash tile, `width` hashes. ValueError if the tree does not have it yet."""
        start = number * TILE_WIDTH * HASH_BYTES
        hashes = bytes(self._levels[level][start : start + width * HASH_BYTES]) if level < len(self._levels) else b""
        if len(hashes) != width * HASH_BYTES:
            raise ValueError(f"a tree of size {self.size} has no tile {level}/{number} of width {width}")
        return hashes

    def root(self, size: int) -> bytes:
        """The root of the first `size` entries. ValueError if there are fewer."""
        self._require(size)
        return span_root(0, size, self._hash_at)

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path of entry `index` in the tree of `size`. ValueError unless index < size <= the tree's."""
        self._require(size)
        return inclusion_proof(index, size, self._hash_at)

    def consistency_proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """That the tree of `old` entries is a prefix of that of `new`. ValueError unless old <= new <= the size."""
        self._require(new)
        return consistency_proof(old, new, self._hash_at)

    def _require(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} entries, not {size}")

    def _hash_at(self, height: int, number: int) -> bytes:
        """The hash of 2^height entries. A complete subtree never changes, so its hash may be remembered."""
        level, rest = divmod(height, 8)
        if rest == 0:
            start = number * HASH_BYTES
            return bytes(self._levels[level][start : start + HASH_BYTES])
        known = self._nodes.get((height, number))
        if known is None:
            known = node_hash(self._hash_at(height - 1, 2 * number), self._hash_at(height - 1, 2 * number + 1))
            if len(self._nodes) >= _REMEMBERED:
                self._nodes.clear()
            self._nodes[height, number] = known
        return known
