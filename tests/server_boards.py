"""Boards for the server's tests: a record with a toy rule in place of proofs, and the disk as an auditor reads it.

The toy record keeps the real one's promises that the server builds on (chains settle inside a batch, a refused entry
leaves no trace, replaying takes everything) and costs nothing, so that every crash point can be tried. Tests with real
ballots are in `tests/integration`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

from retally_crypto.checkpoints import Checkpoint, verify_checkpoint
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.entries import Ballot
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import Frontier, TreeHead, leaf_hash
from retally_crypto.notes import VerifierKey
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.replay import Record
from retally_crypto.rules.findings import Ruling
from retally_crypto.rules.phases import Phase
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.tile_files import bundles_of
from retally_crypto.tile_proofs import VerifiedTiles, inclusion_proof_from_tiles
from retally_crypto.tiles import Tile, bundle_path, decode_bundle, tile_path
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.boards.election import MAYOR, Election, district
from retally_server.api.problems import Problem, problem_for
from retally_server.board.board_files import BoardFiles
from retally_server.board.board_log import BoardLog
from retally_server.board.lock_store import BoardLock
from retally_server.board.rates import BallotRate
from retally_server.board.refusals import Refusal
from retally_server.board.submissions import Answer, Submission
from retally_server.database.store import NewEntry, Store, StoredCheckpoint
from retally_server.durable import write_durably
from tests.databases import DATABASES

OPENS, CLOSES, GRACE = 1_000, 2_000, 100
DURING = 1_500.0
KEY = SigningKey.from_seed("board.example/toy", bytes(range(32)))
MANIFEST = json.dumps({"kind": "manifest"}).encode() + b"\n\nsigned\n"


@cache
def _toy_manifest() -> Manifest:
    return Election.create(
        contests=(MAYOR,), districts=(district("north"),), opens=OPENS, closes=CLOSES, grace=GRACE
    ).manifest


class ToyRecord:
    """A record whose ballots are `{"credential", "previous", "choice"}` and valid if `choice` is not "forged".

    It has the members of `Record` that a server reads, with their types, and no others.
    """

    def __init__(self, manifest_entry: bytes) -> None:
        self.manifest = _toy_manifest()
        self.manifest_faults: Sequence[str] = ()
        self.election_id = hashlib.sha256(manifest_entry).digest()
        self.phase: Phase = "voting"
        self.joint_key: bytes | None = None
        self.opening_index: int | None = None
        self.closing_index: int | None = None
        self._tree = Frontier()
        self._tree.append(leaf_hash(manifest_entry))
        self._last: dict[bytes, bytes] = {}

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def root(self) -> bytes:
        return self._tree.root()

    def replay(self, entries: Sequence[bytes]) -> list[Ruling]:
        return [self._place(raw, self._rule(raw)) for raw in entries]

    def admit(self, entries: Sequence[bytes]) -> list[Ruling]:
        rulings = (self._rule(raw) for raw in entries)
        return [
            self._place(raw, ruling) if ruling.accepted else ruling
            for raw, ruling in zip(entries, rulings, strict=True)
        ]

    def is_active(self, credential: bytes) -> bool:
        return True

    def style_of(self, credential: bytes) -> int | None:
        return 0

    def _place(self, raw: bytes, ruling: Ruling) -> Ruling:
        if b'"closing"' in raw:
            self.phase, self.closing_index = "tally", self._tree.size
        if b'"opening"' in raw:
            self.opening_index = self._tree.size
        self._tree.append(leaf_hash(raw))
        return replace(ruling, index=self._tree.size - 1)

    def _rule(self, raw: bytes) -> Ruling:
        if b"\n" in raw:
            return Ruling(None, None, None, None, None)
        if self.phase == "tally":
            return Ruling(None, "ballot", "V04", "voting is over", None)
        members = json.loads(raw)
        credential, previous = b64url_decode(members["credential"]), b64url_decode(members["previous"])
        entry = Ballot(b"", credential, self.election_id, previous, b"", "all", raw, body_hash(raw))
        if members["choice"] == "forged":
            return Ruling(None, "ballot", "V10", "the proof does not verify", entry)
        if previous != self._last.get(credential, bytes(32)):
            return Ruling(None, "ballot", "V12", "previous is not the last accepted ballot of this credential", entry)
        self._last[credential] = entry.body_hash
        return Ruling(None, "ballot", None, None, entry)


def open_toy(manifest_entry: bytes) -> Record:
    """A toy in the place of a record."""
    return cast(Record, ToyRecord(manifest_entry))


def body_hash(ballot: bytes) -> bytes:
    """What a toy ballot's successor names as previous."""
    return hashlib.sha256(b"body" + ballot).digest()


def voter(number: int) -> bytes:
    """A 32-byte credential."""
    return hashlib.sha256(f"voter {number}".encode()).digest()


def ballot(credential: bytes, previous: bytes = bytes(32), choice: str = "yes") -> bytes:
    """A toy ballot."""
    members = {"choice": choice, "credential": b64url_encode(credential), "previous": b64url_encode(previous)}
    return json.dumps(members, separators=(",", ":")).encode()


def ballots(first: int, count: int) -> list[bytes]:
    """First ballots of `count` voters."""
    return [ballot(voter(number)) for number in range(first, first + count)]


def official(kind: str) -> bytes:
    """A toy official's entry."""
    return json.dumps({"kind": kind}).encode() + b"\n\nsigned\n"


def new_store(folder: Path) -> Store:
    """The database of this folder (`tests.databases`), ready for a server."""
    store = Store(DATABASES.address(folder))
    store.prepare()
    return store


def create_toy_board(store: Store) -> None:
    """The toy election's board with its manifest."""
    root = leaf_hash(MANIFEST)
    note = sign_checkpoint(Checkpoint(KEY.verifier_key.name, 1, root), KEY)
    manifest = NewEntry(MANIFEST, root, None)
    store.create(
        "toy", KEY.verifier_key.name, hashlib.sha256(MANIFEST).digest(), manifest, StoredCheckpoint(1, root, note)
    )


def open_log(store: Store, folder: Path, rate: BallotRate | None = None) -> BoardLog:
    """The toy board's log over this database and `folder`/files, not yet recovered."""
    board = store.boards()[0]
    files, lock = BoardFiles(folder / "files"), BoardLock(folder / "locks", "toy")
    return BoardLog(board, store, files, lock, KEY, rate or BallotRate(1_000, 60.0), open_toy)


def new_log(folder: Path, rate: BallotRate | None = None) -> tuple[Store, BoardLog]:
    """A toy board with nothing but its manifest, recovered."""
    store = new_store(folder)
    create_toy_board(store)
    log = open_log(store, folder, rate)
    log.recover()
    return store, log


def send(log: BoardLog, entries: Sequence[bytes], at: float = DURING) -> list[Answer | Refusal]:
    """Sequences these entries as one batch received at this time."""
    return log.sequence([Submission.received(raw, at) for raw in entries])


def accepted(answers: Sequence[Answer | Refusal]) -> list[Answer]:
    """The answers, all of which must be receipts."""
    for answer in answers:
        assert isinstance(answer, Answer), answer
    return [answer for answer in answers if isinstance(answer, Answer)]


def problem_of(answer: Answer | Refusal) -> Problem:
    """What a client is told of this answer, which must be a refusal."""
    assert isinstance(answer, Refusal), answer
    return problem_for(answer)


def require_receipt(receipt: bytes, entry: bytes) -> TreeHead:
    """Verifies a receipt as the voter's client does; returns the tree head it leads to."""
    verified = verify_tlog_proof(parse_tlog_proof(receipt), entry, KEY.verifier_key, (), 0)
    return verified.checkpoint.head


def write_board_key(folder: Path) -> None:
    """Puts the key of the board of `retally_lab.boards.election` into a server's data folder."""
    key = f"retally-board-key/v1 board.example/2027 {b64url_encode(hashlib.sha256(b'board.example/2027').digest())}\n"
    write_durably(folder / "keys" / "2027.key", key.encode(), 0o600)


def read_board(folder: Path, key: VerifierKey = KEY.verifier_key) -> list[bytes]:
    """Every entry of the published files, each proved against the published checkpoint from the tiles alone."""
    head = verify_checkpoint((folder / "checkpoint").read_bytes(), key).head

    def read_tile(level: int, index: int, width: int) -> bytes:
        return (folder / tile_path(Tile(level, index, width))).read_bytes()

    VerifiedTiles(head, read_tile)
    tree = Frontier()
    entries: list[bytes] = []
    for bundle in bundles_of(head.size):
        entries += decode_bundle((folder / bundle_path(bundle)).read_bytes(), bundle.width)
    for raw in entries:
        tree.append(leaf_hash(raw))
    assert tree.root() == head.root
    assert inclusion_proof_from_tiles(head.size - 1, head, read_tile) is not None
    return entries
