"""Small web bundles, and a plain static host for them on loopback that can misbehave in every way a host can."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]

FILES: Mapping[str, bytes] = {
    "assets/index-Ab3_defg.js": b"'use strict';\n",
    "csp.json": b"{}\n",
    "index.html": b"<!doctype html><title>Vote</title>\n",
    "verify.html": b"<!doctype html><title>Verify</title>\n",
}


def listing(files: Mapping[str, bytes]) -> bytes:
    """The listing of these files (docs/spec 10.1)."""
    return "".join(f"{sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items())).encode()


def bundle(files: Mapping[str, bytes] = FILES) -> dict[str, bytes]:
    """The files with their listing."""
    return {**files, "bundle.sha256": listing(files)}


class StaticHost:
    """Serves `files` by path, `index.html` at `/`; `answers` replace the answer of a path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.removeprefix("/")
                host.asked.append(path)
                if path in host.answers:
                    host.answers[path](self)
                    return
                content = host.files.get(path or "index.html")
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def static_host() -> Iterator[StaticHost]:
    """A host that runs while the block does."""
    host = StaticHost()
    host.start()
    try:
        yield host
    finally:
        host.stop()


def answer(status: int, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """An answer made by hand."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return send
