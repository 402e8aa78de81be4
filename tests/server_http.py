"""A server in this process with the real record and a clock that the test sets, and what its answers must look like."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from retally_crypto.merkle import TreeHead
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.replay import Record
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.boards.election import OPENS, signing_key
from retally_server.api.app import create_app
from retally_server.api.metrics import Metrics
from retally_server.elections import Elections
from retally_server.settings import Settings
from tests.databases import DATABASES
from tests.server_boards import write_board_key

SLUG = "2027"
HERE = f"/elections/{SLUG}"


class Http:
    """Plain requests to an application in this process, whose event loop runs while a request does."""

    def __init__(self, app: Starlette) -> None:
        self._runner = asyncio.Runner()
        self._lifespan = app.router.lifespan_context(app)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.7", 4711))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://board.example")
        self._runner.run(self._lifespan.__aenter__())

    def request(self, method: str, address: str, **details: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, address, **details))

    def get(self, address: str, **details: Any) -> httpx.Response:
        return self.request("GET", address, **details)

    def post(self, address: str, **details: Any) -> httpx.Response:
        return self.request("POST", address, **details)

    def idle(self, seconds: float) -> None:
        """Lets the application run on without a request."""
        self._runner.run(asyncio.sleep(seconds))

    def stop(self) -> None:
        self._runner.run(self._lifespan.__aexit__(None, None, None))
        self._runner.run(self._client.aclose())
        self._runner.close()


class Server:
    """A server in this process whose clock the test sets."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now: float = OPENS + 10
        self.folder = folder
        address = DATABASES.address(folder) if DATABASES.kind == "postgresql" else None
        self.settings = Settings(data=folder, database_url=address, **settings)
        write_board_key(folder)
        metrics = Metrics()
        self.elections = Elections(self.settings, lambda: self.now, Record, metrics.batch)
        self.http = Http(create_app(self.elections, metrics))

    def append(self, entries: list[bytes]) -> list[httpx.Response]:
        """Sends entries one by one to where they belong."""
        return [self.http.post(f"{HERE}/{kind_of(raw)}", content=raw) for raw in entries]


def kind_of(raw: bytes) -> str:
    """The last part of the address that takes this entry."""
    return "entries" if b"\n" in raw else "ballots"


def require_receipt(response: httpx.Response, entry: bytes, index: int) -> TreeHead:
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    proof = parse_tlog_proof(response.content)
    verified = verify_tlog_proof(proof, entry, signing_key("board.example/2027").verifier_key, (), 0)
    assert verified.index == index
    return verified.checkpoint.head


def problem(response: httpx.Response, status: int, name: str, check: str | None = None) -> dict[str, Any]:
    """The problem in a response, with these properties."""
    assert response.headers["content-type"] == "application/problem+json"
    members: dict[str, Any] = response.json()
    assert set(members) == {"type", "title", "status", "detail", "check", "reason"}
    said = (response.status_code, members["status"], members["type"], members["check"])
    assert said == (status, status, f"urn:retally:problem:{name}", check), members
    assert members["reason"]
    return members
