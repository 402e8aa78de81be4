"""What the history of Chromium keeps of a vote: whole addresses, fragments included, and never two codes of a voter."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.e2e import booth
from tests.e2e.booth import button, heading
from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.e2e.trials import Server, Trial, new_trial


@pytest.fixture(scope="module")
def trial(server: Server) -> Trial:
    return new_trial(server, "history", [0] * 4)


def history_after(chromium: Any, profile: Path, visit: Callable[[Any], object]) -> str:
    """Every address in the history of a profile of its own in which `visit` has used a page."""
    context = chromium.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=ARGUMENTS, locale="en-GB"
    )
    context.set_default_timeout(20_000)
    visit(context.new_page())
    # The history is written from a thread of its own: a page later, all of this one is.
    context.new_page().goto("about:blank")
    context.close()
    with sqlite3.connect(profile / "Default" / "History") as database:
        urls = [url for (url,) in database.execute("SELECT url FROM urls")]
    return unquote("\n".join(urls))


def kept(history: str, codes: tuple[str, ...]) -> list[str]:
    """The codes that stand in the history, however they are written."""
    plain = history.replace("-", "").upper()
    return [code for code in codes if code.replace("-", "").upper() in plain]


def test_after_a_vote_with_typed_codes_the_history_has_none_of_them(
    chromium: Any, trial: Trial, tmp_path: Path
) -> None:
    history = history_after(chromium, tmp_path, lambda page: booth.vote(page, trial.invited(0), "Ada"))
    assert trial.link("vote").split("#")[0] in history
    assert f"election={trial.election_id}" in history
    assert kept(history, trial.codes(0)) == []


def test_a_link_with_one_code_leaves_that_one_and_the_others_are_typed(
    chromium: Any, trial: Trial, tmp_path: Path
) -> None:
    first, second = trial.codes(1)

    def vote(page: Any) -> None:
        page.goto(trial.link("vote", ("code", second), ("registrar", "2")))
        page.get_by_text("The link filled in one code.").wait_for()
        assert page.get_by_role("textbox").nth(1).input_value() == second
        assert page.get_by_role("textbox").nth(0).input_value() == ""
        page.get_by_role("textbox").nth(0).fill(first)
        button(page, "Continue").click()
        heading(page, "Your ballot").wait_for()
        booth.fill(page, "Ada")
        booth.encrypt(page)
        booth.cast(page)

    # This is why a link carries one at most: no page can take it out again.
    assert kept(history_after(chromium, tmp_path, vote), trial.codes(1)) == [second]


def test_a_link_with_all_codes_is_not_taken_for_what_it_should_never_have_been(
    chromium: Any, trial: Trial, tmp_path: Path
) -> None:
    def visit(page: Any) -> None:
        page.goto(trial.link("vote", *(("code", code) for code in trial.codes(2))))
        page.get_by_text("This link holds all your codes").wait_for()
        assert page.get_by_role("textbox").nth(1).input_value() == ""

    assert kept(history_after(chromium, tmp_path, visit), trial.codes(2)) == list(trial.codes(2))
