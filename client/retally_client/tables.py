"""Tables as people have them: what their spreadsheet program saves, whatever its language and its habits.

A table file is comma, semicolon or tab separated text in UTF-8 or UTF-16, or an `.xlsx` or `.ods` spreadsheet; which of
these is found in the file itself and never asked. Its first line names the columns, in any case and with spaces around.
Every cell is a text without spaces at its ends. Sizes are limited before anything is parsed.

    bytes -> text -> records \\
                              -> Table: columns, and rows that know their line
    bytes -> sheet  -> rows  /

What we write for people to open in a spreadsheet goes through `guarded`, so that no cell is taken for a formula; what
is read comes through `unguarded`, its inverse.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from retally_client.faults import SHOWN, counted, enumerated, listed
from retally_client.spreadsheets import is_spreadsheet, spreadsheet_rows
from retally_crypto.errors import Malformed

TABLE_LIMIT = 256 * 1024 * 1024
MAX_ROWS = 2_000_000
MAX_COLUMNS = 100
MAX_CELL = 2_000
SPACES = "\t \u00a0"
"""What people cannot see at the ends of a cell: U+0009, U+0020, U+00A0."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEPARATOR_LINE = re.compile("sep=(.)\r?\n?")
"""A first line that some programs write for others; it names the separator and is no part of the table."""

_FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile("'+[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True)
class Row:
    """One row of a table: where it is in the file (`line 7`), and a cell for every column."""

    place: str
    cells: tuple[str, ...]
    spaced: tuple[bool, ...]
    """Of every cell, whether spaces at its ends were left out."""


@dataclass(frozen=True)
class Table:
    """A table from the file `name`. `columns` are folded to small letters, `titles` as the file has them."""

    name: str
    columns: tuple[str, ...]
    titles: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, name: str) -> int:
        """The place of a column that was asked for when the table was read."""
        return self.columns.index(name)


def read_table(raw: bytes, name: str, needed: Sequence[str]) -> Table:
    """The table in a file's bytes; `needed` are the columns it has to have, `name` is what the file is called.

    Rows without any value are left out. Raises Malformed, naming the line and what to do.
    """
    if len(raw) > TABLE_LIMIT:
        raise Malformed(f"{name} is longer than {TABLE_LIMIT:,} bytes")
    if is_spreadsheet(raw):
        return _table(
            name, needed, [(f"row {number}", row) for number, row in spreadsheet_rows(raw, name)], "its cells"
        )
    text = _text(raw, name)
    if not text.strip(",;\r\n" + SPACES):
        return _table(name, needed, (), "")
    separator, text, skipped = _separator(text, needed)
    records = [(f"line {line + skipped}", row) for line, row in _records(text, separator, name, skipped)]
    return _table(name, needed, records, f"its values are separated by {_SEPARATORS[separator]}")


def written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A table as comma separated UTF-8 without any cell that a spreadsheet would take for a formula."""
    text = io.StringIO(newline="")
    # Python's writer quotes a newline within a cell only if it occurs in its own line ending.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(guarded, columns))
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def guarded(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The inverse of `guarded`."""
    return cell[1:] if _GUARDED.match(cell) else cell


# ---- text ----


def _text(raw: bytes, name: str) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            return _decoded(raw, encoding, name)
    # The first line names columns, so that its letters are ASCII and half of their bytes zero in UTF-16.
    if raw[1:2] == b"\0":
        return _decoded(raw, "utf-16-le", name)
    if raw[:1] == b"\0":
        return _decoded(raw, "utf-16-be", name)
    return _decoded(raw, "utf-8", name)


def _decoded(raw: bytes, encoding: str, name: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        called = "UTF-8" if encoding.startswith("utf-8") else "UTF-16"
        raise Malformed(
            f"{name}: byte {error.start} is not {called} (line {line}): "
            "save the file as UTF-8 (a spreadsheet calls it “CSV UTF-8”), or as .xlsx or .ods"
        ) from None
    at = text.find("\0")
    if at >= 0:
        raise Malformed(
            f"{name}, line {text.count(chr(10), 0, at) + 1}: this is no table; save it as CSV, .xlsx or .ods"
        )
    return text


def _separator(text: str, needed: Sequence[str]) -> tuple[str, str, int]:
    """The separator, the text of the table, and how many lines stand before it."""
    said = _SEPARATOR_LINE.match(text)
    if said and said[1] in _SEPARATORS:
        return said[1], text[said.end() :], 1

    def fit(separator: str) -> tuple[int, int]:
        header = _header(text, separator)
        return len(set(needed) & {folded(title) for title in header}), len(header)

    return max(_SEPARATORS, key=fit), text, 0


def _header(text: str, separator: str) -> list[str]:
    try:
        return next((row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)), [])
    except csv.Error:
        return []


def _records(text: str, separator: str, name: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for record in reader:
            yield begins, record
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Malformed(f"{name}, line {begins + skipped}: {_in_words(str(error))}") from None


def _in_words(fault: str) -> str:
    if "unexpected end" in fault or "field larger" in fault:
        return 'a cell begins with a quotation mark (") here, and its end is missing or far away: is the mark to go?'
    if "expected after" in fault:
        return (
            'something follows the quotation mark (") that ends a cell; within a cell a quotation mark is written twice'
        )
    return "this line cannot be read as cells; save the file anew from a spreadsheet"


# ---- what text and spreadsheets have in common ----


def folded(title: str) -> str:
    """A column's title without what people vary: case, spaces at its ends, doubled ones and composition."""
    return " ".join(unicodedata.normalize("NFC", title).split()).casefold()


def _table(name: str, needed: Sequence[str], records: Sequence[tuple[str, Sequence[str]]], how: str) -> Table:
    at = next((number for number, (_, cells) in enumerate(records) if any(cell.strip(SPACES) for cell in cells)), None)
    if at is None:
        raise Malformed(
            f"{name} is empty: its first line names the columns {enumerated(needed)}, then comes a line for each"
        )
    place, header = records[at]
    titles = [unguarded(" ".join(title.split())) for title in header]
    while titles and not titles[-1]:
        titles.pop()
    _require_columns(name, place, titles, needed, how)
    columns = tuple(folded(title) for title in titles)
    faults: list[str] = []
    rows: list[Row] = []
    for place, cells in records[at + 1 :]:
        trimmed = [cell.strip(SPACES) for cell in cells]
        if not any(trimmed):
            continue
        fault = _fault_of_row(place, trimmed, titles)
        if fault is not None:
            faults.append(fault)
            continue
        missing = len(columns) - len(trimmed)
        spaced = tuple(kept != cell for kept, cell in zip(trimmed, cells, strict=True))[: len(columns)]
        padded = (*(unguarded(cell) for cell in trimmed[: len(columns)]), *([""] * missing))
        rows.append(Row(place, padded, (*spaced, *([False] * missing))))
        if len(rows) > MAX_ROWS:
            raise Malformed(f"{name} has more than {MAX_ROWS:,} rows")
    if faults:
        raise Malformed(listed(f"{name} has {counted(len(faults), 'line')} that cannot be read:", faults))
    if not rows:
        raise Malformed(f"{name} has no line below its titles: there is nothing in it")
    return Table(name, columns, tuple(titles), tuple(rows))


def _require_columns(name: str, place: str, titles: Sequence[str], needed: Sequence[str], how: str) -> None:
    if len(titles) > MAX_COLUMNS:
        raise Malformed(f"{name} has {len(titles):,} columns: at most {MAX_COLUMNS} are read")
    columns = [folded(title) for title in titles]
    missing = [column for column in needed if column not in columns]
    if missing:
        has = enumerated([repr(title[:64]) for title in titles]) if any(titles) else "nothing"
        raise Malformed(
            f"{name}, {place}: there is no column titled {enumerated(missing, 'or')}. "
            f"The first line names the columns, and this one has {has} ({how}). "
            "Capital letters and spaces do not matter; other columns may stay"
        )
    for number, column in enumerate(columns, start=1):
        if column and columns.index(column) != number - 1:
            raise Malformed(f"{name}, {place}: two columns are titled {titles[number - 1]!r}: rename one")


def _fault_of_row(place: str, cells: Sequence[str], titles: Sequence[str]) -> str | None:
    if any(cells[len(titles) :]):
        given = len(cells)
        while not cells[given - 1]:
            given -= 1
        numbers = cells[-2:] if len(cells) == len(titles) + 1 else ()
        hint = ""
        if re.fullmatch("[0-9]{1,3},[0-9]{3}", ",".join(numbers)):
            hint = f"; a number is written without separators: {''.join(numbers)}"
        named = ", ".join(title[:32] for title in titles[:SHOWN])
        return (
            f"{place} has {given} values for {len(titles)} columns ({named})"
            f"{hint or '; a value with the separator in it stands in quotation marks'}"
        )
    for cell, title in zip(cells, titles, strict=False):
        if cell and not title:
            return f"{place}: {cell[:64]!r} stands in a column without a title: give the column one, or empty it"
        if len(cell) > MAX_CELL:
            return f"{place}, column {title}: {len(cell):,} characters, at most {MAX_CELL:,} are read"
    return None
