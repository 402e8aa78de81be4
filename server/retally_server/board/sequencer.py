"""One queue per board, one batch at a time: what waits is sequenced together, then everybody is answered.

Entries are taken in the order in which their last byte arrived. A closing therefore stands behind every ballot that
was received before it, and each of these is on the board or refused before the closing is ruled on. Nothing heavy
runs on the event loop: a batch is verified, written and published in a worker thread (`board_log`).

Where several processes share a database one of them sequences, and the others hand over what they receive
(`HandsOver`). A closing then waits for `CLOSING_PAUSE` and is handed over like the rest, also at the process that
leads: so it stands behind what any of them had received by then.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from retally_server.board.board_log import BoardLog
from retally_server.board.cosigning import Cosigner
from retally_server.board.hours import Clock
from retally_server.board.lock_store import LockMovedError
from retally_server.board.refusals import AGAIN, NotTakenError, Refusal, busy, not_stored
from retally_server.board.submissions import Answer, Submission
from retally_server.database.store import CheckpointMovedError
from retally_server.logs import fault_place

CLOSING_PAUSE = 1.0
"""Seconds in which every other process hands over what it received before a closing."""

SHOWN_SECONDS = 2.0
"""How long an answer waits until this process shows the entry, too."""

OFFICIALS_PLACES = 64
"""Places in a full queue that are kept for officials' entries, so that a flood of ballots cannot keep a closing out."""

Observe = Callable[[str, float, Sequence[Answer | Refusal]], None]
"""Told of each batch: its board's short name, the seconds it took, the answers."""

_log = structlog.get_logger()


def unobserved(board: str, seconds: float, answers: Sequence[Answer | Refusal]) -> None:
    """Nobody is told of batches."""


class HandsOver(Protocol):
    """The way to the process that leads (`processes.handover`)."""

    async def submit(self, board_id: int | None, submission: Submission) -> Answer:
        """The leader's answer. NotTakenError if it refuses, or nobody answers in time."""
        ...


@dataclass
class _Waiting:
    submission: Submission
    answer: asyncio.Future[Answer]


class Sequencer:
    """The way onto one board. Lives on the event loop."""

    def __init__(
        self,
        log: BoardLog,
        clock: Clock,
        queue_limit: int,
        batch_limit: int,
        quorum_wait: float = 0.0,
        hand_over: HandsOver | None = None,
        overtaken: Callable[[], None] | None = None,
        observe: Observe = unobserved,
    ) -> None:
        """`queue_limit` ballots may wait; a batch has at most `batch_limit` entries.

        With witnesses an answer waits up to `quorum_wait` seconds for them; sequencing goes on meanwhile. With a
        `hand_over` what arrives while this process does not lead goes to the one that does, and `overtaken` is called
        when a batch shows that another one does.
        """
        self.log = log
        self._clock = clock
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._stopping = False
        self._cosigner: Cosigner | None = None
        self._quorum_wait = quorum_wait
        self._hand_over = hand_over
        self._overtaken = overtaken
        self._observe = observe
        self._answering: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def leads(self) -> bool:
        """Whether this process sequences this board."""
        return self._task is not None and not self._stopping

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return self._queue.qsize()

    def start(self, cosigner: Cosigner | None = None) -> None:
        """Starts sequencing, and the rounds of this `cosigner`."""
        self._stopping, self._cosigner = False, cosigner
        self._task = asyncio.create_task(self._run(), name=f"sequencer {self.log.board.slug}")
        if self._cosigner is not None:
            self._cosigner.start()

    async def step_down(self) -> None:
        """Another process leads: ends after the batch under way, and asks whoever waits here to send again."""
        self._stopping = True
        # These are in nobody's table: only their senders can bring them to the process that leads now.
        moved = Refusal("not-ready", "another process leads now", advice=AGAIN, retry_after=1)
        while not self._queue.empty():
            if (waiting := self._queue.get_nowait()) is not None:
                _give([waiting], [moved])
        await self.stop()

    async def stop(self) -> None:
        """Answers everything that waits, then ends."""
        self._stopping = True
        if self._task is not None:
            # Behind all that waits, which is therefore answered first.
            self._queue.put_nowait(None)
            await self._task
            self._task = None
        if self._cosigner is not None:
            await self._cosigner.stop()
        await asyncio.gather(*self._answering)
        self._cosigner = None

    async def submit(self, entry: bytes) -> Answer:
        """Sequences one entry and returns its answer.

        NotTakenError if it is refused, cannot be stored, or too much waits.
        """
        submission = Submission.received(entry, self._clock())
        if self._hand_over is None:
            return await self.sequence(submission)
        if submission.kind == "closing":
            # Also where this process leads: what the others received before it is in the table by then, and goes first.
            await asyncio.sleep(CLOSING_PAUSE)
        elif self.leads:
            return await self.sequence(submission)
        answer = await self._hand_over.submit(self.log.board.id, submission)
        await self._shown(answer.index)
        return answer

    async def sequence(self, submission: Submission) -> Answer:
        """As `submit`, at the process that leads. NotTakenError if this one does not."""
        if not self.leads:
            raise NotTakenError(Refusal("not-ready", "the server is stopping", retry_after=5))
        if self.log.halted is not None:
            stopped = f"this board has stopped: {self.log.halted}"
            raise NotTakenError(Refusal("not-ready", stopped, advice="The operator must look."))
        if self._queue.qsize() >= self._queue_limit + (0 if submission.is_ballot else OFFICIALS_PLACES):
            raise NotTakenError(busy())
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        return await waiting.answer

    async def _shown(self, index: int) -> None:
        """Waits until whoever got a receipt also finds the entry here."""
        deadline = asyncio.get_running_loop().time() + SHOWN_SECONDS
        while (shown := self.log.published) is None or shown.checkpoint.size <= index:
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.01)

    async def _run(self) -> None:
        last = False
        while not last:
            # Whatever came while the last batch was under way: the busier it is, the larger the batches.
            batch: list[_Waiting] = []
            waiting = await self._queue.get()
            while True:
                if waiting is None:
                    last = True
                    break
                batch.append(waiting)
                if len(batch) == self._batch_limit or self._queue.empty():
                    break
                waiting = self._queue.get_nowait()
            if batch:
                await self._sequence(batch)

    async def _sequence(self, batch: list[_Waiting]) -> None:
        answers: list[Answer | Refusal]
        began = time.monotonic()
        try:
            answers = await asyncio.to_thread(self.log.sequence, [waiting.submission for waiting in batch])
        except Exception as fault:
            # Whatever it was, nobody may wait for ever, and nothing of this batch has been acknowledged.
            _log.error("batch not stored", board=self.log.board.slug, waiting=len(batch), **fault_place(fault))
            answers = [not_stored("the entry could not be stored, and nothing was acknowledged", 5)] * len(batch)
            if self._overtaken is not None and isinstance(fault, CheckpointMovedError | LockMovedError):
                self._overtaken()
        self._observe(self.log.board.slug, time.monotonic() - began, answers)
        if self._cosigner is None:
            _give(batch, answers)
            return
        self._cosigner.wake()
        # A task of its own, so that the next batch does not wait for witnesses.
        task = asyncio.create_task(self._give_witnessed(self._cosigner, batch, answers))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _give_witnessed(self, cosigner: Cosigner, batch: list[_Waiting], answers: list[Answer | Refusal]) -> None:
        """Answers with receipts that carry the quorum where it came in time, and those without it where it did not."""
        last = max((answer.index for answer in answers if isinstance(answer, Answer)), default=-1)
        try:
            if last >= 0 and await cosigner.covered(last, self._quorum_wait):
                answers = await asyncio.to_thread(self._witnessed, answers)
        except Exception as fault:
            # The entries are on the board, and the receipts without the quorum are good.
            _log.error("receipts without quorum", board=self.log.board.slug, **fault_place(fault))
        finally:
            _give(batch, answers)

    def _witnessed(self, answers: list[Answer | Refusal]) -> list[Answer | Refusal]:
        return [
            replace(answer, receipt=self.log.receipt(answer.index) or answer.receipt)
            if isinstance(answer, Answer)
            else answer
            for answer in answers
        ]


def _give(batch: list[_Waiting], answers: list[Answer | Refusal]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        give(waiting.answer, answer)


def give(waiting: asyncio.Future[Answer], answer: Answer | Refusal) -> None:
    """Answers whoever waits for this; a refusal is raised there."""
    if waiting.done():
        # Whoever asked has hung up. The entry is on the board all the same.
        return
    if isinstance(answer, Refusal):
        waiting.set_exception(NotTakenError(answer))
    else:
        waiting.set_result(answer)
