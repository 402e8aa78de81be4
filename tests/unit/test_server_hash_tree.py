"""The tree in memory gives the same roots and proofs as the pure functions, at every older size too."""

from __future__ import annotations

from hashlib import sha256

import pytest

from retally_crypto.merkle import TreeHead, verify_inclusion
from retally_crypto.tile_files import tile_bytes, tiles_of
from retally_crypto.tree_proofs import hash_source, span_root, verify_consistency
from retally_server.board.hash_tree import HashTree

LEAVES = [sha256(b"%d" % number).digest() for number in range(700)]
SOURCE = hash_source(LEAVES)
SIZES = (1, 2, 3, 7, 255, 256, 257, 511, 512, 513, 700)


@pytest.fixture(scope="module")
def tree() -> HashTree:
    tree = HashTree()
    for first in range(0, len(LEAVES), 37):
        tree.append(b"".join(LEAVES[first : first + 37]))
    return tree


def test_roots_are_the_ones_of_rfc_6962(tree: HashTree) -> None:
    assert [tree.root(size) for size in SIZES] == [span_root(0, size, SOURCE) for size in SIZES]


def test_tiles_are_the_ones_of_the_pure_functions(tree: HashTree) -> None:
    for tile in tiles_of(len(LEAVES)):
        assert tree.tile(tile.level, tile.index, tile.width) == tile_bytes(tile, SOURCE)


@pytest.mark.parametrize("size", SIZES)
def test_every_proof_of_inclusion_verifies(tree: HashTree, size: int) -> None:
    head = TreeHead(size, tree.root(size))
    for index in {0, size // 3, size // 2, size - 1}:
        verify_inclusion(LEAVES[index], index, tree.inclusion_proof(index, size), head)


def test_every_proof_of_consistency_verifies(tree: HashTree) -> None:
    for old in SIZES:
        for new in SIZES:
            if old <= new:
                heads = TreeHead(old, tree.root(old)), TreeHead(new, tree.root(new))
                verify_consistency(*heads, tree.consistency_proof(old, new))


def test_what_the_tree_does_not_have_is_refused(tree: HashTree) -> None:
    for refused in (
        lambda: tree.root(701),
        lambda: tree.inclusion_proof(5, 701),
        lambda: tree.inclusion_proof(5, 5),
        lambda: tree.consistency_proof(5, 701),
        lambda: tree.tile(0, 2, 256),
        lambda: tree.tile(5, 0, 1),
        lambda: tree.append(b"short"),
    ):
        with pytest.raises(ValueError, match=r"."):
            refused()
