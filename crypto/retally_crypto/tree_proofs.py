"""Proofs about a tree: written from its hashes, and consistency of two trees as anyone checks it (RFC 6962).

A proof is written from a `HashAt` source, `(level, index) -> hash of the 2^level leaves that start at index·2^level`;
the same code serves a list of leaf hashes (`hash_source`) and hash tiles (`retally_crypto.tile_proofs`). Promise:
`verify_consistency` returns only if the older tree is a prefix of the newer one *at these sizes*. Sections in the
docstrings are those of RFC 6962.

A verdict needs nothing of this: who verifies a board hashes every entry, and checks receipts with
`retally_crypto.merkle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from retally_crypto.errors import BadProof
from retally_crypto.merkle import (
    EMPTY_ROOT,
    Span,
    TreeHead,
    inclusion_spans,
    node_hash,
    require_hashes,
    root_of_subtrees,
    split_point,
)

HashAt = Callable[[int, int], bytes]


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
    return root_of_subtrees([hash_at(level, index) for level, index in perfect_subtrees(start, end)])


def consistency_spans(old_size: int, new_size: int) -> list[Span]:
    """Which spans of leaves a consistency proof's hashes stand for (2.1.2); none from size 0 or to the same size."""
    if not 0 <= old_size <= new_size:
        raise ValueError(f"no consistency proof from size {old_size} to size {new_size}")
    if old_size in (0, new_size):
        return []
    start, end = 0, new_size
    spans: list[Span] = []
    while end != old_size:
        middle = split_point(start, end)
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


def verify_consistency(older: TreeHead, newer: TreeHead, proof: Sequence[bytes]) -> None:
    """Raise BadProof unless the tree of `older` is a prefix of the tree of `newer` (2.1.2).

    RFC 6962 has no proof from the empty tree, and there is nothing to prove: a caller for whom an empty tree may come
    first decides that case itself, so size 0 is refused here.
    """
    what = f"consistency of size {older.size} with size {newer.size}"
    if not 0 < older.size <= newer.size:
        raise BadProof(f"{what}: no such proof")
    spans = consistency_spans(older.size, newer.size)
    require_hashes(proof, len(spans), what)
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
