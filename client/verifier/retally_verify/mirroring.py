"""Downloading a whole board, verified to its checkpoint, into a folder that any verifier reads (docs/spec, 3.1).

Tiles and bundles are immutable: those that are there already are not fetched again. The checkpoint is written last, so
a mirror that was interrupted is an older board or none, never a wrong one. A board that contradicts the mirror made
earlier is refused, so that what the operator signed first is not overwritten by what it signed later. The tree says
nothing of when voting began and ended: the checkpoints that do are taken once, when they are right, and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint, verify_checkpoint
from retally_crypto.engine import records
from retally_crypto.errors import BadProof, Malformed, Refused, RetallyError
from retally_crypto.merkle import HASH_BYTES, Frontier, TreeHead
from retally_crypto.policy import TrustPolicy
from retally_crypto.tile_files import changed_bundles, tiles_of
from retally_crypto.tile_proofs import VerifiedTiles
from retally_crypto.tiles import TILE_WIDTH, Bundle, Tile, bundle_path, decode_bundle, split_tile, tile_path
from retally_crypto.tree_proofs import perfect_root, span_root
from retally_verify.board import (
    BUNDLE_LIMIT,
    CHECKPOINT_LIMIT,
    TILE_LIMIT,
    Board,
    FolderBoard,
    TooLong,
    Unreachable,
    tile_reader,
)
from retally_verify.whole_files import replace_whole

EFFECTS = ("checkpoint.opening", "checkpoint.closing")
"""Of elections with witnesses."""


@dataclass
class Hashed:
    """The full bundles that an earlier step has hashed, so that the next one begins behind them: tree and level 1."""

    tree: Frontier = field(default_factory=Frontier)
    row: bytes = b""

    @property
    def bundles(self) -> int:
        """How many full bundles."""
        return len(self.row) // HASH_BYTES


@dataclass(frozen=True)
class Mirrored:
    """A copy up to `head`. `taken`: the checkpoints of opening and closing that are new in it; `faults`: what is wrong
    with those that the board shows, and that the copy has not."""

    head: CosignedCheckpoint
    taken: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def mirror_board(
    board: Board,
    policy: TrustPolicy,
    folder: Path,
    begin: Callable[[int], None] = lambda files: None,
    advance: Callable[[int], None] = lambda files: None,
    hashed: Hashed | None = None,
    meet: Callable[[int, Sequence[bytes]], None] = lambda first, entries: None,
) -> Mirrored:
    """Copies the board into `folder`.

    `hashed` is what an earlier call for the same folder has hashed; it is brought forward when the board is right.
    `meet` is told every bundle's first index and entries, before the board is found right.

    Raises Unreachable if a file is missing; BadProof if entries, tiles, checkpoint and the earlier mirror do not fit
    together: the files fetched are removed then, and the earlier mirror stays. Refused if the folder holds another
    board.
    """
    mirror = _Fetching(board, folder)
    try:
        return _mirror(mirror, policy, begin, advance, hashed or Hashed(), meet)
    except BadProof:
        # A wrong file that stayed would be taken for the right one next time.
        mirror.remove()
        raise


def _mirror(
    mirror: _Fetching,
    policy: TrustPolicy,
    begin: Callable[[int], None],
    advance: Callable[[int], None],
    hashed: Hashed,
    meet: Callable[[int, Sequence[bytes]], None],
) -> Mirrored:
    board, folder = mirror.board, mirror.folder
    raw = board.read("checkpoint", CHECKPOINT_LIMIT)
    if raw is None:
        raise Unreachable(f"{board.location} has no checkpoint")
    head = open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum)
    size = head.checkpoint.size
    folder.mkdir(parents=True, exist_ok=True)
    earlier = earlier_head(FolderBoard(folder), policy)
    if earlier.size > size:
        raise BadProof(f"{folder} has {earlier.size} entries that the board signed, {board.location} shows only {size}")
    begin(-(-size // TILE_WIDTH) + _number_of_tiles(size))
    tree, row, full = deepcopy(hashed.tree), bytearray(hashed.row), hashed.tree
    for bundle in changed_bundles(min(tree.size, size), size):
        path = bundle_path(bundle)
        content = mirror.fetch(path, BUNDLE_LIMIT)
        hashes = _leaf_hashes(path, content, bundle)
        meet(bundle.index * TILE_WIDTH, decode_bundle(content, bundle.width))
        for start in range(0, len(hashes), HASH_BYTES):
            tree.append(hashes[start : start + HASH_BYTES])
            if tree.size == earlier.size and tree.root() != earlier.root:
                raise BadProof(
                    f"at {tree.size} entries {folder} has the signed root {earlier.root.hex()}, "
                    f"{board.location} has {tree.root().hex()}"
                )
        _fetch_tile(mirror, Tile(0, bundle.index, bundle.width), hashes)
        if bundle.width == TILE_WIDTH:
            row += perfect_root(split_tile(hashes, TILE_WIDTH))
            full = deepcopy(tree)
        advance(2)
    if tree.head() != head.head:
        raise BadProof(
            f"the entries of {board.location} hash to {tree.root().hex()}, "
            f"the checkpoint says {head.checkpoint.root.hex()}"
        )
    _fetch_upper_tiles(mirror, size, bytearray(row), advance)
    taken, faults = [], []
    for name in EFFECTS if policy.witnesses else ():
        try:
            if _take_effect(board, policy, folder, head.head, name):
                taken.append(name)
        except Unreachable:
            raise
        except RetallyError as error:
            faults.append(f"{name}: {error}")
    _write(folder / "checkpoint", raw)
    hashed.tree, hashed.row = full, bytes(row)
    return Mirrored(head, tuple(taken), tuple(faults))


def _take_effect(board: Board, policy: TrustPolicy, folder: Path, head: TreeHead, name: str) -> bool:
    """Whether this checkpoint was new, and is in `folder` now. Raises RetallyError if the board shows a wrong one, or
    not the one that is there."""
    mirror = FolderBoard(folder)
    shown, kept = board.read(name, CHECKPOINT_LIMIT), mirror.read(name, CHECKPOINT_LIMIT)
    if shown == kept:
        return False
    if shown is None:
        raise BadProof(f"{folder} has it, {board.location} has not")
    if kept is not None:
        raise BadProof(f"{folder} has another one")
    effect = open_cosigned_checkpoint(shown, policy.board, policy.witnesses, policy.quorum).head
    if effect.size > head.size:
        # It goes with a checkpoint that the board has shown since.
        return False
    if span_root(0, effect.size, VerifiedTiles(head, tile_reader(mirror)).hash_at) != effect.root:
        raise BadProof(f"its root at {effect.size} entries is not the board's")
    _write(folder / name, shown)
    return True


def earlier_head(mirror: Board, policy: TrustPolicy) -> TreeHead:
    """How far an earlier mirror reaches, size 0 without one. Raises Refused if the folder holds something else."""
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
    return records.hash_leaves(content)


def _fetch_upper_tiles(mirror: _Fetching, size: int, row: bytearray, advance: Callable[[int], None]) -> None:
    """The tiles above the lowest level. `row` are the hashes of level 1, in order; those above follow from them."""
    level, above = 1, bytearray()
    for tile in tiles_of(size):
        if tile.level == 0:
            continue
        if tile.level > level:
            level, row, above = tile.level, above, bytearray()
        first = HASH_BYTES * TILE_WIDTH * tile.index
        hashes = bytes(row[first : first + HASH_BYTES * tile.width])
        _fetch_tile(mirror, tile, hashes)
        if tile.width == TILE_WIDTH:
            above += perfect_root(split_tile(hashes, TILE_WIDTH))
        advance(1)


def _fetch_tile(mirror: _Fetching, tile: Tile, hashes: bytes) -> None:
    path = tile_path(tile)
    if mirror.fetch(path, TILE_LIMIT) != hashes:
        raise BadProof(f"{path} does not hold the hashes of the entries")


class _Fetching:
    """Files from the folder where they are there, else from the board into the folder."""

    def __init__(self, board: Board, folder: Path) -> None:
        self.board = board
        self.folder = folder
        self._fetched: list[Path] = []

    def fetch(self, path: str, limit: int) -> bytes:
        try:
            content = FolderBoard(self.folder).read(path, limit)
        except TooLong as error:
            raise BadProof(str(error)) from None
        if content is not None:
            return content
        content = self.board.read(path, limit)
        if content is None:
            raise Unreachable(f"{self.board.location}/{path} is not there")
        _write(self.folder / path, content)
        self._fetched.append(self.folder / path)
        return content

    def remove(self) -> None:
        for path in self._fetched:
            path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(path, content)
