"""The list of voters as an association keeps it, and what is read from it: a name, a style, and whatever else the
list says of a voter.

The columns `voter` and `style` are needed. A column `number` tells people of one name apart. Every other column (an
address, an e-mail address, a language) is kept as it is and comes back in the lists that are printed.

Everything that can be known is said when the list is read: what was changed in it, who may be in it twice, and all its
faults at once, each with its line.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from retally_client.characters import composed, looks, unseen, visible
from retally_client.faults import counted, enumerated, listed
from retally_client.tables import SPACES, Row, Table, folded, written
from retally_crypto.errors import Malformed

VOTER, STYLE, NUMBER, CODE = "voter", "style", "number", "code"
NEEDED = (VOTER, STYLE)
LONGEST_NAME = 300
_MAIL = {"e-mail", "email", "mail", "e-mail address", "email address", "mail address"}


@dataclass(frozen=True)
class Registered:
    """A voter as the registrars know her, the id of her ballot style, and what else their list says of her, by column
    title."""

    voter: str
    style: str
    more: tuple[tuple[str, str], ...] = ()

    @property
    def number(self) -> str:
        """What tells her from others of her name; empty where the list has no such column."""
        return next((value for title, value in self.more if folded(title) == NUMBER), "")

    @property
    def label(self) -> str:
        """How she is named to a registrar."""
        return f"{self.voter} (number {self.number})" if self.number else self.voter


@dataclass(frozen=True)
class VoterList:
    """Voters in the order of their list, and what a person should know about how it was read."""

    voters: tuple[Registered, ...]
    remarks: tuple[str, ...]


def read_voters(table: Table, styles: Collection[str] | None) -> VoterList:
    """The voters of a table, whose styles have to be among `styles`; None where no manifest is at hand to compare with.

    Raises Malformed with every fault.
    """
    at = table.column(VOTER), table.column(STYLE)
    other = [place for place in range(len(table.columns)) if place not in at and table.titles[place]]
    if CODE in table.columns:
        raise Malformed(f"{table.name} has a column titled code, which the printed lists need: rename it")
    voters: list[Registered] = []
    faults: list[tuple[int, str]] = []
    for number, row in enumerate(table.rows):
        known = Registered(
            composed(_plain_spaces(row.cells[at[0]])),
            composed(row.cells[at[1]]),
            tuple((table.titles[place], composed(row.cells[place])) for place in other),
        )
        voters.append(known)
        faults += [(number, f"{row.place}{fault}") for fault in _faults(known, styles)]
    places = [row.place for row in table.rows]
    faults += _namesakes(voters, places, NUMBER in table.columns)
    if faults:
        heading = f"{table.name} has {counted(len(faults), 'fault')}; nothing was written:"
        raise Malformed(listed(heading, [fault for _, fault in sorted(faults)]))
    remarks = (*_changed(table.rows, at), *_alike(voters, places), *_one_address(voters, places))
    return VoterList(tuple(voters), remarks)


def shuffled(voters: Sequence[Registered]) -> tuple[Registered, ...]:
    """The voters in an order drawn from the operating system's randomness."""
    order = list(voters)
    secrets.SystemRandom().shuffle(order)
    return tuple(order)


def voters_csv(voters: Sequence[Registered]) -> bytes:
    """The inverse of `read_voters`."""
    titles = _titles(voters)
    return written((*NEEDED, *titles), ((known.voter, known.style, *_values(known, titles)) for known in voters))


def printable_list(voters: Sequence[Registered], codes: Sequence[str]) -> bytes:
    """A table with the voter, the other columns of the list, and last the code; sorted by voter."""
    titles = _titles(voters)
    rows = [(known.voter, *_values(known, titles), code) for known, code in zip(voters, codes, strict=True)]
    return written((VOTER, *titles, CODE), sorted(rows))


def found(voters: Sequence[Registered], wanted: str) -> list[int]:
    """Positions of the voters that `wanted` may mean: those of exactly this name or number, else those whose name or
    number holds all its words, in any case."""
    sought = composed(wanted.strip(SPACES))
    exact: list[int] = []
    words = looks(wanted).split()
    part: list[int] = []
    for position, known in enumerate(voters):
        if sought in (known.label, known.voter, known.number):
            exact.append(position)
        elif words and all(word in looks(known.label) for word in words):
            part.append(position)
    return exact or part


def _titles(voters: Sequence[Registered]) -> tuple[str, ...]:
    return tuple(title for title, _ in voters[0].more) if voters else ()


def _values(known: Registered, titles: Sequence[str]) -> tuple[str, ...]:
    if tuple(title for title, _ in known.more) != tuple(titles):
        raise ValueError("voters of one list have the same columns")
    return tuple(value for _, value in known.more)


def _plain_spaces(name: str) -> str:
    # A no-break space looks like a space and cannot be typed when the voter is looked up.
    return name.replace("\u00a0", " ")


# ---- faults ----


def _faults(known: Registered, styles: Collection[str] | None) -> Iterator[str]:
    name = visible(known.voter)[:64]
    if not known.voter:
        yield ": there is no voter"
    if len(known.voter) > LONGEST_NAME:
        yield f", {name}: the name has {len(known.voter)} characters, at most {LONGEST_NAME} are allowed"
    for one in unseen(known.voter):
        yield f", {name}: the name holds {one}, which nobody can see: take it out"
    if "\ufffd" in known.voter:
        yield f", {name}: a letter was lost when the list was saved (U+FFFD): type it again"
    for title, value in known.more:
        hidden = unseen(value.replace("\n", " ").replace("\r", " ").replace("\t", " ").replace("\u00a0", " "))
        if hidden:
            yield f", {name}, column {title}: {hidden[0]}, which nobody can see: take it out"
    if not known.style:
        yield f", {name}: there is no style" if name else ": there is no style"
    elif styles is not None and known.style not in styles:
        yield f", {name}: {_unknown_style(known.style, styles)}"


def _unknown_style(style: str, styles: Collection[str]) -> str:
    meant = [known for known in styles if looks(known) == looks(style)]
    return f"the manifest has no style {visible(style)[:64]!r}; " + (
        f"{meant[0]!r} is meant?" if meant else f"it has {enumerated(list(styles))}"
    )


def _namesakes(voters: Sequence[Registered], places: Sequence[str], numbered: bool) -> Iterator[tuple[int, str]]:
    for numbers in _groups(known.voter for known in voters):
        given = [voters[number].number for number in numbers]
        if not voters[numbers[0]].voter or (all(given) and len(set(given)) == len(given)):
            continue
        told_apart = "give each a number of her own" if numbered else "add a column number that tells them apart"
        yield (
            numbers[0],
            f"{_lines(places, numbers)} name the same voter, {visible(voters[numbers[0]].voter)[:64]}: "
            f"if they are different people, {told_apart}; if not, keep one line",
        )


# ---- remarks ----


def _changed(rows: Sequence[Row], at: tuple[int, int]) -> Iterator[str]:
    spaced = [number for number, row in enumerate(rows) if any(row.spaced[place] for place in at)]
    within = [number for number, row in enumerate(rows) if "\u00a0" in row.cells[at[0]]]
    decomposed = [number for number, row in enumerate(rows) if composed(row.cells[at[0]]) != row.cells[at[0]]]
    places = [row.place for row in rows]
    if spaced:
        yield f"spaces before or after a name or style were left out: {_lines(places, spaced)}"
    if within:
        yield f"no-break spaces (U+00A0) within a name were made ordinary spaces: {_lines(places, within)}"
    if decomposed:
        yield f"letters typed apart from their accents were put together (NFC): {_lines(places, decomposed)}"


def _alike(voters: Sequence[Registered], places: Sequence[str]) -> Iterator[str]:
    for numbers in _groups(looks(known.voter) for known in voters):
        given = [voters[number].number for number in numbers]
        if len({voters[number].voter for number in numbers}) > 1 and not (all(given) and len(set(given)) == len(given)):
            names = [repr(voters[number].voter[:64]) for number in numbers]
            yield f"{_lines(places, numbers)} look like one voter: {enumerated(names)}"


def _one_address(voters: Sequence[Registered], places: Sequence[str]) -> Iterator[str]:
    titles = [title for title in _titles(voters) if folded(title) in _MAIL]
    for title in titles:
        for numbers in _groups(looks(dict(known.more)[title]) for known in voters):
            address = dict(voters[numbers[0]].more)[title]
            if address:
                yield f"{_lines(places, numbers)} have one mail address, {address[:64]}: one person, or several?"


def _groups(values: Iterable[str]) -> Iterator[list[int]]:
    """Places of equal values, where there are two or more."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        places[value].append(place)
    return (together for together in places.values() if len(together) > 1)


def _lines(places: Sequence[str], numbers: Sequence[int]) -> str:
    kind = places[numbers[0]].partition(" ")[0]
    named = [places[number].partition(" ")[2] for number in numbers]
    return places[numbers[0]] if len(named) == 1 else f"{kind}s {enumerated(named)}"
