"""Voter lists as associations keep them: what is taken as it is, what is said, and what is refused all at once."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retally_client.characters import looks, unseen
from retally_client.registrar.codes import Codes, codes_of, make_codes
from retally_client.registrar.voters import (
    NEEDED,
    Registered,
    VoterList,
    found,
    printable_list,
    read_voters,
    shuffled,
    voters_csv,
)
from retally_client.tables import read_table
from retally_crypto.errors import Malformed, Refused
from tests.shared_cases import case_path
from tests.spreadsheets import Cell, xlsx

STYLES = ["s", "north"]
PERSIAN = "علی\u200cرضا رضایی"  # noqa: RUF001


def read(content: str | bytes, styles: list[str] | None = None) -> VoterList:
    raw = content.encode() if isinstance(content, str) else content
    return read_voters(read_table(raw, "voters.csv", NEEDED), STYLES if styles is None else styles)


def names(content: str | bytes) -> list[str]:
    return [known.voter for known in read(content).voters]


def refusal(content: str | bytes) -> str:
    with pytest.raises(Malformed) as refused:
        read(content)
    return str(refused.value)


def listed(*names: str) -> str:
    return "voter,style\n" + "".join(f"{name},s\n" for name in names)


# ---- the cases that once failed ----


def test_case_a_list_with_semicolons_as_excel_saves_it_in_most_of_europe_is_read() -> None:
    assert names(case_path("voters-semicolon", "voters.csv").read_bytes()) == ["Ida Jones"]


@pytest.mark.parametrize(
    ("name", "voter", "said"),
    [
        ("trailing-space.csv", "Ida", "spaces before or after a name or style were left out: line 2"),
        ("nbsp.csv", "Ida Jones", "no-break spaces (U+00A0) within a name were made ordinary spaces: line 2"),
        ("zwnj.csv", None, None),
    ],
)
def test_case_names_with_spaces_and_persian_names_are_registered(name: str, voter: str | None, said: str) -> None:
    got = read(case_path("voter-names-refused", name).read_bytes())
    assert got.remarks == ((said,) if said else ())
    assert len(got.voters) == 1
    assert got.voters[0].voter == voter or (voter is None and "\u200c" in got.voters[0].voter)


def test_case_a_style_that_the_manifest_has_not_is_refused_when_the_list_is_read_with_voter_and_line() -> None:
    shown = refusal(case_path("style-found-too-late", "voters.csv").read_bytes())
    assert shown == (
        "voters.csv has 1 fault; nothing was written:\n  line 3, Ben: the manifest has no style 'S'; 's' is meant?"
    )


# ---- what is taken as it is ----


def test_shuffling_keeps_every_voter_with_her_style_and_not_the_order() -> None:
    voters = tuple(Registered(f"v{number}", f"s{number % 4}") for number in range(400))
    order = shuffled(voters)
    assert sorted(order, key=lambda known: int(known.voter[1:])) == list(voters)
    assert order != voters
    assert shuffled(voters) != order


def test_a_list_of_voters_reads_back_also_with_commas_quotes_and_other_alphabets() -> None:
    more = (("E-mail", "a@x.org"), ("Note", "+46 70\n'=1"))
    voters = (
        Registered('Ångström, "Ann"', "north", more),
        Registered("Иванова Анна", "s", more),
        Registered("=cmd|' /C calc'!A0", "s", more),
        Registered(PERSIAN, "s", more),
    )
    assert read(voters_csv(voters)).voters == voters


ONE_LINE = st.text(st.characters(categories=("L", "M", "N", "P", "S"), include_characters=" "), min_size=1, max_size=20)


@given(st.lists(st.tuples(ONE_LINE, ONE_LINE), min_size=1, max_size=5))
def test_what_was_read_is_read_alike_from_what_is_written(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("voter", "style", "note"), *((name, "s", note) for name, note in rows)])
    try:
        voters = read(text.getvalue()).voters
    except Malformed:
        return
    assert read(voters_csv(voters)) == VoterList(voters, read(voters_csv(voters)).remarks)


def test_other_columns_are_kept_and_come_back_in_the_printed_list_with_the_code_last() -> None:
    got = read("Number;Voter;E-mail;Style;Language\n7;Zoe;z@x.org;s;sv\n8;Ada;a@x.org;s;\n")
    assert got.voters[0] == Registered("Zoe", "s", (("Number", "7"), ("E-mail", "z@x.org"), ("Language", "sv")))
    rows = list(csv.reader(io.StringIO(printable_list(got.voters, ["CODE-Z", "CODE-A"]).decode())))
    assert rows == [
        ["voter", "Number", "E-mail", "Language", "code"],
        ["Ada", "8", "a@x.org", "", "CODE-A"],
        ["Zoe", "7", "z@x.org", "sv", "CODE-Z"],
    ]


def test_no_cell_of_a_printed_list_is_a_formula() -> None:
    got = read('voter,style,phone,note\n"=1+1",s,+4670,\uff1dx\n')
    assert printable_list(got.voters, ["CODE"]).decode().splitlines()[1] == "'=1+1,'+4670,'\uff1dx,CODE"


def test_a_spreadsheet_of_voters_is_read_and_its_rows_are_named() -> None:
    rows: list[list[Cell]] = [["Voter", "Style", "Number"], ["Ida ", "s", 7], ["Ben", "x", 8]]
    with pytest.raises(Malformed, match="row 3, Ben: the manifest has no style 'x'; it has s and north"):
        read(xlsx({"Members": rows}))
    assert read(xlsx({"Members": rows[:2]})).voters == (Registered("Ida", "s", (("Number", "7"),)),)


def test_without_a_manifest_styles_are_not_compared() -> None:
    assert read_voters(read_table(b"voter,style\nIda,x\n", "voters.csv", NEEDED), None).voters[0].style == "x"


# ---- what is said ----


def test_what_was_changed_is_said_with_its_lines() -> None:
    decomposed = unicodedata.normalize("NFD", "Åsa")
    got = read(f"voter,style\nIda\u00a0,s\nBo\u00a0Falk, s\n{decomposed},s\nDan,s\n")
    assert [known.voter for known in got.voters] == ["Ida", "Bo Falk", "Åsa", "Dan"]
    assert got.remarks == (
        "spaces before or after a name or style were left out: lines 2 and 3",
        "no-break spaces (U+00A0) within a name were made ordinary spaces: line 3",
        "letters typed apart from their accents were put together (NFC): line 4",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ida Jones", "ida JONES"), ("Ida Jones", "Ida  Jones"), ("ida@x.org", "Ida@X.ORG"), ("Straße", "Strasse")],
)
def test_names_that_look_alike_are_named_and_kept(one: str, other: str) -> None:
    got = read(listed(one, "Bo", other))
    assert len(got.voters) == 3
    assert got.remarks == (f"lines 2 and 4 look like one voter: {one!r} and {other!r}",)


def test_one_mail_address_of_two_voters_is_named() -> None:
    got = read("voter,style,E-mail\nIda,s,x@y.org\nBo,s,X@Y.org\nDan,s,\nEve,s,\n")
    assert got.remarks == ("lines 2 and 3 have one mail address, x@y.org: one person, or several?",)


# ---- people of one name ----


def test_two_people_of_one_name_are_told_apart_by_a_number() -> None:
    got = read("number,voter,style\n7,Ida,s\n9,Ida,s\n10,ida,s\n")
    assert [known.label for known in got.voters] == ["Ida (number 7)", "Ida (number 9)", "ida (number 10)"]
    assert got.remarks == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("voter,style\nIda,s\nBo,s\nIda ,s\n", "lines 2 and 4 name the same voter, Ida: .* add a column number"),
        (
            f"voter,style\nÅsa,s\n{unicodedata.normalize('NFD', 'Åsa')},s\n",
            "lines 2 and 3 name the same voter, Åsa: .*add a column number",
        ),
        ("voter,style,number\nIda,s,7\nIda,s,7\n", "lines 2 and 3 name the same voter, Ida: .* a number of her own"),
        ("voter,style,number\nIda,s,7\nIda,s,\n", "lines 2 and 3 name the same voter, Ida: .* a number of her own"),
    ],
)
def test_people_of_one_name_who_cannot_be_told_apart_are_refused_with_both_lines(content: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read(content)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ida\u202eJones", "U+202E RIGHT-TO-LEFT OVERRIDE after 'Ida', which nobody can see: take it out"),
        ("\u200fIda", "U+200F RIGHT-TO-LEFT MARK at its beginning"),
        ("Ida\u061c", "U+061C ARABIC LETTER MARK after 'Ida'"),
        ("Ida\u200b Jones", "U+200B ZERO WIDTH SPACE after 'Ida'"),
        ("Ida\u200c", "U+200C ZERO WIDTH NON-JOINER after 'Ida'"),
        ("Ida \u200dJones", "U+200D ZERO WIDTH JOINER after 'Ida '"),
        ("I\u00adda", "U+00AD SOFT HYPHEN after 'I'"),
        ("Ida\ufe0f", "U+FE0F VARIATION SELECTOR-16 after 'Ida'"),
        ("Ida\u3164", "U+3164 HANGUL FILLER after 'Ida'"),
        ("Ida\u2003Jones", "U+2003 EM SPACE after 'Ida'"),
        ("Ida\x07", "U+0007 after 'Ida'"),
        ("I\ufffdda", "a letter was lost when the list was saved (U+FFFD): type it again"),
        ("x" * 301, "the name has 301 characters, at most 300 are allowed"),
    ],
)
def test_what_nobody_can_see_in_a_name_is_named_by_code_point_and_place(name: str, said: str) -> None:
    shown = refusal(listed("Bo", name))
    assert shown.splitlines()[1].startswith("  line 3, ")
    assert said in shown


def test_joiners_are_allowed_between_letters_only() -> None:
    assert unseen(PERSIAN) == []
    assert names(listed(PERSIAN, "क्\u200dष")) == [PERSIAN, "क्\u200dष"]
    assert looks(PERSIAN) == looks(PERSIAN.replace("\u200c", ""))


def test_what_nobody_can_see_in_another_column_is_refused_but_newlines_may_stay() -> None:
    assert read('voter,style,address\nIda,s,"Street 1\nTown"\n').voters[0].more == (("address", "Street 1\nTown"),)
    assert "line 2, Ida, column address: U+202E" in refusal("voter,style,address\nIda,s,a\u202eb\n")


def test_all_faults_are_said_at_once_with_their_lines() -> None:
    shown = refusal("voter,style\nIda,S\n,s\nBo,\nI\u200bda,s\nDan,s\nDan,s\n")
    assert shown.splitlines() == [
        "voters.csv has 5 faults; nothing was written:",
        "  line 2, Ida: the manifest has no style 'S'; 's' is meant?",
        "  line 3: there is no voter",
        "  line 4, Bo: there is no style",
        "  line 5, Ida: the name holds U+200B ZERO WIDTH SPACE after 'I', which nobody can see: take it out",
        "  lines 6 and 7 name the same voter, Dan: if they are different people, add a column number that tells them "
        "apart; if not, keep one line",
    ]


def test_a_thousand_faults_are_counted_and_twenty_shown() -> None:
    shown = refusal("voter,style\n" + "".join(f"v{n},x\n" for n in range(1000)))
    assert (len(shown.splitlines()), shown.splitlines()[-1]) == (22, "  and 980 more")


def test_a_column_titled_code_is_refused_for_the_printed_list_has_one() -> None:
    assert "a column titled code" in refusal("voter,style,Code\nIda,s,1\n")


@pytest.mark.parametrize("content", ["", "voter,style\n", "voter;style\r\n;\r\n"])
def test_a_list_without_voters_is_refused(content: str) -> None:
    assert "empty" in refusal(content) or "nothing in it" in refusal(content)


# ---- finding a voter ----


def drawn() -> Codes:
    text = "voter,style,number\nIda Jones,s,7\nIda Jones,s,9\nOla Berg,s,12\nÅsa Öst-Berg,s,70\nBerg,s,99\n"
    voters = read(text).voters
    return codes_of(voters, make_codes(len(voters)), bytes(32), 1)


@pytest.mark.parametrize(
    ("wanted", "position"),
    [
        ("Ola Berg", 2), ("ola", 2), (" OLA b", 2), ("berg ola", 2), ("öst", 3), ("Berg", 4), ("7", 0), ("12", 2),
        ("Ida Jones (number 9)", 1), ("jones 9", 1),
    ],
)  # fmt: skip
def test_a_voter_is_found_by_name_number_or_a_part_that_only_she_has(wanted: str, position: int) -> None:
    assert drawn().position_of(wanted) == position


def test_a_part_that_several_have_lists_them() -> None:
    with pytest.raises(Refused) as refused:
        drawn().position_of("jones")
    assert str(refused.value).splitlines() == [
        "'jones' can mean 2 voters; say more of the name:",
        "  Ida Jones (number 7)",
        "  Ida Jones (number 9)",
    ]


@pytest.mark.parametrize("wanted", ["Eve", "", " ", "jones ola"])
def test_nobody_is_found_for_a_name_that_nobody_has(wanted: str) -> None:
    assert found(drawn().voters, wanted) == []
    with pytest.raises(Refused, match="there is no voter"):
        drawn().position_of(wanted)
