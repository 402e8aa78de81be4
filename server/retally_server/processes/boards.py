"""The boards of one process: which there are, and what becomes of all of them when it leads, follows, or stops.

Where several processes share a database, `succession` says which of these it is, and `handover` brings what the others
received. A process with a database of its own leads from its start to its end.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from retally_crypto.errors import Unusable
from retally_crypto.secret.sign import SigningKey
from retally_server.board.board_log import OpenRecord
from retally_server.board.cosigning import Cosigner
from retally_server.board.creation import begin, create_board
from retally_server.board.hours import Clock
from retally_server.board.opening import (
    cosigner_for,
    open_board_log,
    recover_board,
    require_board_key,
    witness_clients,
)
from retally_server.board.refusals import NotTakenError, Refusal
from retally_server.board.sequencer import Observe, Sequencer
from retally_server.board.submissions import Answer, Submission
from retally_server.database.store import Board, Store
from retally_server.processes.shared_boards import SharedBoards
from retally_server.processes.waiting_room import HandedOver, Taken
from retally_server.settings import Settings

NEW_BOARD_SECONDS = 1.0
"""Within this time every process that follows has found a new board."""

_log = structlog.get_logger()


class Boards:
    """Every board of this process by slug. Lives on the event loop, apart from what says that it runs in a thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        open_record: OpenRecord,
        observe: Observe,
        shared: SharedBoards | None,
    ) -> None:
        """No board yet. `shared` is what this process has beside its boards where it shares them with others."""
        self._settings = settings
        self._store = store
        self._clock = clock
        self._open_record = open_record
        self._observe = observe
        self._shared = shared
        self._creating = asyncio.Lock()
        self._sequencers: dict[str, Sequencer] = {}
        self._cosigners: dict[str, Cosigner] = {}

    @property
    def leads(self) -> bool:
        """Whether this process writes the boards: always with SQLite, one process of all with PostgreSQL."""
        return self._shared is None or self._shared.leadership.leads

    def all(self) -> list[Sequencer]:
        """Every board, oldest first."""
        return list(self._sequencers.values())

    def find(self, slug: str) -> Sequencer | None:
        """The board of this slug, None if this process knows of none."""
        return self._sequencers.get(slug)

    def led(self) -> list[Board]:
        """The boards that this process writes."""
        return [sequencer.log.board for sequencer in self.all() if sequencer.leads]

    # ---- leading and following ----

    def lead_from_the_start(self) -> None:
        """Opens and recovers every board. Unusable if one is contradicted by anything: the server must not start."""
        for board in self._store.boards():
            sequencer = self._new(board, require_board_key(self._settings, board.slug))
            self._sequencers[board.slug] = sequencer
            self._recover(sequencer)

    def follow(self) -> None:
        """Shows what the process that leads has published. Runs in a thread."""
        for sequencer in self.all():
            sequencer.log.follow()

    def find_new(self) -> None:
        """Opens the boards that another process made. Runs in a thread."""
        for board in self._store.boards():
            if board.slug not in self._sequencers:
                sequencer = self._new(board, require_board_key(self._settings, board.slug))
                # Known to nobody before it can be shown.
                sequencer.log.follow()
                self._sequencers[board.slug] = sequencer

    def recover(self) -> None:
        """This process is about to lead: every board as at a start, from where it stands. Runs in a thread."""
        self.find_new()
        self.follow()
        for sequencer in self.all():
            try:
                self._recover(sequencer)
            except Unusable as error:
                # At a start this stops the server; here the other boards go on, and this one can still be read.
                sequencer.log.halt(str(error))

    async def lead(self) -> None:
        """Starts sequencing on every board, and takes what other processes hand over."""
        for slug, sequencer in self._sequencers.items():
            sequencer.start(self._cosigners.pop(slug, None))
        if self._shared is not None:
            self._shared.start_intake(self)

    async def step_down(self) -> None:
        """Another process leads: what is in hand is left to it, and whoever waits here is told to send again."""
        if self._shared is not None:
            await self._shared.abandon_intake()
        for sequencer in self._sequencers.values():
            await sequencer.step_down()

    async def stop(self) -> None:
        """Answers what waits on every board, then ends."""
        for sequencer in self._sequencers.values():
            await sequencer.stop()

    # ---- what other processes received, and what this one hands over ----

    def early_answers(self, entries: Sequence[HandedOver]) -> Mapping[int, Answer | Refusal]:
        """What needs no leader, by ticket: receipts of what is published, refusals that cost nothing to find."""
        answers: dict[int, Answer | Refusal] = {}
        for sequencer in self.all():
            mine = {
                each.ticket: Submission.received(each.entry, each.received_at)
                for each in entries
                if each.board_id == sequencer.log.board.id
            }
            said = sequencer.log.early_answers(list(mine.values())) if mine else {}
            answers.update({ticket: said[one.leaf_hash] for ticket, one in mine.items() if one.leaf_hash in said})
        return answers

    async def accept(self, taken: Taken) -> Answer:
        """Sequences what another process received. NotTakenError if it is refused."""
        if taken.board_id is None:
            return (await self.create(taken.entry))[1]
        for sequencer in self.all():
            if sequencer.log.board.id == taken.board_id:
                return await sequencer.sequence(Submission.received(taken.entry, taken.received_at))
        raise NotTakenError(Refusal("not-ready", "the board is not open yet", retry_after=2))

    # ---- new boards ----

    async def create(self, manifest_entry: bytes) -> tuple[str, Answer]:
        """A new election from its manifest: its slug and the receipt of entry 0, also for the same manifest again.

        NotTakenError if the manifest is malformed or breaks a rule, names a board key that is not here or a witness
        whose address is not known, or if another election has this board.
        """
        slug, record = await asyncio.to_thread(begin, self._open_record, manifest_entry)
        if self._shared is not None and not self.leads and slug not in self._sequencers:
            answer = await self._shared.hand_over.submit(None, Submission.received(manifest_entry, self._clock()))
            await self._until_here(slug)
            return slug, answer
        async with self._creating:
            sequencer = self._sequencers.get(slug)
            new = sequencer is None
            if sequencer is None:
                board, key = await asyncio.to_thread(
                    create_board, self._settings, self._store, slug, record, manifest_entry
                )
                sequencer = self._new(board, key)
                keys = record.manifest.witnesses.keys
                witnesses = witness_clients(self._settings, slug, keys, key.verifier_key)
                cosigner = cosigner_for(self._settings, sequencer.log, witnesses, self._clock)
                self._sequencers[slug] = sequencer
                if self.leads:
                    sequencer.start(cosigner)
                elif cosigner is not None:
                    self._cosigners[slug] = cosigner
                _log.info("election created", board=slug)
            elif sequencer.log.board.election_id != record.election_id:
                other = f"board {slug} has another manifest; a board is never used twice"
                raise NotTakenError(Refusal("election-exists", other))
        answer = await sequencer.submit(manifest_entry)
        if new and self._shared is not None:
            # Whoever is told that the election is there finds it at every process.
            await asyncio.sleep(NEW_BOARD_SECONDS)
        return slug, Answer(answer.index, answer.receipt, new)

    async def _until_here(self, slug: str) -> None:
        """Waits a little until this process has found a board that another one made."""
        for _ in range(100):
            if slug in self._sequencers:
                return
            await asyncio.sleep(0.05)

    def _new(self, board: Board, key: SigningKey) -> Sequencer:
        settings, shared = self._settings, self._shared
        return Sequencer(
            open_board_log(settings, self._store, board, key, self._open_record),
            self._clock,
            settings.queue_limit,
            settings.batch_limit,
            settings.quorum_wait_seconds,
            None if shared is None else shared.hand_over,
            None if shared is None else shared.succession.overtaken,
            self._observe,
        )

    def _recover(self, sequencer: Sequencer) -> None:
        cosigner = recover_board(self._settings, sequencer.log, self._clock)
        if cosigner is not None:
            self._cosigners[sequencer.log.board.slug] = cosigner
