"""The ballot server's HTTP interface, as officials and voters use it. Reading is the verifier's business, not done
here.

A refusal comes back as `Refused` with the number of the check, the entry it is about if the server names one, and the
server's reason. What was sent is never repeated in an error, for it may be a ballot. Whatever a server answers, it is
asked a bounded number of times.
"""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import httpx

from retally_crypto.canonical import parse_json
from retally_crypto.errors import Malformed, Refused, Unusable
from retally_crypto.tlog_proof import parse_tlog_proof

ATTEMPTS = 5
LONGEST_PAUSE = 20.0
ANSWER_LIMIT = 256 * 1024
PATIENCE_SECONDS = 120.0
"""How long one answer may take from its headers to its end."""
CHECK = re.compile("V[0-9]{2}")


class BoardServer:
    """One election on a ballot server; `url` is the board's prefix, `https://host/elections/slug`."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        try:
            parts = urlsplit(url.rstrip("/"))
            # Reading the port checks it.
            _ = parts.port, httpx.URL(url)
        except (ValueError, httpx.InvalidURL) as error:
            raise Unusable(f"{url} is not an address: {error}") from None
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise Unusable("the address of a board is https://host/elections/name, without user, query or fragment")
        if "/elections/" not in parts.path:
            raise Unusable(f"{url} is not the address of a board: it has no /elections/ in its path")
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            transport=transport, timeout=httpx.Timeout(60, connect=10), follow_redirects=False, trust_env=False
        )

    def create(self, manifest_entry: bytes) -> bytes:
        """Makes the election; returns the manifest's receipt. Raises Refused, Unusable."""
        return self._post(self.url.rsplit("/elections/", 1)[0] + "/elections", manifest_entry)

    def append(self, entry: bytes) -> int:
        """Appends an official's entry; returns its index. Sending the same bytes again changes nothing. Raises Refused,
        Unusable."""
        return parse_tlog_proof(self._post(f"{self.url}/entries", entry)).index

    def cast(self, entry: bytes) -> bytes:
        """Casts a ballot; returns its receipt, a tlog-proof that the caller has to check. Raises Refused, Unusable.

        When the server does not answer, or is busy, the very same bytes are sent again: they are on the board once or
        not at all, whatever was lost on the way.
        """
        return self._post(f"{self.url}/ballots", entry)

    def _post(self, url: str, body: bytes) -> bytes:
        pause = 0.5
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, headers, answer = self._send(url, body)
            except httpx.InvalidURL:
                # httpx reads where a redirect leads even if it does not go there.
                raise Unusable(f"{self.url} leads to somewhere that is no address") from None
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise Unusable(f"{self.url} does not answer ({type(error).__name__})") from None
            else:
                if status in (200, 201):
                    return answer
                if status not in (429, 503) or attempt == ATTEMPTS:
                    raise _refusal(status, answer)
                pause = _asked_pause(headers, pause)
            time.sleep(min(pause, LONGEST_PAUSE))
            pause *= 2
        raise AssertionError("every attempt returns or raises")

    def _send(self, url: str, body: bytes) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Content-Type": "application/octet-stream", "Accept-Encoding": "identity"}
        with self._client.stream("POST", url, content=body, headers=headers) as response:
            answer, began = bytearray(), time.monotonic()
            for chunk in response.iter_raw():
                answer += chunk
                # A byte now and then would keep every single read within its time.
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise Unusable(f"{self.url} answers too slowly: try again, and tell the election office")
                if len(answer) > ANSWER_LIMIT:
                    raise Unusable(f"the answer of {self.url} is longer than {ANSWER_LIMIT} bytes")
            return response.status_code, response.headers, bytes(answer)


def _asked_pause(headers: httpx.Headers, otherwise: float) -> float:
    asked = headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 3 else otherwise


def _refusal(status: int, answer: bytes) -> Refused:
    try:
        problem = parse_json(answer, ANSWER_LIMIT)
    except Malformed:
        problem = None
    reason = problem.get("reason") if isinstance(problem, dict) else None
    if not isinstance(problem, dict) or not isinstance(reason, str):
        return Refused(f"the server answers with status {status}")
    check, index = problem.get("check"), problem.get("index")
    return Refused(
        reason[:500],
        check if isinstance(check, str) and CHECK.fullmatch(check) else None,
        index if type(index) is int else None,
    )
