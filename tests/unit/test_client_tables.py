"""Tables as people's spreadsheet programs save them are read alike, and what is no table is refused in their words."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retally_client import spreadsheets, tables
from retally_client.faults import SHOWN, counted, enumerated, listed
from retally_client.tables import Table, guarded, read_table, unguarded, written
from retally_crypto.errors import Malformed
from tests.spreadsheets import Cell, Sheets, ods, ods_files, packed, xlsx, xlsx_files

NEEDED = ("voter", "style")
PLAIN = "voter,style\nÅsa Öst,north\nBo Falk,south\n"
CELLS = [("Åsa Öst", "north"), ("Bo Falk", "south")]


def read(content: str | bytes) -> Table:
    return read_table(content.encode() if isinstance(content, str) else content, "voters.csv", NEEDED)


def cells(content: str | bytes) -> list[tuple[str, ...]]:
    return [row.cells for row in read(content).rows]


def refusal(content: str | bytes) -> str:
    with pytest.raises(Malformed) as refused:
        read(content)
    return str(refused.value)


# ---- what people have ----


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
    ],
)
def test_any_separator_newline_and_unicode_encoding_is_read_alike(
    separator: str, newline: str, encode: Callable[[str], bytes]
) -> None:
    assert cells(encode(PLAIN.replace(",", separator).replace("\n", newline))) == CELLS


@pytest.mark.parametrize("make", [xlsx, ods])
def test_a_spreadsheet_is_read_like_the_text_it_would_be_saved_as(make: Callable[[Sheets], bytes]) -> None:
    rows: list[list[Cell]] = [
        ["voter", "style", "number"],
        ["Åsa Öst", "north", 7],
        [None, None, None],
        ["Bo Falk", "south", 1.5],
    ]
    table = read(make({"Voters": rows, "Empty": []}))
    assert [row.cells for row in table.rows] == [("Åsa Öst", "north", "7"), ("Bo Falk", "south", "1.5")]
    assert [row.place for row in table.rows] == ["row 2", "row 4"]


def test_a_table_need_not_begin_in_the_first_row_or_column_of_a_sheet() -> None:
    made = xlsx({"A": [[None, None, None], [None, "voter", "style"], [None, "Bo Falk", "south"]]})
    assert cells(made) == [("", "Bo Falk", "south")]


@pytest.mark.parametrize("header", ["Voter,STYLE", " voter , style ", "voter\u00a0,\tstyle", '"Voter","Style"'])
def test_titles_are_known_in_any_case_and_with_spaces_around(header: str) -> None:
    assert cells(PLAIN.replace("voter,style", header)) == CELLS


def test_other_columns_are_kept_in_their_order() -> None:
    table = read("E-mail;Voter;style;Note\nb@x.org;Bo;south;\n")
    assert (table.columns, table.titles) == (
        ("e-mail", "voter", "style", "note"),
        ("E-mail", "Voter", "style", "Note"),
    )
    assert table.rows[0].cells[table.column("voter")] == "Bo"


def test_the_separator_that_gives_the_needed_columns_is_taken() -> None:
    assert cells('voter;style;"a, b, c, d"\nBo;south;x\n') == [("Bo", "south", "x")]


def test_a_line_that_names_the_separator_is_no_part_of_the_table() -> None:
    assert cells("sep=;\r\nvoter;style\r\nBo;south\r\n") == [("Bo", "south")]
    assert "line 3 has 3 values" in refusal("sep=;\nvoter;style\nBo;south;x;\n")


def test_cells_may_be_quoted_and_hold_separators_quotation_marks_and_newlines() -> None:
    table = read('voter,style\n"Öst, ""Åsa""\nof North",north\nBo,south\n')
    assert [row.cells for row in table.rows] == [('Öst, "Åsa"\nof North', "north"), ("Bo", "south")]
    assert [row.place for row in table.rows] == ["line 2", "line 4"]


def test_spaces_at_the_ends_of_cells_are_left_out_and_remembered() -> None:
    table = read("voter,style\n Bo\u00a0,\tsouth\nÅsa,north\n")
    assert [row.cells for row in table.rows] == [("Bo", "south"), ("Åsa", "north")]
    assert [row.spaced for row in table.rows] == [(True, True), (False, False)]


def test_empty_lines_and_empty_cells_at_a_lines_end_are_nothing() -> None:
    assert cells("\nvoter,style,,\n\nBo,south,,\n,,,\nÅsa,north\n\n") == [("Bo", "south"), ("Åsa", "north")]


def test_a_line_that_ends_early_has_empty_cells() -> None:
    assert cells("voter,style,number\nBo,south\n") == [("Bo", "south", "")]


# ---- what is refused, in people's words ----


ROW = "<table:table-row{}>{}</table:table-row>".format
CELL = "<table:table-cell{}>{}</table:table-cell>".format
AS_TEXT = ' office:value-type="string"'
FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


def many(what: str, number: int) -> str:
    """The attribute of OpenDocument that repeats a cell or a row."""
    return f' table:number-{what}-repeated="{number}"'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "voters.csv is empty"),
        ("\n\n,,\n", "voters.csv is empty"),
        (xlsx({"A": []}), "voters.csv is empty"),
        ("voter,style\n", "no line below its titles"),
        ("voter;style\r\n;\r\n", "no line below its titles"),
        (xlsx({"A": [["voter", "style"]]}), "no line below its titles"),
        ("name,style\nBo,south\n", "line 1: there is no column titled voter. .*'name' and 'style' .*commas"),
        ("a|b\nBo|south\n", "no column titled voter or style"),
        ("\nname;style\n", "line 2: there is no column titled voter. .*semicolons"),
        (xlsx({"A": [["name", "style"], ["Bo", "south"]]}), "row 1: there is no column titled voter"),
        ("voter,style,Voter\nBo,south,x\n", "two columns are titled 'Voter': rename one"),
        ("voter,style\nBo,south,x\n", "line 2 has 3 values for 2 columns"),
        ("voter,style\nBo,1,234\n", "line 2 has 3 values for 2 columns .*written without separators: 1234"),
        ("voter,style\nBo,1,5\n", "line 2 has 3 values for 2 columns .*in it stands in quotation marks"),
        ("voter,,style\nBo,x,south\n", "line 2: 'x' stands in a column without a title"),
        ('voter,style\n"Bo,south\nÅsa,north\n', r'line 2: a cell begins with a quotation mark \("\) here'),
        ('voter,style\n"Bo"s,south\n', "line 2: something follows the quotation mark"),
        (f'voter,style\nBo,"{"x" * 200_000}"\n', "line 2: a cell begins with a quotation mark"),
        (f"voter,style\nBo,{'x' * 2_001}\n", "line 2, column style: 2,001 characters, at most 2,000"),
        ("voter,style\nÅsa,north\n".encode("latin-1"), r"byte 12 is not UTF-8 \(line 2\): save the file as UTF-8"),
        (codecs.BOM_UTF16_LE + b"v", "byte 2 is not UTF-16"),
        ("voter,style\nB\0o,south\n", "line 2: this is no table"),
        (",".join(f"c{n}" for n in range(101)), "101 columns: at most 100"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "an old Excel file, or one with a password: save it"),
        (b"PK\x03\x04" + bytes(100), "is damaged, or has a password"),
        (packed({"word/document.xml": "<w/>"}), "neither .xlsx nor .ods nor text"),
        (packed({**ods_files({}), "mimetype": "application/vnd.oasis.opendocument.text"}), "neither .xlsx nor .ods"),
        (packed(xlsx_files({"A": "<row"})), "is damaged: open it, and save it anew"),
        (packed({**xlsx_files({"A": ""}), "xl/workbook.xml": "<workbook/>"}), "is empty|cannot be read"),
        (xlsx({"A": [["voter", "style"]], "B": [["x"]]}), "2 sheets with something in them, 'A' and 'B': keep only"),
        (xlsx({"A": [["voter", "style"], ["Bo", 10**16]]}), "row 2: the number in column 2 has more digits"),
        (packed(xlsx_files({"A": '<row r="2"><c r="B2"><v>NaN</v></c></row>'})), "the number in column 2 has more"),
        (packed(xlsx_files({"A": '<row r="2"><c r="B2" t="e"><v>#N/A</v></c></row>'})), "row 2: the cell in column 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_place_and_what_to_do(content: str | bytes, said: str) -> None:
    shown = refusal(content)
    assert re.search(said, shown, re.S), shown
    assert shown.startswith("voters.csv")


def test_all_wrong_lines_are_named_at_once_the_first_twenty_and_how_many_more() -> None:
    shown = refusal("voter,style\nBo,south\n" + "Åsa,north,x\n" * 30)
    assert shown.startswith("voters.csv has 30 lines that cannot be read:\n  line 3 has")
    assert shown.endswith("\n  and 10 more")
    assert len(shown.splitlines()) == 22


# ---- what was made to do harm ----


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 1 << 20)
    bomb = packed({**xlsx_files({"A": ""}), "xl/more.xml": "<a/>" + " " * (2 << 20)})
    assert len(bomb) < 10_000
    assert "larger than 1,048,576 bytes when unpacked" in refusal(bomb)


def test_a_size_that_an_archive_only_claims_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 1 << 20)
    name = b"xl/more.xml"
    bomb = bytearray(packed({**xlsx_files({"A": ""}), name.decode(): "<a/>" + " " * (2 << 20)}))
    # The size in the central directory stands 22 bytes before the name there.
    at = bomb.rindex(name) - 22
    bomb[at : at + 4] = (10).to_bytes(4, "little")
    assert "damaged" in refusal(bytes(bomb))


@pytest.mark.parametrize(
    "files",
    [
        xlsx_files({"A": '<row r="1"><c r="A1"><v>1</v></c></row>' + FAR}),
        xlsx_files({"A": '<row r="9999999"><c><v>1</v></c><c r="ZZ9999999"><f>1</f></c></row>'}),
        {**xlsx_files({}), "xl/far.xml": f"<worksheet><sheetData>{FAR}</sheetData></worksheet>"},
        ods_files({"A": ROW(many("rows", 10**6), CELL(many("columns", 10) + AS_TEXT, "<text:p>x</text:p>"))}),
        ods_files({"A": ROW("", CELL(many("columns", 10**11), "") + CELL("", "<text:p>x</text:p>"))}),
    ],
)
def test_a_sheet_that_reaches_too_far_is_refused_before_it_is_laid_out(files: dict[str, str | bytes]) -> None:
    assert "a sheet reaches to row" in refusal(packed(files))


@pytest.mark.parametrize(
    "files",
    [
        {
            **xlsx_files({"A": "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2000))}),
            "xl/sharedStrings.xml": f"<sst><si><t>{'x' * 2000}</t></si></sst>",
        },
        ods_files({"A": ROW(many("rows", 2000), CELL(AS_TEXT, f"<text:p>{'x' * 2000}</text:p>"))}),
        ods_files({"A": ROW("", CELL(AS_TEXT, '<text:p><text:s text:c="999999999"/></text:p>'))}),
    ],
)
def test_a_text_that_is_repeated_too_often_is_refused(
    files: dict[str, str | bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 1 << 20)
    assert "letters: that is no table" in refusal(packed(files))


def test_formatted_but_empty_cells_far_away_do_not_matter() -> None:
    inline = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'.format
    rows = f'<row r="1">{inline("A1", "voter")}{inline("B1", "style")}</row><row r="2">{inline("A2", "Bo")}</row>'
    empty = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert cells(packed(xlsx_files({"A": rows + empty}))) == [("Bo", "")]
    text = [CELL(AS_TEXT, f"<text:p>{cell}</text:p>") for cell in ("voter", "style", "Bo")]
    trailing = ROW(many("rows", 1_048_574), CELL(many("columns", 16_384), ""))
    rows = ROW("", text[0] + text[1]) + ROW("", text[2] + CELL(many("columns", 16_383), ""))
    assert cells(packed(ods_files({"A": rows + trailing}))) == [("Bo", "")]


def test_a_spreadsheet_with_types_of_its_own_is_refused() -> None:
    entities = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><worksheet>&b;</worksheet>'
    assert "declares types of its own" in refusal(
        packed({**xlsx_files({"A": ""}), "xl/worksheets/sheet1.xml": entities})
    )


def test_two_files_of_one_name_in_a_spreadsheet_are_refused() -> None:
    archive = io.BytesIO(xlsx({"A": [["voter", "style"], ["Bo", "x"]]}))
    with zipfile.ZipFile(archive, "a") as pack:
        pack.writestr("xl/worksheets/Sheet1.xml", "<worksheet/>")
    assert "twice" in refusal(archive.getvalue())


def test_too_many_bytes_and_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    assert "more than 3 rows" in refusal("voter,style\n" + "Bo,south\n" * 4)
    monkeypatch.setattr(tables, "TABLE_LIMIT", 30)
    assert "longer than 30 bytes" in refusal("voter,style\n" + "Bo,south\n" * 4)


# ---- what we write ----

ANY_TEXT = st.text(st.characters(codec="utf-8"))
DANGEROUS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"


@given(st.text(), st.sampled_from(["", *DANGEROUS, "'=", "''+"]))
def test_no_cell_that_we_write_begins_a_formula_and_every_one_reads_back(text: str, before: str) -> None:
    cell = before + text
    assert guarded(cell)[:1] not in set(DANGEROUS)
    assert unguarded(guarded(cell)) == cell


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), min_size=1))
def test_no_cell_of_a_table_that_we_write_begins_a_formula(rows: list[tuple[str, str, str]]) -> None:
    text = written(("a", "b", "c"), rows).decode()
    again = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [tuple(map(unguarded, row)) for row in again[1:]] == rows
    assert not [cell for row in again for cell in row if cell[:1] in set(DANGEROUS)]


def test_lists_of_faults_and_words_are_bounded() -> None:
    many = [f"fault {number}" for number in range(SHOWN + 5)]
    assert listed("so many:", many).splitlines()[-1] == "  and 5 more"
    assert enumerated(many).endswith(f"fault {SHOWN - 1} and 5 more")
    assert (enumerated(["a"]), enumerated(["a", "b"]), enumerated(["a", "b", "c"], "or")) == (
        "a",
        "a and b",
        "a, b or c",
    )
    assert (counted(1, "line"), counted(1234, "line")) == ("1 line", "1,234 lines")
