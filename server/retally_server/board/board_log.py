"""One board: from entries that arrived to entries that are on it for good. Used by one thread at a time.

A batch goes this way, and nobody is answered before the last step:

1. what is on the board already is found (the same bytes twice give the same receipt);
2. the manifest's times and the credential's rate are looked at;
3. the record rules on the rest, verifying all proofs together (`retally_crypto.record`);
4. entries and the new signed checkpoint go into the database in one transaction (`store`);
5. bundles and tiles are written durably, the lock is swapped (`lock_store`), then the checkpoint is published
   (`board_files`); with witnesses as the pending one, until their quorum has cosigned it (`cosigned`, `cosigning`);
6. receipts are made.

A failure in step 3 or 4 leaves the record in doubt: it is thrown away and made anew from the database before anything
else is sequenced. A failure in step 5 leaves it right, only unpublished: publishing is tried again first thing next
time. Nothing that was answered can be lost, and what was stored but not answered gets its receipt when the same bytes
come again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from retally_crypto.checkpoints import Checkpoint, verify_checkpoint
from retally_crypto.entries import Ballot
from retally_crypto.errors import RetallyError, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import VerifierKey
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.replay import Record
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.tlog_proof import TlogProof
from retally_server.board.ahead import contradictions, published_places
from retally_server.board.board_files import CHECKPOINT, PENDING, BoardFiles
from retally_server.board.cosigned import CosignedLog
from retally_server.board.hash_tree import HashTree
from retally_server.board.hours import outside_hours
from retally_server.board.lock_store import BoardLock, LockMovedError
from retally_server.board.rates import BallotRate
from retally_server.board.refusals import AGAIN, Refusal, refused
from retally_server.board.submissions import Answer, Submission
from retally_server.database.store import Board, NewEntry, Store, StoredCheckpoint

_REPLAYED_AT_ONCE = 1024
_log = structlog.get_logger()


OpenRecord = Callable[[bytes], Record]
"""Begins a record from a manifest entry."""


@dataclass(frozen=True)
class Published:
    """What everybody may see, as of one checkpoint; nothing of it changes when the board goes on.

    `tree` gives proofs up to the checkpoint's size: it is only ever appended to, so what it said it says for good.
    `effects` are the indices of `opening` and `closing` where these are on the board.
    """

    checkpoint: StoredCheckpoint
    tree: HashTree
    manifest: Manifest
    phase: str
    joint_key: bytes | None
    effects: Mapping[str, int | None]


@dataclass(frozen=True)
class Standing:
    """What the roll says of a credential: its style, an index in the manifest; not active: revoked or replaced."""

    style: int
    active: bool


class BoardLog:
    """One board, its database rows, its files, its record and its key."""

    def __init__(
        self,
        board: Board,
        store: Store,
        files: BoardFiles,
        lock: BoardLock,
        key: SigningKey,
        rate: BallotRate,
        open_record: OpenRecord,
        alone: bool = True,
    ) -> None:
        """Reads nothing yet: `recover` and `follow` do. Raises Unusable if the key is not the board's.

        `alone`: no other process may publish this board, so that one that does is a reason to halt.
        """
        if key.verifier_key.name != board.origin:
            raise Unusable(f"the key of {key.verifier_key.name} cannot sign for board {board.origin}")
        self.board = board
        self.files = files
        self.published: Published | None = None
        self.cosigned: CosignedLog | None = None
        self.halted: str | None = None
        self._lock = lock
        self._let_out: bytes | None = None
        self._store = store
        self._key = key
        self._rate = rate
        self._open_record = open_record
        self._alone = alone
        self._record: Record | None = None
        self._shown_record: Record | None = None
        self._tree = HashTree()
        self._head: StoredCheckpoint | None = None

    @property
    def in_step(self) -> bool:
        """Whether what is published is what the database holds, as far as is known, and more can follow."""
        return self.halted is None and self.published is not None and self._head == self.published.checkpoint

    @property
    def board_key(self) -> VerifierKey:
        """The key that signs this board's checkpoints."""
        return self._key.verifier_key

    def halt(self, reason: str) -> None:
        """Takes nothing more: there is, or may be, a second history of this board. Reading goes on."""
        if self.halted is None:
            self.halted = reason
            _log.error("board halted", board=self.board.slug, reason=reason)

    def recover(self) -> None:
        """Brings record and tree to what the database holds, and writes every file that is missing or damaged; then
        publishes. Where this process has followed, only what came since is replayed and looked at.

        Raises Unusable if database, published checkpoint and key contradict each other: then an operator must look, for
        going on could sign a second history of the board. OSError or a database error may be tried again.
        """
        # What a follower has shown, its leader wrote: only the tiles after it may be missing.
        followed = 0 if self._record is None or self.published is None else self.published.checkpoint.size
        head = self._store.newest_checkpoint(self.board)
        signed = self._signed(head.note, "the newest checkpoint in the database")
        tree, record = self._replay(head.size)
        if (signed.size, signed.root) != (head.size, head.root) or head.root != tree.root(head.size):
            raise Unusable(f"board {self.board.slug}: the entries in the database do not hash to its newest checkpoint")
        # Two trees that know nothing of each other: a fault in either must not be signed.
        if record.size != head.size or record.root != head.root:
            raise Unusable(
                f"board {self.board.slug}: the record of {record.size} entries has another root than the tree"
            )
        self._require_nothing_newer(tree, head.size)
        self._record, self._tree, self._head = record, tree, head
        self._know_witnesses(record)
        # Of every checkpoint ever signed, for somebody may hold one and ask for the partial tiles of its size.
        sizes = [size for size in self._store.checkpoint_sizes(self.board) if size > followed]
        self._write_files(followed, sizes or [head.size])
        if self.cosigned is not None:
            self.cosigned.recover(tree, head.size, _effects(record))

    def follow(self) -> None:
        """Shows what the process that leads has published, and replays it; writes nothing.

        Raises Unusable if that is not what the database holds, OSError or a database error if it cannot be read.
        """
        shown = self.published
        # The lock is on a disk and changes whenever something is published; the files may be far away.
        same = shown is not None and self._lock.read() == shown.checkpoint.note
        note = None if same else self.files.checkpoint(PENDING) or self.files.checkpoint(CHECKPOINT)
        if note is not None and (shown is None or shown.checkpoint.note != note):
            seen = self._signed(note, "the published checkpoint")
            # A former leader may have replayed more than it sees published: it shows nothing older than it knows.
            if self._record is None or self._head is None or self._head.size <= seen.size:
                tree, record = self._replay(seen.size)
                if tree.root(seen.size) != seen.root or record.root != seen.root:
                    raise Unusable(f"board {self.board.slug}: the database has another history than the published one")
                head = StoredCheckpoint(seen.size, seen.root, note)
                self._record, self._tree, self._head = record, tree, head
                self._show(head, tree, record)
                self._know_witnesses(record)
        if (
            self.cosigned is not None
            and self.published is not None
            and self.cosigned.size < self.published.checkpoint.size
        ):
            self.cosigned.follow(self.published.tree)

    def early_answers(self, batch: Sequence[Submission]) -> dict[bytes, Answer | Refusal]:
        """What the published board says of entries before anything costly is done, by leaf hash."""
        known = self._store.indices(self.board, [submission.leaf_hash for submission in batch])
        answers: dict[bytes, Answer | Refusal] = {}
        for each in batch:
            index = known.get(each.leaf_hash)
            if index is None:
                if (refusal := self._refusal(each)) is not None:
                    answers[each.leaf_hash] = refusal
            elif (receipt := self.receipt(index)) is not None:
                answers[each.leaf_hash] = Answer(index, receipt, False)
        return answers

    def standing(self, credential: bytes) -> Standing | None:
        """What the roll says of a credential now, None if it was never on it or nothing is published.

        Asked of the record that goes on, which may know of a revocation an instant before it is published.
        """
        record = self._shown_record
        style = None if record is None else record.style_of(credential)
        return None if record is None or style is None else Standing(style, record.is_active(credential))

    def _refusal(self, submission: Submission) -> Refusal | None:
        shown = self.published
        if shown is None or not submission.is_ballot:
            return None
        credential = submission.credential
        if shown.phase == "voting" and credential is not None:
            standing = self.standing(credential)
            if standing is None:
                return refused("V11", "the credential is not on the roll")
            if not standing.active:
                return refused("V11", "the credential was revoked or replaced")
        return _untimely("ballot", shown.manifest, submission.received_at)

    def sequence(self, batch: Sequence[Submission]) -> list[Answer | Refusal]:
        """Answers for these submissions, in order. Any exception means that none of them was acknowledged."""
        record, head = self._ready()
        # By leaf hash, so that the same bytes twice in a batch are offered once and answered alike.
        known = self._store.indices(self.board, [submission.leaf_hash for submission in batch])
        fresh = {each.leaf_hash: each for each in batch if each.leaf_hash not in known}
        refusals = {
            each.leaf_hash: refusal for each in fresh.values() if (refusal := self._not_now(record, each)) is not None
        }
        offered = [each for each in fresh.values() if each.leaf_hash not in refusals]
        new, newest = self._append(record, head, offered, refusals)
        answers: list[Answer | Refusal] = []
        answered: set[bytes] = set()
        for submission in batch:
            leaf = submission.leaf_hash
            if leaf in refusals:
                answers.append(refusals[leaf])
            elif leaf in new:
                # Only the first of the same bytes is new: whoever counts what is new counts entries.
                answers.append(self._answer(new[leaf], newest, leaf not in answered))
                answered.add(leaf)
            else:
                # On the checkpoint of its first receipt, so that this one is the same.
                answers.append(self._answer(known[leaf], self._covering(known[leaf]) or newest, False))
        return answers

    def receipt(self, index: int) -> bytes | None:
        """The receipt of an entry on the first checkpoint that the quorum cosigned with it, or on the first signed one.

        None if the entry is not published yet.
        """
        shown = self.published
        if shown is None or not 0 <= index < shown.checkpoint.size:
            return None
        return self._answer(index, self._covering(index) or shown.checkpoint, False).receipt

    def _ready(self) -> tuple[Record, StoredCheckpoint]:
        if self.halted is not None:
            raise Unusable(f"board {self.board.slug} has stopped: {self.halted}")
        if self._record is None or self._head is None:
            self.recover()
        if self._record is None or self._head is None:
            raise Unusable(f"board {self.board.slug} is not ready")
        if self.published is None:
            self._write_files(0, self._store.checkpoint_sizes(self.board))
        elif self.published.checkpoint != self._head:
            self._write_files(self.published.checkpoint.size, [self._head.size])
        return self._record, self._head

    def _know_witnesses(self, record: Record) -> None:
        if record.manifest.witnesses.keys and self.cosigned is None:
            self.cosigned = CosignedLog(
                self.board, self._store, self.files, self._lock, self.board_key, record.manifest
            )

    def _not_now(self, record: Record, submission: Submission) -> Refusal | None:
        """Why an entry that the record may well take is not even offered to it now."""
        if self.cosigned is not None and submission.is_ballot:
            opening = record.opening_index
            # An opening takes effect by the quorum-cosigned checkpoint that covers it (docs/spec 8.2 V04).
            if opening is not None and self.cosigned.size <= opening:
                unwitnessed = "the opening takes effect when the quorum of witnesses has cosigned it"
                return Refusal("not-ready", unwitnessed, advice=AGAIN, retry_after=2)
        if (kind := submission.kind) is not None:
            untimely = _untimely(kind, record.manifest, submission.received_at)
            if untimely is not None:
                return untimely
        if (credential := submission.credential) is not None:
            wait = self._rate.wait(credential, submission.received_at)
            if wait > 0:
                reason = "this credential has cast as many ballots as it may in a while"
                later = "Send the same bytes again later."
                return Refusal("too-many-ballots", reason, advice=later, retry_after=int(wait) + 1)
        return None

    def _append(
        self,
        record: Record,
        head: StoredCheckpoint,
        offered: Sequence[Submission],
        refusals: dict[bytes, Refusal],
    ) -> tuple[dict[bytes, int], StoredCheckpoint]:
        """Steps 3 to 5. Adds to `refusals` what the record refuses; returns new entries' indices by leaf hash."""
        if not offered:
            return {}, head
        # The record moves on while it rules. Unless the database follows, nobody may build upon it.
        self._record = None
        entries: list[NewEntry] = []
        new: dict[bytes, int] = {}
        ballots: list[tuple[bytes, float]] = []
        for submission, ruling in zip(offered, record.admit([each.raw for each in offered]), strict=True):
            if not ruling.accepted:
                refusals[submission.leaf_hash] = refused(ruling.check or "V09", ruling.reason or "refused")
                continue
            entry = ruling.entry
            ballot = (entry.credential, entry.body_hash) if isinstance(entry, Ballot) else None
            new[submission.leaf_hash] = head.size + len(entries)
            entries.append(NewEntry(submission.raw, submission.leaf_hash, ballot))
            if ballot is not None:
                ballots.append((ballot[0], submission.received_at))
        if entries:
            self._tree.append(b"".join(entry.leaf_hash for entry in entries))
            head = self._commit(record, head, entries)
        self._record, self._head = record, head
        if entries:
            self._write_files(head.size - len(entries), [head.size])
            for credential, received_at in ballots:
                self._rate.count(credential, received_at)
        _log.info("batch", board=self.board.slug, accepted=len(entries), refused=len(offered) - len(entries))
        return new, head

    def _commit(self, record: Record, head: StoredCheckpoint, entries: Sequence[NewEntry]) -> StoredCheckpoint:
        size = head.size + len(entries)
        root = self._tree.root(size)
        if record.size != size or record.root != root:
            raise Unusable(f"board {self.board.slug}: record and tree disagree at size {size}")
        note = sign_checkpoint(Checkpoint(self.board.origin, size, root), self._key)
        newest = StoredCheckpoint(size, root, note)
        self._store.append(self.board, head, entries, newest)
        return newest

    def _write_files(self, old: int, sizes: Sequence[int]) -> None:
        record, head = self._record, self._head
        if record is None or head is None:
            raise Unusable(f"board {self.board.slug} is not ready")
        damaged = self.files.write_tiles(self._tree, self._entries, old, sizes)
        if damaged:
            _log.error("damaged files written anew", board=self.board.slug, files=len(damaged))
        try:
            # The lock before the checkpoint: what anybody may see is never newer than what the lock remembers.
            with self._lock.swapped(self._let_out, head.note):
                self._let_out = head.note
                self.files.publish(head.note, CHECKPOINT if self.cosigned is None else PENDING)
        except LockMovedError as error:
            if self._alone:
                self.halt(str(error))
            raise
        self._show(head, self._tree, record)

    def _show(self, head: StoredCheckpoint, tree: HashTree, record: Record) -> None:
        self._shown_record = record
        self.published = Published(head, tree, record.manifest, record.phase, record.joint_key, _effects(record))

    def _entries(self, first: int, end: int) -> Iterable[bytes]:
        return (raw for raw, _ in self._store.entries(self.board, first, end))

    def _covering(self, index: int) -> StoredCheckpoint | None:
        cosigned = None if self.cosigned is None else self._store.first_cosigned_covering(self.board, index)
        return cosigned or self._store.first_checkpoint_covering(self.board, index)

    def _answer(self, index: int, checkpoint: StoredCheckpoint, new: bool) -> Answer:
        proof = TlogProof(index, self._tree.inclusion_proof(index, checkpoint.size), checkpoint.note)
        return Answer(index, format_tlog_proof(proof), new)

    def _replay(self, size: int) -> tuple[HashTree, Record]:
        """Record and tree of the first `size` entries, on from where they stand. If that fails they are thrown away."""
        record, tree = self._record, self._tree
        if record is None:
            tree = HashTree()
        try:
            record = self._replay_into(tree, record, size)
        except BaseException:
            self._record = self._head = None
            raise
        return tree, record

    def _replay_into(self, tree: HashTree, record: Record | None, size: int) -> Record:
        waiting: list[bytes] = []
        not_in_force = 0
        for index, (raw, leaf) in enumerate(self._store.entries(self.board, tree.size, size), tree.size):
            if leaf_hash(raw) != leaf:
                raise Unusable(f"board {self.board.slug}: entry {index} in the database does not have its leaf hash")
            tree.append(leaf)
            if record is None:
                record = self._open_record(raw)
                continue
            waiting.append(raw)
            if len(waiting) == _REPLAYED_AT_ONCE or index == size - 1:
                not_in_force += sum(not ruling.accepted for ruling in record.replay(waiting))
                waiting = []
        if record is None or tree.size != size or waiting:
            raise Unusable(f"board {self.board.slug}: the database has {tree.size} of {size} entries")
        if not_in_force:
            _log.error("entries on the board are not in force", board=self.board.slug, entries=not_in_force)
        return record

    def _require_nothing_newer(self, tree: HashTree, size: int) -> None:
        """Holds the lock and every published checkpoint against the database, which must have all of their entries."""
        self._let_out = self._lock.read()
        if self._let_out is None and size > 1:
            raise Unusable(
                f"board {self.board.slug}: there is no lock at {self._lock.path}, so nothing says whether this "
                f"database is an old copy; once you are sure it is not: retally-server board lock {self.board.slug}"
            )
        places = {**published_places(self.files), "lock": self._let_out}
        for contradiction in contradictions(places, self.board_key, size, tree):
            raise Unusable(f"board {self.board.slug}: {contradiction}; going on would fork the board")

    def _signed(self, note: bytes, what: str) -> Checkpoint:
        try:
            return verify_checkpoint(note, self._key.verifier_key)
        except RetallyError as error:
            raise Unusable(f"board {self.board.slug}: {what} is not signed by the board's key: {error}") from error


def _untimely(kind: str, manifest: Manifest, received_at: float) -> Refusal | None:
    reason = outside_hours(kind, manifest, received_at)
    return None if reason is None else Refusal("outside-hours", reason, "V04")


def _effects(record: Record) -> Mapping[str, int | None]:
    return {"opening": record.opening_index, "closing": record.closing_index}
