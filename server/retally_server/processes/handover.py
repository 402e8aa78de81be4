"""Entries on their way between the process that received them and the one that leads (`waiting_room`).

`HandOver` is the receiving side, `Intake` the leading one. Both look at the tables every few hundredths of a second
while something is under way and send many entries at a time; the driver has no public way to wait for a notification.
Answers of nobody and entries of a process that died are swept away.
"""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from retally_server.board.refusals import NotTakenError, Refusal, busy, fault, not_stored
from retally_server.board.sequencer import OFFICIALS_PLACES, give
from retally_server.board.submissions import Answer, Submission
from retally_server.logs import fault_place
from retally_server.processes.waiting_room import HandedOver, Taken, WaitingRoom

ANSWER_SECONDS = 30.0
"""How long an entry may wait for the leader's answer before its sender is told to send it again."""

SWEPT_SECONDS = 120.0

_BUSY_PAUSE = 0.01
_IDLE_PAUSE = 0.05
_SWEEP_PAUSE = 30.0
_log = structlog.get_logger()

Early = Callable[[Sequence[HandedOver]], Mapping[int, Answer | Refusal]]
"""What needs no leader, by ticket: receipts of what is on the board already, and refusals that cost nothing to find."""


@dataclass
class _Pending:
    handed: HandedOver
    is_ballot: bool
    answer: asyncio.Future[Answer]


class HandOver:
    """Hands entries to the leader and brings its answers. Lives on the event loop."""

    def __init__(self, room: WaitingRoom, queue_limit: int) -> None:
        """`queue_limit` entries of all processes may wait."""
        self._room = room
        self._queue_limit = queue_limit
        self._worker = secrets.token_bytes(16)
        self._tickets = itertools.count(1)
        self._unsent: list[_Pending] = []
        self._pending: dict[int, _Pending] = {}
        self._withdrawn: list[int] = []
        self._news = asyncio.Event()
        self._pool = ThreadPoolExecutor(1, "hand over")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many entries of this process wait for the leader."""
        return len(self._pending) + len(self._unsent)

    def start(self, early: Early) -> None:
        """Begins to exchange; `early` says what needs no leader."""
        self._task = asyncio.create_task(self._run(early), name="hand over")

    async def stop(self) -> None:
        """Ends. Whoever still waits is told to send the same bytes again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._fail_all()
        self._pool.shutdown(wait=True)

    async def submit(self, board_id: int | None, submission: Submission) -> Answer:
        """Hands an entry over and returns the leader's answer.

        NotTakenError if it refuses, or nobody answers in time.
        """
        handed = HandedOver(next(self._tickets), board_id, submission.received_at, submission.raw)
        pending = _Pending(handed, submission.is_ballot, asyncio.get_running_loop().create_future())
        self._unsent.append(pending)
        self._news.set()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await pending.answer
        except TimeoutError:
            raise NotTakenError(_not_answered()) from None
        finally:
            # Nobody waits any more: else the answer would stay in its table until it is swept.
            if self._pending.pop(handed.ticket, None) is not None:
                self._withdrawn.append(handed.ticket)
            if pending in self._unsent:
                self._unsent.remove(pending)

    async def _run(self, early: Early) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not (self._unsent or self._pending or self._withdrawn):
                self._news.clear()
                await self._news.wait()
            unsent, self._unsent = self._unsent, []
            withdrawn, self._withdrawn = self._withdrawn, []
            # Before the exchange: an answer may come back in the same one.
            self._pending.update({each.handed.ticket: each for each in unsent})
            try:
                answers = await loop.run_in_executor(self._pool, self._exchange, early, unsent, withdrawn)
            except Exception as error:
                # The tables may have been emptied: nobody here can know which entries the leader still has.
                _log.error("hand-over failed", waiting=len(self._pending), **fault_place(error))
                self._fail_all()
                continue
            for ticket, answer in answers:
                if (pending := self._pending.pop(ticket, None)) is not None:
                    give(pending.answer, answer)
            await asyncio.sleep(_BUSY_PAUSE)

    def _exchange(
        self, answer_early: Early, unsent: Sequence[_Pending], withdrawn: Sequence[int]
    ) -> list[tuple[int, Answer | Refusal]]:
        answers: list[tuple[int, Answer | Refusal]] = []
        if withdrawn:
            self._room.withdraw(self._worker, withdrawn)
        if unsent:
            early = answer_early([each.handed for each in unsent])
            answers += early.items()
            # One question for all of them: processes that ask at the same moment may go beyond the limit together.
            places = self._queue_limit + OFFICIALS_PLACES
            waiting = self._room.waiting(places)
            sent: list[HandedOver] = []
            for each in unsent:
                if each.handed.ticket in early:
                    continue
                if waiting + len(sent) >= (self._queue_limit if each.is_ballot else places):
                    answers.append((each.handed.ticket, busy()))
                else:
                    sent.append(each.handed)
            if sent:
                self._room.put(self._worker, sent)
        return [*answers, *self._room.collect(self._worker)]

    def _fail_all(self) -> None:
        failed = [*self._unsent, *self._pending.values()]
        self._unsent, self._pending = [], {}
        for pending in failed:
            give(pending.answer, _not_answered())


class Intake:
    """Takes what other processes handed over, in order, and writes the answers back. Lives on the event loop."""

    def __init__(self, room: WaitingRoom, accept: Callable[[Taken], Awaitable[Answer]], limit: int) -> None:
        """`accept` sequences an entry; at most `limit` entries are in hand at a time."""
        self._room = room
        self._accept = accept
        self._limit = limit
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._answers: list[tuple[Taken, Answer | Refusal]] = []
        self._pool = ThreadPoolExecutor(1, "intake")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to take entries."""
        self._task = asyncio.create_task(self._run(), name="intake")

    async def abandon(self) -> None:
        """Ends at once and answers nothing more: what is in hand stays in the table, for whoever leads next."""
        tasks = [*([self._task] if self._task else []), *self._in_hand.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=True)

    async def stop(self) -> None:
        """Takes nothing more, answers what is in hand, and ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._in_hand.values(), return_exceptions=True)
            self._task = None
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._write, self._answers)
        except SQLAlchemyError as error:
            _log.warning("answers not handed back", answers=len(self._answers), **fault_place(error))
        self._pool.shutdown(wait=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            answers, self._answers = self._answers, []
            try:
                # Shielded: these answers are written also when this ends now; `stop` writes those that came after.
                taken = await asyncio.shield(loop.run_in_executor(self._pool, self._exchange, answers))
                if loop.time() - swept > _SWEEP_PAUSE:
                    swept = loop.time()
                    await loop.run_in_executor(self._pool, self._room.sweep, SWEPT_SECONDS)
            except Exception as error:
                _log.warning("intake failed", in_hand=len(self._in_hand), **fault_place(error))
                # In one statement with their entries (`WaitingRoom.answer`): nothing of them was written.
                self._answers = answers + self._answers
                await asyncio.sleep(_IDLE_PAUSE * 10)
                continue
            # Only now: an entry whose answer is not written stands in the table still, and would be taken again.
            for answered, _ in answers:
                self._in_hand.pop(answered.id, None)
            for each in taken:
                self._in_hand[each.id] = asyncio.create_task(self._one(each))
            await asyncio.sleep(_BUSY_PAUSE if self._in_hand else _IDLE_PAUSE)

    def _exchange(self, answers: Sequence[tuple[Taken, Answer | Refusal]]) -> list[Taken]:
        self._write(answers)
        answered = {taken.id for taken, _ in answers}
        in_hand = [each for each in list(self._in_hand) if each not in answered]
        places = self._limit - len(in_hand)
        return self._room.take(places, in_hand) if places > 0 else []

    def _write(self, answers: Sequence[tuple[Taken, Answer | Refusal]]) -> None:
        if answers:
            self._room.answer(answers)

    async def _one(self, taken: Taken) -> None:
        answer: Answer | Refusal
        try:
            answer = await self._accept(taken)
        except NotTakenError as error:
            answer = error.refusal
        except Exception as error:
            _log.error("fault", **fault_place(error))
            answer = fault()
        self._answers.append((taken, answer))


def _not_answered() -> Refusal:
    return not_stored(
        "the entry could not be handed to the process that writes the board, and nothing was acknowledged", 3
    )
