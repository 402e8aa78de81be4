"""What it takes to open one board of this server: key, files, lock and witnesses, each where the settings say."""

from collections.abc import Sequence

import structlog

from retally_crypto.errors import Unusable
from retally_crypto.notes import VerifierKey
from retally_crypto.secret.sign import SigningKey
from retally_server.board.board_files import open_board_files
from retally_server.board.board_keys import read_board_key
from retally_server.board.board_log import BoardLog, OpenRecord
from retally_server.board.cosigning import Cosigner, require_none_ahead
from retally_server.board.hours import Clock
from retally_server.board.lock_store import BoardLock
from retally_server.board.rates import BallotRate
from retally_server.board.witness_addresses import read_addresses
from retally_server.board.witness_client import WitnessClient
from retally_server.database.store import Board, Store
from retally_server.logs import fault_place
from retally_server.settings import Settings

_log = structlog.get_logger()


def require_board_key(settings: Settings, slug: str) -> SigningKey:
    """The key of a board that is in the database. Unusable if it is not here."""
    key = read_board_key(settings.keys, slug, settings.passphrase())
    if key is None:
        raise Unusable(f"board {slug}: its key is not in {settings.keys}; restore it from its safe copy")
    return key


def open_board_log(
    settings: Settings, store: Store, board: Board, key: SigningKey, open_record: OpenRecord
) -> BoardLog:
    """The log of a board; nothing is read yet. Unusable if the key is not the board's."""
    rate = BallotRate(settings.rate_ballots, settings.rate_seconds)
    files, lock = open_board_files(settings, board.slug), BoardLock(settings.locks, board.slug)
    return BoardLog(board, store, files, lock, key, rate, open_record, alone=not store.shared)


def recover_board(settings: Settings, log: BoardLog, clock: Clock) -> Cosigner | None:
    """Makes a board ready for this process to lead it; who will get its checkpoints cosigned, if it has witnesses.

    Raises Unusable if a witness or anything here contradicts it.
    """
    slug = log.board.slug
    try:
        log.recover()
    except OSError as error:
        # A full disk: reading goes on, and publishing is tried again before the next batch.
        _log.error("files not written", board=slug, **fault_place(error))
    keys = () if log.cosigned is None else log.cosigned.keys
    for name in without_address(settings, slug, keys):
        _log.warning("witness without address", board=slug, witness=name)
    witnesses = witness_clients(settings, slug, keys, log.board_key)
    if log.published is not None:
        require_none_ahead(slug, log.published.checkpoint, log.published.tree, witnesses)
    return cosigner_for(settings, log, witnesses, clock)


def cosigner_for(
    settings: Settings, log: BoardLog, witnesses: Sequence[WitnessClient], clock: Clock
) -> Cosigner | None:
    """Who gets the checkpoints of this board cosigned; None if it has no witness that can be asked."""
    return Cosigner(log, witnesses, settings.data.resolve() / "evidence", clock) if witnesses else None


def witness_clients(
    settings: Settings, slug: str, keys: Sequence[VerifierKey], board_key: VerifierKey
) -> list[WitnessClient]:
    """A client for each of these witnesses whose address is known here."""
    known = read_addresses(settings.keys, slug) if keys else {}
    return [WitnessClient(key, known[key], board_key, settings.witness_seconds) for key in keys if key in known]


def without_address(settings: Settings, slug: str, keys: Sequence[VerifierKey]) -> list[str]:
    """The names of these witnesses whose address is not known here."""
    known = read_addresses(settings.keys, slug) if keys else {}
    return [key.name for key in keys if key not in known]
