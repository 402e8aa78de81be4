"""A bare server, no proxy before it: connections and requests that never were meant to be answered."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from retally_lab.server_process import ServerFolder, running_server
from retally_server.api.address_limits import parse_networks
from retally_server.api.connections import BoundedConnection, bounded_connections


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("connections")
    (folder / "passphrase").write_text("\n")
    before = os.environ.get("RETALLY_CONNECTIONS")
    os.environ["RETALLY_CONNECTIONS"] = "40"
    try:
        with running_server(ServerFolder(folder / "data", folder / "passphrase"), folder / "log") as address:
            yield int(address.rpartition(":")[2])
    finally:
        if before is None:
            del os.environ["RETALLY_CONNECTIONS"]
        else:
            os.environ["RETALLY_CONNECTIONS"] = before


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


def test_connections_beyond_the_limit_are_closed_and_the_server_goes_on(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(60)]
    try:
        closed = 0
        for connection in held:
            connection.settimeout(2)
            try:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                closed += not connection.recv(10)
            except ConnectionError:
                closed += 1
        assert 20 <= closed < 60
    finally:
        for connection in held:
            connection.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if well(port):
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer any more")


def test_the_protocol_class_carries_the_limit_of_the_settings() -> None:
    made: Any = bounded_connections(17, 8, ())
    assert made.most == 17
    assert issubclass(made, BoundedConnection)


def open_from(source: str, port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60, source_address=(source, 0))


def served(connection: socket.socket) -> bool:
    """Whether this connection is answered and not cut off."""
    try:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection.recv(12) == b"HTTP/1.1 200"
    except ConnectionError:
        return False


def test_one_address_holds_its_share_of_the_connections_and_leaves_the_rest_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETALLY_ADDRESS_CONNECTIONS", "8")
    # Nobody is a proxy here: loopback addresses count like any others.
    monkeypatch.setenv("RETALLY_TRUSTED_PROXIES", "192.0.2.1/32")
    (tmp_path / "passphrase").write_text("\n")
    with (
        running_server(ServerFolder(tmp_path / "data", tmp_path / "passphrase"), tmp_path / "log") as address,
        contextlib.ExitStack() as held,
    ):
        port = int(address.rpartition(":")[2])
        greedy = [held.enter_context(open_from("127.0.0.2", port)) for _ in range(30)]
        assert served(held.enter_context(open_from("127.0.0.3", port)))
        assert sum(served(one) for one in greedy) == 8
        for one in greedy:
            one.close()
        until = time.monotonic() + 20
        while not served(held.enter_context(open_from("127.0.0.2", port))):
            assert time.monotonic() < until, "who has gone still counts"
            time.sleep(0.1)


def test_an_address_without_connections_is_forgotten_and_a_proxy_is_not_counted() -> None:
    made: Any = bounded_connections(17, 8, parse_networks("127.0.0.0/8"))
    first, second, proxy = (made.__new__(made) for _ in range(3))
    first.client, second.client, proxy.client = ("2001:db8::1", 1), ("2001:db8::2", 2), ("127.0.0.1", 3)
    for one in (first, second, proxy):
        one._hold()
    assert made.held == {"2001:db8::/64": 2}
    for one in (first, second, proxy):
        one._let_go()
        one._let_go()
    assert made.held == {}
