"""The server hands out exactly the web client that its build lists, lets its pages cast, and notes turnout."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.errors import Unusable
from retally_lab.boards.election import OPENS, Election, contest, district
from retally_server.api.web_pages import read_web_pages
from tests.server_http import HERE, Server, problem, require_receipt

PAGE = "https://vote.example"
MAYOR = contest("mayor", 2, "total", 1, 0, 1)
POLICIES = {"index.html": "default-src 'none'; script-src 'self'", "*": "default-src 'none'"}
FILES = {
    "assets/index-Ab3_defg.js": b"'use strict';\n",
    "csp.json": json.dumps(POLICIES).encode(),
    "index.html": b"<!doctype html><title>Vote</title>\n",
}


def build(folder: Path, files: dict[str, bytes]) -> Path:
    """A build of these files with its listing."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    lines = [f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items())]
    (folder / "bundle.sha256").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def election() -> Election:
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        client={"origins": [PAGE, "not an origin", "null"], "bundle": None},
    )
    election.ceremony()
    election.roll()
    election.open()
    return election


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(**settings: Any) -> Server:
        running.append(Server(tmp_path / "data", **settings))
        return running[0]

    yield start
    for server in running:
        server.http.stop()


@pytest.fixture
def open_board(serve: Callable[..., Server], election: Election) -> Server:
    server = serve()
    assert server.http.post("/elections", content=election.entries[0]).status_code == 201
    assert all(answer.status_code == 201 for answer in server.append(election.entries[1:]))
    return server


# ---- the pages ----


def test_every_listed_file_is_served_under_its_own_policy(serve: Callable[..., Server], tmp_path: Path) -> None:
    http = serve(web=build(tmp_path / "web", FILES)).http
    for path, content in {**FILES, "": FILES["index.html"]}.items():
        answer = http.get(f"/{path}")
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-security-policy"] == POLICIES.get(path or "index.html", POLICIES["*"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert http.get(f"/{path}", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert http.get("/bundle.sha256").content == (tmp_path / "web" / "bundle.sha256").read_bytes()
    assert "immutable" in http.get("/assets/index-Ab3_defg.js").headers["cache-control"]
    assert "no-cache" in http.get("/").headers["cache-control"]


def test_any_page_may_read_the_bundle_to_compare_it(serve: Callable[..., Server], tmp_path: Path) -> None:
    http = serve(web=build(tmp_path / "web", FILES)).http
    answer = http.get("/index.html", headers={"origin": "https://auditor.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["../data/lock", "assets/", "assets/../index.html", "index.htm", "%2e%2e/data/lock"])
def test_what_is_not_listed_is_not_served(serve: Callable[..., Server], tmp_path: Path, path: str) -> None:
    (build(tmp_path / "web", FILES) / "index.htm").write_bytes(b"left behind")
    http = serve(web=tmp_path / "web").http
    answer = http.get(f"/{path}")
    # A client may have resolved the dots itself; then it asked for the listed page.
    assert answer.status_code == 404 or answer.content == FILES["index.html"]


def test_without_a_web_client_there_are_no_pages(serve: Callable[..., Server]) -> None:
    problem(serve().http.get("/"), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("index.html", b"<!doctype html><script>steal()</script>", "not the file that bundle.sha256 names"),
        ("csp.json", b"{}", "not the file that bundle.sha256 names"),
        ("bundle.sha256", b"", "0 files, not 1 to"),
        ("bundle.sha256", b"%s  ../../etc/passwd\n" % (b"0" * 64), "line 1 is not a digest and a path"),
        ("bundle.sha256", b"%s  .hidden\n" % (b"0" * 64), "line 1 is not a digest and a path"),
        ("bundle.sha256", b"%s  b.js\n%s  a.js\n" % (b"0" * 64, b"1" * 64), "a.js"),
        ("bundle.sha256", b"%s  /etc/passwd\n" % (b"0" * 64), "line 1 is not a digest and a path"),
    ],
)
def test_a_build_that_is_not_its_listing_is_refused_at_the_start(
    tmp_path: Path, path: str, content: bytes, says: str
) -> None:
    (build(tmp_path, FILES) / path).write_bytes(content)
    with pytest.raises(Unusable, match=says.replace(".", r"\.") if says != "a.js" else "cannot be served"):
        read_web_pages(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "tool.exe": b"MZ"},
        {path: content for path, content in FILES.items() if path != "index.html"},
        {path: content for path, content in FILES.items() if path != "csp.json"},
        {**FILES, "csp.json": b"[]"},
        {**FILES, "csp.json": b'{"index.html": "default-src \'none\'"}'},
    ],
)
def test_a_build_of_another_shape_is_refused_at_the_start(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(Unusable):
        read_web_pages(build(tmp_path, files))


# ---- the documentation ----


def test_the_documentation_is_served_beside_the_web_client(serve: Callable[..., Server], tmp_path: Path) -> None:
    pages = {
        **FILES,
        "index.html": b"<!doctype html><title>Guides</title>\n",
        "guides/voter.html": b"<!doctype html>\n",
    }
    http = serve(web=build(tmp_path / "web", FILES), docs=build(tmp_path / "docs", pages)).http
    assert http.get("/").content == FILES["index.html"]
    for path, content in {**pages, "": pages["index.html"]}.items():
        answer = http.get(f"/docs/{path}")
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-security-policy"] == POLICIES.get(path or "index.html", POLICIES["*"])
    assert http.get("/docs").headers["location"].endswith("/docs/")
    problem(http.get("/guides/voter.html"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["guides/", "guides/../../data/lock", "%2e%2e/%2e%2e/data/lock", ".hidden", "left.html"]
)
def test_nothing_else_is_served_under_docs(serve: Callable[..., Server], tmp_path: Path, path: str) -> None:
    folder = build(tmp_path / "docs", {**FILES, "guides/voter.html": b"<!doctype html>\n"})
    for left in (".hidden", "left.html"):
        (folder / left).write_bytes(b"left behind")
    problem(serve(docs=folder).http.get(f"/docs/{path}"), 404, "not-found")


def test_a_documentation_that_is_not_its_listing_stops_the_start(serve: Callable[..., Server], tmp_path: Path) -> None:
    folder = build(tmp_path / "docs", FILES)
    (folder / "index.html").write_bytes(b"<!doctype html><script>steal()</script>")
    with pytest.raises(Unusable, match="not the file that"):
        serve(docs=folder)


# ---- who may cast ----


def preflight(server: Server, origin: str) -> Any:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return server.http.request("OPTIONS", f"{HERE}/ballots", headers=headers)


def test_the_manifests_page_may_cast_from_its_own_origin(open_board: Server, election: Election) -> None:
    allowed = preflight(open_board, PAGE)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, PAGE)
    assert "content-type" in allowed.headers["access-control-allow-headers"]
    ballot = election.ballot("north-1", [[1, 0]])
    answer = open_board.http.post(f"{HERE}/ballots", content=ballot, headers={"origin": PAGE})
    require_receipt(answer, ballot, len(election.entries))
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://phish.example", "null", "https://vote.example.evil", "not an origin "])
def test_another_page_may_not_cast(open_board: Server, election: Election, origin: str) -> None:
    assert preflight(open_board, origin).status_code == 403
    ballot = election.ballot("north-1", [[1, 0]])
    answer = open_board.http.post(f"{HERE}/ballots", content=ballot, headers={"origin": origin})
    problem(answer, 403, "origin-not-allowed")
    assert "access-control-allow-origin" not in answer.headers
    assert open_board.http.get(HERE).json()["size"] == len(election.entries)


def test_the_servers_own_page_and_programs_may_cast(open_board: Server, election: Election) -> None:
    ballot = election.ballot("north-1", [[1, 0]])
    own = open_board.http.post(f"{HERE}/ballots", content=ballot, headers={"origin": "http://board.example"})
    assert own.status_code == 201
    assert open_board.http.post(f"{HERE}/ballots", content=ballot).status_code == 200


def test_a_board_that_is_not_there_allows_nobody(open_board: Server) -> None:
    headers = {"origin": PAGE, "access-control-request-method": "POST"}
    assert open_board.http.request("OPTIONS", "/elections/nowhere/ballots", headers=headers).status_code == 403


# ---- turnout ----


def test_turnout_is_noted_where_the_board_grew_and_never_of_one_ballot(open_board: Server, election: Election) -> None:
    board = open_board.elections.get("2027").log.board
    store = open_board.elections.store
    entries = len(election.entries)
    store.note_turnout(board, OPENS + 900)
    store.note_turnout(board, OPENS + 1_800)
    ballot = election.ballot("north-1", [[1, 0]])
    assert open_board.http.post(f"{HERE}/ballots", content=ballot).status_code == 201
    store.note_turnout(board, OPENS + 2_700)
    store.note_turnout(board, OPENS + 2_700)
    store.note_turnout(board, OPENS)
    curve = open_board.http.get(f"{HERE}/turnout").json()
    assert curve == {
        "interval": 900,
        "points": [
            {"time": OPENS + 900, "entries": entries, "ballots": 0},
            {"time": OPENS + 2_700, "entries": entries + 1, "ballots": 1},
        ],
    }


def test_turnout_of_no_board_is_not_found(open_board: Server) -> None:
    problem(open_board.http.get("/elections/nowhere/turnout"), 404, "not-found")
