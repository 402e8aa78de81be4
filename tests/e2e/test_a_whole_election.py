"""Voters in browsers, officials by their programs, the result on a page, and the count redone in a browser.

One election from the first vote to the last number; its tests run in the order of the file and share it.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.tlog_proof import parse_tlog_proof
from retally_crypto.tracking import tracking_code
from retally_verify.report_document import units_of
from tests.e2e import booth
from tests.e2e.axe import violations
from tests.e2e.booth import button, heading
from tests.e2e.conftest import picture
from tests.e2e.trials import Server, Trial, new_trial

VOTING_SECONDS = 120
"""From the opening to the closing of the one election here: what the voters of this file need, and more."""


class Story:
    """What earlier tests of this file left for later ones."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.codes: dict[str, str] = {}
        self.receipt: Path | None = None


@pytest.fixture(scope="module")
def story(server: Server) -> Story:
    return Story(new_trial(server, "whole", [0] * 6, closes=int(time.time()) + VOTING_SECONDS))


def test_a_voter_votes_by_her_link_and_gets_a_checked_receipt(story: Story, new_page: Any, tmp_path: Path) -> None:
    page = new_page(story.trial.server)
    booth.enter_codes(page, story.trial.invited(0))
    assert "code" not in page.url.split("#", 1)[1], "codes stay in the address bar"
    button(page, "Continue").click()
    page.get_by_text("No ballot has been accepted under your codes so far.").wait_for()
    booth.fill(page, "Emmy", ("Monday", "Friday"), 3)
    code = booth.encrypt(page)
    index = booth.cast(page)
    entries = story.trial.size()
    assert index == entries - 1
    assert booth.tracking_code(page) == code
    with page.expect_download() as download:
        button(page, "Save the receipt").click()
    saved = tmp_path / "receipt.tlog-proof"
    download.value.save_as(saved)
    assert parse_tlog_proof(saved.read_bytes()).index == index
    kept = page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
    assert all(part not in kept for one in story.trial.codes(0) for part in (one, one.replace("-", "")))
    story.codes["first"] = code
    story.receipt = saved


def test_choices_and_codes_are_in_no_request_and_no_storage(story: Story, new_page: Any, watched: Any) -> None:
    page = new_page(story.trial.server)
    bodies: list[bytes] = []
    page.on("request", lambda request: bodies.append(request.post_data_buffer or b""))
    booth.enter(page, story.trial.invited(1))
    booth.fill(page, "Ada", ("Wednesday",))
    storage = page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
    story.codes["second"] = booth.encrypt(page)
    booth.cast(page)
    sent = b"\n".join(bodies) + "\n".join(watched.urls).encode()
    for code in story.trial.codes(1):
        assert code.encode() not in sent
        assert code.replace("-", "").encode() not in sent
    assert "Ada" not in storage
    assert "Wednesday" not in storage


def test_a_tested_ballot_is_checked_on_a_second_device_and_never_cast(story: Story, new_page: Any) -> None:
    page = new_page(story.trial.server)
    before = story.trial.size()
    booth.enter(page, story.trial.invited(2))
    booth.fill(page, "Sofya", ("Monday",), 5)
    tested = booth.encrypt(page)
    button(page, "Test this ballot").click()
    heading(page, "Check the test on another device").wait_for()
    assert button(page, "Cast this ballot").count() == 0
    link = page.get_by_role("link", name="Open it on this device").get_attribute("href")
    picture(page, "test")

    second = new_page(story.trial.server)
    second.goto(f"{story.trial.server.address}/{link}" if link.startswith("#") else link)
    second.get_by_text("The device encrypted exactly these choices").wait_for()
    shown = second.locator("main").inner_text()
    assert "Sofya" in shown
    assert "Monday" in shown
    assert booth.tracking_code(second) == tested
    assert violations(second) == []
    picture(second, "check")

    button(page, "New ballot, same choices").click()
    button(page, "Cast this ballot").wait_for()
    fresh = booth.tracking_code(page)
    assert fresh != tested
    booth.cast(page)
    assert story.trial.size() == before + 1
    story.codes["third"] = fresh


def test_a_test_that_was_tampered_with_is_refused(story: Story, new_page: Any) -> None:
    page = new_page(story.trial.server)
    booth.enter(page, story.trial.invited(2))
    booth.fill(page, "Ada", (), 0)
    booth.encrypt(page)
    button(page, "Test this ballot").click()
    with page.expect_download() as download:
        button(page, "Save the test as a file").click()
    opening = Path(download.value.path()).read_text()
    forged = opening.replace("[[1,0,0],", "[[0,1,0],")
    assert forged != opening
    second = new_page(story.trial.server)
    second.goto(story.trial.link("check"))
    second.locator("input[type=file]").set_input_files(
        {"name": "forged.test", "mimeType": "application/octet-stream", "buffer": forged.encode()}
    )
    second.get_by_text("The test does not fit").first.wait_for()
    assert violations(second) == []


def test_voting_again_warns_of_the_first_ballot_and_supersedes_it(story: Story, new_page: Any) -> None:
    page = new_page(story.trial.server)
    booth.enter(page, story.trial.invited(0))
    page.get_by_text("One ballot was accepted under your codes").wait_for()
    assert story.codes["first"] in page.locator("main").inner_text()
    booth.fill(page, None)
    story.codes["again"] = booth.encrypt(page)
    booth.cast(page)


def test_a_ballot_is_found_by_its_code_and_a_superseded_one_says_so(story: Story, new_page: Any) -> None:
    page = new_page(story.trial.server)
    for name, words in (("again", "This ballot is on the board"), ("first", "This ballot was superseded")):
        booth.follow_link(page, story.trial.link("track"))
        page.get_by_role("textbox", name="Tracking code").fill(story.codes[name].lower().replace("-", " "))
        button(page, "Find").click()
        page.get_by_text(words).first.wait_for()
        assert violations(page) == []
        picture(page, f"track-{name}")


def test_a_code_that_is_not_on_the_board_is_not_found(story: Story, new_page: Any) -> None:
    page = new_page(story.trial.server)
    page.goto(story.trial.link("track"))
    page.get_by_role("textbox", name="Tracking code").fill(tracking_code(bytes(32)))
    button(page, "Find").click()
    page.get_by_text("No ballot with this code is on the board").first.wait_for()
    page.get_by_text("All entries of the board were read").wait_for()


def test_a_receipt_is_checked_and_a_tampered_one_proves_nothing(story: Story, new_page: Any) -> None:
    assert story.receipt is not None
    genuine = story.receipt.read_bytes()
    page = new_page(story.trial.server)

    def choose(raw: bytes) -> None:
        booth.follow_link(page, story.trial.link("track"))
        page.locator("input[type=file]").set_input_files(
            {"name": "mine.tlog-proof", "mimeType": "application/octet-stream", "buffer": raw}
        )

    choose(genuine)
    page.get_by_text("This ballot was superseded").first.wait_for()
    page.get_by_text("The receipt fits the board.").wait_for()
    head, _, tail = genuine.partition(b"\n\n")
    lines = head.split(b"\n")
    lines[-1] = b"A" * 43 + b"="
    choose(b"\n".join(lines) + b"\n\n" + tail)
    page.get_by_text("This receipt proves nothing").first.wait_for()
    assert violations(page) == []


def test_a_closed_election_takes_no_ballot_and_says_so(story: Story, new_page: Any, watched: Any) -> None:
    watched.expected.append("Failed to load resource")
    waiting = new_page(story.trial.server)
    booth.enter(waiting, story.trial.invited(3))
    booth.fill(waiting, "Ada")
    story.trial.finish()  # waits for the closing time
    booth.encrypt(waiting)
    button(waiting, "Cast this ballot").click()
    waiting.get_by_text(re.compile("Voting is not open now|Voting is closed")).first.wait_for()

    page = new_page(story.trial.server)
    booth.enter_codes(page, story.trial.invited(3))
    button(page, "Continue").click()
    page.get_by_text("Voting is closed").first.wait_for()
    assert button(page, "Fill in the ballot").count() == 0
    assert violations(page) == []


def test_the_results_page_shows_the_published_counts(story: Story, new_page: Any) -> None:
    page = new_page(story.trial.server)
    page.goto(story.trial.link("results"))
    heading(page, "Results").wait_for()
    page.get_by_text("Published, not verified by you").wait_for()
    text = page.locator("main").inner_text()
    assert "3 ballots counted online" in text
    assert violations(page) == []
    picture(page, "results-club")


def test_the_browser_verifies_the_election_and_finds_the_same_counts(story: Story, new_page: Any) -> None:
    report = story.trial.live.report()
    assert (report.verdict, report.outcome is not None) == ("PASS", True)
    page = new_page(story.trial.server)
    page.goto(story.trial.verify_link())
    button(page, "Start").click()
    page.get_by_text("PASS · no witness").first.wait_for(timeout=60_000)
    text = page.locator("main").inner_text()
    assert report.outcome is not None
    for unit in units_of(report.outcome):
        for one in unit.contests:
            contest = report.manifest.contest(one.contest) if report.manifest else None
            assert contest is not None
            for option, count in zip(contest.options, one.counts, strict=True):
                assert re.search(rf"{re.escape(option.title)}\D{{1,20}}\b{count}\b", text), (option.title, count)
    for number in range(1, 22):
        assert f"V{number:02}" in text
    assert re.search(r"V21\s+✓\s*pass", text), "the page's own bundle was not compared with the manifest"
    assert violations(page) == []
    picture(page, "verified")
