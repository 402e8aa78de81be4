"""A browser, and a page that may ask nobody but its own server for anything.

Debian's Chromium, driven by Playwright; nothing is downloaded. Where Chromium, Playwright or the built page is missing
these tests are skipped, saying what is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no test in a browser")

from tests.e2e.trials import ROOT, WEB, Server  # noqa: E402

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = Path(os.environ.get("RETALLY_PICTURES", ROOT / ".retally" / "pictures"))
"""Where screenshots go, for people to look at."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = ""
    if CHROMIUM is None:
        missing = "chromium is missing (Debian: apt-get install chromium): no test in a browser"
    elif not (WEB / "bundle.sha256").is_file():
        missing = "the web client is not built (make test builds it where node and npm are): no test in a browser"
    for item in items:
        if missing and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a file of tests. Playwright keeps an event loop running, which tests of other files must not
    meet."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """What a page did that it must not: requests to others, errors, refused resources."""

    def __init__(self) -> None:
        self.origins: set[str] = set()
        self.strangers: list[str] = []
        self.errors: list[str] = []
        self.expected: list[str] = []
        self.urls: list[str] = []

    def follow(self, page: Any) -> None:
        page.on("request", lambda request: self._request(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._console(message))

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        self.urls.append(url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.strangers.append(url)

    def _console(self, message: Any) -> None:
        # A refused request is logged by the browser itself; tests that break the network say so in `expected`.
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.errors.append(message.text)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def new_page(chromium: Any, watched: Watched) -> Iterator[Any]:
    """Makes pages, each in a context of its own (its own storage); all are watched until the test ends."""
    contexts = []

    def make(server: Server | None = None, **settings: Any) -> Any:
        if server is not None:
            watched.origins.add(server.address)
        settings.setdefault("locale", "en-GB")
        settings.setdefault("timezone_id", "Europe/Moscow")
        context = chromium.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        watched.follow(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert watched.strangers == [], "a request to another origin"
    assert watched.errors == [], "errors in the page"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("served"))
    one.start()
    yield one
    one.stop()


def picture(page: Any, name: str) -> None:
    """A screenshot of the whole page, in PICTURES."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)
