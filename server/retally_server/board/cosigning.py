"""Getting each board's newest checkpoint cosigned, without anybody waiting for it.

One round at a time: all witnesses are asked for the *same* checkpoint, until a quorum has cosigned it; then that is
stored and published, and the next round takes the checkpoint that is newest by then. (If every witness took the newest
one whenever it had time, no two might ever cosign the same.) A witness that is down or slow is asked again, less and
less often, and joins whatever round is under way.

Sequencing never waits here. A receipt waits a little, so that it usually carries the quorum (`covered`).

A board halts when a checkpoint turns up that its own key signed and it does not know, and when so many witnesses claim
to have seen one that no quorum is left. One witness's bare word stops nothing: it is set aside.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from retally_crypto.errors import Unusable
from retally_crypto.notes import Note, NoteSignature, VerifierKey, format_note, parse_note
from retally_server.board.board_log import BoardLog
from retally_server.board.cosigned import CosignedLog
from retally_server.board.hash_tree import HashTree
from retally_server.board.hours import Clock
from retally_server.board.witness_client import Ahead, Cosigned, Outcome, WitnessClient
from retally_server.database.store import StoredCheckpoint
from retally_server.durable import write_durably
from retally_server.logs import fault_place

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
_log = structlog.get_logger()


class Cosigner:
    """The rounds of one board. Lives on the event loop; the witnesses are asked in threads of its own."""

    def __init__(self, log: BoardLog, witnesses: Sequence[WitnessClient], evidence: Path, clock: Clock) -> None:
        """`evidence` is the folder for checkpoints that prove a second history; `clock` gives POSIX seconds."""
        self._board = log
        self._witnesses = witnesses
        self._evidence = evidence
        self._clock = clock
        self._pool = ThreadPoolExecutor(max(1, len(witnesses)), f"witnesses of {log.board.slug}")
        self._round: StoredCheckpoint | None = None
        self._signatures: dict[VerifierKey, NoteSignature] = {}
        self._set_aside: set[VerifierKey] = set()
        self._news = asyncio.Event()
        self._storing: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts the rounds."""
        self._tasks = [
            asyncio.create_task(self._rounds()),
            *(asyncio.create_task(self._ask(w)) for w in self._witnesses),
        ]

    async def stop(self) -> None:
        """Ends the rounds; what was cosigned but not stored is cosigned again after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._storing is not None:
            await asyncio.gather(self._storing, return_exceptions=True)
        self.wake()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for witness in self._witnesses:
            witness.close()

    def wake(self) -> None:
        """Something changed: a new checkpoint was published, a round has ended, a signature came."""
        self._news.set()
        self._news = asyncio.Event()

    async def covered(self, index: int, seconds: float) -> bool:
        """Whether the quorum has confirmed entry `index`, after waiting for it for at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while (log := self._board.cosigned) is not None and log.size <= index:
                    if not self._tasks or self._board.halted is not None:
                        return False
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _until(self, found: Callable[[], bool]) -> None:
        while not found():
            await self._news.wait()

    def _behind(self) -> bool:
        log, shown = self._board.cosigned, self._board.published
        return self._board.halted is None and log is not None and shown is not None and log.size < shown.checkpoint.size

    def _enough(self) -> bool:
        return self._board.cosigned is not None and len(self._signatures) >= self._board.cosigned.quorum

    async def _rounds(self) -> None:
        while True:
            await self._until(self._behind)
            log, shown = self._board.cosigned, self._board.published
            if log is None or shown is None:
                continue
            head, effects = shown.checkpoint, shown.effects
            self._round, self._signatures = head, {}
            self.wake()
            await self._until(self._enough)
            note = cosigned_note(head.note, log.keys, self._signatures)
            pause = SHORTEST_PAUSE
            while True:
                try:
                    self._storing = asyncio.ensure_future(asyncio.to_thread(log.accept, head, note, effects))
                    await asyncio.shield(self._storing)
                    break
                except Exception as fault:
                    # Nothing is published, or `checkpoint` is: the same bytes are stored and written again.
                    _log.error("cosigned checkpoint not stored", board=self._board.board.slug, **fault_place(fault))
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
            self._round = None
            self.wake()

    def _asks(self, witness: VerifierKey) -> bool:
        return self._board.halted is None and self._round is not None and witness not in self._signatures

    async def _ask(self, witness: WitnessClient) -> None:
        pause, loop = SHORTEST_PAUSE, asyncio.get_running_loop()
        while witness.key not in self._set_aside:
            await self._until(lambda: self._asks(witness.key))
            head, shown, log = self._round, self._board.published, self._board.cosigned
            if head is None or shown is None or log is None:
                continue
            outcome = await loop.run_in_executor(self._pool, witness.submit, head, shown.tree)
            if isinstance(outcome, Cosigned):
                window = log.window(head.size, self._clock(), shown.effects)
                if window is None or window[0] <= outcome.time <= window[1]:
                    pause = SHORTEST_PAUSE
                    if head is self._round:
                        self._signatures[witness.key] = outcome.signature
                        self.wake()
                    continue
                _log.warning("witness out of time", board=self._board.board.slug, witness=witness.key.name)
                await asyncio.sleep(SHORTEST_PAUSE)
                continue
            _log.warning(
                "witness", board=self._board.board.slug, witness=witness.key.name, outcome=type(outcome).__name__,
                reason=outcome.reason,
            )  # fmt: skip
            if isinstance(outcome, Ahead):
                await asyncio.to_thread(self._ahead, witness.key, outcome, log)
                self.wake()
                continue
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _ahead(self, witness: VerifierKey, outcome: Ahead, log: CosignedLog) -> None:
        self._set_aside.add(witness)
        if outcome.evidence is not None:
            write_durably(
                self._evidence / f"{self._board.board.slug}-{witness.key_id.hex()}.checkpoint", outcome.evidence
            )
            self._board.halt(f"witness {witness.name} shows a checkpoint that this board's key signed elsewhere")
            return
        if len(self._witnesses) - len(self._set_aside) < log.quorum:
            self._board.halt("so many witnesses say that they saw more of this board that no quorum is left")


def cosigned_note(note: bytes, keys: Sequence[VerifierKey], signatures: dict[VerifierKey, NoteSignature]) -> bytes:
    """The signed checkpoint with these verified cosignatures, in the manifest's order."""
    signed = parse_note(note)
    lines = tuple(signatures[key] for key in keys if key in signatures)
    return format_note(Note(signed.text, (*signed.signatures, *lines)))


def require_none_ahead(
    slug: str, head: StoredCheckpoint, tree: HashTree, witnesses: Sequence[WitnessClient]
) -> dict[str, Outcome]:
    """Asks every witness at the start, before anything else: what each answered, by name.

    Raises Unusable if one has seen another history of this board, or says so: an operator then decides.
    """
    with ThreadPoolExecutor(max(1, len(witnesses))) as pool:
        outcomes = list(pool.map(lambda witness: witness.submit(head, tree), witnesses))
    answers = {witness.key.name: outcome for witness, outcome in zip(witnesses, outcomes, strict=True)}
    for name, outcome in answers.items():
        if isinstance(outcome, Ahead):
            proof = "and shows it, signed by this board's key" if outcome.evidence else "but shows no proof"
            raise Unusable(
                f"board {slug}: witness {name} has seen another history ({outcome.reason}), {proof}; the database may "
                "be an old copy, and going on would fork the board"
            )
        if not isinstance(outcome, Cosigned):
            _log.warning("witness", board=slug, witness=name, outcome=type(outcome).__name__, reason=outcome.reason)
    return answers
