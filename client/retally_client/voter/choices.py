"""Choices in plain words: what a contest allows, what was typed, what is too much or too little, and the review.

Nothing here is ever logged. `Choices` are one integer per option for every contest of a ballot style (docs/spec 6.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from retally_crypto.errors import Refused
from retally_crypto.manifest import Contest, Manifest

Choice: TypeAlias = tuple[int, ...]
Choices: TypeAlias = tuple[Choice, ...]


def contests_of_style(manifest: Manifest, style: int) -> tuple[Contest, ...]:
    """The contests on a ballot style, in order."""
    return tuple(manifest.contest(name) for name in manifest.styles[style].contests)


def rule_of(contest: Contest) -> str:
    """What a voter may do in this contest, in one or two sentences."""
    if contest.score > 1:
        each = f"Give each option 0 to {contest.score} points."
        if contest.limit == "option":
            return each
        if contest.min == contest.max:
            return f"{each} Give exactly {contest.max} points in all."
        least = f"at least {contest.min} and " if contest.min else ""
        return f"{each} Give {least}at most {contest.max} points in all."
    if contest.limit == "option" or (contest.min == 0 and contest.max == len(contest.options)):
        return "Choose as many as you like, or none."
    if contest.min == contest.max:
        return "Choose one." if contest.max == 1 else f"Choose exactly {contest.max}."
    if contest.min == 0:
        return "Choose one, or none." if contest.max == 1 else f"Choose up to {contest.max}, or none."
    return f"Choose from {contest.min} to {contest.max}."


def how_to_type(contest: Contest) -> str:
    """How to answer at a prompt."""
    if contest.score > 1:
        return "Type number=points, with spaces between them (for example 1=3 2=1). Press Enter for nothing at all."
    return "Type the numbers of your choice, with spaces between them. Press Enter for nothing at all."


def problem_of(contest: Contest, choice: Choice) -> str | None:
    """Why a ballot cannot hold this choice, for the person who made it; None if it can."""
    points, total = contest.score > 1, sum(choice)
    for option, value in zip(contest.options, choice, strict=True):
        if value < 0 or value > contest.score:
            return f"{option.title}: {value} points; from 0 to {contest.score} are possible."
    if contest.limit == "option" or contest.min <= total <= contest.max:
        return None
    unit = "points" if points else "options"
    if total > contest.max:
        return f"That is too much: {total} {unit}, at most {contest.max} are allowed. Take {total - contest.max} away."
    return f"That is too little: {total} {unit}, at least {contest.min} are needed. Add {contest.min - total}."


def remark_on(contest: Contest, choice: Choice) -> str | None:
    """What is worth asking about a choice that is allowed: blank, or fewer than possible."""
    total = sum(choice)
    if total == 0:
        return "You chose nothing here: this part of your ballot is blank. It counts as cast, for no option."
    if contest.limit == "total" and total < contest.max and contest.max < contest.score * len(contest.options):
        unit = "points" if contest.score > 1 else "options"
        return f"You used {total} of {contest.max} possible {unit}. That is allowed."
    return None


def parse_selection(text: str, contest: Contest) -> Choice:
    """What was typed at a prompt. Raises Refused, in words for the person who typed it."""
    chosen = [0] * len(contest.options)
    named: set[int] = set()
    for word in text.replace(",", " ").split():
        number, equals, points = word.partition("=")
        if not _is_number(number) or not 1 <= int(number) <= len(chosen):
            raise Refused(f"{word[:20]!r}: the options have the numbers 1 to {len(chosen)}.")
        if bool(equals) != (contest.score > 1) or (equals and not _is_number(points)):
            raise Refused(f"{word[:20]!r}: {how_to_type(contest)}")
        if int(number) in named:
            raise Refused(f"Option {number} is named twice.")
        named.add(int(number))
        chosen[int(number) - 1] = int(points) if equals else 1
    return _allowed(contest, tuple(chosen))


def choices_from_json(value: Any, manifest: Manifest, style: int) -> Choices:
    """Choices from a file: contest id -> list of chosen option ids, or option id -> points. Raises Refused.

    Every contest of the ballot is named; a blank one has an empty list.
    """
    contests = contests_of_style(manifest, style)
    names = [contest.id for contest in contests]
    if not isinstance(value, dict) or set(value) != set(names):
        raise Refused(f"the choices name exactly the contests {', '.join(names)}; a blank one has an empty list")
    return tuple(_from_json(value[contest.id], contest) for contest in contests)


def review(contests: Sequence[Contest], choices: Choices) -> list[str]:
    """The choices, line by line."""
    lines = []
    for contest, choice in zip(contests, choices, strict=True):
        lines.append(contest.title)
        marked = [
            f"  {option.title}" + (f": {value} points" if contest.score > 1 else "")
            for option, value in zip(contest.options, choice, strict=True)
            if value
        ]
        lines += marked or ["  (blank)"]
    return lines


def choices_json(contests: Sequence[Contest], choices: Choices) -> dict[str, dict[str, int]]:
    """The choices by contest id and option id."""
    return {
        contest.id: {option.id: value for option, value in zip(contest.options, choice, strict=True)}
        for contest, choice in zip(contests, choices, strict=True)
    }


def _from_json(value: Any, contest: Contest) -> Choice:
    places = {option.id: place for place, option in enumerate(contest.options)}
    if isinstance(value, list):
        if not all(isinstance(name, str) for name in value) or len(set(value)) != len(value):
            raise Refused(f"contest {contest.id}: a list of different option ids is needed")
        value = dict.fromkeys(value, 1)
    if not isinstance(value, dict) or not all(type(points) is int for points in value.values()):
        raise Refused(f"contest {contest.id}: a list of option ids, or numbers by option id, is needed")
    chosen = [0] * len(places)
    for name, points in value.items():
        if name not in places:
            raise Refused(f"contest {contest.id} has no option {str(name)[:64]!r}")
        chosen[places[name]] = points
    return _allowed(contest, tuple(chosen))


def _allowed(contest: Contest, choice: Choice) -> Choice:
    problem = problem_of(contest, choice)
    if problem is not None:
        raise Refused(f"{contest.title}: {problem}")
    return choice


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6
