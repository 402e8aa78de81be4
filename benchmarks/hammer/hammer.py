"""Casting ballots made ahead of time as fast as told, as so many voters would, and keeping what each was answered.

At a rate (an open loop) a ballot is due at its time whatever became of the others, and its latency counts from when it
was due: a server that stalls is not asked less, and every ballot that had to wait for it is in the figures. At the
maximum (a closed loop) each connection sends its next ballot when the last one is answered.

A voter's second ballot is sent when the first is acknowledged; its time counts from there if that is later. On 503, 429
and lost connections the same bytes are sent again, after what `Retry-After` asks for.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import aiohttp
import uvloop

from benchmarks.hammer.ballots import Trial

NO_ANSWER_PAUSE = 0.5
ANSWER_SECONDS = 60.0


@dataclass
class Cast:
    """One ballot. Times are seconds after the start of the run; `receipt` is None until it is acknowledged."""

    place: int
    due: float
    answered: float = 0.0
    attempts: int = 0
    receipt: bytes | None = None
    refusal: str = ""

    @property
    def latency(self) -> float:
        return self.answered - self.due


@dataclass
class Run:
    """What became of so many ballots. `answers` counts every answer by its status, 0 for none."""

    rate: float | None
    connections: int
    casts: list[Cast]
    answers: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    retry_after: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def acknowledged(self) -> list[Cast]:
        return [cast for cast in self.casts if cast.receipt is not None]


class _Hammer:
    def __init__(self, trial: Trial, address: str, run: Run, give_up: float, advance: Callable[[int], None]) -> None:
        self._trial = trial
        self._url = f"{trial.url(address)}/ballots"
        self._run = run
        self._give_up = give_up
        self._advance = advance
        self._start = 0.0
        self._acknowledged = {cast.place: asyncio.Event() for cast in run.casts}
        self._chance = random.Random(0)  # noqa: S311 - spreads retries

    async def go(self) -> None:
        connector = aiohttp.TCPConnector(limit=self._run.connections, keepalive_timeout=60, force_close=False)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=ANSWER_SECONDS)
        headers = {"Content-Type": "application/octet-stream"}
        skipped = ("User-Agent", "Accept-Encoding", "Accept")
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=headers, skip_auto_headers=skipped
        ) as session:
            self._start = time.monotonic()
            if self._run.rate is None:
                waiting = iter(self._run.casts)
                await asyncio.gather(
                    *(self._one_after_the_other(session, waiting) for _ in range(self._run.connections))
                )
            else:
                await self._at_their_times(session)
            self._run.seconds = self._now()

    def _now(self) -> float:
        return time.monotonic() - self._start

    async def _one_after_the_other(self, session: aiohttp.ClientSession, waiting: Iterator[Cast]) -> None:
        for cast in waiting:
            cast.due = self._now()
            await self._cast(session, cast)

    async def _at_their_times(self, session: aiohttp.ClientSession) -> None:
        tasks = []
        for cast in self._run.casts:
            if (early := cast.due - self._now()) > 0:
                await asyncio.sleep(early)
            tasks.append(asyncio.create_task(self._cast(session, cast)))
        await asyncio.gather(*tasks)

    async def _cast(self, session: aiohttp.ClientSession, cast: Cast) -> None:
        before = self._trial.continues[cast.place]
        if before is not None and before in self._acknowledged and not self._acknowledged[before].is_set():
            await self._acknowledged[before].wait()
            cast.due = max(cast.due, self._now())
        body = self._trial.ballots[cast.place]
        while self._now() < self._give_up:
            cast.attempts += 1
            pause = NO_ANSWER_PAUSE
            try:
                async with session.post(self._url, data=body) as response:
                    answer = await response.read()
                    status, asked = response.status, response.headers.get("Retry-After")
            except (aiohttp.ClientError, TimeoutError, OSError):
                status, answer, asked = 0, b"", None
            self._run.answers[status] += 1
            cast.answered = self._now()
            if status in (200, 201):
                cast.receipt = answer
                break
            if status not in (0, 429, 503):
                cast.refusal = f"{status}: {answer[:300].decode(errors='replace')}"
                break
            if status:
                if asked is None or not asked.isdigit():
                    self._run.without_retry_after += 1
                else:
                    pause = float(asked)
                    self._run.retry_after.append(pause)
            await asyncio.sleep(pause * self._chance.uniform(1, 1.5))
        self._acknowledged[cast.place].set()
        self._advance(1)


def hammer(
    trial: Trial,
    address: str,
    places: range,
    rate: float | None,
    connections: int,
    give_up: float = 300.0,
    advance: Callable[[int], None] = lambda ballots: None,
) -> Run:
    """Casts the ballots at `places` of a trial that is set up at `address`, at so many a second or (None) the maximum.

    Ends when every one is acknowledged or refused; nothing is sent any more `give_up` seconds after the start.
    """
    casts = [Cast(place, 0.0 if rate is None else at / rate) for at, place in enumerate(places)]
    run = Run(rate, connections, casts)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        # It binds its events to this loop.
        runner.run(_go(trial, address, run, give_up, advance))
    return run


async def _go(trial: Trial, address: str, run: Run, give_up: float, advance: Callable[[int], None]) -> None:
    await _Hammer(trial, address, run, give_up, advance).go()
