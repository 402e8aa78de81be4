"""Wrong codes, two tabs, a server killed between submission and receipt: no ballot is lost, none is cast twice."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.e2e import booth
from tests.e2e.axe import violations
from tests.e2e.booth import button, heading
from tests.e2e.conftest import picture
from tests.e2e.trials import Invited, Server, Trial, new_trial


@pytest.fixture(scope="module")
def trial(server: Server) -> Trial:
    return new_trial(server, "hard", [0] * 8)


def test_a_mistyped_code_is_explained_at_its_field(trial: Trial, new_page: Any) -> None:
    page = new_page(trial.server)
    page.goto(trial.link("vote"))
    first, second = trial.codes(0)
    fields = page.get_by_role("textbox")
    fields.nth(0).fill(first[:-1] + ("0" if first[-1] != "0" else "2"))
    fields.nth(1).fill(second)
    button(page, "Continue").click()
    page.get_by_text("One or more characters of this code are wrong or swapped.").wait_for()
    assert fields.nth(0).get_attribute("aria-invalid") == "true"
    described = fields.nth(0).get_attribute("aria-describedby") or ""
    shown = " ".join(page.locator(f"[id='{one}']").inner_text() for one in described.split())
    assert "wrong or swapped" in shown
    assert violations(page) == []
    picture(page, "wrong-code")
    fields.nth(0).fill(first[:-5])
    button(page, "Continue").click()
    page.get_by_text("it should have 28").first.wait_for()


def test_characters_that_look_alike_are_accepted(trial: Trial, new_page: Any) -> None:
    page = new_page(trial.server)
    page.goto(trial.link("vote"))
    fields = page.get_by_role("textbox")
    for at, code in enumerate(trial.codes(0)):
        fields.nth(at).fill(code.lower().replace("0", "o").replace("1", "l").replace("-", " "))
    button(page, "Continue").click()
    heading(page, "Your ballot").wait_for()


def test_codes_that_belong_to_nobody_are_not_on_the_roll(trial: Trial, new_page: Any) -> None:
    page = new_page(trial.server)
    booth.enter_codes(page, Invited(trial.link("vote"), (trial.codes(0)[0], trial.codes(1)[1])))
    button(page, "Continue").click()
    page.get_by_text("No ballot belongs to these codes").first.wait_for()
    assert violations(page) == []


def test_a_link_for_another_election_is_refused(trial: Trial, new_page: Any) -> None:
    page = new_page(trial.server)
    page.goto(trial.invited(0).link.replace(trial.election_id, "0" * 64))
    assert button(page, "Continue").count() == 0
    assert violations(page) == []


def test_the_server_is_killed_between_submission_and_receipt(trial: Trial, new_page: Any, watched: Any) -> None:
    watched.expected.append("Failed to load resource")
    page = new_page(trial.server)
    booth.enter(page, trial.invited(2))
    booth.fill(page, "Ada", ("Monday",), 1)
    before = trial.size()
    code = booth.encrypt(page)

    def lose_the_answer(route: Any) -> None:
        # The ballot reaches the board; its answer is lost with the server.
        route.fetch()
        trial.server.kill()
        route.abort("connectionreset")

    page.route(re.compile(r"/ballots$"), lose_the_answer, times=1)
    button(page, "Cast this ballot").click()
    page.get_by_text("No answer. The same ballot is sent again").wait_for()
    picture(page, "no-answer")
    trial.server.start()
    booth.recorded(page)
    assert booth.tracking_code(page) == code
    assert trial.size() == before + 1


def test_a_page_reloaded_while_the_server_is_down_finishes_the_same_ballot(
    trial: Trial, new_page: Any, watched: Any
) -> None:
    watched.expected.append("Failed to load resource")
    page = new_page(trial.server)
    booth.enter(page, trial.invited(3))
    booth.fill(page, "Emmy", ("Friday",), 2)
    before = trial.size()
    code = booth.encrypt(page)
    page.route(re.compile(r"/ballots$"), lambda route: route.abort("connectionreset"))
    button(page, "Cast this ballot").click()
    page.get_by_text("No answer. The same ballot is sent again").wait_for()
    page.unroute(re.compile(r"/ballots$"))
    page.reload()
    page.get_by_text("A ballot is on its way").first.wait_for()
    assert violations(page) == []
    picture(page, "on-its-way")
    button(page, "Finish casting").click()
    booth.recorded(page)
    assert booth.tracking_code(page) == code
    assert trial.size() == before + 1


def test_a_page_that_is_left_while_casting_sends_nothing_until_it_is_asked_to(
    trial: Trial, new_page: Any, watched: Any
) -> None:
    watched.expected.append("Failed to load resource")
    page = new_page(trial.server)
    booth.enter(page, trial.invited(7))
    booth.fill(page, "Ada", ("Friday",), 3)
    before = trial.size()
    code = booth.encrypt(page)
    page.route(re.compile(r"/ballots$"), lambda route: route.abort("connectionreset"))
    button(page, "Cast this ballot").click()
    page.get_by_text("No answer. The same ballot is sent again").wait_for()
    page.evaluate("location.hash = '#/'")
    page.unroute(re.compile(r"/ballots$"))
    page.wait_for_timeout(4000)
    assert trial.size() == before
    page.goto(trial.link("vote"))
    page.get_by_text("A ballot is on its way").first.wait_for()
    button(page, "Finish casting").click()
    booth.recorded(page)
    assert booth.tracking_code(page) == code
    assert trial.size() == before + 1


def test_of_two_tabs_the_later_one_is_told_of_the_earlier_ballot(trial: Trial, new_page: Any, watched: Any) -> None:
    watched.expected.append("Failed to load resource")
    one = new_page(trial.server)
    other = one.context.new_page()
    watched.follow(other)
    before = trial.size()
    for page in (one, other):
        booth.enter(page, trial.invited(4))
        booth.fill(page, "Sofya")
        booth.encrypt(page)
    booth.cast(one)
    button(other, "Cast this ballot").click()
    other.get_by_text("Another ballot was cast with your codes in the meantime").wait_for()
    assert violations(other) == []
    assert trial.size() == before + 1
    button(other, "Start again from the board as it is now").click()
    other.get_by_text("One ballot was accepted under your codes").wait_for()
    booth.fill(other, "Ada")
    booth.encrypt(other)
    booth.cast(other)
    assert trial.size() == before + 2


def test_too_many_choices_cannot_be_made(server: Server, new_page: Any) -> None:
    options = [{"id": f"o{number}", "title": f"Option {number}"} for number in range(1, 6)]
    contest = {"id": "seats", "title": "Two seats", "options": options, "limit": "total", "score": 1}
    trial = new_trial(server, "seats", [0], contests=[{**contest, "min": 1, "max": 2}])
    page = new_page(server)
    booth.enter(page, trial.invited(0))
    button(page, "Fill in the ballot").click()
    page.get_by_label("Option 1").check()
    page.get_by_label("Option 4").check()
    page.get_by_text("You have made all your choices.").wait_for()
    third = page.get_by_label("Option 2")
    if third.is_enabled():
        third.click(force=True)
    assert not third.is_checked()
    assert violations(page) == []
    page.get_by_label("Option 1").uncheck()
    page.get_by_label("Option 4").uncheck()
    button(page, "Review the ballot").click()
    page.get_by_text("at least 1").first.wait_for()
    assert heading(page, "Is this your ballot?").count() == 0


def test_a_ballot_of_fifteen_options_is_ready_within_seconds(server: Server, new_page: Any) -> None:
    """The booth's own measure is in benchmarks/; here only that nothing keeps the voter waiting for long."""
    options = [{"id": f"o{number}", "title": f"Option {number}"} for number in range(1, 16)]
    contest = {"id": "one", "title": "One of fifteen", "options": options, "limit": "total", "score": 1}
    trial = new_trial(server, "fifteen", [0], contests=[{**contest, "min": 0, "max": 1}])
    page = new_page(server)
    booth.enter(page, trial.invited(0))
    button(page, "Fill in the ballot").click()
    page.get_by_label("Option 7", exact=True).check()
    button(page, "Review the ballot").click()
    started = time.monotonic()
    booth.encrypt(page)
    booth.cast(page)
    assert time.monotonic() - started < 15
