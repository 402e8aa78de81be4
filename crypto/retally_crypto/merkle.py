"""The RFC 6962 Merkle tree: hashes, inclusion, and a root that grows with constant memory.

Promise: `verify_inclusion` returns only if the proof leads to the root *at that size*. Size and
root always travel together as one `TreeHead`, which a caller takes from one verified checkpoint: a proof checked
against a size from elsewhere would let a lying log show an entry at an index where it is not.

How proofs are written, and consistency: `retally_crypto.tree_proofs`. Sections in the docstrings are those of RFC 6962.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from retally_crypto.errors import BadProof, Malformed, Refused

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves (2.1)."""
MAX_SIZE = 2**63 - 1
MAX_PROOF_HASHES = 63

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


def root_of_subtrees(subtree_roots: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees, the largest first; at least one (2.1)."""
    root = subtree_roots[-1]
    for left in reversed(subtree_roots[:-1]):
        root = node_hash(left, root)
    return root


def split_point(start: int, end: int) -> int:
    """Where the tree of leaves start..end-1 is divided: after the largest power of two below its size (2.1)."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Which spans of leaves an inclusion proof's hashes stand for, from the leaf's sibling upward (2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no entry {index} in a tree of size {size}")
    start, end = 0, size
    spans: list[Span] = []
    while end - start > 1:
        middle = split_point(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def require_hashes(proof: Sequence[bytes], count: int, what: str) -> None:
    """Raises BadProof unless there are `count` hashes of 32 bytes."""
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
    require_hashes(proof, len(spans), what)
    root = entry_hash
    for (start, _), sibling in zip(spans, proof, strict=True):
        root = node_hash(sibling, root) if start < index else node_hash(root, sibling)
    if root != head.root:
        raise BadProof(f"{what}: leads to the root {root.hex()}, not {head.root.hex()}")


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
        return root_of_subtrees(self._subtrees) if self._subtrees else EMPTY_ROOT

    def head(self) -> TreeHead:
        """Size and root so far."""
        return TreeHead(self._size, self.root())
