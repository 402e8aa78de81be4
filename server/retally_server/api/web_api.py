"""The files of the web client and of the documentation, each at its own address: no address names a path."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from retally_server.api.web_pages import WebFile


def web_router(files: Mapping[str, WebFile], root: str = "/") -> APIRouter:
    """A router with one address under `root` for each file, and `root` itself for the first page."""
    router = APIRouter(tags=["Web client"])
    for path, file in files.items():
        router.add_api_route(f"{root}{path}", _handler(file), methods=["GET", "HEAD"], include_in_schema=False)
    if "index.html" in files:
        router.add_api_route(root, _handler(files["index.html"]), methods=["GET", "HEAD"], include_in_schema=False)
    return router


def _handler(file: WebFile) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        asked = request.headers.get("if-none-match", "")
        if file.headers["ETag"] in (each.strip() for each in asked.split(",")):
            return Response(status_code=304, headers=file.headers)
        return Response(file.content, headers=file.headers, media_type=file.media_type)

    return show
