"""Entry 0 of a board before anything is verified: for whoever then compares the election id by other means."""

from __future__ import annotations

from retally_crypto.checkpoints import parse_checkpoint
from retally_crypto.notes import parse_note
from retally_crypto.tiles import TILE_WIDTH, Bundle, bundle_path, decode_bundle
from retally_verify.files import BUNDLE_LIMIT, CHECKPOINT_LIMIT, Board, Unreachable


def first_entry(board: Board) -> bytes:
    """Entry 0, unverified. Raises Unreachable where there is none, Malformed where the files are none of a board."""
    raw = board.read("checkpoint", CHECKPOINT_LIMIT)
    if raw is None:
        raise Unreachable(f"{board.location} has no checkpoint")
    # The size only says how wide the first bundle is.
    size = parse_checkpoint(parse_note(raw).text).size
    bundle = Bundle(0, min(size, TILE_WIDTH))
    bundled = board.read(bundle_path(bundle), BUNDLE_LIMIT) if size else None
    if bundled is None:
        raise Unreachable(f"{board.location} has no entries")
    return decode_bundle(bundled, bundle.width)[0]
