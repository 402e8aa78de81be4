"""What a process has beside its boards when it shares them with others on one PostgreSQL.

That is a claim to lead, a way to hand entries over, and, while it leads, a way to take them in.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from retally_server.board.refusals import Refusal
from retally_server.board.submissions import Answer
from retally_server.processes.handover import HandOver, Intake
from retally_server.processes.leadership import Leadership
from retally_server.processes.succession import Led, Succession
from retally_server.processes.waiting_room import HandedOver, Taken, WaitingRoom
from retally_server.settings import Settings

BATCHES_IN_HAND = 2
"""Of what was handed over the leader holds as much as this: one batch under way and the next one complete."""


class Answering(Protocol):
    """The boards of this process, as far as they answer what it or another process received."""

    def early_answers(self, entries: Sequence[HandedOver]) -> Mapping[int, Answer | Refusal]:
        """What needs no leader, by ticket."""
        ...

    async def accept(self, taken: Taken) -> Answer:
        """Sequences what another process received."""
        ...


class SharedBoards:
    """One process of several. Lives on the event loop, apart from `close`."""

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet."""
        self.leadership = Leadership(settings.database)
        self.succession = Succession(self.leadership)
        self._room = WaitingRoom(settings.database)
        self.hand_over = HandOver(self._room, settings.queue_limit)
        self._in_hand = BATCHES_IN_HAND * settings.batch_limit
        self._intake: Intake | None = None

    def start_handing_over(self, boards: Answering) -> None:
        """Hands over what these boards do not answer without the leader."""
        self.hand_over.start(boards.early_answers)

    def start_succession(self, boards: Led) -> None:
        """Begins to follow, or goes on leading, and changes from one to the other."""
        self.succession.start(boards)

    def start_intake(self, boards: Answering) -> None:
        """This process leads: these boards sequence what the others hand over."""
        self._intake = Intake(self._room, boards.accept, self._in_hand)
        self._intake.start()

    async def abandon_intake(self) -> None:
        """This process leads no more: what it has in hand stays for the next one."""
        if self._intake is not None:
            await self._intake.abandon()
            self._intake = None

    async def stop(self) -> None:
        """Answers what was taken in, then ends. The leadership is held until `close`."""
        await self.succession.stop()
        if self._intake is not None:
            await self._intake.stop()
            self._intake = None
        await self.hand_over.stop()

    def close(self) -> None:
        """Lets another process lead, and closes every connection."""
        self.leadership.close()
        self._room.close()
