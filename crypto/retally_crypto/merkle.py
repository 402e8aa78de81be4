"""The RFC 6962 Merkle tree: roots, inclusion and consistency proofs, and a root that grows with constant memory.

Promise: `verify_inclusion` and `verify_consistency` return only if the proof leads to the root *at that size*. Size and
root always travel together as one `TreeHead`, which a caller takes from one verified checkpoint: a proof checked
against a size from elsewhere would let a lying log show an entry at an index where it is not.

A proof is written from a `HashAt` source, `(level, index) -> hash of the 2^level leaves that start at index·2^level`;
the same code serves a list of leaf hashes (`hash_source`) and hash tiles (`retally_crypto.tiles`). Sections in the
docstrings are those of RFC 6962.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from retally_crypto.errors import BadProof, Malformed, Refused

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves (2.1)."""
MAX_SIZE = 2**63 - 1
MAX_PROOF_HASHES = 63

HashAt = Callable[[int, int], bytes]
Span = tuple[int, int]


@dataclass(frozen=True)
class TreeHead:
    """A tree's size and its root at that size; the empty tree has one root only."""

    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise Malformed(f"tree size {self.size} is not in 0..2^63-1")
        if len(self.root) != HASH_BYTES:
            raise Malformed(f"root hash has {len(self.root)} bytes instead of {HASH_BYTES}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise Refused(f"a tree of size 0 cannot have the root {self.root.hex()}")


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry) (2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right) (2.1)."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^n hashes, all of one level."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError(f"{len(hashes)} hashes are not a power of two")
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


def hash_source(leaf_hashes: Sequence[bytes]) -> HashAt:
    """A `HashAt` over a list of leaf hashes; every perfect subtree is hashed once, here."""
    rows = [list(leaf_hashes)]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([node_hash(row[place], row[place + 1]) for place in range(0, len(row) - 1, 2)])
    return lambda level, index: rows[level][index]


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The (level, index) of the perfect subtrees that make up leaves start..end-1, from left to right.

    `start` is a multiple of the largest power of two that is at most end - start, as in every span of a proof.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def span_root(start: int, end: int, hash_at: HashAt) -> bytes:
    """MTH of leaves start..end-1 (2.1)."""
    if start == end:
        return EMPTY_ROOT
    return _fold([hash_at(level, index) for level, index in perfect_subtrees(start, end)])


def _fold(subtree_roots: Sequence[bytes]) -> bytes:
    root = subtree_roots[-1]
    for left in reversed(subtree_roots[:-1]):
        root = node_hash(left, root)
    return root


def _split(start: int, end: int) -> int:
    return start + (1 << (end - start - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Which spans of leaves an inclusion proof's hashes stand for, from the leaf's sibling upward (2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no entry {index} in a tree of size {size}")
    start, end = 0, size
    spans: list[Span] = []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old_size: int, new_size: int) -> list[Span]:
    """Which spans of leaves a consistency proof's hashes stand for (2.1.2); none from size 0 or to the same size."""
    if not 0 <= old_size <= new_size:
        raise ValueError(f"no consistency proof from size {old_size} to size {new_size}")
    if old_size in (0, new_size):
        return []
    start, end = 0, new_size
    spans: list[Span] = []
    while end != old_size:
        middle = _split(start, end)
        if old_size <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:
        spans.append((start, end))
    return spans[::-1]


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """The audit path of entry `index` in the tree of `size` entries (2.1.1)."""
    return tuple(span_root(start, end, hash_at) for start, end in inclusion_spans(index, size))


def consistency_proof(old_size: int, new_size: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """The proof that the tree of `old_size` entries is a prefix of the one of `new_size` (2.1.2)."""
    return tuple(span_root(start, end, hash_at) for start, end in consistency_spans(old_size, new_size))


def _require_hashes(proof: Sequence[bytes], count: int, what: str) -> None:
    if len(proof) != count:
        raise BadProof(f"{what}: {len(proof)} hashes instead of {count}")
    for place, value in enumerate(proof):
        if len(value) != HASH_BYTES:
            raise BadProof(f"{what}: hash {place} has {len(value)} bytes instead of {HASH_BYTES}")


def verify_inclusion(entry_hash: bytes, index: int, proof: Sequence[bytes], head: TreeHead) -> None:
    """Raise BadProof unless the leaf hash `entry_hash` is at `index` in the tree of `head`, a verified one (2.1.1)."""
    what = f"inclusion of entry {index} in size {head.size}"
    if not 0 <= index < head.size:
        raise BadProof(f"{what}: no such entry")
    if len(entry_hash) != HASH_BYTES:
        raise BadProof(f"{what}: leaf hash has {len(entry_hash)} bytes instead of {HASH_BYTES}")
    spans = inclusion_spans(index, head.size)
    _require_hashes(proof, len(spans), what)
    root = entry_hash
    for (start, _), sibling in zip(spans, proof, strict=True):
        root = node_hash(sibling, root) if start < index else node_hash(root, sibling)
    if root != head.root:
        raise BadProof(f"{what}: leads to the root {root.hex()}, not {head.root.hex()}")


def verify_consistency(older: TreeHead, newer: TreeHead, proof: Sequence[bytes]) -> None:
    """Raise BadProof unless the tree of `older` is a prefix of the tree of `newer` (2.1.2).

    RFC 6962 has no proof from the empty tree, and there is nothing to prove: a caller for whom an empty tree may come
    first decides that case itself, so size 0 is refused here.
    """
    what = f"consistency of size {older.size} with size {newer.size}"
    if not 0 < older.size <= newer.size:
        raise BadProof(f"{what}: no such proof")
    spans = consistency_spans(older.size, newer.size)
    _require_hashes(proof, len(spans), what)
    if not spans:
        if older.root != newer.root:
            raise BadProof(f"{what}: two roots at one size, {older.root.hex()} and {newer.root.hex()}")
        return
    # When the old tree is itself a subtree of the new one, its root is the path's first node and is not sent.
    path = list(zip(spans, proof, strict=True))
    older_root = newer_root = older.root if spans[0][1] != older.size else path.pop(0)[1]
    for (start, _), sibling in path:
        if start < older.size:
            older_root = node_hash(sibling, older_root)
            newer_root = node_hash(sibling, newer_root)
        else:
            newer_root = node_hash(newer_root, sibling)
    if older_root != older.root:
        raise BadProof(f"{what}: leads to the older root {older_root.hex()}, not {older.root.hex()}")
    if newer_root != newer.root:
        raise BadProof(f"{what}: leads to the newer root {newer_root.hex()}, not {newer.root.hex()}")


class Frontier:
    """The right edge of a growing tree: at most 63 hashes, from which the root at this size follows at any moment.

    A verifier that streams a board appends leaf hashes, or a whole bundle's root at once, and never holds the tree.
    """

    def __init__(self) -> None:
        self._size = 0
        self._subtrees: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves have been appended."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        self.append_subtree(leaf, 0)

    def append_subtree(self, root: bytes, level: int) -> None:
        """Append 2^level leaves by the root over them; the size so far must be a multiple of 2^level."""
        if len(root) != HASH_BYTES:
            raise ValueError(f"hash of {len(root)} bytes")
        if self._size % (1 << level):
            raise ValueError(f"a subtree of 2^{level} leaves cannot begin at leaf {self._size}")
        place = self._size >> level
        while place & 1:
            root = node_hash(self._subtrees.pop(), root)
            place >>= 1
        self._subtrees.append(root)
        self._size += 1 << level

    def root(self) -> bytes:
        """The root of the tree of all leaves so far."""
        return _fold(self._subtrees) if self._subtrees else EMPTY_ROOT

    def head(self) -> TreeHead:
        """Size and root so far."""
        return TreeHead(self._size, self.root())
