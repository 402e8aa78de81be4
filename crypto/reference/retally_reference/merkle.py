"""RFC 6962 hashing in bulk: leaf hashes of an entry bundle, and the root over leaf or subtree hashes (section 2.1)."""

import hashlib
from collections.abc import Iterator

HASH_LENGTH = 32


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def bundle_entries(bundle: bytes) -> Iterator[bytes]:
    """The entries of a tlog-tiles entry bundle, each after its length in two bytes, big-endian.

    ValueError where the bundle ends inside an entry.
    """
    position = 0
    while position < len(bundle):
        start = position + 2
        end = start + int.from_bytes(bundle[position:start], "big")
        if end > len(bundle) or start > len(bundle):
            raise ValueError(f"entry bundle is truncated: the entry at byte {position} ends after it")
        yield bundle[start:end]
        position = end


def hash_leaves(bundle: bytes) -> bytes:
    """n * 32 leaf hashes of an entry bundle. ValueError if it ends inside an entry."""
    return b"".join(leaf_hash(entry) for entry in bundle_entries(bundle))


def merkle_root(hashes: bytes) -> bytes:
    """MTH over n * 32 hashes; for none, SHA-256 of the empty string."""
    if len(hashes) % HASH_LENGTH:
        raise ValueError(f"{len(hashes)} bytes are not a whole number of hashes")
    return Tree(hashes).root(len(hashes) // HASH_LENGTH)


class Tree:
    """A tree that gives its root at any size for a few hundred hashes: every eighth level is kept, as in tiles."""

    def __init__(self, leaves: bytes) -> None:
        self.size = len(leaves) // HASH_LENGTH
        self._kept = [leaves]
        for height in range(8, self.size.bit_length(), 8):
            self._kept.append(b"".join(self._perfect(height, index) for index in range(self.size >> height)))

    def root(self, size: int) -> bytes:
        """MTH over the first `size` leaves (RFC 6962 section 2.1). ValueError if there are not so many."""
        if size > self.size:
            raise ValueError(f"a root at {size} of a tree of {self.size} leaves")
        # The largest perfect trees from the left, joined from the right.
        perfect = [
            self._perfect(height, (size >> height) - 1) for height in range(size.bit_length()) if size >> height & 1
        ]
        if not perfect:
            return hashlib.sha256(b"").digest()
        root = perfect[0]
        for left in perfect[1:]:
            root = node_hash(left, root)
        return root

    def leaf(self, index: int) -> bytes:
        """The hash of the leaf at `index`, empty if there is none."""
        return self._kept[0][HASH_LENGTH * index : HASH_LENGTH * (index + 1)]

    def _perfect(self, height: int, index: int) -> bytes:
        """The root of the 2^height leaves from index * 2^height on."""
        if height % 8 == 0 and height // 8 < len(self._kept):
            return self._kept[height // 8][HASH_LENGTH * index : HASH_LENGTH * (index + 1)]
        return node_hash(self._perfect(height - 1, 2 * index), self._perfect(height - 1, 2 * index + 1))
