"""How each board grows, noted at the end of every interval: the turnout curve, which is this server's own word.

Nothing on the board says when a ballot came, and nothing here says it of a single one: a note is a time that is a
multiple of the interval, and how many entries and ballots there were then. Times of single ballots would help whoever
watches the network to tell whose they are.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from retally_server.board.hours import Clock
from retally_server.database.store import Board, Store
from retally_server.logs import fault_place

_log = structlog.get_logger()


class Turnout:
    """Notes the growth of all boards for as long as it runs. Lives on the event loop."""

    def __init__(self, store: Store, boards: Callable[[], Iterable[Board]], clock: Clock, seconds: int) -> None:
        self._store = store
        self._boards = boards
        self._clock = clock
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to note."""
        self._task = asyncio.create_task(self._run(), name="turnout")

    async def stop(self) -> None:
        """Ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            now = self._clock()
            due = (int(now) // self._seconds + 1) * self._seconds
            await asyncio.sleep(due - now)
            await asyncio.to_thread(self.note, due)

    def note(self, time: int) -> None:
        """Notes every board at `time`. A database that cannot be written leaves a hole in the curve, nothing else."""
        for board in self._boards():
            try:
                self._store.note_turnout(board, time)
            except SQLAlchemyError as error:
                _log.warning("turnout not noted", board=board.slug, **fault_place(error))
