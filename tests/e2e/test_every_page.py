"""Every page in its states: axe finds nothing, nothing scrolls sideways on a narrow phone, a keyboard is enough.

The finished election is a synthetic re-enactment of published totals, of the first districts only.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.policy_text import format_policy
from retally_lab import demo
from retally_lab.attacks import scenarios
from retally_lab.attacks.tampering import ATTACKS, Tampered, honest
from retally_lab.boards.places import board_folder
from retally_lab.officials import LiveElection, Officials
from retally_lab.replay import NOTICE, Replay, load_replay
from retally_lab.server_process import new_board_key
from tests.e2e import booth
from tests.e2e.axe import violations
from tests.e2e.booth import button, heading
from tests.e2e.conftest import picture
from tests.e2e.trials import Server, Trial, bundle_digest, new_trial

assert scenarios.__all__
PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
LANGUAGES = {"en": "en-GB", "ru": "ru-RU"}


@pytest.fixture(scope="module")
def trial(server: Server) -> Trial:
    return new_trial(server, "pages", [0] * 3)


@pytest.fixture(scope="module")
def re_enactment(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[LiveElection, Replay]:
    officials = Officials.fresh(demo.REGISTRARS, demo.GUARDIANS)
    key = new_board_key(server.folder, demo.SLUG, "localhost/elections", officials.authority.verifier_key)
    server.stop()
    server.start()
    replay = load_replay(500, demo.REFERENCE_BALLOTS)
    client = {"origins": [server.address], "bundle": bundle_digest()}
    manifest = demo.demo_manifest(replay, officials, key, int(time.time()), client)
    election = LiveElection(server.address, manifest, officials)
    return demo.re_enact(election, replay, tmp_path_factory.mktemp("re-enactment")), replay


def addresses(server: Server, trial: Trial, finished: LiveElection) -> dict[str, str]:
    """Every page that a link leads to, by the name of its picture."""
    ended = f"board=/elections/{demo.SLUG}&election={finished.policy.election_id.hex()}"
    return {
        "home": f"{server.address}/",
        "election-open": trial.link("election"),
        "election-finished": f"{server.address}/#/election?{ended}",
        "results-none": trial.link("results"),
        "results": f"{server.address}/#/results?{ended}",
        "codes": trial.link("vote", ("code", trial.codes(0)[0])),
        "codes-in-history": trial.link("vote", *(("code", code) for code in trial.codes(0))),
        "codes-empty": trial.link("vote"),
        "track": trial.link("track"),
        "check": trial.link("check"),
        "verify": f"{server.address}/verify.html#{ended}",
        "no-such-page": f"{server.address}/#/nothing",
        "no-such-board": f"{server.address}/#/election?board=/elections/nowhere",
    }


def settle(page: Any) -> None:
    """Until the page has read what it reads: its words stay the same for a while."""
    page.get_by_role("heading", level=1).first.wait_for()
    words, since = "", time.monotonic()
    until = since + 30
    while time.monotonic() < min(until, since + 0.8):
        page.wait_for_timeout(100)
        now = page.locator("body").inner_text()
        if now != words:
            words, since = now, time.monotonic()


def sideways(page: Any) -> int:
    """By how many CSS pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "screen"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    server: Server,
    trial: Trial,
    re_enactment: tuple[LiveElection, Replay],
    new_page: Any,
    watched: Any,
    language: str,
    name: str,
    screen: dict[str, Any],
) -> None:
    watched.expected.append("Failed to load resource")
    scheme = "dark" if (language, name) == ("en", "phone") else "light"
    page = new_page(server, locale=LANGUAGES[language], color_scheme=scheme, reduced_motion="reduce", **screen)
    found = {}
    for where, address in addresses(server, trial, re_enactment[0]).items():
        booth.follow_link(page, address)
        settle(page)
        assert page.locator("html").get_attribute("lang") == language
        picture(page, f"{where}-{name}-{language}")
        if problems := [*violations(page), *([f"{sideways(page)} px too wide"] if sideways(page) > 0 else [])]:
            found[where] = problems
    assert found == {}


def test_the_language_can_be_switched_on_every_page(server: Server, trial: Trial, new_page: Any) -> None:
    page = new_page(server)
    page.goto(trial.link("track"))
    heading(page, "Find a ballot").wait_for()
    page.get_by_text("Русский").first.click()
    page.wait_for_function("document.documentElement.lang === 'ru'")
    assert page.get_by_role("heading", level=1).inner_text() != "Find a ballot"
    page.get_by_text("English").first.click()
    heading(page, "Find a ballot").wait_for()


def test_a_voter_with_a_keyboard_only_can_vote(trial: Trial, new_page: Any) -> None:
    page = new_page(trial.server)
    booth.enter_codes(page, trial.invited(1))

    def tab_to(name: str, role: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(() => { const e = document.activeElement; return [e.tagName.toLowerCase(), e.type || '', "
                "(e.labels?.[0]?.innerText || e.innerText || '').trim()]; })()"
            )
            if focused[2].startswith(name) and role in focused[:2]:
                return
        raise AssertionError(f"{name} cannot be reached with the keyboard")

    tab_to("Continue", "button")
    page.keyboard.press("Enter")
    heading(page, "Your ballot").wait_for()
    tab_to("Fill in the ballot", "button")
    page.keyboard.press("Enter")
    heading(page, "Who chairs the club?").wait_for()
    tab_to("Ada", "radio")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Emmy", exact=True).is_checked()
    tab_to("Next", "button")
    page.keyboard.press("Enter")
    heading(page, "Which days suit you?").wait_for()
    tab_to("Friday", "checkbox")
    page.keyboard.press("Space")
    tab_to("Next", "button")
    page.keyboard.press("Enter")
    heading(page, "How much would you like to read each of these?").wait_for()
    tab_to("Review the ballot", "button")
    page.keyboard.press("Enter")
    tab_to("Leave it like this", "button")
    page.keyboard.press("Enter")
    heading(page, "Is this your ballot?").wait_for()
    tab_to("Encrypt the ballot", "button")
    page.keyboard.press("Enter")
    heading(page, "Your tracking code").wait_for()
    tab_to("Cast this ballot", "button")
    page.keyboard.press("Enter")
    booth.recorded(page)


def test_every_step_of_voting_is_accessible(trial: Trial, new_page: Any) -> None:
    page = new_page(trial.server, **PHONE)
    found = {}

    def look(name: str) -> None:
        picture(page, f"vote-{name}-phone-en")
        if problems := [*violations(page), *([f"{sideways(page)} px too wide"] if sideways(page) > 0 else [])]:
            found[name] = problems

    booth.enter(page, trial.invited(2))
    look("standing")
    button(page, "Fill in the ballot").click()
    heading(page, "Who chairs the club?").wait_for()
    look("contest")
    button(page, "Next").click()
    page.get_by_text("You chose nothing here.").wait_for()
    look("blank")
    button(page, "Leave it like this").click()
    heading(page, "Which days suit you?").wait_for()
    look("approval")
    page.get_by_label("Monday").check()
    button(page, "Next").click()
    heading(page, "How much would you like to read each of these?").wait_for()
    page.get_by_label("A novel").select_option("2")
    look("score")
    button(page, "Review the ballot").click()
    heading(page, "Is this your ballot?").wait_for()
    look("review")
    booth.encrypt(page)
    look("choose")
    button(page, "Test this ballot").click()
    heading(page, "Check the test on another device").wait_for()
    look("test")
    button(page, "New ballot, same choices").click()
    button(page, "Cast this ballot").wait_for()
    booth.cast(page)
    look("receipt")
    assert found == {}


def test_the_results_page_shows_paper_online_and_combined(
    server: Server, re_enactment: tuple[LiveElection, Replay], new_page: Any
) -> None:
    election, replay = re_enactment
    page = new_page(server, **DESKTOP)
    page.goto(f"{server.address}/#/results?board=/elections/{demo.SLUG}&election={election.policy.election_id.hex()}")
    settle(page)
    text = page.locator("main").inner_text()
    assert NOTICE in text
    for district in replay.districts:
        for candidate in district.candidates:
            assert candidate.code in text
            assert f"{candidate.paper + candidate.online:,}" in text
    with page.expect_download() as download:
        button(page, "Table (CSV)").click()
    table = Path(download.value.path()).read_text()
    assert NOTICE in table
    assert all(candidate.code in table for candidate in replay.districts[0].candidates)


TAMPERED = ("V02", "V08", "V10", "V12", "V17")


@pytest.mark.parametrize("check", TAMPERED)
def test_the_verification_page_refuses_a_tampered_board_under_its_check(
    server: Server, new_page: Any, tmp_path: Path, check: str
) -> None:
    attack = next(
        board
        for one in ATTACKS.values()
        if (one.check, one.state) == (check, "fail")
        for board in [one.build()]
        if not (board.kept or board.receipts)
    )
    text = verified_folder(server, new_page, tmp_path, attack)
    assert text.startswith("FAIL")
    assert f"{check} fail" in text
    assert text.count(" fail") == 1


def test_the_verification_page_passes_the_honest_board(server: Server, new_page: Any, tmp_path: Path) -> None:
    assert verified_folder(server, new_page, tmp_path, Tampered.board(honest())).startswith("PASS")


def verified_folder(server: Server, new_page: Any, folder: Path, board: Tampered) -> str:
    """The verdict line, and every check with its state, as the page shows them for a folder on this device."""
    board_folder(folder / "board", board.files)
    (folder / "policy.txt").write_bytes(format_policy(board.policy))
    page = new_page(server)
    page.goto(f"{server.address}/verify.html")
    page.get_by_label("In a folder on this device").check()
    page.locator("input[webkitdirectory]").set_input_files(folder / "board")
    page.locator("form input[type=file]:not([webkitdirectory])").first.set_input_files(folder / "policy.txt")
    button(page, "Start").click()
    page.locator("#verdict").wait_for(timeout=60_000)
    assert violations(page) == []
    lines = [page.locator("#verdict").inner_text()]
    for row in page.get_by_role("row").all():
        cells = row.inner_text().split()
        if cells and cells[0].startswith("V") and len(cells[0]) == 3:
            lines.append(f"{cells[0]} {' '.join(word for word in cells[1:4] if word.isalpha())}")
    return "\n".join(line if at == 0 else " ".join(line.split()[:2]) for at, line in enumerate(lines))
