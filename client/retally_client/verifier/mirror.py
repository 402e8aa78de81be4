"""Downloading a whole board, verified to its checkpoint, into a folder that any verifier reads (docs/spec, 3.1).

Tiles and bundles are immutable: those that are there already are not fetched again. The checkpoint is written last, so
a mirror that was interrupted is an older board or none, never a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from retally_client.verifier.board import BUNDLE_LIMIT, CHECKPOINT_LIMIT, TILE_LIMIT, Board, Unreachable
from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint
from retally_crypto.engine import engine
from retally_crypto.errors import BadProof
from retally_crypto.merkle import Frontier
from retally_crypto.policy import TrustPolicy
from retally_crypto.tiles import bundle_path, bundles_of, tile_path, tiles_of


def mirror_board(
    board: Board,
    policy: TrustPolicy,
    folder: Path,
    begin: Callable[[int], None] = lambda files: None,
    advance: Callable[[int], None] = lambda files: None,
) -> CosignedCheckpoint:
    """Copies the board into `folder` and returns its checkpoint.

    Raises Unreachable if a file is missing, BadProof if the entries do not hash to the checkpoint's root: only the
    tiles fetched so far are left then, and the checkpoint of an earlier mirror stays.
    """
    raw = board.read("checkpoint", CHECKPOINT_LIMIT)
    if raw is None:
        raise Unreachable(f"{board.location} has no checkpoint")
    head = open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum)
    size = head.checkpoint.size
    bundles = list(bundles_of(size))
    tiles = list(tiles_of(size))
    begin(len(bundles) + len(tiles))
    tree = Frontier()
    for bundle in bundles:
        content = _fetch(board, folder, bundle_path(bundle), BUNDLE_LIMIT)
        hashes = engine.hash_leaves(content)
        for start in range(0, len(hashes), 32):
            tree.append(hashes[start : start + 32])
        advance(1)
    if tree.head() != head.head:
        raise BadProof(
            f"the entries of {board.location} hash to {tree.root().hex()}, "
            f"the checkpoint says {head.checkpoint.root.hex()}"
        )
    for tile in tiles:
        _fetch(board, folder, tile_path(tile), TILE_LIMIT)
        advance(1)
    for name in ("checkpoint.opening", "checkpoint.closing"):
        effect = board.read(name, CHECKPOINT_LIMIT)
        if effect is not None:
            _write(folder / name, effect)
    _write(folder / "checkpoint", raw)
    return head


def _fetch(board: Board, folder: Path, path: str, limit: int) -> bytes:
    target = folder / path
    if target.exists():
        return target.read_bytes()
    content = board.read(path, limit)
    if content is None:
        raise Unreachable(f"{board.location}/{path} is not there")
    _write(target, content)
    return content


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.replace(path)
