"""One address can ask for so much and no more; what it costs, who is counted together, and whose word is believed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from retally_crypto.errors import Unusable
from retally_server.api import address_limits
from retally_server.api.address_limits import AddressLimits, parse_networks

PROXIES = parse_networks("127.0.0.0/8, ::1/128")


class Limited:
    """The middleware before an application that answers with a status the test sets."""

    def __init__(self, rate: float = 1.0, burst: float = 10.0) -> None:
        self.now = 0.0
        self.answers = 201
        self.asked = 0
        self.limits = AddressLimits(self._app, rate, burst, PROXIES, lambda: self.now)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await Response(status_code=self.answers)(scope, receive, send)

    def ask(self, peer: str, method: str = "POST", forwarded: str | None = None) -> tuple[int, dict[bytes, bytes]]:
        headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
        scope = {"type": "http", "method": method, "client": (peer, 4711), "headers": headers, "path": "/"}
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        asyncio.run(self.limits(scope, receive, send))
        return sent[0]["status"], dict(sent[0]["headers"])

    def until_refused(self, peer: str, **how: Any) -> int:
        for count in range(1_000):
            if self.ask(peer, **how)[0] == 429:
                return count
        raise AssertionError("never refused")


def test_an_address_spends_its_burst_and_then_its_rate() -> None:
    limited = Limited()
    assert limited.until_refused("203.0.113.7") == 10
    status, headers = limited.ask("203.0.113.7")
    assert (status, headers[b"retry-after"]) == (429, b"1")
    limited.now += 3
    assert limited.until_refused("203.0.113.7") == 3


def test_another_address_is_not_held_up() -> None:
    limited = Limited()
    limited.until_refused("203.0.113.7")
    assert limited.ask("203.0.113.8")[0] == 201


def test_what_was_refused_costs_twenty_times_as_much_and_what_came_too_often_nothing() -> None:
    limited = Limited(burst=200.0)
    limited.answers = 422
    assert limited.until_refused("203.0.113.7") == 10
    asked = limited.asked
    limited.ask("203.0.113.7")
    assert limited.asked == asked
    limited.answers = 429
    other = Limited(burst=200.0)
    other.answers = 429
    for _ in range(100):
        other.ask("203.0.113.9")
    assert other.asked == 100


def test_reading_is_cheaper_than_sending() -> None:
    assert Limited().until_refused("203.0.113.7", method="GET") == 50


def test_addresses_of_one_ipv6_network_are_counted_together() -> None:
    limited = Limited()
    assert limited.until_refused("2001:db8:1:2::1") == 10
    assert limited.ask("2001:db8:1:2:ffff::9")[0] == 429
    assert limited.ask("2001:db8:1:3::1")[0] == 201
    limited.until_refused("::ffff:203.0.113.7")
    assert limited.ask("203.0.113.7")[0] == 429


def test_a_proxys_word_is_believed_and_a_strangers_is_not() -> None:
    limited = Limited()
    limited.until_refused("127.0.0.1", forwarded="203.0.113.7")
    assert limited.ask("127.0.0.1", forwarded="203.0.113.8")[0] == 201
    # Only the last name is the proxy's; what comes before it was sent by whoever asked.
    assert limited.ask("127.0.0.1", forwarded="198.51.100.1, 203.0.113.7")[0] == 429
    assert limited.until_refused("198.51.100.9", forwarded="203.0.113.99") == 10
    assert limited.ask("198.51.100.9", forwarded="203.0.113.100")[0] == 429


def test_this_machines_own_requests_are_not_limited() -> None:
    limited = Limited()
    assert {limited.ask("127.0.0.1")[0] for _ in range(50)} == {201}


def test_the_table_is_bounded_and_forgets_who_asked_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_limits, "ADDRESSES_KEPT", 3)
    limited = Limited()
    limited.until_refused("203.0.113.1")
    for last in (2, 3, 4):
        limited.ask(f"203.0.113.{last}")
    assert limited.ask("203.0.113.1")[0] == 201
    assert limited.ask("203.0.113.4")[0] == 201


def test_a_forwarded_name_that_is_no_address_is_counted_as_what_it_is() -> None:
    limited = Limited()
    limited.until_refused("127.0.0.1", forwarded="unknown")
    assert limited.ask("127.0.0.1", forwarded="unknown")[0] == 429
    assert limited.ask("127.0.0.1", forwarded="203.0.113.7")[0] == 201


def test_networks_that_are_none_are_named() -> None:
    with pytest.raises(Unusable, match=r"10\.0\.0\.0/33 is no network"):
        parse_networks("127.0.0.1, 10.0.0.0/33")
