"""What a voter does in the booth, by the words and roles that she sees or hears."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.trials import Invited

CODE = re.compile(r"^[0-9A-Z]{4}(-[0-9A-Z]{4}){7}$")


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def heading(page: Any, name: str) -> Any:
    return page.get_by_role("heading", name=name, exact=True)


def enter_codes(page: Any, invited: Invited) -> None:
    """Open the election's link and type the codes."""
    page.goto(invited.link)
    button(page, "Continue").wait_for()
    for at, code in enumerate(invited.codes):
        page.get_by_role("textbox").nth(at).fill(code)


def enter(page: Any, invited: Invited) -> None:
    """Open the election's link, type the codes and go on to the ballot."""
    enter_codes(page, invited)
    button(page, "Continue").click()
    heading(page, "Your ballot").wait_for()


def fill(page: Any, chair: str | None, days: tuple[str, ...] = (), novel: int = 0) -> None:
    """The trial's three contests, from "Your ballot" to the review; blanks are confirmed."""
    button(page, "Fill in the ballot").click()
    heading(page, "Who chairs the club?").wait_for()
    if chair is not None:
        page.get_by_label(chair, exact=True).check()
    _next(page, "Next", blank=chair is None)
    heading(page, "Which days suit you?").wait_for()
    for day in days:
        page.get_by_label(day, exact=True).check()
    _next(page, "Next", blank=not days)
    heading(page, "How much would you like to read each of these?").wait_for()
    if novel:
        page.get_by_label("A novel").select_option(str(novel))
    _next(page, "Review the ballot", blank=not novel)
    heading(page, "Is this your ballot?").wait_for()


def _next(page: Any, name: str, blank: bool) -> None:
    button(page, name).click()
    if blank:
        page.get_by_text("You chose nothing here.").wait_for()
        button(page, "Leave it like this").click()


def encrypt(page: Any) -> str:
    """From the review to the tracking code, which is shown before anything is chosen."""
    button(page, "Encrypt the ballot").click()
    button(page, "Cast this ballot").wait_for()
    return tracking_code(page)


def tracking_code(page: Any) -> str:
    found = re.search(r"[0-9A-Z]{4}(?:-\s?[0-9A-Z]{4}){7}", page.locator("main").inner_text())
    assert found, "no tracking code is shown"
    code = re.sub(r"\s", "", found.group())
    assert CODE.match(code)
    return code


def cast(page: Any) -> int:
    """From the tracking code to the checked receipt; returns the ballot's position on the board."""
    button(page, "Cast this ballot").click()
    return recorded(page)


def recorded(page: Any) -> int:
    # A page that had no answer waits longer before each try.
    heading(page, "Your ballot is recorded").wait_for(timeout=60_000)
    found = re.search(r"It is entry ([\d,]+) of the board", page.locator("main").inner_text())
    assert found
    return int(found.group(1).replace(",", ""))


def vote(page: Any, invited: Invited, chair: str | None, days: tuple[str, ...] = (), novel: int = 0) -> tuple[str, int]:
    """All of it; returns tracking code and position."""
    enter(page, invited)
    fill(page, chair, days, novel)
    code = encrypt(page)
    return code, cast(page)


def follow_link(page: Any, link: str) -> None:
    """Open a link of which only the fragment may differ: a browser would not load the page anew."""
    page.goto("about:blank")
    page.goto(link)
