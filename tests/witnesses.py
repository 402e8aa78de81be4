"""Witnesses for tests: in this process over real HTTP, with the clock and the faults that a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from retally_crypto.notes import VerifierKey
from retally_crypto.secret.sign import SigningKey
from retally_server.witness.app import create_witness
from retally_server.witness.store import Store


class RunningWitness:
    """One witness on a free port of this machine. `broken` replaces its application while it is set."""

    def __init__(self, folder: Path, key: SigningKey, clock: Callable[[], float], *logs: VerifierKey) -> None:
        self.key = key
        self.broken: ASGIApp | None = None
        self.store = Store(folder / f"{key.verifier_key.name.replace('/', '-')}.sqlite")
        for log in logs:
            self.store.add_log(log.name, log)
        self._app = create_witness(self.store, key, clock)
        self._server: uvicorn.Server | None = None
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.broken or self._app)(scope, receive, send)

    def start(self) -> None:
        """Listens, on the port it had before."""
        config = uvicorn.Config(
            self._serve, host="127.0.0.1", port=self._port, log_config=None, lifespan="off", interface="asgi3"
        )
        server = self._server = uvicorn.Server(config)
        threading.Thread(target=server.run, daemon=True).start()
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline, "the witness does not listen"
            time.sleep(0.01)
        self._port = server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Does not listen any more; its database stays."""
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            deadline = time.monotonic() + 60
            while self._server.servers and any(each.is_serving() for each in self._server.servers):
                assert time.monotonic() < deadline, "the witness does not stop"
                time.sleep(0.01)
            self._server = None
