"""Nothing that was ever let out is ahead of the database, or of another history (docs/trust.md).

A database that is behind a checkpoint that somebody may have seen is an old copy, and going on with it would sign a
second history of the board. Every place that says how far the board was let out is held against the database: when a
board is recovered, when its lock is written anew, and when an operator has it looked over.
"""

from collections.abc import Iterator, Mapping

from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.errors import RetallyError
from retally_crypto.notes import VerifierKey
from retally_server.board.board_files import CHECKPOINT, PENDING, BoardFiles
from retally_server.board.hash_tree import HashTree


def published_places(files: BoardFiles) -> dict[str, bytes | None]:
    """The newest checkpoints that everybody can read, by what they are called to an operator."""
    return {"published checkpoint": files.checkpoint(CHECKPOINT), "pending checkpoint": files.checkpoint(PENDING)}


def contradictions(
    places: Mapping[str, bytes | None], board_key: VerifierKey, size: int, tree: HashTree | None
) -> Iterator[str]:
    """What each place says that a database of `size` entries contradicts, one sentence a place; None: it is empty.

    Roots are compared where `tree`, that of the database, is given.
    """
    for place, note in places.items():
        if note is None:
            continue
        try:
            seen = verify_checkpoint(note, board_key)
        except RetallyError as error:
            yield f"the {place} is not signed by the board's key: {error}"
            continue
        if seen.size > size:
            yield f"the {place} has size {seen.size}, the database {size}: the database is an old copy"
        elif tree is not None and tree.root(seen.size) != seen.root:
            yield f"the database has another history than the {place} of size {seen.size}"
