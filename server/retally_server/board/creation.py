"""A new board from the manifest of its election.

Nobody logs in to create one. The manifest is signed by the authority and names a board key that was made here, for
that authority if the operator named one (`retally-server board new`), and witnesses whose addresses are known here.
"""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.errors import Malformed, RetallyError
from retally_crypto.merkle import leaf_hash
from retally_crypto.replay import Record
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_server.board.board_keys import pinned_authority, read_board_key, slug_of
from retally_server.board.board_log import OpenRecord
from retally_server.board.opening import without_address
from retally_server.board.refusals import NotTakenError, Refusal, refused
from retally_server.database.store import Board, NewEntry, Store, StoredCheckpoint
from retally_server.logs import fault_place
from retally_server.settings import Settings

_log = structlog.get_logger()


def begin(open_record: OpenRecord, manifest_entry: bytes) -> tuple[str, Record]:
    """The short name and the record of the board that a manifest describes. NotTakenError if it breaks a rule."""
    try:
        record = open_record(manifest_entry)
    except Malformed as error:
        raise NotTakenError(refused("V09", str(error))) from error
    except RetallyError as error:
        raise NotTakenError(refused("V03", str(error))) from error
    if record.manifest_faults:
        raise NotTakenError(refused("V03", "; ".join(record.manifest_faults[:8])))
    try:
        return slug_of(record.manifest.board.name), record
    except Malformed as error:
        raise NotTakenError(refused("V03", str(error))) from error


def create_board(
    settings: Settings, store: Store, slug: str, record: Record, manifest_entry: bytes
) -> tuple[Board, SigningKey]:
    """Writes a board with its manifest and first checkpoint; the same manifest again gives the board that is there.

    NotTakenError if its key or a witness's address is not here, if it was made for another authority, or if the
    database does not take it.
    """
    key = _require_key(settings, slug, record)
    _require_addresses(settings, slug, record)
    pinned = pinned_authority(settings.keys, slug)
    if pinned is not None and record.manifest.authority != pinned:
        other = f"board {slug} was made for the authority {pinned.name}, not for the manifest's"
        raise NotTakenError(refused("V04", other))
    for board in store.boards():
        # A commit may have been durable although it was reported as failed.
        if board.slug == slug and board.election_id == record.election_id:
            return board, key
    note = sign_checkpoint(Checkpoint(key.verifier_key.name, 1, record.root), key)
    manifest = NewEntry(manifest_entry, leaf_hash(manifest_entry), None)
    checkpoint = StoredCheckpoint(1, record.root, note)
    try:
        board = store.create(slug, key.verifier_key.name, record.election_id, manifest, checkpoint)
    except SQLAlchemyError as error:
        _log.error("board not created", board=slug, **fault_place(error))
        raise NotTakenError(Refusal("not-stored", "the election could not be stored", retry_after=5)) from error
    return board, key


def _require_key(settings: Settings, slug: str, record: Record) -> SigningKey:
    try:
        key = read_board_key(settings.keys, slug, settings.passphrase())
    except (RetallyError, OSError) as error:
        _log.error("board key unreadable", board=slug, **fault_place(error))
        unreadable = f"the key of board {slug} cannot be read; the operator must look"
        raise NotTakenError(Refusal("not-ready", unreadable)) from error
    if key is None or key.verifier_key != record.manifest.board:
        raise NotTakenError(
            Refusal(
                "board-key-unknown",
                f"this server has no key {record.manifest.board.name} with the id that the manifest gives",
                advice=f"The operator makes it with: retally-server board new {slug}",
            )
        )
    return key


def _require_addresses(settings: Settings, slug: str, record: Record) -> None:
    if unknown := without_address(settings, slug, record.manifest.witnesses.keys):
        raise NotTakenError(
            Refusal(
                "witness-address-unknown",
                f"no address is known here for the witness {unknown[0]}",
                advice=f"The operator names it with: retally-server board witness {slug} KEY ADDRESS",
            )
        )
