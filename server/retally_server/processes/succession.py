"""One process leads and the others follow: who does what, and the change from one to the other.

While a process follows, it shows what the leader has published, a few times a second, and asks for the lead twice a
second. When it gets it, each board is recovered as at a start, except that what it has replayed already need not be
replayed again. While it leads, it says so to the database every second; when its session has ended, or a batch shows
that somebody else writes the board, it goes back to following at once. Whatever a former leader still has in its hands
comes too late everywhere (`leadership`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from retally_server.logs import fault_place
from retally_server.processes.leadership import Leadership

_BEAT_PAUSE = 1.0
_CLAIM_PAUSE = 0.5
_FOLLOW_PAUSE = 0.05
_log = structlog.get_logger()


class Led(Protocol):
    """The boards of this process. `find_new`, `follow` and `recover` are called in a thread."""

    def find_new(self) -> None:
        """Opens the boards that another process made."""
        ...

    def follow(self) -> None:
        """Shows what the process that leads has published."""
        ...

    def recover(self) -> None:
        """Makes every board ready to be led."""
        ...

    async def lead(self) -> None:
        """Sequences from now on."""
        ...

    async def step_down(self) -> None:
        """Sequences no more."""
        ...


class Succession:
    """The life of one process on a shared database. Lives on the event loop."""

    def __init__(self, leadership: Leadership) -> None:
        """Nothing is done yet."""
        self._leadership = leadership
        self._overtaken = asyncio.Event()
        self._claims = ThreadPoolExecutor(1, "leadership")
        self._readings = ThreadPoolExecutor(1, "following")
        self._task: asyncio.Task[None] | None = None
        self._silent = False

    def start(self, boards: Led) -> None:
        """Begins; a process that was given the lead before leads on."""
        self._task = asyncio.create_task(self._run(boards), name="succession")

    async def stop(self) -> None:
        """Ends, whatever this process is doing; who leads goes on leading until the leadership is closed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._claims.shutdown(wait=True)
        self._readings.shutdown(wait=True)

    def overtaken(self) -> None:
        """Somebody else writes a board of this database."""
        self._overtaken.set()

    async def _run(self, boards: Led) -> None:
        while True:
            try:
                await (self._leading(boards) if self._leadership.leads else self._following(boards))
            except Exception as fault:
                # Whatever it was: a process that neither leads nor follows would be worse than one that tries again.
                _log.error("succession", **fault_place(fault))
                await asyncio.sleep(_CLAIM_PAUSE)

    async def _leading(self, boards: Led) -> None:
        loop = asyncio.get_running_loop()
        while not self._overtaken.is_set() and await loop.run_in_executor(self._claims, self._leadership.beat):
            try:
                async with asyncio.timeout(_BEAT_PAUSE):
                    await self._overtaken.wait()
            except TimeoutError:
                continue
        await self._give_up(boards)

    async def _give_up(self, boards: Led) -> None:
        _log.warning("leads no more")
        self._overtaken.clear()
        await boards.step_down()
        await asyncio.get_running_loop().run_in_executor(self._claims, self._leadership.release)

    async def _following(self, boards: Led) -> None:
        loop = asyncio.get_running_loop()
        claimed = loop.time()
        while True:
            claims = loop.time() - claimed >= _CLAIM_PAUSE
            if claims:
                await self._read(boards.find_new)
            await self._read(boards.follow)
            if claims:
                claimed = loop.time()
                if await loop.run_in_executor(self._claims, self._leadership.acquire):
                    break
            await asyncio.sleep(_FOLLOW_PAUSE)
        beating = asyncio.create_task(self._beat_while_recovering())
        try:
            await loop.run_in_executor(self._readings, boards.recover)
            self._overtaken.clear()
            await boards.lead()
        except BaseException:
            await self._give_up(boards)
            raise
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        _log.info("leads")

    async def _beat_while_recovering(self) -> None:
        while await asyncio.get_running_loop().run_in_executor(self._claims, self._leadership.beat):
            await asyncio.sleep(_BEAT_PAUSE)

    async def _read(self, look: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._readings, look)
            self._silent = False
        except Exception as fault:
            if not self._silent:
                _log.error("cannot follow", **fault_place(fault))
            self._silent = True
            await asyncio.sleep(_CLAIM_PAUSE)
