"""Rows of an `.xlsx` or `.ods` spreadsheet, from a file that may have been made to do harm.

Both are ZIP archives of XML. python-calamine reads them, but lays a sheet out as a full rectangle and trusts the
archive: two cells in opposite corners, or one cell repeated a million times, would take all memory. So the archive is
unpacked here with a limit that counts real bytes, every sheet is measured, and calamine is given a new archive that
holds nothing but what was measured.
"""

from __future__ import annotations

import datetime
import io
import math
import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from retally_client.faults import enumerated
from retally_crypto.errors import Malformed

MAX_UNPACKED = 256 * 1024 * 1024
MAX_FILES = 2_000
MAX_SHEET_CELLS = 5_000_000
LARGEST_WHOLE = 10**15
"""Spreadsheets keep 15 digits of a number; what is longer was changed before it was saved."""

_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_AT_ONCE = 1 << 20
_REFERENCE = re.compile("([A-Z]{1,3})([0-9]{1,7})")
_WHOLE = re.compile("[0-9]{1,9}")
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"


def is_spreadsheet(raw: bytes) -> bool:
    """Whether a file is some office program's own, not text."""
    return raw.startswith((_ZIP, _OLE))


def spreadsheet_rows(raw: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of the only sheet that has something in it, each with its number, from 1. Raises Malformed."""
    if raw.startswith(_OLE):
        raise Malformed(
            f"{name} is an old Excel file, or one with a password: save it without a password as .xlsx, .ods or CSV"
        )
    files = _unpacked(raw, name)
    measure: _Measure
    if "xl/workbook.xml" in files:
        measure = _XlsxMeasure(name)
    elif "content.xml" in files and files.get("mimetype", b"").startswith(_ODS):
        measure = _OdsMeasure(name)
    else:
        raise Malformed(f"{name} is neither .xlsx nor .ods nor text: save it as one of these (CSV is text)")
    # A sheet may be in any of the files, and shared texts are needed before the sheets that show them.
    for file in sorted(files, key=lambda file: file.lower() != "xl/sharedstrings.xml"):
        if file != "mimetype":
            _measured(files[file], measure)
    return _rows(_packed(files), name)


# ---- unpacking ----


def _unpacked(raw: bytes, name: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            if len(members) > MAX_FILES:
                raise Malformed(f"{name} holds {len(members):,} files: that is no table")
            for member in members:
                # Pictures and the like are nothing to read.
                if member.filename != "mimetype" and not member.filename.endswith((".xml", ".rels")):
                    continue
                if member.filename.lower() in {file.lower() for file in files}:
                    raise Malformed(f"{name} is damaged: it holds {member.filename[:64]!r} twice")
                content = _inflated(archive, member, left, name)
                left -= len(content)
                files[member.filename] = content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        raise Malformed(
            f"{name} is damaged, or has a password: open it, and save it anew as .xlsx, .ods or CSV"
        ) from None
    return files


def _inflated(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, name: str) -> bytes:
    content = bytearray()
    with archive.open(member) as file:
        while piece := file.read(_AT_ONCE):
            content += piece
            if len(content) > left:
                raise Malformed(f"{name} is larger than {MAX_UNPACKED:,} bytes when unpacked: that is no table")
    return bytes(content)


def _packed(files: dict[str, bytes]) -> io.BytesIO:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as pack:
        for file, content in files.items():
            pack.writestr(file, content)
    archive.seek(0)
    return archive


# ---- measuring ----


class _Measure(ABC):
    """How far a sheet's cells reach and how much text they hold; raises Malformed, through expat, at the first cell too
    many or one that shows an error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = 0

    @abstractmethod
    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    @abstractmethod
    def end(self, tag: str) -> None:
        """An element ends."""

    @abstractmethod
    def text(self, text: str) -> None:
        """Letters between elements."""

    def require(self, rows: int, columns: int) -> None:
        if rows * columns > MAX_SHEET_CELLS:
            raise Malformed(
                f"{self.name}: a sheet reaches to row {rows:,} and column {columns:,}: "
                "delete what stands far from the table, or copy the table into a new file"
            )

    def hold(self, letters: int) -> None:
        self.held += letters
        if self.held > MAX_UNPACKED:
            raise Malformed(f"{self.name} holds more than {MAX_UNPACKED:,} letters: that is no table")

    def error_shown(self, row: int, column: int) -> Malformed:
        return Malformed(f"{self.name}, row {row}: the cell in column {column} shows an error, not a value")


class _XlsxMeasure(_Measure):
    """Cells name their place, or follow the one before; their texts are shared, each written once."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.row = self.column = self.rows = self.columns = 0
        self.shared: list[int] = []
        self.letters = 0
        self.is_shared = False
        self.index = ""

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheetData":
            self.row = self.rows = self.columns = 0
        elif tag == "row":
            given = attributes.get("r", "")
            self.row = int(given) if _WHOLE.fullmatch(given) else self.row + 1
            self.column = 0
        elif tag == "c":
            self._place(attributes)
        elif tag in ("v", "is", "f"):
            self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)
            self.require(self.rows, self.columns)
        elif tag == "si":
            self.letters = 0

    def _place(self, attributes: dict[str, str]) -> None:
        place = _REFERENCE.fullmatch(attributes.get("r", ""))
        self.column += 1
        if place:
            self.column, self.row = _column_number(place[1]), int(place[2])
        elif "r" in attributes:
            raise Malformed(f"{self.name} is damaged: {attributes['r'][:32]!r} is no place of a cell")
        if attributes.get("t") == "e":
            raise self.error_shown(self.row, self.column)
        self.is_shared, self.index = attributes.get("t") == "s", ""

    def text(self, text: str) -> None:
        self.letters += len(text)
        if self.is_shared:
            self.index = (self.index + text)[:9]

    def end(self, tag: str) -> None:
        if tag == "si":
            self.shared.append(self.letters)
        elif tag == "c" and self.is_shared:
            index = int(self.index) if _WHOLE.fullmatch(self.index.strip()) else -1
            self.hold(self.shared[index] if 0 <= index < len(self.shared) else 0)
            self.is_shared = False


class _OdsMeasure(_Measure):
    """Cells and rows may be repeated; empty ones at the end of a row or of a sheet take no place."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.rows = self.columns = self.pending = self.width = self.at = 0
        self.rows_alike = self.cells_alike = 1
        self.letters = 0

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table":
            self.rows = self.columns = self.pending = 0
        elif tag == "table-row":
            self.rows_alike, self.width, self.at = _repeats(attributes, "table:number-rows-repeated"), 0, 0
        elif tag in ("table-cell", "covered-table-cell"):
            self._place(attributes)
        elif tag == "p":
            self.width = self.at
        elif tag == "s":
            self.letters += _repeats(attributes, "text:c")

    def _place(self, attributes: dict[str, str]) -> None:
        self.cells_alike = _repeats(attributes, "table:number-columns-repeated")
        self.at += self.cells_alike
        self.letters = len(attributes.get("office:string-value", ""))
        if attributes.get("calcext:value-type") == "error":
            raise self.error_shown(self.rows + self.pending + 1, self.at)
        if any(key.startswith("office:") for key in attributes):
            self.width = self.at

    def text(self, text: str) -> None:
        self.letters += len(text)

    def end(self, tag: str) -> None:
        if tag in ("table-cell", "covered-table-cell"):
            self.hold(self.letters * self.cells_alike * self.rows_alike)
            self.letters = 0
        elif tag == "table-row":
            self.pending += self.rows_alike
            if self.width:
                self.rows, self.pending = self.rows + self.pending, 0
                self.columns = max(self.columns, self.width)
                self.require(self.rows, self.columns)


def _repeats(attributes: dict[str, str], named: str) -> int:
    given = attributes.get(named, "1")
    return int(given) if _WHOLE.fullmatch(given) else 10**9


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _measured(content: bytes, measure: _Measure) -> None:
    parser = expat.ParserCreate()

    def no_types(*_: object) -> None:
        raise Malformed(f"{measure.name} is no spreadsheet: it declares types of its own")

    def local(tag: str) -> str:
        return tag.rpartition(":")[2]

    parser.StartDoctypeDeclHandler = no_types
    parser.StartElementHandler = lambda tag, attributes: measure.begin(local(tag), attributes)
    parser.EndElementHandler = lambda tag: measure.end(local(tag))
    parser.CharacterDataHandler = measure.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise Malformed(f"{measure.name} is damaged: open it, and save it anew as .xlsx, .ods or CSV") from None


# ---- rows ----


def _rows(archive: io.BytesIO, name: str) -> Iterator[tuple[int, list[str]]]:
    try:
        workbook = CalamineWorkbook.from_filelike(archive)
        sheets = {
            about.name: (about.visible, workbook.get_sheet_by_name(about.name).to_python(skip_empty_area=False))
            for about in workbook.sheets_metadata
        }
    except CalamineError:
        raise Malformed(f"{name} cannot be read: open it, and save it anew as .xlsx, .ods or CSV") from None
    filled = {
        sheet: (visible, rows)
        for sheet, (visible, rows) in sheets.items()
        if any(cell != "" for row in rows for cell in row)
    }
    if len(filled) > 1:
        called = [
            repr(sheet[:64]) + ("" if visible == SheetVisibleEnum.Visible else " (hidden)")
            for sheet, (visible, _) in filled.items()
        ]
        raise Malformed(f"{name} has {len(filled)} sheets with something in them, {enumerated(called)}: keep only one")
    for _, rows in filled.values():
        for number, row in enumerate(rows, start=1):
            yield number, [_cell(value, name, number, column) for column, value in enumerate(row, start=1)]


def _cell(value: object, name: str, row: int, column: int) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | int):
        if not math.isfinite(value) or abs(value) >= LARGEST_WHOLE:
            raise Malformed(
                f"{name}, row {row}: the number in column {column} has more digits than a spreadsheet keeps; "
                "format the column as text and type it again"
            )
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
