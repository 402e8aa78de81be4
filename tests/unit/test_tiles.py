"""Tiles: which files a log has, what is in them, and that a lying host is caught."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retally_crypto.errors import BadProof, Malformed
from retally_crypto.merkle import TreeHead, leaf_hash
from retally_crypto.tile_files import (
    bundles_of,
    changed_bundles,
    changed_tiles,
    encode_bundle,
    parse_tile_path,
    tile_bytes,
    tiles_of,
)
from retally_crypto.tile_proofs import VerifiedTiles, consistency_proof_from_tiles, inclusion_proof_from_tiles
from retally_crypto.tiles import Bundle, Tile, bundle_path, decode_bundle, split_tile, tile_path
from retally_crypto.tree_proofs import HashAt, consistency_proof, hash_source, inclusion_proof, span_root

SIZE = 66_000
LEAVES = [leaf_hash(b"%d" % index) for index in range(SIZE)]
SOURCE: HashAt = hash_source(LEAVES)
HEAD = TreeHead(SIZE, span_root(0, SIZE, SOURCE))


def read_honestly(level: int, index: int, width: int) -> bytes:
    return tile_bytes(Tile(level, index, width), SOURCE)


def test_a_tree_has_full_tiles_and_one_partial_tile_per_level_at_most() -> None:
    tiles = list(tiles_of(70_000))
    assert len([tile for tile in tiles if tile.level == 0 and tile.width == 256]) == 273
    assert [tile for tile in tiles if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert Tile(1, 0, 256) in tiles
    assert list(tiles_of(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []
    assert list(bundles_of(257)) == [Bundle(0, 256), Bundle(1, 1)]


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_growing_adds_exactly_the_tiles_that_were_not_there(first: int, second: int) -> None:
    old, new = sorted((first, second))
    assert set(changed_tiles(old, new)) == set(tiles_of(new)) - set(tiles_of(old))
    assert set(changed_bundles(old, new)) == set(bundles_of(new)) - set(bundles_of(old))


def test_a_log_does_not_shrink() -> None:
    with pytest.raises(ValueError, match="from 3 to 2"):
        list(changed_tiles(3, 2))
    with pytest.raises(ValueError, match="from 3 to 2"):
        list(changed_bundles(3, 2))


@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_reads_back_to_its_tile(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(Tile(level, index, width))) == Tile(level, index, width)
    assert parse_tile_path(bundle_path(Bundle(index, width))) == Bundle(index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/1234",
        "tile/0/001/234",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../0/000",
        "tile/data/000",
        "tile/entries/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/" + "x001/" * 40 + "000",
    ],
)
def test_a_path_has_one_form(path: str) -> None:
    with pytest.raises(Malformed, match="tile path"):
        parse_tile_path(path)


@pytest.mark.parametrize(("index", "width"), [(-1, 256), (0, 0), (0, 257)])
def test_no_path_is_made_for_a_tile_that_cannot_be(index: int, width: int) -> None:
    with pytest.raises(ValueError, match="no tile of index"):
        tile_path(Tile(0, index, width))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_reads_back_to_its_entries(entries: list[bytes]) -> None:
    raw = encode_bundle(entries)
    assert decode_bundle(raw, len(entries)) == tuple(entries)
    for wrong in (len(entries) - 1, len(entries) + 1):
        with pytest.raises(Malformed, match="instead of"):
            decode_bundle(raw, wrong)
    with pytest.raises(Malformed, match="cut off"):
        decode_bundle(raw + b"\x00", len(entries))
    with pytest.raises(Malformed, match="cut off"):
        decode_bundle(raw + b"\x00\x02a", len(entries) + 1)


def test_an_entry_of_any_length_up_to_the_limit_fits_and_none_above_it() -> None:
    assert decode_bundle(encode_bundle([b"a" * 65_535, b""]), 2) == (b"a" * 65_535, b"")
    with pytest.raises(ValueError, match="65536 bytes"):
        encode_bundle([b"", b"a" * 65_536])
    for count in (0, 257):
        with pytest.raises(ValueError, match="cannot hold"):
            encode_bundle([b""] * count)


def test_a_tile_of_another_width_is_malformed() -> None:
    for raw in (bytes(31), bytes(33), bytes(64), b""):
        with pytest.raises(Malformed, match="instead of 32"):
            split_tile(raw, 1)


@given(st.integers(0, SIZE - 1), st.integers(1, SIZE))
def test_proofs_from_tiles_are_those_of_the_tree(index: int, old: int) -> None:
    assert inclusion_proof_from_tiles(index, HEAD, read_honestly) == inclusion_proof(index, SIZE, SOURCE)
    assert consistency_proof_from_tiles(old, HEAD, read_honestly) == consistency_proof(old, SIZE, SOURCE)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537])
def test_tiles_of_every_shape_of_right_edge_verify(size: int) -> None:
    head = TreeHead(size, span_root(0, size, SOURCE))
    present = set(tiles_of(size))

    def read(level: int, index: int, width: int) -> bytes:
        assert Tile(level, index, width) in present
        return read_honestly(level, index, width)

    tiles = VerifiedTiles(head, read)
    assert tiles.hash_at(0, size - 1) == LEAVES[size - 1]
    assert tiles.hash_at(0, 0) == LEAVES[0]
    assert inclusion_proof(size // 2, size, tiles.hash_at) == inclusion_proof(size // 2, size, SOURCE)


def test_a_changed_tile_anywhere_on_the_way_is_caught_and_named() -> None:
    def altered(level: int, index: int) -> Callable[[int, int, int], bytes]:
        def read(at_level: int, at_index: int, width: int) -> bytes:
            raw = read_honestly(at_level, at_index, width)
            return raw[:-1] + bytes([raw[-1] ^ 1]) if (at_level, at_index) == (level, index) else raw

        return read

    with pytest.raises(BadProof, match="tile/0/000"):
        inclusion_proof_from_tiles(0, HEAD, altered(0, 0))
    with pytest.raises(BadProof, match="tile/1/000"):
        inclusion_proof_from_tiles(0, HEAD, altered(1, 0))
    for level, index in ((0, 257), (1, 1), (2, 0)):
        with pytest.raises(BadProof, match="right edge"):
            inclusion_proof_from_tiles(0, HEAD, altered(level, index))


def test_tiles_of_another_size_than_the_checkpoint_are_caught() -> None:
    with pytest.raises(BadProof, match="right edge"):
        VerifiedTiles(TreeHead(SIZE - 1, HEAD.root), read_honestly)
    with pytest.raises(Malformed, match="instead of"):
        VerifiedTiles(HEAD, lambda level, index, width: read_honestly(level, index, width)[:-32])


def test_a_subtree_outside_the_tree_is_never_read() -> None:
    tiles = VerifiedTiles(HEAD, read_honestly)
    for level, index in ((0, SIZE), (16, 1), (0, -1), (17, 0)):
        with pytest.raises(ValueError, match="no complete subtree"):
            tiles.hash_at(level, index)
