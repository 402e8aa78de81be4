"""The elections of one server: opening them all at the start, and creating new ones.

With SQLite one process owns a data folder: a lock on it is held as long as the server runs, so that no second sequencer
writes to the same boards by accident. Processes on one PostgreSQL share folder and boards, and one of them leads
(`succession`). Who may create an election: whoever has the authority's signature under a manifest that
names a board key made here (`board.creation`). Nobody logs in.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from retally_crypto.errors import Unusable
from retally_crypto.web_bundle import is_origin
from retally_server.board.board_log import OpenRecord
from retally_server.board.hours import Clock
from retally_server.board.sequencer import Observe, Sequencer, unobserved
from retally_server.board.submissions import Answer
from retally_server.board.turnout import Turnout
from retally_server.database.store import Store
from retally_server.durable import make_folder
from retally_server.processes.boards import Boards
from retally_server.processes.shared_boards import SharedBoards
from retally_server.settings import Settings

_log = structlog.get_logger()


class Elections:
    """Every board of this server by slug."""

    def __init__(
        self, settings: Settings, clock: Clock, open_record: OpenRecord, observe: Observe = unobserved
    ) -> None:
        """Opens the data folder and every board in it, replaying each from the database. `observe` is told of batches.

        Raises Unusable if another server has the folder, or a board's database, files and key contradict each other.
        """
        self.settings = settings
        make_folder(settings.data.resolve())
        self._store = Store(settings.database)
        self._lock = _lock_folder(settings.data, self._store.shared)
        self._shared: SharedBoards | None = None
        try:
            self._store.prepare()
            if self._store.shared:
                self._shared = SharedBoards(settings)
            self._boards = Boards(settings, self._store, clock, open_record, observe, self._shared)
            if self._shared is None or self._shared.leadership.acquire():
                self._boards.lead_from_the_start()
            else:
                self._boards.find_new()
        except BaseException:
            self.close()
            raise
        self._turnout = Turnout(self._store, self._boards.led, clock, settings.turnout_seconds)

    @property
    def leads(self) -> bool:
        """Whether this process writes the boards: always with SQLite, one process of all with PostgreSQL."""
        return self._boards.leads

    @property
    def store(self) -> Store:
        """The database, for lookups."""
        return self._store

    def all(self) -> list[Sequencer]:
        """Every board, oldest first."""
        return self._boards.all()

    def get(self, slug: str) -> Sequencer:
        """The board of this slug. LookupError if there is none."""
        sequencer = self._boards.find(slug)
        if sequencer is None:
            raise LookupError(f"there is no board {slug}")
        return sequencer

    def casting_origins(self, slug: str) -> tuple[str, ...]:
        """The web pages' origins that the manifest of this board names; none if there is no such board."""
        sequencer = self._boards.find(slug)
        published = None if sequencer is None else sequencer.log.published
        if published is None:
            return ()
        return tuple(origin for origin in published.manifest.client.origins if is_origin(origin))

    async def create(self, manifest_entry: bytes) -> tuple[str, Answer]:
        """A new election from its manifest, as `Boards.create` says: its slug and the receipt of entry 0."""
        return await self._boards.create(manifest_entry)

    async def start(self) -> None:
        """Starts sequencing on every board, or following whoever does."""
        if self._shared is not None:
            self._shared.start_handing_over(self._boards)
        if self.leads:
            await self._boards.lead()
        if self._shared is not None:
            self._shared.start_succession(self._boards)
        self._turnout.start()
        _log.info("started", elections=len(self.all()), leads=self.leads)

    async def stop(self) -> None:
        """Answers what waits on every board, then closes the database and frees the data folder."""
        await self._turnout.stop()
        if self._shared is not None:
            await self._shared.stop()
        await self._boards.stop()
        self.close()
        _log.info("stopped")

    def close(self) -> None:
        """Closes the database and frees the data folder."""
        if self._shared is not None:
            self._shared.close()
        self._store.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def lock_folder(folder: Path, shared: bool = False) -> Callable[[], None]:
    """Keeps every other server off this data folder until the function returned is called. Unusable if one runs.

    `shared`: others that share it are let in, for they have their database in common.
    """
    handle = _lock_folder(folder, shared)
    return lambda: os.close(handle)


def _lock_folder(folder: Path, shared: bool) -> int:
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Unusable(f"another server runs on the data folder {folder}") from None
    return handle
