"""How much one address may ask for in a while, kept in memory only and never beside a ballot.

A whole town may come from one address, so what is accepted costs little; what is refused costs twenty times as much,
because somebody had to look at it, proofs included, for nothing. Counting is by IPv4 address or IPv6 /64, in a table of
bounded size; who is dropped from it begins anew.

Behind a proxy the address is the last one in `X-Forwarded-For`, believed only from proxies that the settings name. A
request from such an address without that header is the machine's own: a health check, a trial, a load test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retally_crypto.errors import Unusable
from retally_server.api.problems import Problem

READING, SENDING, REFUSED = 0.2, 1.0, 19.0
"""What a request costs: reading, sending an entry, and on top of either a refusal (400 to 428)."""

ADDRESSES_KEPT = 65_536

Network = IPv4Network | IPv6Network


@dataclass
class _Bucket:
    left: float
    at: float


class AddressLimits:
    """Middleware. Each address may spend `burst` at once and `rate` a second."""

    def __init__(
        self, app: ASGIApp, rate: float, burst: float, proxies: Sequence[Network], clock: Callable[[], float]
    ) -> None:
        """`rate` > 0; `clock` gives seconds that never go back."""
        self._app = app
        self._rate = rate
        self._burst = burst
        self._proxies = tuple(proxies)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = self._place(scope) if scope["type"] == "http" else None
        if place is None:
            await self._app(scope, receive, send)
            return
        cost = SENDING if scope["method"] == "POST" else READING
        bucket = self._bucket(place)
        if bucket.left < cost:
            wait = ceil((cost - bucket.left) / self._rate)
            reason = "so much was asked for from this address"
            problem = Problem("too-many-requests", reason, detail="Send the same bytes again later.", retry_after=wait)
            await problem.response()(scope, receive, send)
            return
        bucket.left -= cost

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and 400 <= message["status"] < 429:
                bucket.left -= REFUSED
            await send(message)

        await self._app(scope, receive, answer)

    def _place(self, scope: Scope) -> str | None:
        """What is counted together; None for this machine's own requests."""
        client = scope.get("client")
        if client is None:
            return None
        peer = str(client[0])
        if inside_any(peer, self._proxies):
            forwarded = Headers(scope=scope).getlist("x-forwarded-for")
            if not forwarded:
                return None
            peer = forwarded[-1].rpartition(",")[2].strip()
        return place_of(peer)

    def _bucket(self, place: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.pop(place, None)
        if bucket is None:
            bucket = _Bucket(self._burst, now)
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        self._buckets[place] = bucket
        if len(self._buckets) > ADDRESSES_KEPT:
            # The one that asked longest ago.
            del self._buckets[next(iter(self._buckets))]
        return bucket


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from a list with commas. Raises Unusable, naming the one that is none."""
    networks = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(each))
        except ValueError as error:
            raise Unusable(f"trusted_proxies: {each} is no network") from error
    return tuple(networks)


def place_of(peer: str) -> str:
    """What is counted together with this address: an IPv4 address alone, an IPv6 one with its /64."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((address, 64), strict=False))
    return str(address)


def inside_any(peer: str, networks: Sequence[Network]) -> bool:
    """Whether this is an address of one of the networks."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)
