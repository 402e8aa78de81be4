"""Reading files over HTTP from places that nobody trusts: bounded in bytes, in time, and in where they lead.

Nothing is decompressed, redirects are not followed. A server that answers a byte now and then is given up: the clock
runs over the whole answer, its headers included, and not over each byte.
"""

from __future__ import annotations

import threading
import time

import httpx

from retally_verify.files import TooLong, Unreachable

ATTEMPTS = 3
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Never asked through a proxy that the environment names."""
PATIENCE_SECONDS = 60.0
SLOWEST = 65_536
"""Bytes a second that the longest file allowed must come at; a shorter one has more time than it needs."""


class Redirected(Unreachable):
    """The answer leads elsewhere."""


class Fetcher:
    """Files of one host. `location` is a URL prefix without a slash at its end; raises Unreachable if it is none."""

    def __init__(self, location: str, transport: httpx.BaseTransport | None = None) -> None:
        self.location = location
        self._transport = transport
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
        """The file at `path`, None if it is not there (404). Raises TooLong, Redirected, or Unreachable otherwise."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._within_time(path, limit)
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
        raise AssertionError("unreachable")

    def _within_time(self, path: str, limit: int) -> bytes | None:
        # A thread of its own: no timeout of the sockets below bounds an answer whose bytes trickle in, and it is left
        # behind if it does not end.
        outcome: list[bytes | Exception | None] = []

        def run() -> None:
            try:
                outcome.append(self._read(client, path, limit))
            except Exception as error:
                outcome.append(error)

        client = self._client
        seconds = PATIENCE_SECONDS + limit / SLOWEST
        reader = threading.Thread(target=run, name="fetch", daemon=True)
        reader.start()
        reader.join(seconds)
        if not outcome:
            self._client = self._new_client()
            raise Unreachable(f"{self.location}/{path} was not answered in full within {seconds:.0f} seconds")
        result = outcome[0]
        if isinstance(result, Exception):
            raise result
        return result

    def _read(self, client: httpx.Client, path: str, limit: int) -> bytes | None:
        where = f"{self.location}/{path}"
        with client.stream("GET", where) as response:
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
