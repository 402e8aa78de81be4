"""A bare server, no proxy before it: connections and requests that never were meant to be answered."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import httpx
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from retally_lab.server_process import ServerFolder, running_server
from retally_server.api.connections import BoundedConnection, bounded_connections


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("connections")
    (folder / "passphrase").write_text("\n")
    with (
        patch.dict(os.environ, RETALLY_CONNECTIONS="40", RETALLY_IDLE_SECONDS="5"),
        running_server(ServerFolder(folder / "data", folder / "passphrase"), folder / "log") as address,
    ):
        yield int(address.rpartition(":")[2])


def answer_to(port: int, raw: bytes, seconds: float = 60.0) -> bytes:
    """Everything the server says until it closes the connection; empty if it only closes it."""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        said = b""
        try:
            connection.sendall(raw)
            while part := connection.recv(65_536):
                said += part
        except ConnectionError:
            pass
        return said


def status_of(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def well(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200


def test_headers_that_never_end_are_answered_408_and_the_connection_is_closed(port: int) -> None:
    assert status_of(answer_to(port, b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")) == 408
    assert status_of(answer_to(port, b"")) == 408


def test_a_connection_kept_open_with_empty_lines_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(connection.recv(65_536)) == 200
        deadline = time.monotonic() + 60
        try:
            while time.monotonic() < deadline:
                connection.sendall(b"\r\n")
                connection.settimeout(0.5)
                try:
                    part = connection.recv(65_536)
                except TimeoutError:
                    continue
                if not part or part.startswith(b"HTTP/1.1 408"):
                    return
        except ConnectionError:
            return
    raise AssertionError("the connection stayed open for a minute")


def test_headers_that_are_too_large_are_answered_431(port: int) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 1_000) for number in range(60))
    assert status_of(answer_to(port, b"GET /health HTTP/1.1\r\nHost: x\r\n" + lines)) == 431
    assert well(port)


def test_a_large_body_is_not_taken_for_large_headers(port: int) -> None:
    head = b"POST /elections HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 65000\r\n\r\n"
    assert status_of(answer_to(port, head + b"x" * 65_000)) == 400


def next_status(connection: socket.socket) -> int:
    """Reads one whole answer."""
    said = b""
    while b"\r\n\r\n" not in said:
        part = connection.recv(65_536)
        assert part, "the connection was closed"
        said += part
    head, _, body = said.partition(b"\r\n\r\n")
    (length,) = (
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        part = connection.recv(65_536)
        assert part, "the connection was closed"
        body += part
    assert len(body) == length, "more was said than the answer"
    return status_of(said)


def answered_early(connection: socket.socket, length: int) -> None:
    """Announces a body that is too large, and reads the answer that does not wait for it."""
    connection.sendall(b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
    assert next_status(connection) == 413


def test_the_rest_of_a_body_that_was_answered_early_is_no_head_and_gets_no_answer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        for _ in range(3):
            answered_early(connection, 100_000)
            for _ in range(10):
                connection.sendall(b"x" * 10_000)
                time.sleep(0.01)
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert next_status(connection) == 200


def test_a_request_in_one_piece_with_the_rest_of_a_body_is_answered_in_its_time(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        answered_early(connection, 70_000)
        head = b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
        connection.sendall(b"x" * 70_000 + head)
        time.sleep(7)  # Longer than an idle connection is kept.
        connection.sendall(b"0123456789")
        assert next_status(connection) == 400


@pytest.mark.parametrize("pause", [0, 0.2])
def test_a_body_that_was_answered_early_and_never_ends_is_cut_off_without_a_word(port: int, pause: float) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        answered_early(connection, 900_000_000)
        sent = 0
        deadline = time.monotonic() + 60
        try:
            while time.monotonic() < deadline:
                sent += connection.send(b"x" * (65_536 if not pause else 1))
                time.sleep(pause)
                connection.settimeout(0.001)
                with contextlib.suppress(TimeoutError):
                    assert connection.recv(65_536) == b""
                    break
                connection.settimeout(60)
        except ConnectionError:
            pass
        assert time.monotonic() < deadline
        assert sent < 50_000_000
    assert well(port)


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /elections HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nBroken\r\n : header\r\n\r\n",
        b"GET /health HTTP/1.1\nHost: x\n\n\x00\x01",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    ],
)
def test_requests_that_two_programs_could_read_differently_end_the_connection(port: int, raw: bytes) -> None:
    said = answer_to(port, raw)
    assert said == b"" or status_of(said) in (400, 408, 413), said[:200]
    assert b"HTTP/1.1 2" not in said
    assert well(port)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "DELETE", "PUT", "PATCH"])
def test_other_methods_are_refused(port: int, method: str) -> None:
    target = "x:1" if method == "CONNECT" else "/elections"
    said = answer_to(port, f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert said == b"" or status_of(said) in (400, 404, 405)


@pytest.mark.parametrize(
    "target",
    [
        "/elections/..%2f..%2fkeys",
        "/elections/%2e%2e/%2e%2e/etc/passwd",
        "/../../etc/passwd",
        "//etc/passwd",
        "/" + "a" * 9_000,
        "/elections/a%0d%0aSet-Cookie:%20x=1",
        "/elections/x/tile/0/%00",
        "/elections/x/tile/entries/../../../keys",
    ],
)
def test_no_target_leads_anywhere_else_or_into_a_header(port: int, target: str) -> None:
    said = answer_to(port, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert status_of(said) in (400, 404, 422)
    assert b"set-cookie" not in said.lower()
    assert b"root:" not in said


def test_a_compressed_body_is_refused_and_never_unpacked(port: int) -> None:
    for encoding in ("gzip", "br", "deflate", "gzip, identity", "zstd"):
        answer = httpx.post(
            f"http://127.0.0.1:{port}/elections",
            content=b"\x1f\x8b" + bytes(1_000),
            headers={"Content-Encoding": encoding},
            trust_env=False,
        )
        assert (answer.status_code, answer.json()["type"]) == (415, "urn:retally:problem:encoding-not-taken")


def test_chunks_without_end_are_cut_off(port: int) -> None:
    head = b"POST /elections HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (
        status_of(
            answer_to(port, head + b"1000\r\n" + b"x" * 4_096 + b"\r\n" + (b"1000\r\n" + b"x" * 4_096 + b"\r\n") * 20)
        )
        == 413
    )


def read_to_the_end(connection: socket.socket) -> bytes:
    said = b""
    while part := connection.recv(65_536):
        said += part
    return said


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /elections HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000,
        b"",
    ],
    ids=["reading", "sending", "silent"],
)
def test_who_comes_when_every_connection_is_taken_is_told_503_and_the_server_goes_on(
    port: int, request_: bytes
) -> None:
    held = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(40)]
    beyond: list[socket.socket] = []
    try:
        for _ in range(20):
            beyond.append(socket.create_connection(("127.0.0.1", port), 60))
            beyond[-1].sendall(request_)
        for connection in beyond:
            said = read_to_the_end(connection)
            assert status_of(said) == 503
            head = said.lower()
            assert b"\r\nretry-after: 2\r\n" in head
            assert b"\r\nconnection: close\r\n" in head
            assert (b"urn:retally:problem:busy" in said) == bool(request_)
    finally:
        for connection in [*held, *beyond]:
            connection.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if well(port):
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer any more")


class Bare:
    """An application behind the bounded connections, in a thread of this process. `/busy` holds the event loop up."""

    def __init__(self, most: int, idle_seconds: int) -> None:
        self.held_up = threading.Event()
        self.go_on = threading.Event()
        config = uvicorn.Config(
            self._answer,
            http=bounded_connections(most),
            port=0,
            log_config=None,
            lifespan="off",
            timeout_keep_alive=idle_seconds,
            interface="asgi3",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/busy":
            self.held_up.set()
            self.go_on.wait(60)
        await Response("well")(scope, receive, send)

    def connect(self) -> socket.socket:
        """A connection on which a request was answered."""
        connection = socket.create_connection(("127.0.0.1", self.port), 60)
        assert self.ask(connection) == 200
        return connection

    def ask(self, connection: socket.socket) -> int:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return next_status(connection)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(60)


@pytest.fixture
def bare(request: pytest.FixtureRequest) -> Iterator[Bare]:
    server = Bare(*request.param)
    yield server
    server.stop()


@pytest.mark.parametrize("bare", [(8, 1)], indirect=True)
def test_a_request_that_came_in_time_is_answered_however_busy_the_server_was(bare: Bare) -> None:
    with bare.connect() as idle, bare.connect() as other:
        other.sendall(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert bare.held_up.wait(60)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)  # Its time passes while the server looks at nothing.
        bare.go_on.set()
        assert next_status(idle) == 200


@pytest.mark.parametrize("bare", [(4, 60)], indirect=True)
def test_who_has_been_idle_for_longest_makes_room_and_nobody_else(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retally_server.api.connections.IDLE_LEAST_SECONDS", 0)
    with contextlib.ExitStack() as closing:
        first, *others = [closing.enter_context(bare.connect()) for _ in range(4)]
        assert bare.ask(first) == 200
        newcomer = closing.enter_context(bare.connect())
        assert others[0].recv(1) == b""
        for connection in (first, *others[1:], newcomer):
            assert bare.ask(connection) == 200


@pytest.mark.parametrize("bare", [(4, 60)], indirect=True)
def test_nobody_makes_room_who_has_just_asked(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retally_server.api.connections.IDLE_LEAST_SECONDS", 3600)
    with contextlib.ExitStack() as closing:
        held = [closing.enter_context(bare.connect()) for _ in range(4)]
        newcomer = closing.enter_context(socket.create_connection(("127.0.0.1", bare.port), 60))
        assert bare.ask(newcomer) == 503
        assert {bare.ask(connection) for connection in held} == {200}


def test_the_protocol_class_carries_the_limit_of_the_settings() -> None:
    made: Any = bounded_connections(17)
    assert made.most == 17
    assert issubclass(made, BoundedConnection)
