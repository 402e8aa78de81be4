"""What the witnesses' quorum has confirmed of one board, and the files that say so (docs/spec 3.1, 8.2 V04).

    checkpoint.pending   every new signed checkpoint, as soon as it is durable (`board_log`)
    checkpoint.opening   the quorum-cosigned checkpoint by which `opening` took effect; `.closing` likewise
    checkpoint           the newest quorum-cosigned checkpoint

A cosigned checkpoint is stored first, then the two files above are written, then `checkpoint` is replaced: whoever
reads a `checkpoint` that covers the opening finds `checkpoint.opening`. For an election without witnesses all of this
does nothing, and `checkpoint` is the newest signed one.
"""

import threading
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.exc import IntegrityError

from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint
from retally_crypto.errors import RetallyError, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.notes import VerifierKey
from retally_server.board.board_files import CHECKPOINT, BoardFiles
from retally_server.board.hash_tree import HashTree
from retally_server.board.lock_store import BoardLock
from retally_server.database.store import Board, Store, StoredCheckpoint

EFFECTS = ("opening", "closing")
_log = structlog.get_logger()


class CosignedLog:
    """The cosigned checkpoints of one board with witnesses. May be used from two threads at a time."""

    def __init__(
        self, board: Board, store: Store, files: BoardFiles, lock: BoardLock, board_key: VerifierKey, manifest: Manifest
    ) -> None:
        """`manifest` names witnesses and times; it is the board's own. Nothing is read yet."""
        self.keys: Sequence[VerifierKey] = tuple(manifest.witnesses.keys)
        self.quorum: int = manifest.witnesses.quorum
        self.newest: StoredCheckpoint | None = None
        self._hours = manifest
        self._board = board
        self._store = store
        self._files = files
        self._lock = lock
        self._board_key = board_key
        self._turn = threading.Lock()

    @property
    def size(self) -> int:
        """How many entries the quorum has confirmed."""
        return 0 if self.newest is None else self.newest.size

    def recover(self, tree: HashTree, size: int, effects: Mapping[str, int | None]) -> None:
        """Reads the newest cosigned checkpoint from the database and writes the files that are missing or older.

        `size` is the database's, `effects` the indices of opening and closing. Raises Unusable if a cosigned
        checkpoint is not of this tree; OSError if the disk refuses.
        """
        with self._turn:
            newest = self._store.newest_cosigned(self._board)
            shown = self._files.checkpoint(CHECKPOINT)
            if shown is not None and (newest is None or newest.note != shown):
                newest = self._adopt(shown, newest, size)
            if newest is not None and (newest.size > size or tree.root(newest.size) != newest.root):
                raise Unusable(
                    f"board {self._board.slug}: the cosigned checkpoint of size {newest.size} is another history's"
                )
            self.newest = newest
            if newest is not None:
                self._write_effects(newest.size, effects)
                self._files.publish(newest.note, CHECKPOINT)

    def accept(self, head: StoredCheckpoint, note: bytes, effects: Mapping[str, int | None]) -> None:
        """Stores and publishes `note`, which is `head` with a quorum's cosignatures. Unusable if it is not."""
        self._opened(note)
        with self._turn:
            if self.size < head.size:
                self._store.add_cosigned(self._board, head.size, note)
                self.newest = StoredCheckpoint(head.size, head.root, note)
            # Also when it was stored before and the disk refused: files are written until they are there.
            newest = self.newest
            if newest is not None:
                self._write_effects(newest.size, effects)
                with self._lock.alone():
                    # A process that was stopped here for a while must not put an old checkpoint over a newer one.
                    if self._store.newest_cosigned(self._board) == newest:
                        self._files.publish(newest.note, CHECKPOINT)

    def follow(self, tree: HashTree) -> None:
        """Reads what the process that leads has published; writes nothing. Unusable if it is not of this tree."""
        with self._turn:
            stored = self._store.newest_cosigned(self._board)
            if stored is None or stored == self.newest:
                return
            shown = self._files.checkpoint(CHECKPOINT)
            if shown is None or (self.newest is not None and self.newest.note == shown):
                return
            opened = self._opened(shown).checkpoint
            if opened.size > tree.size:
                return
            if tree.root(opened.size) != opened.root:
                raise Unusable(f"board {self._board.slug}: the published checkpoint is another history's")
            self.newest = StoredCheckpoint(opened.size, opened.root, shown)

    def window(self, size: int, now: float, effects: Mapping[str, int | None]) -> tuple[int, int] | None:
        """Between which times a cosignature on a checkpoint of `size` has to be made, or None if any time will do.

        An opening or closing takes effect by the first quorum-cosigned checkpoint that covers it, and V04 demands that
        a quorum's times are in the manifest's. A witness whose clock runs a little behind would spoil that for good, so
        its cosignature is asked for again until it is in time. After the grace nothing is in time any more, and the
        board goes on with what it gets: V04 then says so.
        """
        due = {"opening": self._hours.opens, "closing": self._hours.closes}
        for kind in EFFECTS:
            index = effects.get(kind)
            last = due[kind] + self._hours.grace
            if index is not None and self.size <= index < size and now <= last:
                return due[kind], last
        return None

    def _adopt(self, shown: bytes, stored: StoredCheckpoint | None, size: int) -> StoredCheckpoint | None:
        """The published checkpoint, if it is newer than the stored one: the database came back without that row."""
        opened = self._opened(shown).checkpoint
        if opened.size <= (0 if stored is None else stored.size) or opened.size > size:
            return stored
        try:
            self._store.add_cosigned(self._board, opened.size, shown)
        except IntegrityError as error:
            raise Unusable(
                f"board {self._board.slug}: the published checkpoint of size {opened.size} is none of the database's"
            ) from error
        return StoredCheckpoint(opened.size, opened.root, shown)

    def _write_effects(self, size: int, effects: Mapping[str, int | None]) -> None:
        for kind in EFFECTS:
            index = effects.get(kind)
            if index is None or index >= size:
                continue
            first = self._store.first_cosigned_covering(self._board, index)
            name = f"{CHECKPOINT}.{kind}"
            if first is not None and self._files.checkpoint(name) != first.note:
                self._files.publish(first.note, name)
                _log.info("took effect", board=self._board.slug, kind=kind)

    def _opened(self, note: bytes) -> CosignedCheckpoint:
        try:
            return open_cosigned_checkpoint(note, self._board_key, self.keys, self.quorum)
        except RetallyError as error:
            raise Unusable(f"board {self._board.slug}: a cosigned checkpoint does not verify: {error}") from error
