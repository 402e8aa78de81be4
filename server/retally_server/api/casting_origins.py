"""Which web pages may cast: the manifest's `client.origins`, and the pages of this server itself.

Browsers say in `Origin` which page sends a request; other programs need not. A page from elsewhere could not make a
ballot without a voter's codes, but a voter who types her codes there should learn at once that it is not one of the
election's pages. Reading stays open to every page.
"""

import re
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retally_server.api.problems import Problem

AllowedOrigins = Callable[[str], tuple[str, ...]]
"""The origins that the manifest of the board with this slug names; none if there is no such board."""

_CASTING = re.compile(r"/elections/([^/]+)/ballots")
_PREFLIGHT_SECONDS = 600


class CastingOrigins:
    """Answers browsers' preflights for casting, and refuses ballots that other pages send."""

    def __init__(self, app: ASGIApp, allowed: AllowedOrigins) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starting and stopping come this way too; an error here would let the server run without having started.
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        casting = _CASTING.fullmatch(scope["path"])
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        sends = scope["method"] == "POST" or headers.get("access-control-request-method") == "POST"
        if casting is None or origin is None or not sends:
            await self._app(scope, receive, send)
            return
        here = origin.partition("://")[2] == headers.get("host", "")
        if not here and origin not in self._allowed(casting[1]):
            problem = Problem("origin-not-allowed", "the manifest does not name the web page that sends this ballot")
            await problem.response()(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_preflight(origin))(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["Access-Control-Allow-Origin"] = origin
                answered["Access-Control-Expose-Headers"] = "Retry-After, Location"
                answered.add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, answer)


def _preflight(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        "Vary": "Origin",
    }
