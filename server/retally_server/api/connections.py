"""Connections that nobody can hold open for nothing: a request's head has a time and a size, connections a number.

The body's time and size are looked after by `bodies`, where the answer can still say why. What is cut off here never
was a request, so there is nothing to lose. Where an answer did not wait for the body, the rest of it is read and thrown
away for a while, so that the sender finds the answer and may go on; more than that closes the connection without a
word, for whatever was said now would be taken for the answer to the next request.

Whoever comes when all connections are taken is told 503 and to come again. So that this can be said, `SPARE` more are
accepted, each for one short request that reaches no election; only beyond those is a connection closed without a word.

A connection without a request is kept for longer than proxies and clients keep theirs, which is a minute at the most
with those we know. So they close it, and no request meets a connection that is being closed: what was sent then would
be answered with a reset, and nobody could say whether it was taken (RFC 9112 section 9.5). Where every connection is
taken, the one that has been idle for longest makes room.
"""

import asyncio
from contextlib import suppress
from typing import ClassVar, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from retally_server.api.problems import Problem

HEAD_SECONDS = 10.0
"""From the first byte of a request, or the beginning of a connection, to the end of its headers."""

HEAD_BYTES = 32_768
REST_BYTES = 1_048_576
"""Of a body that nobody waits for any more; its time is that of a head."""

SPARE = 128
"""Connections beyond the limit on which somebody is told that there are too many."""

IDLE_LEAST_SECONDS = 5.0
"""Nobody makes room who has asked something so short a time ago."""

_BUSY_SECONDS = 5.0
"""In which a connection beyond the limit has to send its request."""

_READING_FIRST = 0.01
_TOO_SLOW = b"408 Request Timeout"
_TOO_LARGE = b"431 Request Header Fields Too Large"
_TOO_MANY = b"503 Service Unavailable\r\nRetry-After: 2"


class BoundedConnection(HttpToolsProtocol):
    """One connection. `most` is the number of connections that may be open at once in this process."""

    most: ClassVar[int] = 1024
    head_seconds: ClassVar[float] = HEAD_SECONDS

    idle_since: float | None = None
    _timer: asyncio.TimerHandle | None = None
    _too_slow = _TOO_SLOW
    _bytes = 0
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        seconds = self.head_seconds
        if len(self.connections) > self.most and not self._make_room():
            if len(self.connections) > self.most + SPARE:
                transport.abort()
                return
            self.app, self._too_slow, seconds = too_many, _TOO_MANY, _BUSY_SECONDS
        self._begin(seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.idle_since = None
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._begin(self.head_seconds)
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
            self._rest()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self.idle_since = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        # A busy loop looks at its timers before its sockets: a request that has come meanwhile is read first.
        self.timeout_keep_alive_task = self.loop.call_later(_READING_FIRST, super().timeout_keep_alive_handler)

    def _rest(self) -> None:
        self.idle_since = self.loop.time()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _make_room(self) -> bool:
        """Closes the connection that has been idle for longest. False if none has been for long enough."""
        idle = [
            (each.idle_since, each)
            for each in cast("set[BoundedConnection]", self.connections)
            if each.idle_since is not None and not each.transport.is_closing()
        ]
        since, longest = min(idle, default=(None, None), key=lambda pair: pair[0])
        if since is None or longest is None or self.loop.time() - since < IDLE_LEAST_SECONDS:
            return False
        longest.transport.close()
        return True

    def _begin(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._due)
        self._bytes = 0

    def _due(self) -> None:
        self._timer = self.loop.call_later(_READING_FIRST, self._give_up, self._too_slow)

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


async def too_many(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of a connection beyond the limit: whatever is asked, 503, and the connection is closed."""
    # Closing a connection with bytes unread would reset it, and the answer might be lost with them.
    with suppress(TimeoutError):
        async with asyncio.timeout(_BUSY_SECONDS):
            unread, more = REST_BYTES, True
            while more and unread > 0:
                message = await receive()
                more = message.get("more_body", False)
                unread -= len(message.get("body", b""))
    problem = Problem("busy", "too many connections are open", detail="Send the same bytes again.", retry_after=2)
    response = problem.response()
    # A page from elsewhere may read it, too: it says nothing that not everybody is told.
    response.headers.update({"Connection": "close", "Access-Control-Allow-Origin": "*"})
    await response(scope, receive, send)


def bounded_connections(most: int) -> type[BoundedConnection]:
    """The protocol class of a server that holds at most `most` connections open."""
    return type("BoundedConnection", (BoundedConnection,), {"most": most})
