"""The questions `retally vote` asks, and what it says, in words for everybody.

Answers are read with the terminal's own prompt; codes are typed unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import typer

from retally_client.voter.choices import (
    Choice,
    Choices,
    how_to_type,
    parse_selection,
    remark_on,
    review,
    rule_of,
)
from retally_client.voter.reading import Standing
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Contest, Manifest
from retally_crypto.secret.credentials import parse_code
from retally_crypto.tracking import tracking_code
from retally_verify.console import err

NO_COERCION_RESISTANCE = (
    "Please note: Retally does not protect you from coercion. Whoever watches you, holds your codes or has this device "
    "can see or prove how you voted."
)
WHAT_A_REFUSAL_MEANS = {
    "V04": "Voting is not open now.",
    "V10": "The server says that this ballot's proof is wrong. Vote from another device, and tell the election office.",
    "V11": "Your codes are not on the roll, or were revoked or replaced. Ask the registrars.",
    "V12": "Another ballot was cast with your codes in the meantime. Start again to see it.",
    "V13": "This ballot repeats a part of another one. Start again.",
}


def say(text: str = "") -> None:
    """A line for the voter; on standard error, so that standard output stays a result."""
    err.print(text, markup=False)


def tell_earlier(own: Standing) -> None:
    """Which ballots were cast with these codes before: a stranger's would be among them."""
    if not own.ballots:
        return
    one = len(own.ballots) == 1
    say(f"\nWith your codes {'1 ballot was' if one else f'{len(own.ballots)} ballots were'} cast already:")
    for ballot in own.ballots:
        say(f"  entry {ballot.index}  {tracking_code(ballot.body_hash)}")
    theirs, them = ("its", "it") if one else ("their", "them")
    say(f"If you cast another one, it takes {theirs} place. If you did not cast {them}, tell the registrars.")


def ask_codes(manifest: Manifest) -> list[str]:
    """One code from every registrar, asked again while it is mistyped."""
    codes = []
    total = len(manifest.registrars)
    for number, registrar in enumerate(manifest.registrars, start=1):
        while True:
            typed: str = typer.prompt(
                f"Your code {number} of {total}, from {registrar.name} (it does not show)", hide_input=True, err=True
            )
            try:
                parse_code(typed)
            except Malformed as error:
                say(f"Please check: {error}.")
            else:
                codes.append(typed)
                break
    return codes


def ask_choices(contests: Sequence[Contest]) -> Choices:
    """Every contest in turn, then a review that can be rejected."""
    while True:
        chosen = tuple(_ask_contest(contest, number, len(contests)) for number, contest in enumerate(contests, start=1))
        if review_is_right(contests, chosen):
            return chosen


def review_is_right(contests: Sequence[Contest], choices: Choices) -> bool:
    """Show the whole ballot and ask whether it is right."""
    say("\nYour ballot:")
    for line in review(contests, choices):
        say(f"  {line}")
    return _confirm("Is this right?")


def ask_test_or_cast(code: str) -> Literal["test", "cast"]:
    """Show the tracking code of the encrypted ballot, and only then ask."""
    say("\nYour ballot is encrypted. Its tracking code is")
    say(f"\n    {code}\n")
    say("Write it down now, before you go on. You can")
    say("  cast   send this ballot to the board, or")
    say("  test   have this device show what it encrypted, so that another device can check that it was honest.")
    say("         A tested ballot is never counted; you then get a fresh one, with a new code.")
    while True:
        answer: str = typer.prompt("cast or test", err=True).strip().lower()
        if answer == "cast":
            return "cast"
        if answer == "test":
            return "test"
        say("Please type cast or test.")


def same_choices_again() -> bool:
    """After a test: whether the next ballot holds the same choices."""
    say("Whoever sees the opened test sees what was in it. The next ballot may hold the same choices or others.")
    return _confirm("The same choices again?")


def _ask_contest(contest: Contest, number: int, total: int) -> Choice:
    say(f"\n{contest.title}   ({number} of {total})")
    for place, option in enumerate(contest.options, start=1):
        say(f"  {place:>3}  {option.title}")
    say(rule_of(contest))
    say(how_to_type(contest))
    while True:
        typed: str = typer.prompt("Your choice", default="", show_default=False, err=True)
        try:
            choice = parse_selection(typed, contest)
        except Refused as error:
            say(str(error))
            continue
        remark = remark_on(contest, choice)
        if remark is None:
            return choice
        say(remark)
        if _confirm("Leave it like that?"):
            return choice


def _confirm(question: str) -> bool:
    return typer.confirm(question, err=True)
