"""Small `.xlsx` and `.ods` files for tests, written by hand: a test can also say what no office program would."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

Cell = str | int | float | bool | None
Sheets = dict[str, Sequence[Sequence[Cell]]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def packed(files: dict[str, str | bytes]) -> bytes:
    """A ZIP archive of these files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in files.items():
            # Readers recognise an OpenDocument file by this file, stored as it is.
            pack.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return archive.getvalue()


def xlsx(sheets: Sheets) -> bytes:
    """A workbook with these sheets."""
    return packed(xlsx_files({name: _rows_of_xlsx(rows) for name, rows in sheets.items()}))


def xlsx_files(sheets: dict[str, str]) -> dict[str, str | bytes]:
    """The files of a workbook; a sheet is given as the XML of its rows."""
    numbered = list(enumerate(sheets, start=1))
    listed = "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>' for n, name in numbered)
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": '<?xml version="1.0"?><Types '
        'xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>',
    }
    for n, name in numbered:
        files[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{sheets[name]}</sheetData></worksheet>'
        )
    return files


def _rows_of_xlsx(rows: Sequence[Sequence[Cell]]) -> str:
    return "".join(
        f'<row r="{line}">' + "".join(_cell_of_xlsx(cell, line, place) for place, cell in enumerate(row)) + "</row>"
        for line, row in enumerate(rows, start=1)
    )


def _cell_of_xlsx(cell: Cell, line: int, place: int) -> str:
    at = f'r="{chr(ord("A") + place)}{line}"'
    if cell is None:
        return f"<c {at}/>"
    if isinstance(cell, bool):
        return f'<c {at} t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, str):
        return f'<c {at} t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f"<c {at}><v>{cell}</v></c>"


def ods(sheets: Sheets) -> bytes:
    """An OpenDocument spreadsheet with these sheets."""
    return packed(ods_files({name: _rows_of_ods(rows) for name, rows in sheets.items()}))


def ods_files(sheets: dict[str, str]) -> dict[str, str | bytes]:
    """The files of an OpenDocument spreadsheet; a sheet is given as the XML of its rows."""
    tables = "".join(f'<table:table table:name="{escape(name)}">{rows}</table:table>' for name, rows in sheets.items())
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        "content.xml": f'<office:document-content xmlns:office="{_OFFICE}" xmlns:table="{_TABLE}" xmlns:text="{_TEXT}">'
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
    }


def _rows_of_ods(rows: Sequence[Sequence[Cell]]) -> str:
    return "".join("<table:table-row>" + "".join(map(_cell_of_ods, row)) + "</table:table-row>" for row in rows)


def _cell_of_ods(cell: Cell) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, str):
        return f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
    return (
        f'<table:table-cell office:value-type="float" office:value="{cell}"><text:p>{cell}</text:p></table:table-cell>'
    )
