"""A server and three witnesses over real HTTP, with a clock and faults that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp

from retally_crypto.checkpoints import CosignedCheckpoint, open_checkpoint
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.boards.election import OPENS, Election
from retally_server.board.witness_addresses import set_address
from tests.server_http import HERE, SLUG, Server
from tests.witnesses import RunningWitness


def answering(status: int, content: bytes) -> ASGIApp:
    """An application that answers everything alike."""
    return Response(content, status)


class Trial:
    """A server in this process, three witnesses of its board (quorum two), and an election to put on it."""

    def __init__(
        self, folder: Path, election: Election, now: float = OPENS + 10, elsewhere: Mapping[int, str] | None = None
    ) -> None:
        """`elsewhere` are addresses of witnesses, by number from 0, that are not ours."""
        self.folder = folder
        self.data = folder / "data"
        self.election = election
        self.now = now
        self.skew = dict.fromkeys(range(3), 0.0)
        self.witnesses = [
            RunningWitness(folder, key, lambda n=n: self.now + self.skew[n], election.board.verifier_key)  # type: ignore[misc]
            for n, key in enumerate(election.witnesses)
        ]
        for number, witness in enumerate(self.witnesses):
            address = (elsewhere or {}).get(number, witness.address)
            set_address(self.data / "keys", SLUG, witness.key.verifier_key, address)
        self.sent = 0
        self.server = self.start()

    def start(self, **settings: float) -> Server:
        self.running = False
        self.server = Server(self.data, witness_seconds=2, **settings)
        self.running = True
        self.server.now = self.now
        return self.server

    def restart(self) -> Server:
        self.server.http.stop()
        return self.start()

    def at(self, now: float) -> None:
        self.now = self.server.now = now

    def send(self, status: int = 201) -> list[bytes]:
        """Sends what the election has more than was sent; returns the receipts."""
        receipts = []
        for raw in self.election.entries[self.sent :]:
            if self.sent == 0:
                answer = self.server.http.post("/elections", content=raw)
            else:
                (answer,) = self.server.append([raw])
            assert answer.status_code == status, answer.text
            receipts.append(answer.content)
            self.sent += status == 201
        return receipts

    def wait(self, done: Callable[[], bool], seconds: float = 60) -> None:
        """Lets the server run until `done`."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline
            self.server.http.idle(0.05)

    def checkpoint(self, name: str = "checkpoint") -> CosignedCheckpoint | None:
        """A published checkpoint, its signatures verified."""
        answer = self.server.http.get(f"{HERE}/{name}")
        if answer.status_code != 200:
            return None
        policy = self.election.policy()
        return open_checkpoint(answer.content, policy.board, policy.witnesses, policy.quorum)

    def witnessed(self) -> int:
        opened = self.checkpoint()
        assert opened is None or opened.cosigned
        return 0 if opened is None else opened.checkpoint.size

    def is_witnessed(self, receipt: bytes, index: int) -> bool:
        policy, entry = self.election.policy(), self.election.entries[index]
        verified = verify_tlog_proof(parse_tlog_proof(receipt), entry, policy.board, policy.witnesses, policy.quorum)
        assert verified.index == index
        return verified.cosigned

    def stop(self) -> None:
        if self.running:
            self.server.http.stop()
        for witness in self.witnesses:
            witness.stop()
            witness.store.close()
