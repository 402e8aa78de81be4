"""Merkle proofs against the published vectors of transparency-dev, every good and every mutated one."""

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.errors import RetallyError
from retally_crypto.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, TreeHead, leaf_hash, node_hash, verify_inclusion
from retally_crypto.tree_proofs import consistency_proof, hash_source, inclusion_proof, span_root, verify_consistency
from tests.shared_vectors import vectors_json, vectors_path

RFC6962 = vectors_json("tlog", "merkle-rfc6962", "rfc6962_tree.json")
PROOFS = vectors_path("tlog", "transparency-dev-merkle")
INCLUSION = sorted((PROOFS / "inclusion").rglob("*.json"))
CONSISTENCY = sorted((PROOFS / "consistency").rglob("*.json"))
LEAVES = [leaf_hash(bytes.fromhex(leaf)) for leaf in RFC6962["leaf_inputs_hex"]]


def named(path: Path) -> str:
    return str(path.relative_to(PROOFS).with_suffix(""))


def root_of(text: str | None) -> bytes:
    """A root as the vector gives it. Some give a word where any root would do: its hash stands for it here."""
    raw = base64.b64decode(text or "")
    return raw if len(raw) in (0, HASH_BYTES) else sha256(raw).digest()


def read(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    case = json.loads(path.read_text(encoding="utf-8"))
    return case, [base64.b64decode(value or "") for value in case["proof"] or []]


def test_all_published_proofs_are_there() -> None:
    assert (len(INCLUSION), len(CONSISTENCY)) == (98, 98)
    for paths in (INCLUSION, CONSISTENCY):
        assert {read(path)[0]["wantErr"] for path in paths} == {True, False}


@pytest.mark.parametrize("path", INCLUSION, ids=named)
def test_inclusion_vector(path: Path) -> None:
    case, proof = read(path)

    def verify() -> None:
        head = TreeHead(case["treeSize"], root_of(case["root"]))
        verify_inclusion(base64.b64decode(case["leafHash"] or ""), case["leafIdx"], proof, head)

    if case["wantErr"]:
        with pytest.raises(RetallyError):
            verify()
    else:
        verify()


@pytest.mark.parametrize("path", CONSISTENCY, ids=named)
def test_consistency_vector(path: Path) -> None:
    case, proof = read(path)

    def verify() -> None:
        older = TreeHead(case["size1"], root_of(case["root1"]))
        verify_consistency(older, TreeHead(case["size2"], root_of(case["root2"])), proof)

    if case["wantErr"]:
        with pytest.raises(RetallyError):
            verify()
    else:
        verify()


def test_the_published_proofs_of_the_eight_leaf_tree_are_the_ones_we_write() -> None:
    source = hash_source(LEAVES)
    for path in INCLUSION:
        case, proof = read(path)
        if not case["wantErr"] and "single-entry" not in named(path):
            assert tuple(proof) == inclusion_proof(case["leafIdx"], case["treeSize"], source)
    for path in CONSISTENCY:
        case, proof = read(path)
        if not case["wantErr"] and "additional" not in named(path):
            assert tuple(proof) == consistency_proof(case["size1"], case["size2"], source)


def test_the_eight_leaf_tree_has_the_published_nodes_and_roots() -> None:
    source = hash_source(LEAVES)
    for level, row in enumerate(RFC6962["node_hashes_hex_by_level"]):
        assert [source(level, index).hex() for index in range(len(row))] == row
    frontier = Frontier()
    for size, root in enumerate(RFC6962["root_hashes_hex_by_size"]):
        assert span_root(0, size, source).hex() == root
        assert frontier.root().hex() == root
        if size < len(LEAVES):
            frontier.append(LEAVES[size])


@pytest.mark.parametrize("case", RFC6962["hasher"], ids=lambda case: case["desc"])
def test_hasher_vector(case: dict[str, str]) -> None:
    if "leaf_hex" in case:
        computed = leaf_hash(bytes.fromhex(case["leaf_hex"]))
    elif "left_hex" in case:
        computed = node_hash(bytes.fromhex(case["left_hex"]), bytes.fromhex(case["right_hex"]))
    else:
        computed = EMPTY_ROOT
    assert computed.hex() == case["want"]
