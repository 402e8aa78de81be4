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
    """MTH over n * 32 hashes; for none, SHA-256 of the empty string.

    Pairing level by level and carrying an odd last hash up unchanged gives the same tree as RFC 6962's split at the
    largest power of two.
    """
    if len(hashes) % HASH_LENGTH:
        raise ValueError(f"{len(hashes)} bytes are not a whole number of hashes")
    level = [hashes[i : i + HASH_LENGTH] for i in range(0, len(hashes), HASH_LENGTH)]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[2 * len(paired) :]
    return level[0]
