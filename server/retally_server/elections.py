"""The elections of one server: opening them all at the start, and creating new ones.

With SQLite one process owns a data folder: a lock on it is held as long as the server runs, so that no second sequencer
writes to the same boards by accident. Processes on one PostgreSQL share folder and boards, and one of them leads
(`succession`). Who may create an election: whoever has the authority's signature under a manifest that
names a board key made here (`retally-server board new`). Nobody logs in.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.errors import Malformed, RetallyError, Unusable
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import VerifierKey
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.web_bundle import is_origin
from retally_server.api.problems import Problem, refused
from retally_server.board.board_files import open_board_files
from retally_server.board.board_keys import pinned_authority, read_board_key, slug_of
from retally_server.board.board_log import BoardLog, BoardRecord, OpenRecord
from retally_server.board.cosigning import Cosigner, require_none_ahead
from retally_server.board.hours import Clock
from retally_server.board.lock_store import BoardLock
from retally_server.board.rates import BallotRate
from retally_server.board.sequencer import Sequencer
from retally_server.board.submissions import Answer, Submission
from retally_server.board.turnout import Turnout
from retally_server.board.witness_addresses import read_addresses
from retally_server.board.witness_client import WitnessClient
from retally_server.database.store import Board, NewEntry, Store, StoredCheckpoint
from retally_server.durable import make_folder
from retally_server.logs import fault_place
from retally_server.operator.metrics import Metrics
from retally_server.processes.leadership import Leadership
from retally_server.processes.shared_boards import SharedBoards
from retally_server.processes.succession import Succession
from retally_server.processes.waiting_room import HandedOver, Taken
from retally_server.settings import Settings

NEW_BOARD_SECONDS = 1.0
"""Within this time every process that follows has found a new board."""

_log = structlog.get_logger()


class Elections:
    """Every board of this server by slug."""

    def __init__(self, settings: Settings, clock: Clock, open_record: OpenRecord) -> None:
        """Opens the data folder and every board in it, replaying each from the database.

        Raises Unusable if another server has the folder, or a board's database, files and key contradict each other.
        """
        self.settings = settings
        self._clock = clock
        self._open_record = open_record
        self._creating = asyncio.Lock()
        self._boards: dict[str, Sequencer] = {}
        self._cosigners: dict[str, Cosigner] = {}
        self.metrics = Metrics(self.all, lambda: self.leads)
        make_folder(settings.data.resolve())
        self._store = Store(settings.database)
        self._lock = _lock_folder(settings.data, self._store.shared)
        self._shared: SharedBoards | None = None
        try:
            self._store.prepare()
            if self._store.shared:
                self._shared = SharedBoards(settings, self._early, self._take, self._succession)
            if self._shared is None or self._shared.leadership.acquire():
                for board in self._store.boards():
                    sequencer = self._boards[board.slug] = self._sequencer(board, self._key(board.slug))
                    self._recover_board(sequencer)
            else:
                self._follow(True)
        except BaseException:
            self.close()
            raise
        self._turnout = Turnout(
            self._store, lambda: [one.log.board for one in self.all() if one.leads], clock, settings.turnout_seconds
        )

    @property
    def leads(self) -> bool:
        """Whether this process writes the boards: always with SQLite, one process of all with PostgreSQL."""
        return self._shared is None or self._shared.leadership.leads

    @property
    def store(self) -> Store:
        """The database, for lookups."""
        return self._store

    def all(self) -> list[Sequencer]:
        """Every board, oldest first."""
        return list(self._boards.values())

    def get(self, slug: str) -> Sequencer:
        """The board of this slug. Problem not-found if there is none."""
        sequencer = self._boards.get(slug)
        if sequencer is None:
            raise Problem("not-found", "there is no election of this name here")
        return sequencer

    def casting_origins(self, slug: str) -> tuple[str, ...]:
        """The web pages' origins that the manifest of this board names; none if there is no such board."""
        sequencer = self._boards.get(slug)
        published = None if sequencer is None else sequencer.log.published
        if published is None:
            return ()
        return tuple(origin for origin in published.record.manifest.client.origins if is_origin(origin))

    async def start(self) -> None:
        """Starts sequencing on every board, or following whoever does."""
        if self._shared is not None:
            self._shared.hand_over.start()
        if self.leads:
            await self._lead()
        if self._shared is not None:
            self._shared.succession.start()
        self._turnout.start()
        if self.settings.metrics_port is not None:
            self.metrics.serve(self.settings.metrics_host, self.settings.metrics_port)
        _log.info("started", elections=len(self._boards), leads=self.leads)

    async def stop(self) -> None:
        """Answers what waits on every board, then closes the database and frees the data folder."""
        await self._turnout.stop()
        await asyncio.to_thread(self.metrics.stop)
        if self._shared is not None:
            await self._shared.stop()
        for sequencer in self._boards.values():
            await sequencer.stop()
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

    async def create(self, manifest_entry: bytes) -> tuple[str, Answer]:
        """A new election from its manifest: its slug and the receipt of entry 0, also for the same manifest again.

        Problem if the manifest is malformed or breaks a rule, names a board key that is not here or a witness whose
        address is not known, or if another election has this board.
        """
        record = await asyncio.to_thread(self._begin, manifest_entry)
        slug = self._slug(record)
        if self._shared is not None and not self.leads and slug not in self._boards:
            answer = await self._shared.hand_over.submit(None, Submission.received(manifest_entry, self._clock()))
            await self._until_here(slug)
            return slug, answer
        async with self._creating:
            sequencer = self._boards.get(slug)
            new = sequencer is None
            if sequencer is None:
                board, key = await asyncio.to_thread(self._create_board, slug, record, manifest_entry)
                sequencer = self._sequencer(board, key)
                witnesses = self._witnesses(slug, record.manifest.witnesses.keys, key.verifier_key)
                self._know_cosigner(sequencer, witnesses)
                self._boards[slug] = sequencer
                if self.leads:
                    sequencer.start(self._cosigners.pop(slug, None))
                _log.info("election created", board=slug)
            elif sequencer.log.board.election_id != record.election_id:
                raise Problem("election-exists", f"board {slug} has another manifest; a board is never used twice")
        answer = await sequencer.submit(manifest_entry)
        if new and self._shared is not None:
            # Whoever is told that the election is there finds it at every process.
            await asyncio.sleep(NEW_BOARD_SECONDS)
        return slug, Answer(answer.index, answer.receipt, new)

    async def _until_here(self, slug: str) -> None:
        """Waits a little until this process has found a board that another one made."""
        for _ in range(100):
            if slug in self._boards:
                return
            await asyncio.sleep(0.05)

    # ---- several processes ----

    def _succession(self, leadership: Leadership) -> Succession:
        return Succession(leadership, self._follow, self._recover_all, self._lead, self._step_down)

    def _follow(self, new_boards: bool) -> None:
        if new_boards:
            for board in self._store.boards():
                if board.slug not in self._boards:
                    sequencer = self._sequencer(board, self._key(board.slug))
                    sequencer.log.follow()
                    self._boards[board.slug] = sequencer
        for sequencer in self.all():
            sequencer.log.follow()

    def _recover_all(self) -> None:
        self._follow(True)
        for sequencer in self.all():
            try:
                self._recover_board(sequencer)
            except Unusable as error:
                # At a start this stops the server; here the other boards go on, and this one can still be read.
                sequencer.log.halt(str(error))

    async def _lead(self) -> None:
        for slug, sequencer in self._boards.items():
            sequencer.start(self._cosigners.pop(slug, None))
        if self._shared is not None:
            self._shared.start_intake()

    async def _step_down(self) -> None:
        if self._shared is not None:
            await self._shared.abandon_intake()
        for sequencer in self._boards.values():
            await sequencer.step_down()

    def _early(self, entries: Sequence[HandedOver]) -> dict[int, Answer | Problem]:
        answers: dict[int, Answer | Problem] = {}
        for sequencer in self.all():
            mine = {
                each.ticket: Submission.received(each.entry, each.received_at)
                for each in entries
                if each.board_id == sequencer.log.board.id
            }
            said = sequencer.log.early_answers(list(mine.values())) if mine else {}
            answers.update({ticket: said[one.leaf_hash] for ticket, one in mine.items() if one.leaf_hash in said})
        return answers

    async def _take(self, taken: Taken) -> Answer:
        if taken.board_id is None:
            return (await self.create(taken.entry))[1]
        for sequencer in self.all():
            if sequencer.log.board.id == taken.board_id:
                return await sequencer.sequence(Submission.received(taken.entry, taken.received_at))
        raise Problem("not-ready", "the board is not open yet", retry_after=2)

    # ---- boards ----

    def _begin(self, manifest_entry: bytes) -> BoardRecord:
        try:
            record = self._open_record(manifest_entry)
        except Malformed as error:
            raise refused("V09", str(error)) from error
        except RetallyError as error:
            raise refused("V03", str(error)) from error
        if record.manifest_faults:
            raise refused("V03", "; ".join(record.manifest_faults[:8]))
        return record

    def _slug(self, record: BoardRecord) -> str:
        try:
            return slug_of(record.manifest.board.name)
        except Malformed as error:
            raise refused("V03", str(error)) from error

    def _create_board(self, slug: str, record: BoardRecord, manifest_entry: bytes) -> tuple[Board, SigningKey]:
        try:
            key = read_board_key(self.settings.keys, slug, self.settings.passphrase())
        except (RetallyError, OSError) as error:
            _log.error("board key unreadable", board=slug, **fault_place(error))
            raise Problem("not-ready", f"the key of board {slug} cannot be read; the operator must look") from error
        if key is None or key.verifier_key != record.manifest.board:
            raise Problem(
                "board-key-unknown",
                f"this server has no key {record.manifest.board.name} with the id that the manifest gives",
                detail=f"The operator makes it with: retally-server board new {slug}",
            )
        if unknown := self._without_address(slug, record.manifest.witnesses.keys):
            raise Problem(
                "witness-address-unknown",
                f"no address is known here for the witness {unknown[0]}",
                detail=f"The operator names it with: retally-server board witness {slug} KEY ADDRESS",
            )
        pinned = pinned_authority(self.settings.keys, slug)
        if pinned is not None and record.manifest.authority != pinned:
            raise refused("V04", f"board {slug} was made for the authority {pinned.name}, not for the manifest's")
        for board in self._store.boards():
            # A commit may have been durable although it was reported as failed.
            if board.slug == slug and board.election_id == record.election_id:
                return board, key
        root = record.root
        note = sign_checkpoint(Checkpoint(key.verifier_key.name, 1, root), key)
        manifest = NewEntry(manifest_entry, leaf_hash(manifest_entry), None)
        checkpoint = StoredCheckpoint(1, root, note)
        try:
            board = self._store.create(slug, key.verifier_key.name, record.election_id, manifest, checkpoint)
        except SQLAlchemyError as error:
            _log.error("board not created", board=slug, **fault_place(error))
            raise Problem("not-stored", "the election could not be stored", retry_after=5) from error
        return board, key

    def _key(self, slug: str) -> SigningKey:
        key = read_board_key(self.settings.keys, slug, self.settings.passphrase())
        if key is None:
            raise Unusable(f"board {slug}: its key is not in {self.settings.keys}; restore it from its safe copy")
        return key

    def _recover_board(self, sequencer: Sequencer) -> None:
        """Makes a board ready for this process to lead it. Unusable if a witness or anything here contradicts it."""
        log, slug = sequencer.log, sequencer.log.board.slug
        try:
            log.recover()
        except OSError as error:
            # A full disk: reading goes on, and publishing is tried again before the next batch.
            _log.error("files not written", board=slug, **fault_place(error))
        keys = () if log.cosigned is None else log.cosigned.keys
        for name in self._without_address(slug, keys):
            _log.warning("witness without address", board=slug, witness=name)
        witnesses = self._witnesses(slug, keys, log.board_key)
        if log.published is not None:
            require_none_ahead(slug, log.published.checkpoint, log.published.tree, witnesses)
        self._know_cosigner(sequencer, witnesses)

    def _without_address(self, slug: str, keys: Sequence[VerifierKey]) -> list[str]:
        known = read_addresses(self.settings.keys, slug) if keys else {}
        return [key.name for key in keys if key not in known]

    def _witnesses(self, slug: str, keys: Sequence[VerifierKey], board_key: VerifierKey) -> list[WitnessClient]:
        known = read_addresses(self.settings.keys, slug) if keys else {}
        seconds = self.settings.witness_seconds
        return [WitnessClient(key, known[key], board_key, seconds) for key in keys if key in known]

    def _know_cosigner(self, sequencer: Sequencer, witnesses: Sequence[WitnessClient]) -> None:
        log, evidence = sequencer.log, self.settings.data.resolve() / "evidence"
        if witnesses:
            self._cosigners[log.board.slug] = Cosigner(log, witnesses, evidence, self._clock)

    def _sequencer(self, board: Board, key: SigningKey) -> Sequencer:
        settings, shared = self.settings, self._shared
        rate = BallotRate(settings.rate_ballots, settings.rate_seconds)
        files, lock = open_board_files(settings, board.slug), BoardLock(settings.locks, board.slug)
        log = BoardLog(board, self._store, files, lock, key, rate, self._open_record, alone=shared is None)
        return Sequencer(
            log,
            self._clock,
            settings.queue_limit,
            settings.batch_limit,
            settings.quorum_wait_seconds,
            None if shared is None else shared.hand_over,
            None if shared is None else shared.succession.overtaken,
            self.metrics.batch,
        )


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
