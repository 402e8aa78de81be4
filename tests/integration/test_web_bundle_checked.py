"""V21 over real HTTP: `retally verify` compares what the manifest's origins serve with the manifest's digest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_crypto.policy_text import format_policy
from retally_crypto.web_bundle import FILE_LIMIT, LISTING_LIMIT, bundle_digest
from retally_lab.boards.election import Election, contest, district
from retally_lab.boards.places import board_folder
from retally_verify import fetching
from tests.web_bundles import FILES, StaticHost, answer, bundle, listing, static_host

MAYOR = contest("mayor", 2, "total", 1, 0, 1)
SCRIPT = "assets/index-Ab3_defg.js"
BOARD = "elections/2027"


@dataclass
class Place:
    """A board and the web bundle of its manifest on one host, and another host that the manifest does not name."""

    host: StaticHost
    other: StaticHost
    election: Election
    folder: Path

    @property
    def url(self) -> str:
        return f"{self.host.origin}/{BOARD}"

    def verify(self, *words: str, board: str | None = None) -> dict[str, Any]:
        policy = self.folder / "policy"
        policy.write_bytes(format_policy(self.election.policy()))
        command = ["verify", board or self.url, "--policy", str(policy), "--forget", "--json", *words]
        done = CliRunner().invoke(app, command)
        assert done.exit_code in (0, 1, 2), done.output
        report: dict[str, Any] = json.loads(done.stdout)
        assert {"PASS": 0, "FAIL": 1, "INCOMPLETE": 2}[report["verdict"]] == done.exit_code
        return report

    def v21(self, *words: str, board: str | None = None) -> tuple[str, str]:
        check = self.verify(*words, board=board)["checks"][-1]
        return check["state"], " | ".join(check["notes"])


def serve(host: StaticHost, files: Mapping[str, bytes]) -> None:
    host.files.update(files)


def place(host: StaticHost, other: StaticHost, folder: Path, client: dict[str, Any]) -> Place:
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), client=client)
    serve(host, {f"{BOARD}/{path}": content for path, content in election.files().items()})
    return Place(host, other, election, folder)


@pytest.fixture
def hosts() -> Iterator[tuple[StaticHost, StaticHost]]:
    with static_host() as one, static_host() as other:
        serve(one, bundle())
        serve(other, bundle())
        yield one, other


@pytest.fixture
def here(hosts: tuple[StaticHost, StaticHost], tmp_path: Path) -> Place:
    host, other = hosts
    return place(host, other, tmp_path, {"origins": [host.origin], "bundle": bundle_digest(listing(FILES))})


def only_v21_fails(report: dict[str, Any]) -> str:
    assert [check["check"] for check in report["checks"] if check["state"] == "fail"] == ["V21"]
    assert report["verdict"] == "FAIL"
    notes: list[str] = report["checks"][-1]["notes"]
    return " | ".join(notes)


def test_an_origin_that_serves_the_manifests_bundle_passes(here: Place) -> None:
    state, notes = here.v21()
    assert (state, here.host.origin in notes) == ("pass", True)
    assert {*FILES, "bundle.sha256", ""} <= set(here.host.asked)


@pytest.mark.parametrize("path", [*FILES, ""])
def test_one_changed_file_fails_exactly_v21(here: Place, path: str) -> None:
    here.host.answers[path] = answer(200, {}, FILES[path or "index.html"].replace(b"e", b"f") + b" ")
    assert f"{here.host.origin}/{path} is not the file" in only_v21_fails(here.verify())


@pytest.mark.parametrize("path", [*FILES, "bundle.sha256", ""])
def test_a_missing_file_fails_exactly_v21(here: Place, path: str) -> None:
    here.host.answers[path] = answer(404, {})
    assert f"{here.host.origin}/{path} is not there" in only_v21_fails(here.verify())


@pytest.mark.parametrize(
    "files",
    [{**FILES, "assets/more.js": b"steal()"}, {**FILES, SCRIPT: b"steal()"}, {"index.html": FILES["index.html"]}],
    ids=["extra file", "changed file", "fewer files"],
)
def test_a_listing_that_was_changed_with_its_files_fails_exactly_v21(here: Place, files: dict[str, bytes]) -> None:
    serve(here.host, bundle(files))
    notes = only_v21_fails(here.verify())
    assert bundle_digest(listing(files)).hex() in notes
    assert bundle_digest(listing(FILES)).hex() in notes


@pytest.mark.parametrize("path", ["bundle.sha256", "index.html", ""])
def test_a_redirect_is_a_wrong_file_and_is_not_followed(here: Place, path: str) -> None:
    here.host.answers[path] = answer(302, {"Location": f"{here.other.origin}/{path}"})
    assert "leads elsewhere" in only_v21_fails(here.verify())
    assert here.other.asked == []


def test_a_page_that_leads_elsewhere_by_a_header_is_a_wrong_file(here: Place) -> None:
    here.host.answers[""] = answer(200, {"Refresh": "0; url=https://phish.example"}, FILES["index.html"])
    assert "leads elsewhere" in only_v21_fails(here.verify())


@pytest.mark.parametrize(("path", "limit"), [("bundle.sha256", LISTING_LIMIT), (SCRIPT, FILE_LIMIT)])
def test_a_file_without_end_is_a_wrong_file(here: Place, path: str, limit: int) -> None:
    here.host.answers[path] = answer(200, {}, bytes(limit + 1))
    assert f"longer than the {limit} bytes" in only_v21_fails(here.verify())


def test_an_origin_that_does_not_answer_proves_nothing(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    for status in (403, 429, 500, 503):
        here.host.answers[SCRIPT] = answer(status, {})
        state, notes = here.v21()
        assert (state, f"status {status}" in notes) == ("incomplete", True)
    here.host.answers["bundle.sha256"] = lambda handler: handler.connection.close()
    assert here.v21()[0] == "incomplete"


def test_who_stalls_after_a_wrong_file_still_fails(here: Place) -> None:
    here.host.answers[SCRIPT] = answer(200, {}, b"steal()")
    here.host.answers["index.html"] = answer(503, {})
    assert SCRIPT in only_v21_fails(here.verify())


def test_an_answer_that_trickles_in_is_given_up(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(fetching, "SLOWEST", 10**9)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        try:
            for byte in b"HTTP/1.0 200 OK\r\nX-Patience: " + b"x" * 200:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    here.host.answers["bundle.sha256"] = trickle
    began = time.monotonic()
    state, notes = here.v21()
    assert (state, "within" in notes) == ("incomplete", True)
    assert time.monotonic() - began < 8


def test_another_place_can_be_checked_too(here: Place) -> None:
    assert here.v21("--web", here.other.origin)[0] == "pass"
    here.other.answers["verify.html"] = answer(200, {}, b"<!doctype html><title>Trust me</title>")
    assert here.v21()[0] == "pass"
    notes = only_v21_fails(here.verify("--web", here.other.origin))
    assert f"{here.other.origin}/verify.html" in notes
    assert here.host.origin not in notes


def test_one_wrong_origin_of_several_fails(hosts: tuple[StaticHost, StaticHost], tmp_path: Path) -> None:
    host, other = hosts
    client = {"origins": [host.origin, other.origin], "bundle": bundle_digest(listing(FILES))}
    here = place(host, other, tmp_path, client)
    assert here.v21()[0] == "pass"
    other.files["index.html"] = b"<!doctype html>"
    assert f"{other.origin}/index.html" in only_v21_fails(here.verify())


def test_a_board_from_files_asks_nobody_unless_told_to(here: Place) -> None:
    folder = str(board_folder(here.folder / "board", here.election.files()))
    state, notes = here.v21(board=folder)
    assert (state, "no origin" in notes) == ("not applicable", True)
    assert here.host.asked == []
    assert here.v21("--web", here.host.origin, board=folder)[0] == "pass"


def test_v21_is_not_done_where_it_was_declined(here: Place) -> None:
    assert here.v21("--no-web")[0] == "not applicable"
    assert not set(here.host.asked) & set(FILES)


@pytest.mark.parametrize(
    ("client", "says"),
    [
        ({"origins": ["https://vote.example"], "bundle": None}, "names no web bundle"),
        ({"origins": [], "bundle": bytes(32)}, "no origin of the web bundle"),
        ({"origins": ["vote.example", "http://vote.example"], "bundle": bytes(32)}, "is no origin"),
    ],
)
def test_without_digest_or_origin_v21_is_not_applicable(
    hosts: tuple[StaticHost, StaticHost], tmp_path: Path, client: dict[str, Any], says: str
) -> None:
    state, notes = place(*hosts, tmp_path, client).v21()
    assert (state, says in notes) == ("not applicable", True)


def test_a_manifest_that_cannot_be_trusted_sends_nobody_anywhere(here: Place, tmp_path: Path) -> None:
    stranger = Election.create(
        contests=(MAYOR,),
        districts=(district("south"),),
        guardian_count=(1, 1),
        client={"origins": [here.other.origin], "bundle": bundle_digest(listing(FILES))},
    )
    serve(here.host, {f"{BOARD}/{path}": content for path, content in stranger.files().items()})
    report = here.verify()
    assert report["checks"][2]["state"] == "fail"
    assert report["checks"][-1]["state"] == "not applicable"
    assert here.other.asked == []


def test_a_listing_of_another_form_passes_nowhere(hosts: tuple[StaticHost, StaticHost], tmp_path: Path) -> None:
    host, other = hosts
    wrong = b"%s  ../index.html\n" % (b"0" * 64)
    host.files["bundle.sha256"] = wrong
    here = place(host, other, tmp_path, {"origins": [host.origin], "bundle": bundle_digest(wrong)})
    assert "line 1 is not a digest and a path" in only_v21_fails(here.verify())


def test_what_is_named_by_hand_has_to_be_an_origin(here: Place) -> None:
    policy = here.folder / "policy"
    policy.write_bytes(format_policy(here.election.policy()))
    done = CliRunner().invoke(app, ["verify", here.url, "--policy", str(policy), "--forget", "--web", "ftp://x"])
    assert done.exit_code == 3
