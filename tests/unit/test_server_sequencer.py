"""The queue: order of arrival, a bound, and an answer for everybody whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from retally_server.api.problems import problem_for
from retally_server.board.board_log import BoardLog
from retally_server.board.refusals import NotTakenError, Refusal
from retally_server.board.sequencer import OFFICIALS_PLACES, Sequencer
from retally_server.board.submissions import Answer, Submission
from tests.server_boards import CLOSES, ballot, ballots, body_hash, new_log, official, require_receipt, voter

pytestmark = pytest.mark.usefixtures("database")

Use = Callable[[Sequencer], Awaitable[None]]


def run(folder: Path, use: Use, queue_limit: int = 100, batch_limit: int = 10, clock: float = CLOSES) -> BoardLog:
    """Runs `use` on a started sequencer of a toy board, at a time when ballots and the closing are both in time."""
    _, log = new_log(folder)

    async def main() -> None:
        sequencer = Sequencer(log, lambda: clock, queue_limit, batch_limit)
        sequencer.start()
        await use(sequencer)
        await sequencer.stop()

    asyncio.run(main())
    return log


def hold(log: BoardLog) -> tuple[threading.Event, list[int]]:
    """Holds every batch of this log until the event is set; also the sizes of the batches."""
    release, sizes, sequence = threading.Event(), [], log.sequence

    def held(batch: Sequence[Submission]) -> list[Answer | Refusal]:
        sizes.append(len(batch))
        assert release.wait(60)
        return sequence(batch)

    log.sequence = held  # type: ignore[method-assign]
    return release, sizes


async def until(found: Callable[[], bool]) -> None:
    """Waits, however long a slow machine takes."""
    async with asyncio.timeout(60):
        while not found():
            await asyncio.sleep(0.005)


async def until_waiting(sequencer: Sequencer, count: int) -> None:
    await until(lambda: sequencer.waiting >= count)


def test_what_waits_is_sequenced_in_bounded_batches_in_order_of_arrival(tmp_path: Path) -> None:
    entries = ballots(0, 24)

    async def use(sequencer: Sequencer) -> None:
        release, sizes = hold(sequencer.log)
        tasks = [asyncio.create_task(sequencer.submit(raw)) for raw in entries]
        await until(lambda: sum(sizes) + sequencer.waiting == 24)
        release.set()
        answers = await asyncio.gather(*tasks)
        assert [answer.index for answer in answers] == list(range(1, 25))
        for raw, answer in zip(entries, answers, strict=True):
            require_receipt(answer.receipt, raw)
        assert sum(sizes) == 24
        assert max(sizes) <= 10
        assert len(sizes) <= 4

    run(tmp_path, use)


def test_ballots_received_before_the_closing_are_answered_and_later_ones_are_refused(tmp_path: Path) -> None:
    async def use(sequencer: Sequencer) -> None:
        release, _ = hold(sequencer.log)
        early = [asyncio.create_task(sequencer.submit(raw)) for raw in ballots(0, 5)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(sequencer.submit(official("closing")))
        await asyncio.sleep(0)
        late = asyncio.create_task(sequencer.submit(ballot(voter(9))))
        await until_waiting(sequencer, 1)
        release.set()
        assert sorted(answer.index for answer in await asyncio.gather(*early)) == [1, 2, 3, 4, 5]
        assert (await closing).index == 6
        with pytest.raises(NotTakenError) as refused:
            await late
        assert refused.value.refusal.check == "V04"

    run(tmp_path, use)


def test_a_full_queue_refuses_ballots_but_keeps_places_for_officials(tmp_path: Path) -> None:
    async def use(sequencer: Sequencer) -> None:
        release, sizes = hold(sequencer.log)
        first = asyncio.create_task(sequencer.submit(ballot(voter(0))))
        await until(lambda: sizes == [1])
        waiting = [asyncio.create_task(sequencer.submit(raw)) for raw in ballots(1, 3)]
        await until_waiting(sequencer, 3)
        with pytest.raises(NotTakenError) as busy:
            await sequencer.submit(ballot(voter(50)))
        assert (problem_for(busy.value.refusal).details.status, busy.value.refusal.retry_after) == (503, 2)
        officials = [asyncio.create_task(sequencer.submit(official(f"roll {n}"))) for n in range(OFFICIALS_PLACES)]
        await until_waiting(sequencer, 3 + OFFICIALS_PLACES)
        with pytest.raises(NotTakenError):
            await sequencer.submit(official("one too many"))
        release.set()
        answers = await asyncio.gather(first, *waiting, *officials)
        assert len({answer.index for answer in answers}) == 4 + OFFICIALS_PLACES

    run(tmp_path, use, queue_limit=3)


def test_a_failing_batch_answers_everybody_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def use(sequencer: Sequencer) -> None:
        sequence, failures = sequencer.log.sequence, iter([OSError(28, "full")])

        def failing(batch: Any) -> Any:
            for failure in failures:
                raise failure
            return sequence(batch)

        sequencer.log.sequence = failing  # type: ignore[method-assign]
        answers = await asyncio.gather(*map(sequencer.submit, ballots(0, 3)), return_exceptions=True)
        for answer in answers:
            assert isinstance(answer, NotTakenError)
            problem = problem_for(answer.refusal)
            assert (problem.details.status, problem.details.type) == (503, "urn:retally:problem:not-stored")
            assert problem.retry_after is not None
        assert (await sequencer.submit(ballot(voter(0)))).index == 1

    run(tmp_path, use)


def test_who_hangs_up_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def use(sequencer: Sequencer) -> None:
        release, sizes = hold(sequencer.log)
        gone, stays = (asyncio.create_task(sequencer.submit(raw)) for raw in ballots(0, 2))
        await until(lambda: sum(sizes) + sequencer.waiting == 2)
        gone.cancel()
        release.set()
        assert (await stays).index == 2
        again = await sequencer.submit(ballot(voter(0)))
        assert (again.index, again.new) == (1, False)

    run(tmp_path, use)


def test_stopping_answers_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    async def use(sequencer: Sequencer) -> None:
        release, sizes = hold(sequencer.log)
        first = ballot(voter(0))
        tasks = [asyncio.create_task(sequencer.submit(raw)) for raw in (first, ballot(voter(0), body_hash(first)))]
        await until(lambda: sum(sizes) + sequencer.waiting == 2)
        stopping = asyncio.create_task(sequencer.stop())
        await until(lambda: not sequencer.leads)
        with pytest.raises(NotTakenError) as refused:
            await sequencer.submit(ballot(voter(1)))
        assert problem_for(refused.value.refusal).details.type == "urn:retally:problem:not-ready"
        release.set()
        await stopping
        assert [task.result().index for task in tasks] == [1, 2]

    run(tmp_path, use)
