"""Sending to a ballot server: the same bytes until there is an answer, and errors that repeat nothing of them."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from retally_client.api import ANSWER_LIMIT, ATTEMPTS, BoardServer
from retally_crypto.errors import Malformed, Refused, Unusable

URL = "https://ballots.example/elections/council"
ENTRY = b'{"kind":"ballot","secret":"so to speak"}'


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits; what the client would have waited is in the list."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def server(handler: Callable[[httpx.Request], httpx.Response]) -> BoardServer:
    return BoardServer(URL, httpx.MockTransport(handler))


def answer(status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=iter([content]))


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, stream=httpx.Response(status, json=members).stream)


def test_an_entry_goes_to_its_address_unchanged() -> None:
    seen: list[tuple[str, str, bytes]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url), request.content))
        return answer(201, b"receipt")

    client = server(handler)
    assert (client.cast(ENTRY), client.create(b"manifest")) == (b"receipt", b"receipt")
    assert seen == [
        ("POST", f"{URL}/ballots", ENTRY),
        ("POST", "https://ballots.example/elections", b"manifest"),
    ]


def test_a_server_that_was_busy_or_gone_gets_the_very_same_bytes_again(pauses: list[float]) -> None:
    bodies: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 1:
            raise httpx.ReadTimeout("lost the answer")
        if len(bodies) == 2:
            return answer(503, headers={"Retry-After": "7"})
        if len(bodies) == 3:
            return answer(429, headers={"Retry-After": "soon"})
        return answer(200, b"receipt")

    assert server(handler).cast(ENTRY) == b"receipt"
    assert bodies == [ENTRY] * 4
    assert pauses[:2] == [0.5, 7.0]
    assert max(pauses) <= 20


def test_a_server_that_never_answers_is_unusable_and_nothing_of_the_entry_is_repeated(pauses: list[float]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("so to speak")

    with pytest.raises(Unusable, match=r"does not answer \(ConnectError\)") as caught:
        server(handler).cast(ENTRY)
    assert "so to speak" not in str(caught.value)
    assert len(pauses) == ATTEMPTS - 1


def test_a_server_that_stays_busy_is_refused_with_its_reason() -> None:
    with pytest.raises(Refused, match=r"^the queue is full$"):
        server(lambda request: problem(503, check=None, reason="the queue is full")).cast(ENTRY)


def test_a_refusal_names_check_and_reason_and_is_not_sent_again() -> None:
    tries = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        return problem(409, check="V12", reason="previous is not the last accepted ballot")

    with pytest.raises(Refused, match=r"^V12: previous is not the last accepted ballot$") as caught:
        server(handler).cast(ENTRY)
    assert tries == 1
    assert (caught.value.check, caught.value.index) == ("V12", None)
    assert caught.value.reason == "previous is not the last accepted ballot"


def test_a_refusal_names_the_entry_that_it_is_about() -> None:
    with pytest.raises(Refused) as caught:
        server(lambda request: problem(409, check="V08", index=7, reason="revealed twice")).append(ENTRY)
    assert (caught.value.check, caught.value.index) == ("V08", 7)


@pytest.mark.parametrize("check", ["V1", "V144", "v14", "V14\n", " V14", "", 14, None, ["V14"]])
def test_what_is_no_number_of_a_check_decides_nothing(check: object) -> None:
    with pytest.raises(Refused, match=r"^no reason$") as caught:
        server(lambda request: problem(422, check=check, index="7", reason="no reason")).append(ENTRY)
    assert (caught.value.check, caught.value.index) == (None, None)


def test_a_refusal_from_another_process_keeps_what_it_says() -> None:
    again = pickle.loads(pickle.dumps(Refused("late", "V04", 3)))
    assert (str(again), again.reason, again.check, again.index) == ("V04: late", "late", "V04", 3)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"7", b"null", b"{}", b'{"check":"V01"}', b"[" * 100_000])
def test_an_error_that_is_no_problem_is_told_by_its_status(content: bytes) -> None:
    with pytest.raises(Refused, match=r"^the server answers with status 500$"):
        server(lambda request: answer(500, content)).cast(ENTRY)


def test_a_long_reason_is_cut() -> None:
    with pytest.raises(Refused) as caught:
        server(lambda request: problem(400, check="V09", reason="x" * 5000)).cast(ENTRY)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return answer(status, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(Refused, match=f"status {status}"):
        server(handler).cast(ENTRY)
    assert asked == ["ballots.example"]


def test_an_answer_without_end_is_given_up() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 10_000
            yield bytes(10_000)

    with pytest.raises(Unusable, match="longer than"):
        server(lambda request: httpx.Response(200, content=endless())).cast(ENTRY)
    assert sent <= ANSWER_LIMIT + 20_000


def test_an_answer_that_is_no_receipt_is_malformed() -> None:
    with pytest.raises(Malformed):
        server(lambda request: answer(201, b"thank you")).append(b"entry")


@pytest.mark.parametrize(
    "url",
    ["", "ballots.example/elections/x", "ftp://ballots.example/elections/x", "https:///elections/x",
     "https://ballots.example/", "https://me@ballots.example/elections/x", "https://ballots.example/elections/x?a=b",
     "https://ballots.example/elections/x#a", "https://[::1/elections/x", "https://ballots.example:99999/elections/x"],
)  # fmt: skip
def test_what_is_no_address_of_a_board_is_unusable(url: str) -> None:
    with pytest.raises(Unusable):
        BoardServer(url)


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def drops() -> Iterator[bytes]:
        for _ in range(1000):
            clock[0] += 59
            yield b"x"

    with pytest.raises(Unusable, match="too slowly"):
        server(lambda request: httpx.Response(201, content=drops())).append(b"entry")
    assert clock[0] < 200
