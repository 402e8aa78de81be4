"""The RFC 6962 tree against its recursive definition, and proofs that hold for one size only."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retally_crypto.errors import BadProof, Malformed, Refused
from retally_crypto.merkle import EMPTY_ROOT, Frontier, TreeHead, leaf_hash, node_hash, verify_inclusion
from retally_crypto.tree_proofs import (
    consistency_proof,
    hash_source,
    inclusion_proof,
    perfect_root,
    span_root,
    verify_consistency,
)

LEAVES = [leaf_hash(b"entry %d" % index) for index in range(600)]
SOURCE = hash_source(LEAVES)


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH exactly as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return sha256(b"\x01" + defined_root(leaves[:middle]) + defined_root(leaves[middle:])).digest()


def head(size: int) -> TreeHead:
    return TreeHead(size, span_root(0, size, SOURCE))


def test_every_root_is_the_one_of_the_definition() -> None:
    frontier = Frontier()
    for size in range(130):
        assert head(size).root == defined_root(LEAVES[:size])
        assert frontier.head() == head(size)
        assert span_root(0, size, hash_source(LEAVES[:size])) == head(size).root
        frontier.append(LEAVES[size])


def test_every_inclusion_proof_of_small_trees_verifies_at_its_index_only() -> None:
    for size in range(1, 20):
        for index in range(size):
            proof = inclusion_proof(index, size, SOURCE)
            verify_inclusion(LEAVES[index], index, proof, head(size))
            for other in range(-1, size + 1):
                if other != index:
                    with pytest.raises(BadProof):
                        verify_inclusion(LEAVES[index], other, proof, head(size))


def test_every_consistency_proof_of_small_trees_verifies_between_its_sizes_only() -> None:
    for size in range(1, 20):
        for old in range(1, size + 1):
            proof = consistency_proof(old, size, SOURCE)
            verify_consistency(head(old), head(size), proof)
            for other in range(0, 21):
                if other != old:
                    with pytest.raises(BadProof):
                        verify_consistency(head(other), head(size), proof)
                if other != size:
                    with pytest.raises(BadProof):
                        verify_consistency(head(old), head(other), proof)


@given(st.integers(1, 600), st.data())
def test_proofs_of_larger_trees_verify_and_break_when_any_hash_changes(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    included = inclusion_proof(index, size, SOURCE)
    consistent = consistency_proof(old, size, SOURCE)
    verify_inclusion(LEAVES[index], index, included, head(size))
    verify_consistency(head(old), head(size), consistent)
    for place in range(len(included)):
        with pytest.raises(BadProof):
            verify_inclusion(LEAVES[index], index, _flipped(included, place), head(size))
    for place in range(len(consistent)):
        with pytest.raises(BadProof):
            verify_consistency(head(old), head(size), _flipped(consistent, place))
    for extra in ((*included, bytes(32)), (bytes(32), *included), included[:-1] if included else (b"",)):
        with pytest.raises(BadProof):
            verify_inclusion(LEAVES[index], index, extra, head(size))


def test_a_proof_made_for_one_size_does_not_hold_for_the_same_root_claimed_at_another() -> None:
    proof = inclusion_proof(2, 5, SOURCE)
    with pytest.raises(BadProof):
        verify_inclusion(LEAVES[2], 2, proof, TreeHead(9, head(5).root))


def test_an_inner_node_cannot_pass_for_an_entry() -> None:
    node = node_hash(LEAVES[0], LEAVES[1])
    with pytest.raises(BadProof):
        verify_inclusion(node, 0, inclusion_proof(0, 4, SOURCE)[1:], head(4))
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node


def test_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(BadProof, match="leaf hash has 31 bytes"):
        verify_inclusion(LEAVES[0][:31], 0, (LEAVES[1],), head(2))
    with pytest.raises(BadProof, match="hash 0 has 33 bytes"):
        verify_inclusion(LEAVES[0], 0, (LEAVES[1] + b"\x00",), head(2))
    with pytest.raises(BadProof, match="hash 0 has 0 bytes"):
        verify_consistency(head(1), head(2), (b"",))


def test_two_roots_at_one_size_are_named() -> None:
    forked = TreeHead(3, bytes(32))
    with pytest.raises(BadProof, match="two roots at one size"):
        verify_consistency(head(3), forked, ())
    with pytest.raises(BadProof, match="1 hashes instead of 0"):
        verify_consistency(head(3), head(3), (bytes(32),))


def test_nothing_is_proved_from_an_empty_tree_and_trees_do_not_shrink() -> None:
    with pytest.raises(BadProof, match="no such proof"):
        verify_consistency(head(0), head(3), ())
    with pytest.raises(BadProof, match="no such proof"):
        verify_consistency(head(3), head(2), ())
    assert consistency_proof(0, 3, SOURCE) == ()
    for old, new in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="no consistency proof"):
            consistency_proof(old, new, SOURCE)
    for index in (-1, 3):
        with pytest.raises(ValueError, match="no entry"):
            inclusion_proof(index, 3, SOURCE)


def test_a_tree_head_that_cannot_exist_cannot_be_made() -> None:
    assert TreeHead(0, EMPTY_ROOT).root == EMPTY_ROOT
    with pytest.raises(Refused, match="size 0"):
        TreeHead(0, bytes(32))
    with pytest.raises(Malformed, match="31 bytes"):
        TreeHead(1, bytes(31))
    for size in (-1, 2**63):
        with pytest.raises(Malformed, match="tree size"):
            TreeHead(size, bytes(32))


def test_a_frontier_takes_whole_subtrees_where_they_fit() -> None:
    frontier = Frontier()
    frontier.append_subtree(perfect_root(LEAVES[:256]), 8)
    assert frontier.head() == head(256)
    for leaf in LEAVES[256:260]:
        frontier.append(leaf)
    frontier.append_subtree(perfect_root(LEAVES[260:264]), 2)
    assert frontier.head() == head(264)
    with pytest.raises(ValueError, match="cannot begin at leaf 264"):
        frontier.append_subtree(bytes(32), 8)
    with pytest.raises(ValueError, match="hash of 31 bytes"):
        frontier.append(bytes(31))


@pytest.mark.parametrize("count", [0, 3, 6])
def test_a_perfect_root_needs_a_power_of_two(count: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        perfect_root(LEAVES[:count])


def _flipped(proof: tuple[bytes, ...], place: int) -> tuple[bytes, ...]:
    changed = bytes([proof[place][0] ^ 1]) + proof[place][1:]
    return (*proof[:place], changed, *proof[place + 1 :])
