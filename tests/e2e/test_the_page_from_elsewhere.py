"""V21 and casting across origins: the same page from another address looks at what the election's address serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.booth import button
from tests.e2e.trials import Server, Trial, bundle_digest, new_trial


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A second origin with the same pages and no election."""
    other = Server(tmp_path_factory.mktemp("elsewhere"))
    other.start()
    yield other
    other.stop()


def v21(page: Any, origin: Server, trial: Trial) -> str:
    """What the verification page of `origin` says of V21 for the board on the trial's server."""
    page.goto(f"{origin.address}/verify.html#board={trial.live.url}&election={trial.election_id}")
    button(page, "Start").click()
    page.locator("#verdict").wait_for(timeout=60_000)
    row = page.get_by_role("row").filter(has_text="V21").first
    return str(row.inner_text())


def test_a_page_on_a_second_origin_passes_the_pages_that_the_manifest_names(
    server: Server, elsewhere: Server, new_page: Any, watched: Any
) -> None:
    trial = new_trial(server, "named", [0])
    watched.origins.add(server.address)
    assert "pass" in v21(new_page(elsewhere), elsewhere, trial)


def test_a_page_on_a_second_origin_fails_pages_that_the_manifest_does_not_name(
    server: Server, elsewhere: Server, new_page: Any, watched: Any
) -> None:
    digest = bytes([bundle_digest()[0] ^ 1]) + bundle_digest()[1:]
    trial = new_trial(server, "other-pages", [0], client={"origins": [server.address], "bundle": digest})
    watched.origins.add(server.address)
    page = new_page(elsewhere)
    assert "fail" in v21(page, elsewhere, trial)
    assert page.locator("#verdict").inner_text().startswith("FAIL")


def test_pages_that_do_not_answer_leave_v21_incomplete(
    server: Server, elsewhere: Server, new_page: Any, watched: Any
) -> None:
    watched.expected.append("Failed to load resource")
    nobody = "http://127.0.0.1:9"
    trial = new_trial(server, "silent-pages", [0], client={"origins": [nobody], "bundle": bundle_digest()})
    watched.origins |= {server.address, nobody}
    assert "incomplete" in v21(new_page(elsewhere), elsewhere, trial)


def test_a_voting_page_that_the_manifest_does_not_name_cannot_reach_the_board(
    server: Server, elsewhere: Server, new_page: Any, watched: Any
) -> None:
    """Its policy lets it speak to its own server only, so codes typed there go nowhere."""
    trial = new_trial(server, "not-here", [0])
    watched.expected += ["Content Security Policy", "Failed to load resource", "Refused to connect"]
    watched.origins.add(server.address)
    page = new_page(elsewhere)
    link = trial.invited(0).link
    page.goto(link.replace(server.address, elsewhere.address).replace("board=%2F", f"board={server.address}/"))
    page.get_by_text("The board does not answer").first.wait_for()
    assert button(page, "Continue").count() == 0
    assert not any(server.address in url for url in watched.urls)
