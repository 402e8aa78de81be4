"""Connections that nobody can hold open for nothing: a request's head has a time and a size, connections a number.

The body's time and size are looked after by `bodies`, where the answer can still say why. What is cut off here never
was a request, so there is nothing to lose.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""From the first byte of a request, or the beginning of a connection, to the end of its headers."""

HEAD_BYTES = 32_768

_TOO_SLOW = b"408 Request Timeout"
_TOO_LARGE = b"431 Request Header Fields Too Large"


class BoundedConnection(HttpToolsProtocol):
    """One connection. `most` is the number of connections that may be open at once in this process."""

    most: ClassVar[int] = 1024
    head_seconds: ClassVar[float] = HEAD_SECONDS

    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head is None and (self.cycle is None or self.cycle.response_complete):
            self._begin_head()
        super().data_received(data)
        if self._head is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._give_up(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._head = self.loop.call_later(self.head_seconds, self._give_up, _TOO_SLOW)
        self._head_bytes = 0

    def _end_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _give_up(self, status: bytes) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()


def bounded_connections(most: int) -> type[BoundedConnection]:
    """The protocol class of a server that holds at most `most` connections open."""
    return type("BoundedConnection", (BoundedConnection,), {"most": most})
