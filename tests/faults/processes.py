"""A real server under load that may be killed at any moment, and what must hold of its board afterwards."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.merkle import Frontier, leaf_hash
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.boards.election import MAYOR, Election, body_hash, district, signing_key
from retally_lab.server_process import ServerFolder, running_server
from retally_server.board.witness_addresses import set_address
from retally_verify.board import FolderBoard
from retally_verify.run import verify_board
from tests.server_boards import read_board, write_board_key
from tests.witnesses import RunningWitness

HERE = "/elections/2027"
BOARD_KEY = signing_key("board.example/2027").verifier_key
_TCP_LISTEN = "0A"
"""A state in /proc/net/tcp."""


def running_election(voters: int, witnesses: int = 0) -> Election:
    """An election that is open by this machine's clock, with small ballots and so many witnesses, all needed."""
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        witness_count=(witnesses, witnesses),
        voters={"north": voters},
        opens=now - 5,
        closes=now + 36_000,
    )
    election.ceremony()
    election.roll()
    election.open()
    return election


@dataclass
class Board:
    """One board on the disk, everything that its server ever showed or answered, and what was sent last."""

    folder: Path
    election: Election
    receipts: dict[bytes, bytes] = field(default_factory=dict)
    shown: set[bytes] = field(default_factory=set)
    unanswered: dict[str, bytes] = field(default_factory=dict)
    previous: dict[str, bytes] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.server = ServerFolder(self.data, self.folder / "passphrase")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server.passphrase_file.write_text("\n")
        write_board_key(self.data)
        self.witnesses = [RunningWitness(self.folder, key, time.time, BOARD_KEY) for key in self.election.witnesses]
        for witness in self.witnesses:
            set_address(self.data / "keys", "2027", witness.key.verifier_key, witness.address)
        self.runs = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        """The server, for as long as the block runs and nothing kills it; yields its address."""
        os.environ["RETALLY_RATE_BALLOTS"] = "100000"
        self.runs += 1
        try:
            with running_server(self.server, self.folder / f"log-{self.runs}") as address:
                yield address
        finally:
            del os.environ["RETALLY_RATE_BALLOTS"]

    def begin(self, address: str) -> None:
        """Puts everything up to the opening on the board."""
        assert httpx.post(f"{address}/elections", content=self.election.entries[0], timeout=60).status_code == 201
        for raw in self.election.entries[1:]:
            assert httpx.post(f"{address}{HERE}/entries", content=raw, timeout=60).status_code == 201
        self.settle()

    def settle(self) -> None:
        """Waits until the witnesses have confirmed all that is on the board."""
        deadline = time.monotonic() + 60
        while self.witnesses and self._size("checkpoint") < self._size("checkpoint.pending"):
            assert time.monotonic() < deadline, "the quorum does not come"
            time.sleep(0.02)

    def _size(self, name: str) -> int:
        try:
            return verify_checkpoint((self.data / "boards" / "2027" / name).read_bytes(), BOARD_KEY).size
        except FileNotFoundError:
            return 0

    def end(self) -> None:
        """Ends the witnesses."""
        for witness in self.witnesses:
            witness.stop()
            witness.store.close()

    def cast(self, address: str, name: str, client: httpx.Client | None = None) -> bool:
        """Sends the voter's unanswered ballot again, or her next one; whether it was acknowledged."""
        raw = self.unanswered.get(name)
        if raw is None:
            raw = self.election.ballot(name, [[1, 0, 0]], self.previous.get(name, bytes(32)))
            self.unanswered[name] = raw
        try:
            post = httpx.post if client is None else client.post
            answer = post(f"{address}{HERE}/ballots", content=raw, timeout=60)
        except httpx.TransportError:
            return False
        if answer.status_code not in (200, 201):
            self.refused.append((answer.status_code, answer.text))
            return False
        if raw in self.receipts:
            assert answer.content == self.receipts[raw]
        self.receipts[raw] = answer.content
        self.previous[name] = body_hash(raw)
        del self.unanswered[name]
        return True

    def load(self, address: str, stop: threading.Event, share: int, of: int) -> None:
        """Voters of one share cast one after the other until told to stop, or until the server is gone."""
        names = list(self.election.voters)[share::of]
        with httpx.Client(trust_env=False) as client:
            while not stop.is_set():
                for name in names:
                    if stop.is_set() or not self.cast(address, name, client):
                        return

    def look(self) -> None:
        """Keeps the checkpoint that everybody sees now."""
        for name in ("checkpoint", "checkpoint.pending"):
            with suppress(FileNotFoundError):
                self.shown.add((self.data / "boards" / "2027" / name).read_bytes())

    def audit(self) -> int:
        """Holds the board on the disk against everything it ever showed or answered; returns its size."""
        files = self.data / "boards" / "2027"
        entries = read_board(files, BOARD_KEY)
        for raw, receipt in self.receipts.items():
            proof = parse_tlog_proof(receipt)
            verify_tlog_proof(proof, raw, BOARD_KEY, (), 0)
            assert entries[proof.index] == raw
        self.look()
        seen = {head.size: head.root for head in (verify_checkpoint(note, BOARD_KEY) for note in self.shown)}
        for note in self.receipts.values():
            head = verify_checkpoint(parse_tlog_proof(note).checkpoint, BOARD_KEY)
            seen.setdefault(head.size, head.root)
            assert seen[head.size] == head.root
        tree = Frontier()
        for size, raw in enumerate(entries, start=1):
            tree.append(leaf_hash(raw))
            if size in seen:
                assert seen.pop(size) == tree.root(), f"the board of {size} entries was another one once"
        assert not seen, "a checkpoint was shown that is larger than the board"
        left = [file for file in self.data.rglob(".*") if file.is_file()]
        assert len(left) <= self.runs, "temporary files pile up"
        report = verify_board(FolderBoard(files), self.election.policy())
        assert not report.failed, report.failed
        assert report.manifest is not None
        assert not report.findings
        return len(entries)


def process_at(port: int) -> int:
    """The process that listens on this loopback port."""
    sockets = {f"socket:[{inode}]" for inode in _listening_at(port)}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and sockets & set(_open_handles(process)):
            return int(process.name)
    raise AssertionError(f"nobody listens on {port}")


def _listening_at(port: int) -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if (fields[1], fields[3]) == (f"0100007F:{port:04X}", _TCP_LISTEN):
            yield fields[9]


def _open_handles(process: Path) -> Iterator[str]:
    """What the handles of a process lead to. One that is closed while they are read says nothing of the others."""
    try:
        handles = list((process / "fd").iterdir())
    except OSError:
        return
    for handle in handles:
        with suppress(OSError):
            yield os.readlink(handle)
