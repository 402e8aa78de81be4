"""Writing a lock anew after the lock store was lost: `retally-server board lock`.

The one moment at which nothing on this machine says whether the database is an old copy; so every witness has to say
it, and an operator has to name those that cannot be asked.
"""

from collections.abc import Callable, Collection

from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.errors import Unusable
from retally_server.board.ahead import contradictions, published_places
from retally_server.board.board_files import open_board_files
from retally_server.board.board_keys import read_board_key
from retally_server.board.board_log import OpenRecord
from retally_server.board.cosigning import require_none_ahead
from retally_server.board.hash_tree import HashTree
from retally_server.board.lock_store import BoardLock
from retally_server.board.opening import witness_clients
from retally_server.board.witness_client import Cosigned
from retally_server.database.store import Store
from retally_server.elections import lock_folder
from retally_server.settings import Settings


def write_lock(settings: Settings, slug: str, without: Collection[str], open_record: OpenRecord) -> int:
    """Writes the lock of a board that has none, from its database, and returns the size it says.

    Raises Unusable if there is a lock, if something published or a witness is ahead of the database, or if a witness
    does not confirm and is not named in `without`.
    """
    freed: list[Callable[[], None]] = [lock_folder(settings.data)]
    try:
        store = Store(settings.database)
        freed.insert(0, store.close)
        store.prepare()
        board = next((each for each in store.boards() if each.slug == slug), None)
        key = read_board_key(settings.keys, slug, settings.passphrase())
        lock = BoardLock(settings.locks, slug)
        if board is None or key is None:
            raise Unusable(f"there is no board {slug} here, or its key is missing")
        if lock.read() is not None:
            raise Unusable(f"board {slug} has a lock at {lock.path}; it is never replaced by hand")
        head, tree = store.newest_checkpoint(board), HashTree()
        manifest_entry = b""
        for raw, leaf in store.entries(board, 0, head.size):
            manifest_entry = manifest_entry or raw
            tree.append(leaf)
        signed = verify_checkpoint(head.note, key.verifier_key)
        if tree.size != head.size or tree.root(tree.size) != signed.root:
            raise Unusable(f"board {slug}: the entries in the database do not hash to its newest checkpoint")
        places = published_places(open_board_files(settings, slug))
        for contradiction in contradictions(places, key.verifier_key, head.size, tree):
            raise Unusable(f"board {slug}: {contradiction}")
        keys = open_record(manifest_entry).manifest.witnesses.keys
        clients = witness_clients(settings, slug, keys, key.verifier_key)
        freed[:0] = [client.close for client in clients]
        answers = require_none_ahead(slug, head, tree, clients)
        silent = [k.name for k in keys if not isinstance(answers.get(k.name), Cosigned) and k.name not in without]
        if silent:
            raise Unusable(
                f"board {slug}: the witness {silent[0]} does not confirm that this database is the newest; "
                f"if it cannot be asked any more: --without {silent[0]}"
            )
        lock.swap(None, head.note)
        return head.size
    finally:
        for free in freed:
            free()
