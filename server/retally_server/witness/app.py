"""The witness over HTTP: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint` (C2SP tlog-witness).

A proxy may put any prefix before both. Nobody logs in: the log's signature on the checkpoint is the only authority.
"""

import asyncio
from collections.abc import Callable
from hashlib import sha256

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from retally_crypto.secret.sign import SigningKey
from retally_server.add_checkpoint import BODY_LIMIT
from retally_server.logs import fault_place
from retally_server.witness.rules import Reply, add_checkpoint
from retally_server.witness.store import Store

BODY_SECONDS = 10.0
_log = structlog.get_logger()


def create_witness(store: Store, key: SigningKey, clock: Callable[[], float]) -> Starlette:
    """The application of one witness over its database and key; `clock` gives POSIX seconds."""

    async def add(request: Request) -> Response:
        try:
            body = await _body(request)
        except TimeoutError:
            return _response(Reply(408, b"the request did not arrive in time\n"))
        except ClientDisconnect:
            return _response(Reply(400, b"the request broke off\n"))
        if body is None:
            return _response(Reply(413, b"the request is longer than %d bytes\n" % BODY_LIMIT))
        try:
            return _response(await run_in_threadpool(add_checkpoint, store, key, clock, body))
        except Exception as fault:
            # Nothing was cosigned: the transaction ended in a rollback or never began.
            _log.error("fault", **fault_place(fault))
            return _response(Reply(500, b"the witness has a fault\n"))

    async def show(request: Request) -> Response:
        seen = await run_in_threadpool(store.seen)
        wanted = request.path_params["origin_hash"]
        for origin, latest in seen.items():
            if sha256(origin.encode()).hexdigest() == wanted:
                return _response(Reply(200, latest.note))
        return _response(Reply(404, b"this witness has cosigned no checkpoint of this log\n"))

    async def health(_request: Request) -> Response:
        return _response(Reply(200, b"ok\n"))

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/health", health, methods=["GET"]),
            Route("/{origin_hash}/checkpoint", show, methods=["GET"]),
        ]
    )


def _response(reply: Reply) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": reply.media_type}
    return Response(reply.content, reply.status, headers)


async def _body(request: Request) -> bytes | None:
    """The request's body, None as soon as it is too long. TimeoutError after BODY_SECONDS."""
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for part in request.stream():
            body += part
            if len(body) > BODY_LIMIT:
                return None
    return bytes(body)
