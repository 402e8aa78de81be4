"""Connections that nobody can hold open for nothing: a request's head has a time and a size, connections a number, all
together and those of one address.

The body's time and size are looked after by `bodies`, where the answer can still say why. What is cut off here never
was a request, so there is nothing to lose. Where an answer did not wait for the body, the rest of it is read and thrown
away for a while, so that the sender finds the answer and may go on; more than that closes the connection without a
word, for whatever was said now would be taken for the answer to the next request.
"""

import asyncio
from collections import Counter
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from retally_server.api.address_limits import Network, inside_any, place_of

HEAD_SECONDS = 10.0
"""From the first byte of a request, or the beginning of a connection, to the end of its headers."""

HEAD_BYTES = 32_768
REST_BYTES = 1_048_576
"""Of a body that nobody waits for any more; its time is that of a head."""

_TOO_SLOW = b"408 Request Timeout"
_TOO_LARGE = b"431 Request Header Fields Too Large"


class BoundedConnection(HttpToolsProtocol):
    """One connection. `most` may be open at once in this process, `most_of_one` of them from one IPv4 address or IPv6
    /64, counted in `held`; proxies, behind whom everybody comes from one address, are not counted."""

    most: ClassVar[int] = 1024
    most_of_one: ClassVar[int] = 256
    proxies: ClassVar[tuple[Network, ...]] = ()
    held: ClassVar[Counter[str]] = Counter()
    head_seconds: ClassVar[float] = HEAD_SECONDS

    _place: str | None = None
    _timer: asyncio.TimerHandle | None = None
    _bytes = 0
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hold()
        if self._place is not None and self.held[self._place] > self.most_of_one:
            transport.abort()
            return
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._begin()
        super().data_received(data)
        if self._timer is not None:
            self._bytes += len(data)
            if self._bytes > (REST_BYTES if self._in_body else HEAD_BYTES):
                self._give_up(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._end()
        self._unset_keepalive_if_required()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            # The body of a request that was answered before; the base class waits for the next one already.
            self._end()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _hold(self) -> None:
        if self.client is not None and not inside_any(self.client[0], self.proxies):
            self._place = place_of(self.client[0])
            self.held[self._place] += 1

    def _let_go(self) -> None:
        if self._place is not None:
            self.held[self._place] -= 1
            if not self.held[self._place]:
                # Nobody's address stays who has gone.
                del self.held[self._place]
            self._place = None

    def _begin(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._give_up, _TOO_SLOW)
        self._bytes = 0

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self, status: bytes) -> None:
        self._end()
        if self.transport.is_closing():
            return
        if not self._in_body:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()


def bounded_connections(most: int, most_of_one: int, proxies: tuple[Network, ...]) -> type[BoundedConnection]:
    """The protocol class of a server that holds at most `most` connections open, `most_of_one` of one address."""
    members = {"most": most, "most_of_one": most_of_one, "proxies": proxies, "held": Counter[str]()}
    return type("BoundedConnection", (BoundedConnection,), members)
