"""The application: addresses, problems, CORS, OpenAPI. `create_app` is the factory that tests and the command use."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retally_server import __version__
from retally_server.api import ballots_api, elections_api, health_api, log_api
from retally_server.api.address_limits import AddressLimits, parse_networks
from retally_server.api.casting_origins import CastingOrigins
from retally_server.api.metrics import Metrics
from retally_server.api.problems import Problem, ProblemDetails, documented, problem_for
from retally_server.api.web_api import web_router
from retally_server.api.web_pages import read_web_pages
from retally_server.board.refusals import NotTakenError
from retally_server.elections import Elections
from retally_server.logs import fault_place

_log = structlog.get_logger()

_DESCRIPTION = """
An append-only board per election (docs/spec page 3) and the way onto it. Everything an auditor needs are the static
files `checkpoint` and `tile/…`. Bodies are raw entries, of any content type. Every error is a problem of RFC 9457.
"""


class FaultsBecomeProblems:
    """A fault of ours ends in a problem of type `fault` and one log line without its text, which may name a voter."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, watched_send)
        except Exception as fault:
            _log.error("fault", **fault_place(fault))
            if not started:
                await Problem("fault", "the request met a fault of the server").response()(scope, receive, send)


def create_app(elections: Elections, metrics: Metrics) -> FastAPI:
    """The server over these elections; it starts their sequencers when it starts and closes them when it stops.

    `metrics` has been told of their batches since they were opened, and is shown where the settings say.
    Raises Unusable if the settings name a web client or a documentation that is not what its listing says.
    """
    settings = elections.settings
    files = {} if settings.web is None else read_web_pages(settings.web)
    documentation = {} if settings.docs is None else read_web_pages(settings.docs)
    metrics.watch(elections)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await elections.start()
        try:
            if settings.metrics_port is not None:
                metrics.serve(settings.metrics_host, settings.metrics_port)
            yield
        finally:
            await asyncio.to_thread(metrics.stop)
            await elections.stop()

    # The pages that show OpenAPI would load scripts from somebody else's server; /openapi.json is enough.
    app = FastAPI(
        title="Retally ballot server",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.elections = elections
    for module in (elections_api, ballots_api, log_api, health_api):
        app.include_router(module.router)
    app.include_router(web_router(files))
    app.include_router(web_router(documentation, "/docs/"))
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(NotTakenError, _not_taken)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _unreadable_parameters)
    if settings.address_rate:
        app.add_middleware(
            AddressLimits,
            rate=settings.address_rate,
            burst=settings.address_burst,
            proxies=parse_networks(settings.trusted_proxies),
            clock=time.monotonic,
        )
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"])
    app.add_middleware(CastingOrigins, allowed=elections.casting_origins)
    app.add_middleware(FaultsBecomeProblems)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _problem(_request: Request, problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    return problem.response()


async def _not_taken(_request: Request, error: Exception) -> Response:
    if not isinstance(error, NotTakenError):
        raise error
    return problem_for(error.refusal).response()


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return Problem("not-found", "there is no such address").response()
    if status == 405:
        response = Problem("method-not-allowed", "this address does not take that method").response()
        response.headers["Allow"] = ", ".join(sorted(_methods(request)))
        return response
    return Problem("malformed" if status < 500 else "fault", "the request cannot be answered").response()


def _methods(request: Request) -> set[str]:
    """The methods that some handler takes at this address; Starlette names those of the first handler only."""
    matching = (route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE)
    return {method for route in matching for method in getattr(route, "methods", None) or ()}


async def _unreadable_parameters(_request: Request, error: Exception) -> Response:
    names = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = sorted({str(each["loc"][-1]) for each in names})
    return Problem("malformed", f"wrong or missing: {', '.join(wrong)}").response()


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for operation in (operation for path in schema["paths"].values() for operation in path.values()):
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
            for status, answer in documented("malformed", "too-many-requests").items():
                operation["responses"].setdefault(str(status), answer)
        schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
        app.openapi_schema = schema
    return app.openapi_schema
