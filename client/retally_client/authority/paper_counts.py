"""Paper counts from a table that people have typed: read strictly, summed for a second look, compared with the board.

What is published here is signed and stays. So nothing is guessed: a number is digits and nothing else, a line has the
five values of its columns and no sixth, every station has a number for every option, and a row that only sums the
others up is no station. All faults are said at once, each with its line.

The columns are district, contest, station, option and votes; the option `invalid` is for spoilt papers.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from retally_client.characters import visible
from retally_client.faults import counted, enumerated, listed
from retally_client.tables import Row, Table
from retally_crypto.entries import Station
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest
from retally_crypto.members import is_identifier
from retally_crypto.record import ElectionRecord

COLUMNS = ("district", "contest", "station", "option", "votes")
INVALID = "invalid"
MOST_STATIONS = 500
_LARGEST = 2**53 - 1
_DIGITS = re.compile("[0-9]{1,16}")
_GROUPED = re.compile(r"\+?[0-9]{1,3}(?:([ ,.'\u2019_\u00a0\u2009\u202f])[0-9]{3})(?:\1[0-9]{3})*")

# fmt: off
_TOTALS = frozenset((
    "total", "totals", "totaal", "totalt", "totale", "totales", "totaux", "toplam", "subtotal", "sum", "sums", "summe",
    "summa", "suma", "somme", "soma", "gesamt", "insgesamt", "gesamtsumme", "gesamtergebnis", "zusammen", "ensemble",
    "sammanlagt", "altogether", "yhteensä", "kokku", "kopā", "viso", "razem", "ogółem", "celkem", "spolu", "összesen",
    "összeg", "ukupno", "skupaj", "jumlah", "tổng", "итого", "всего", "сумма", "разом", "усього", "σύνολο", "სულ",
    "סך", "סהכ", "المجموع", "مجموع", "कुल", "合計", "合计", "总计", "總計", "합계", "รวม",
))
# fmt: on
"""What a row that sums the others up is called, in the languages we know; a station is named otherwise."""

Counts = Mapping[tuple[str, str], tuple[Station, ...]]
"""Stations by district and contest, in the order of the table."""


@dataclass
class _Tallied:
    """What the table has said so far of one station in one district and contest."""

    place: str
    votes: dict[str, int] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)


_Tables = dict[tuple[str, str], dict[str, _Tallied]]


def read_paper_counts(table: Table, manifest: Manifest, real: Collection[str]) -> Counts:
    """The stations' numbers by district and contest. `real` are stations that exist although they look like a total.

    Raises Malformed with every fault.
    """
    others = [title for title, column in zip(table.titles, table.columns, strict=True) if column not in COLUMNS]
    if others:
        raise Malformed(
            f"{table.name}: the column {others[0]!r} has no meaning here; the columns are {enumerated(COLUMNS)}"
        )
    faults: list[str] = []
    tallied: _Tables = defaultdict(dict)
    for row in table.rows:
        faults += _take(row, table, manifest, real, tallied)
    for (district, contest), stations in tallied.items():
        faults += _incomplete(district, contest, stations, manifest)
        faults += _sums_of_others(district, contest, stations, manifest, real)
    if faults:
        heading = f"{table.name} has {counted(len(faults), 'fault')}; nothing was signed or sent:"
        raise Malformed(listed(heading, faults))
    return {
        (district, contest): tuple(_station(name, one, contest, manifest) for name, one in stations.items())
        for (district, contest), stations in tallied.items()
    }


def _take(row: Row, table: Table, manifest: Manifest, real: Collection[str], tallied: _Tables) -> Iterator[str]:
    district, contest, station, option, votes = (row.cells[table.column(name)] for name in COLUMNS)
    wrong = _unknown_place(district, contest, manifest)
    if wrong is not None:
        yield f"{row.place}: {wrong}"
        return
    one = tallied[district, contest].get(station)
    if one is None:
        one = tallied[district, contest][station] = _Tallied(row.place)
        if _is_total(station) and station not in real:
            yield f"{row.place}: {_total_row(station)}"
        elif not is_identifier(station):
            yield f"{row.place}: {_not_a_station(station)}"
    options = [known.id for known in manifest.contest(contest).options]
    if option not in (*options, INVALID):
        yield f"{row.place}: {_unknown_option(option, contest, options)}"
        return
    if option in one.lines:
        yield f"{row.place}: a second number for {option} of station {station} ({one.lines[option]} has the first)"
        return
    one.lines[option] = row.place
    number = _number(votes)
    if isinstance(number, str):
        yield f"{row.place}: {number}"
    else:
        one.votes[option] = number


def _unknown_place(district: str, contest: str, manifest: Manifest) -> str | None:
    """What is wrong with a district and a contest of a row, None if the manifest has them."""
    contests = manifest.contests_of(district)
    if not contests:
        if _is_total(district):
            return f"{district!r} is no district: sums are computed from the stations, so take the row out"
        return (
            f"the manifest has no district {_shown(district)}; it has {enumerated([d.id for d in manifest.districts])}"
        )
    if contest not in contests:
        if _is_total(contest):
            return f"{contest!r} is no contest: sums are computed from the stations, so take the row out"
        return f"district {district} has no contest {_shown(contest)}; it has {enumerated(contests)}"
    return None


def _unknown_option(option: str, contest: str, options: Sequence[str]) -> str:
    if _is_total(option):
        return f"{option!r} is no option: sums are computed from the options, so take the row out"
    return f"contest {contest} has no option {_shown(option)}; it has {enumerated([*options, INVALID])} (spoilt papers)"


def _not_a_station(station: str) -> str:
    better = "-".join(station.casefold().split())
    example = better if is_identifier(better) else "school-1"
    return (
        f"a station is named with small letters a to z, digits, '.', '_' and '-', at most 64, "
        f"not {_shown(station)}: write {example}"
    )


def _shown(text: str) -> str:
    return repr(visible(text)[:64])


# ---- numbers ----


def _number(text: str) -> int | str:
    """The number, or what is wrong with it."""
    if _DIGITS.fullmatch(text):
        return int(text) if int(text) <= _LARGEST else f"{text} is more votes than can be"
    if not text:
        return "the number of votes is missing; where there are none, write 0"
    meant = _meant(text)
    return f"{_shown(text)} is not written in the digits 0 to 9 alone: write " + (meant or "a whole number like 1234")


def _meant(text: str) -> str | None:
    """The digits that a number written in another way stands for, if there is only one meaning."""
    ascii_digits = "".join(str(unicodedata.digit(letter, letter)) for letter in text)
    if _GROUPED.fullmatch(ascii_digits):
        return re.sub("[^0-9]", "", ascii_digits)
    plain = ascii_digits.removeprefix("+").replace("_", "")
    return plain if _DIGITS.fullmatch(plain) else None


# ---- rows that sum others up ----


def _is_total(name: str) -> bool:
    words = [word for word in re.split(r"[\W_]+", unicodedata.normalize("NFC", name).casefold()) if word]
    return any(word in _TOTALS for word in words)


def _total_row(station: str) -> str:
    return (
        f"the station {_shown(station)} looks like a sum of others: take its rows out, sums are computed and shown; "
        f"if it is a real station, say so with --station {station if is_identifier(station) else 'NAME'}"
    )


def _sums_of_others(
    district: str, contest: str, stations: Mapping[str, _Tallied], manifest: Manifest, real: Collection[str]
) -> Iterator[str]:
    options = _options(contest, manifest)
    complete = {
        name: [one.votes[option] for option in options]
        for name, one in stations.items()
        if set(one.votes) == set(options)
    }
    if len(complete) < 3 or len(complete) != len(stations):
        return
    everything = [sum(votes) for votes in zip(*complete.values(), strict=True)]
    for name, votes in complete.items():
        if any(votes) and [2 * vote for vote in votes] == everything and name not in real and not _is_total(name):
            yield (
                f"{stations[name].place}: the numbers of station {name} in {district}, {contest} are the sums of all "
                "others: if it is a row of sums, take it out; if it is a real station, say so with "
                f"--station {name}"
            )


# ---- stations ----


def _options(contest: str, manifest: Manifest) -> list[str]:
    return [*(option.id for option in manifest.contest(contest).options), INVALID]


def _incomplete(district: str, contest: str, stations: Mapping[str, _Tallied], manifest: Manifest) -> Iterator[str]:
    titles = {option.id: f"{option.id} ({option.title})" for option in manifest.contest(contest).options}
    for name, one in stations.items():
        missing = [option for option in _options(contest, manifest) if option not in one.lines]
        if missing:
            where = f"station {_shown(name)} in {district}, {contest}"
            named = enumerated([titles.get(option, option) for option in missing])
            yield f"{one.place}: {where} has no row for {named}; write 0 for none"
    if len(stations) > MOST_STATIONS:
        yield f"{district}, {contest}: {len(stations):,} stations, at most {MOST_STATIONS} are allowed: join small ones"


def _station(name: str, one: _Tallied, contest: str, manifest: Manifest) -> Station:
    options = _options(contest, manifest)
    return Station(id=name, invalid=one.votes[INVALID], votes=tuple(one.votes[option] for option in options[:-1]))


# ---- what people look at before they sign ----


def sums(counts: Counts, manifest: Manifest) -> Iterator[str]:
    """The sums by district, contest and option, one a line, and then over all districts of a contest."""
    titles = {district.id: district.title for district in manifest.districts}
    by_contest: defaultdict[str, list[Station]] = defaultdict(list)
    for (district, contest), stations in counts.items():
        by_contest[contest] += stations
        title = f"{titles[district]} ({district}) · {manifest.contest(contest).title}"
        yield from _summed(title, contest, stations, manifest)
        yield from _twins(stations)
    for contest, everywhere in by_contest.items():
        districts = [district for district, of in counts if of == contest]
        if len(districts) > 1:
            title = f"{manifest.contest(contest).title}, {len(districts)} districts together"
            yield from _summed(title, contest, everywhere, manifest)


def _summed(title: str, contest: str, stations: Sequence[Station], manifest: Manifest) -> Iterator[str]:
    yield f"{title}: {counted(len(stations), 'station')}"
    numbers = [(f"{one.title} ({one.id})", sum(station.votes[place] for station in stations))
               for place, one in enumerate(manifest.contest(contest).options)]  # fmt: skip
    numbers.append((INVALID, sum(station.invalid for station in stations)))
    width = max(len(name) for name, _ in numbers)
    for name, number in numbers:
        yield f"  {name:<{width}}  {number:>12,}"


def _twins(stations: Sequence[Station]) -> Iterator[str]:
    places: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for station in stations:
        if any((station.invalid, *station.votes)):
            places[station.invalid, *station.votes].append(station.id)
    for names in places.values():
        if len(names) > 1:
            yield f"  Look again: stations {enumerated(names)} have the very same numbers."


# ---- what is on the board already ----


def not_yet_published(record: ElectionRecord, counts: Counts) -> Counts:
    """Those counts that are not on the board yet; the others are there unchanged.

    Raises Refused if the board has other numbers, for a published count cannot be replaced in this edition of the
    protocol.
    """
    published = record.state.tally.paper_counts
    differences = [
        difference
        for place, stations in counts.items()
        if place in published
        for difference in _differences(place, published[place].stations, stations, record.manifest)
    ]
    if differences:
        raise Refused(
            listed(
                "The board has other numbers than the file. A published count cannot be corrected under this edition "
                "of the protocol (corrections come with its second edition); nothing was sent:",
                differences,
            )
        )
    return {place: stations for place, stations in counts.items() if place not in published}


def _differences(
    place: tuple[str, str], published: Sequence[Station], given: Sequence[Station], manifest: Manifest
) -> Iterator[str]:
    where = ", ".join(place)
    old, new = ({station.id: station for station in stations} for stations in (published, given))
    for name in sorted(old.keys() - new.keys()):
        yield f"{where}, station {name}: on the board, not in the file"
    for name in sorted(new.keys() - old.keys()):
        yield f"{where}, station {name}: in the file, not on the board"
    options = _options(place[1], manifest)
    for name in sorted(old.keys() & new.keys()):
        pairs = zip((*old[name].votes, old[name].invalid), (*new[name].votes, new[name].invalid), strict=True)
        for option, (before, now) in zip(options, pairs, strict=True):
            if before != now:
                yield f"{where}, station {name}, {option}: {before:,} on the board, {now:,} in the file"
