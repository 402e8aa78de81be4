"""Tiles against the published paths and against a whole small log made by Tessera."""

from pathlib import Path

import pytest

from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.merkle import leaf_hash, verify_inclusion
from retally_crypto.notes import parse_vkey
from retally_crypto.receipts import format_tlog_proof, verify_tlog_proof
from retally_crypto.tile_files import bundles_of, changed_tiles, encode_bundle, parse_tile_path, tile_bytes, tiles_of
from retally_crypto.tile_proofs import consistency_proof_from_tiles, inclusion_proof_from_tiles
from retally_crypto.tiles import Bundle, Tile, bundle_path, decode_bundle, tile_path
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_crypto.tree_proofs import hash_source, verify_consistency
from tests.shared_vectors import vectors_json, vectors_path

PATHS = vectors_json("tlog", "merkle-rfc6962", "tile_paths.json")
LOG = vectors_path("tlog", "tessera-testdata-log")
KEYS = vectors_json("tlog", "tessera-testdata-log", "keys.json")
ENTRIES = [entry.encode() for entry in KEYS["entries"]]
BOARD_KEY = parse_vkey(KEYS["public_key"])


def read_tile(level: int, index: int, width: int) -> bytes:
    return (LOG / tile_path(Tile(level, index, width))).read_bytes()


@pytest.mark.parametrize(("level", "index", "partial", "path"), PATHS["tile"])
def test_tile_path_vector(level: int, index: int, partial: int, path: str) -> None:
    tile = Tile(level, index, partial or 256)
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(("entry", "size", "path"), PATHS["entries_for_index"])
def test_the_bundle_of_an_entry_has_the_published_path(entry: int, size: int, path: str) -> None:
    bundle = Bundle(entry // 256, min(256, size - entry // 256 * 256))
    assert bundle_path(bundle) == path
    assert parse_tile_path(path) == bundle


def test_a_tree_of_seventy_thousand_has_the_published_shape() -> None:
    shape = PATHS["shape_70000"]
    tiles = list(tiles_of(70_000))
    for level in range(3):
        assert len([tile for tile in tiles if tile.level == level and tile.width == 256]) == shape[f"level{level}_full"]
        assert [tile.width for tile in tiles if tile.level == level and tile.width < 256] == [
            shape[f"level{level}_partial"]
        ]
    assert max(tile.level for tile in tiles) == 2


def test_the_tessera_log_holds_exactly_the_files_we_expect_byte_for_byte() -> None:
    source = hash_source([leaf_hash(entry) for entry in ENTRIES])
    expected: dict[Path, bytes] = {}
    for size in range(1, len(ENTRIES) + 1):
        for tile in changed_tiles(size - 1, size):
            expected[LOG / tile_path(tile)] = tile_bytes(tile, source)
        for bundle in bundles_of(size):
            expected[LOG / bundle_path(bundle)] = encode_bundle(ENTRIES[bundle.index * 256 :][: bundle.width])
    assert {path: path.read_bytes() for path in (LOG / "tile").rglob("*") if path.is_file()} == expected


def test_every_bundle_of_the_tessera_log_reads_back() -> None:
    for size in range(1, len(ENTRIES) + 1):
        raw = (LOG / bundle_path(Bundle(0, size))).read_bytes()
        assert list(decode_bundle(raw, size)) == ENTRIES[:size]


def test_proofs_from_the_tessera_tiles_verify_against_every_tessera_checkpoint() -> None:
    heads = [
        verify_checkpoint((LOG / f"checkpoint.{size}").read_bytes(), BOARD_KEY).head for size in range(len(ENTRIES) + 1)
    ]
    for head in heads[1:]:
        for index in range(head.size):
            verify_inclusion(leaf_hash(ENTRIES[index]), index, inclusion_proof_from_tiles(index, head, read_tile), head)
        for older in heads[1 : head.size + 1]:
            verify_consistency(older, head, consistency_proof_from_tiles(older.size, head, read_tile))


def test_a_receipt_over_the_tessera_log_verifies() -> None:
    raw = (LOG / "checkpoint").read_bytes()
    head = verify_checkpoint(raw, BOARD_KEY).head
    for index, entry in enumerate(ENTRIES):
        proof = TlogProof(index, inclusion_proof_from_tiles(index, head, read_tile), raw)
        read_back = parse_tlog_proof(format_tlog_proof(proof))
        assert verify_tlog_proof(read_back, entry, BOARD_KEY, (), 0).index == index
