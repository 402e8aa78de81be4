"""Two views of one board, compared; and evidence of a split view that anybody can check without either host.

Every view is a checkpoint that the board's key signed. Two of them belong to one board exactly if the tree of the
smaller is a prefix of the tree of the larger. If it is not, the board's operator signed two histories, and this proves
it to everyone who knows the board's key:

    {"first": note, "kind": "retally-split-view", "proof": [...], "root": ..., "second": note}

`root` is the root of the first `first.size` entries of the *second's* tree, and `proof` the consistency proof (RFC 6962
section 2.1.2) from it to the second's root: so the second tree begins otherwise than the first one says. At equal sizes
the two roots differ, `root` repeats the second's and `proof` is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retally_crypto.canonical import Json, parse_json
from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import BadProof, Malformed
from retally_crypto.merkle import HASH_BYTES, MAX_PROOF_HASHES, TreeHead
from retally_crypto.notes import VerifierKey
from retally_crypto.tile_proofs import VerifiedTiles
from retally_crypto.tree_proofs import consistency_proof, span_root, verify_consistency
from retally_verify.board import CHECKPOINT_LIMIT, Board, tile_reader

KIND = "retally-split-view"
EVIDENCE_LIMIT = 4 * CHECKPOINT_LIMIT
CHECKPOINTS = ("checkpoint", "checkpoint.pending")
"""A pending checkpoint (elections with witnesses) is signed too, and must belong to the same history."""


@dataclass(frozen=True)
class View:
    """One signed checkpoint and the board whose tiles belong to it."""

    name: str
    note: bytes
    head: TreeHead
    board: Board


@dataclass(frozen=True)
class SplitView:
    """The proof that a board's key signed two histories; see the module's docstring. `first` is the smaller one."""

    first: bytes
    second: bytes
    root: bytes
    proof: tuple[bytes, ...]


def views_of(board: Board, key: VerifierKey, names: Sequence[str] = CHECKPOINTS) -> Iterator[View]:
    """Those of these checkpoints that `board` shows. Raises what `verify_checkpoint` raises for a wrong one."""
    for name in names:
        note = board.read(name, CHECKPOINT_LIMIT)
        if note is not None:
            yield View(f"{board.location}/{name}", note, verify_checkpoint(note, key).head, board)


def find_split(one: View, other: View) -> SplitView | None:
    """The proof that these two views contradict each other, or None if they belong to one history.

    Raises Unreachable if a tile of the larger one is not there, BadProof if its tiles do not belong to it.
    """
    small, large = sorted((one, other), key=lambda view: view.head.size)
    if small.head.size == 0:
        return None
    if small.head.size == large.head.size:
        if small.head.root == large.head.root:
            return None
        return SplitView(small.note, large.note, large.head.root, ())
    tiles = VerifiedTiles(large.head, tile_reader(large.board))
    root = span_root(0, small.head.size, tiles.hash_at)
    if root == small.head.root:
        return None
    proof = consistency_proof(small.head.size, large.head.size, tiles.hash_at)
    return SplitView(small.note, large.note, root, proof)


def format_split(split: SplitView) -> bytes:
    """The evidence as a file."""
    members = {
        "kind": KIND,
        "first": split.first.decode(),
        "second": split.second.decode(),
        "root": b64url_encode(split.root),
        "proof": [b64url_encode(value) for value in split.proof],
    }
    return json.dumps(members, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def parse_split(raw: bytes) -> SplitView:
    """Reads evidence; nothing is verified. Raises Malformed."""
    members = parse_json(raw, EVIDENCE_LIMIT)
    if not isinstance(members, dict) or set(members) != {"kind", "first", "second", "root", "proof"}:
        raise Malformed("split view: other members than first, kind, proof, root, second")
    proof = members["proof"]
    if members["kind"] != KIND:
        raise Malformed(f"split view: kind is not {KIND}")
    if not isinstance(proof, list) or len(proof) > MAX_PROOF_HASHES:
        raise Malformed("split view: the proof is not a list of hashes")
    first, second = (_text(members[name]).encode() for name in ("first", "second"))
    hashes = tuple(b64url_decode(_text(value), HASH_BYTES, "split view proof") for value in proof)
    return SplitView(first, second, b64url_decode(_text(members["root"]), HASH_BYTES, "split view root"), hashes)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Malformed("split view: a member is not a text")
    return value


def verify_split(split: SplitView, key: VerifierKey) -> tuple[TreeHead, TreeHead]:
    """The two heads that the board's key signed and that cannot both be true. Raises BadProof if they can.

    Raises Malformed, BadSignature or Refused if one of them is not the board's.
    """
    first, second = (verify_checkpoint(note, key).head for note in (split.first, split.second))
    if not 0 < first.size <= second.size:
        raise BadProof(f"split view: sizes {first.size} and {second.size}, the first must be the smaller")
    verify_consistency(TreeHead(first.size, split.root), second, split.proof)
    if split.root == first.root:
        raise BadProof(f"split view: both have the root {first.root.hex()} at {first.size} entries")
    return first, second
