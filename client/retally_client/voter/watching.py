"""Picking some ballots out of a board while the verifier reads it, so that it is read once and in constant memory.

The verifier may read a bundle a second time, and then looks only at the entries it asked for: what passes by here is
anything until its leaf hash is found in the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from retally_crypto.entries import Ballot, parse_entry
from retally_crypto.errors import Malformed
from retally_crypto.merkle import TreeHead, leaf_hash
from retally_crypto.tile_files import parse_tile_path
from retally_crypto.tile_proofs import VerifiedTiles
from retally_crypto.tiles import TILE_WIDTH, Bundle
from retally_verify.board import Board, tile_reader


@dataclass(frozen=True)
class SeenBallot:
    """A ballot entry on the board, whether or not it is in force there."""

    index: int
    credential: bytes
    body_hash: bytes


class WatchedBoard:
    """A board that remembers the ballots `wanted` says yes to, among the entries read through it."""

    def __init__(self, board: Board, election_id: bytes, wanted: Callable[[Ballot], bool]) -> None:
        self.location = board.location
        self._board = board
        self._election_id = election_id
        self._wanted = wanted
        self._found: dict[int, dict[bytes, SeenBallot]] = {}

    def read(self, path: str, limit: int) -> bytes | None:
        raw = self._board.read(path, limit)
        if raw is not None and path.startswith("tile/entries/"):
            place = parse_tile_path(path)
            if isinstance(place, Bundle):
                self._look_at(raw, place)
        return raw

    def found(self, head: TreeHead) -> tuple[SeenBallot, ...]:
        """The wanted ballots among the entries of this tree, in board order. Raises Unreachable, Malformed or BadProof
        if the board no longer has the tree's tiles."""
        seen = [(index, ballots) for index, ballots in sorted(self._found.items()) if index < head.size]
        if not seen:
            return ()
        tiles = VerifiedTiles(head, tile_reader(self._board))
        proved = (ballots.get(tiles.hash_at(0, index)) for index, ballots in seen)
        return tuple(ballot for ballot in proved if ballot is not None)

    def _look_at(self, raw: bytes, bundle: Bundle) -> None:
        for index, entry in enumerate(_whole_entries(raw), start=bundle.index * TILE_WIDTH):
            if b"\n" in entry:
                continue
            try:
                ballot = parse_entry(entry, self._election_id)
            except Malformed:
                continue  # V09 names it; it has no code and no credential that could be compared
            if isinstance(ballot, Ballot) and self._wanted(ballot):
                seen = SeenBallot(index, ballot.credential, ballot.body_hash)
                self._found.setdefault(index, {})[leaf_hash(entry)] = seen


def _whole_entries(raw: bytes) -> Iterator[bytes]:
    """The entries at the beginning of a bundle, whatever follows: the verifier may cut it where it needs no more."""
    position = 0
    for _ in range(TILE_WIDTH):
        end = position + 2 + int.from_bytes(raw[position : position + 2], "big")
        if position + 2 > len(raw) or end > len(raw):
            return
        yield raw[position + 2 : end]
        position = end
