"""Reading files over HTTP from places that nobody trusts: bounded in bytes, in time, and in where they lead.

Nothing is decompressed, redirects are not followed. A server that answers a byte now and then is given up: the clock
runs over the whole answer and all attempts at it, headers included, and not over each byte; and one that answers every
file just in time is given up, too (`patience`). Whoever waits is told what for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address

import httpx

from retally_verify.files import TooLong, Unreachable
from retally_verify.patience import Waited

ATTEMPTS = 3
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Never asked through a proxy that the environment names."""
PATIENCE_SECONDS = 60.0
SLOWEST = 65_536
"""Bytes a second that the longest file allowed must come at; a shorter one has more time than it needs."""
WORTH_SAYING_SECONDS = 10.0
"""Whoever waits is told after so long, and each time that it has become twice as long."""

Waits = Callable[[str, float], None]
"""Told the address of a file that has not come for so many seconds."""


class Redirected(Unreachable):
    """The answer leads elsewhere."""


class TooSlow(Unreachable):
    """The host answers, and so slowly in all that whoever reads it would wait for days."""


def nobody_is_told(address: str, seconds: float) -> None:
    """Waits in silence."""


class Fetcher:
    """Files of one host. `location` is a URL prefix without a slash at its end; raises Unreachable if it is none.

    With `pinned` the host is asked at these addresses, in turn, and its name is not resolved again. `waits` hears of
    every file that does not come at once.
    """

    def __init__(
        self,
        location: str,
        transport: httpx.BaseTransport | None = None,
        pinned: Sequence[IPv4Address | IPv6Address] = (),
        waits: Waits = nobody_is_told,
    ) -> None:
        self.location = location
        self._transport = transport
        self._pinned = pinned
        self._waits = waits
        self._waited = Waited()
        try:
            self._own_machine = httpx.URL(location).host in LOOPBACK
        except (httpx.InvalidURL, ValueError) as error:
            raise Unreachable(f"{location} is not an address: {error}") from None
        self._client = self._new_client()

    def _new_client(self) -> httpx.Client:
        return httpx.Client(
            transport=self._transport,
            trust_env=not self._own_machine,
            timeout=httpx.Timeout(30, connect=10),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity", "Cache-Control": "no-cache"},
        )

    def fetch(self, path: str, limit: int) -> bytes | None:
        """The file at `path`, None if it is not there (404). Raises TooLong, Redirected, TooSlow, or Unreachable
        otherwise."""
        began = time.monotonic()
        content: bytes | None = None
        try:
            content = self._with_attempts(path, limit)
        finally:
            beyond = self._waited.add(time.monotonic() - began, len(content or b""))
        if beyond is not None:
            raise TooSlow(f"{self.location} is too slow: {beyond}")
        return content

    def _with_attempts(self, path: str, limit: int) -> bytes | None:
        seconds = PATIENCE_SECONDS + limit / SLOWEST
        until = time.monotonic() + seconds
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._within_time(path, limit, attempt, until)
            except httpx.InvalidURL:
                # httpx reads where a redirect leads even if it does not go there.
                raise Redirected(f"{self.location}/{path} leads to somewhere that is no address") from None
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    hint = (
                        "; is the address right, and is there a network?"
                        if isinstance(error, httpx.ConnectError)
                        else ""
                    )
                    raise Unreachable(
                        f"{self.location}/{path} does not answer: {type(error).__name__}{hint}"
                    ) from error
                time.sleep(attempt)
            except TimeoutError:
                raise Unreachable(
                    f"{self.location}/{path} was not answered in full within {seconds:.0f} seconds"
                ) from None
        raise AssertionError("unreachable")

    def _within_time(self, path: str, limit: int, attempt: int, until: float) -> bytes | None:
        # A thread of its own: no timeout of the sockets below bounds an answer whose bytes trickle in, and it is left
        # behind if it does not end.
        outcome: list[bytes | Exception | None] = []

        def run() -> None:
            try:
                outcome.append(self._read(client, path, limit, attempt))
            except Exception as error:
                outcome.append(error)

        if time.monotonic() >= until:
            raise TimeoutError
        client = self._client
        reader = threading.Thread(target=run, name="fetch", daemon=True)
        reader.start()
        began, worth_saying = time.monotonic(), WORTH_SAYING_SECONDS
        while reader.is_alive() and (left := until - time.monotonic()) > 0:
            reader.join(max(0.0, min(left, began + worth_saying - time.monotonic())))
            waited = time.monotonic() - began
            if reader.is_alive() and waited >= worth_saying:
                self._waits(f"{self.location}/{path}", waited)
                worth_saying *= 2
        if not outcome:
            self._client = self._new_client()
            raise TimeoutError
        result = outcome[0]
        if isinstance(result, Exception):
            raise result
        return result

    def _request(self, client: httpx.Client, where: str, attempt: int) -> httpx.Request:
        if not self._pinned:
            return client.build_request("GET", where)
        # The certificate is still asked for under the name; a proxy, too, is told the address and resolves nothing.
        url = httpx.URL(where)
        address = self._pinned[(attempt - 1) % len(self._pinned)]
        return client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )

    def _read(self, client: httpx.Client, path: str, limit: int, attempt: int) -> bytes | None:
        where = f"{self.location}/{path}"
        with closing(client.send(self._request(client, where, attempt), stream=True)) as response:
            if response.status_code == 404:
                return None
            if response.is_redirect or "refresh" in response.headers or 300 <= response.status_code <= 399:
                raise Redirected(f"{where} leads elsewhere: status {response.status_code}")
            if response.status_code != 200:
                raise Unreachable(f"{where} answers with status {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unreachable(f"{where} comes compressed although that was not asked for")
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > limit:
                    # Without the place: a report says what is wrong with a board, not where it was read.
                    raise TooLong(f"{path} is longer than the {limit} bytes it may have")
            return bytes(content)
