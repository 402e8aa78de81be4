"""Downloading a whole board, verified to its checkpoint, into a folder that any verifier reads (docs/spec, 3.1).

Tiles and bundles are immutable: those that are there already are not fetched again. The checkpoint is written last, so
a mirror that was interrupted is an older board or none, never a wrong one. A board that contradicts the mirror made
earlier is refused, so that what the operator signed first is not overwritten by what it signed later.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from retally_client.verifier.board import BUNDLE_LIMIT, CHECKPOINT_LIMIT, TILE_LIMIT, Board, FolderBoard, Unreachable
from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint, verify_checkpoint
from retally_crypto.engine import engine
from retally_crypto.errors import BadProof, Malformed, Refused, RetallyError
from retally_crypto.merkle import HASH_BYTES, Frontier, TreeHead, perfect_root
from retally_crypto.policy import TrustPolicy
from retally_crypto.tiles import (
    TILE_WIDTH,
    Bundle,
    Tile,
    bundle_path,
    bundles_of,
    decode_bundle,
    split_tile,
    tile_path,
    tiles_of,
)


def mirror_board(
    board: Board,
    policy: TrustPolicy,
    folder: Path,
    begin: Callable[[int], None] = lambda files: None,
    advance: Callable[[int], None] = lambda files: None,
) -> CosignedCheckpoint:
    """Copies the board into `folder` and returns its checkpoint.

    Raises Unreachable if a file is missing; BadProof if entries, tiles, checkpoint and the earlier mirror do not fit
    together: only the files fetched so far are left then, and the checkpoint of an earlier mirror stays. Refused if
    the folder holds another board.
    """
    raw = board.read("checkpoint", CHECKPOINT_LIMIT)
    if raw is None:
        raise Unreachable(f"{board.location} has no checkpoint")
    head = open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum)
    size = head.checkpoint.size
    folder.mkdir(parents=True, exist_ok=True)
    mirror = FolderBoard(folder)
    earlier = _earlier(mirror, policy)
    if earlier.size > size:
        raise BadProof(f"{folder} has {earlier.size} entries that the board signed, {board.location} shows only {size}")
    begin(-(-size // TILE_WIDTH) + _number_of_tiles(size))
    tree, row = Frontier(), bytearray()
    for bundle in bundles_of(size):
        path = bundle_path(bundle)
        hashes = _leaf_hashes(path, _fetch(board, mirror, folder, path, BUNDLE_LIMIT), bundle)
        for start in range(0, len(hashes), HASH_BYTES):
            tree.append(hashes[start : start + HASH_BYTES])
            if tree.size == earlier.size and tree.root() != earlier.root:
                raise BadProof(
                    f"at {tree.size} entries {folder} has the signed root {earlier.root.hex()}, "
                    f"{board.location} has {tree.root().hex()}"
                )
        _fetch_tile(board, mirror, folder, Tile(0, bundle.index, bundle.width), hashes)
        if bundle.width == TILE_WIDTH:
            row += perfect_root(split_tile(hashes, TILE_WIDTH))
        advance(2)
    if tree.head() != head.head:
        raise BadProof(
            f"the entries of {board.location} hash to {tree.root().hex()}, "
            f"the checkpoint says {head.checkpoint.root.hex()}"
        )
    _fetch_upper_tiles(board, mirror, folder, size, row, advance)
    for name in ("checkpoint.opening", "checkpoint.closing"):
        effect = board.read(name, CHECKPOINT_LIMIT)
        if effect is not None:
            _write(folder / name, effect)
    _write(folder / "checkpoint", raw)
    return head


def _earlier(mirror: FolderBoard, policy: TrustPolicy) -> TreeHead:
    raw = mirror.read("checkpoint", CHECKPOINT_LIMIT)
    if raw is None:
        return Frontier().head()
    try:
        return verify_checkpoint(raw, policy.board).head
    except RetallyError as error:
        raise Refused(f"{mirror.location} holds something else than this board: {error}") from None


def _number_of_tiles(size: int) -> int:
    number = 0
    while size:
        number += -(-size // TILE_WIDTH)
        size //= TILE_WIDTH
    return number


def _leaf_hashes(path: str, content: bytes, bundle: Bundle) -> bytes:
    try:
        decode_bundle(content, bundle.width)
    except Malformed as error:
        raise BadProof(f"{path}: {error}") from None
    return engine.hash_leaves(content)


def _fetch_upper_tiles(
    board: Board, mirror: FolderBoard, folder: Path, size: int, row: bytearray, advance: Callable[[int], None]
) -> None:
    """The tiles above the lowest level. `row` are the hashes of level 1, in order; those above follow from them."""
    level, above = 1, bytearray()
    for tile in tiles_of(size):
        if tile.level == 0:
            continue
        if tile.level > level:
            level, row, above = tile.level, above, bytearray()
        first = HASH_BYTES * TILE_WIDTH * tile.index
        hashes = bytes(row[first : first + HASH_BYTES * tile.width])
        _fetch_tile(board, mirror, folder, tile, hashes)
        if tile.width == TILE_WIDTH:
            above += perfect_root(split_tile(hashes, TILE_WIDTH))
        advance(1)


def _fetch_tile(board: Board, mirror: FolderBoard, folder: Path, tile: Tile, hashes: bytes) -> None:
    path = tile_path(tile)
    if _fetch(board, mirror, folder, path, TILE_LIMIT) != hashes:
        raise BadProof(f"{path} does not hold the hashes of the entries")


def _fetch(board: Board, mirror: FolderBoard, folder: Path, path: str, limit: int) -> bytes:
    content = mirror.read(path, limit)
    if content is not None:
        return content
    content = board.read(path, limit)
    if content is None:
        raise Unreachable(f"{board.location}/{path} is not there")
    _write(folder / path, content)
    return content


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.replace(path)
