"""Paper counts are published as people meant them or not at all: read strictly, looked at before they are signed, and
sent once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from retally_client.authority import commands
from retally_client.authority.acts import paper_count_entry
from retally_client.authority.paper_counts import COLUMNS, not_yet_published, read_paper_counts, sums
from retally_client.cli import app
from retally_client.keys import new_signing_key, write_key
from retally_client.tables import read_table
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election
from retally_lab.boards.manifests import contest, manifest_members
from retally_lab.boards.places import ADDRESS, board_folder
from retally_verify.board import FolderBoard
from tests.shared_cases import case_path
from tests.spreadsheets import Cell, xlsx

HEADER = "district,contest,station,option,votes\n"
NORTH = "north,mayor,a,o1,10\nnorth,mayor,a,o2,20\nnorth,mayor,a,o3,30\nnorth,mayor,a,invalid,4\n"
ROWS = [line.split(",") for line in NORTH.splitlines()]


def read(content: str | bytes, manifest: Manifest, *real: str) -> dict[tuple[str, str], Any]:
    raw = content.encode() if isinstance(content, str) else content
    return dict(read_paper_counts(read_table(raw, "counts.csv", COLUMNS), manifest, real))


def numbers(counts: dict[tuple[str, str], Any]) -> dict[tuple[str, str], list[tuple[str, int, tuple[int, ...]]]]:
    return {place: [(one.id, one.invalid, one.votes) for one in stations] for place, stations in counts.items()}


@pytest.fixture(scope="module")
def manifest(honest_election: Election) -> Manifest:
    return honest_election.manifest


def small_manifest(contests: dict[str, int], districts: dict[str, list[str]]) -> Manifest:
    """A manifest with contests of so many options, and districts with these contests."""
    members = manifest_members(
        [contest(name, options, 0, 1) for name, options in contests.items()],
        districts=[(name, None) for name in districts],
    )
    for style in members["styles"]:
        style["contests"] = districts[style["district"]]
    return Manifest.model_validate(members)


# ---- the cases that once failed ----


def test_case_a_number_with_a_comma_is_refused_and_never_published_as_one() -> None:
    of_the_case = small_manifest({"chair": 3}, {"d": ["chair"]})
    with pytest.raises(Malformed) as refused:
        read(case_path("paper-comma-thousands", "counts.csv").read_bytes(), of_the_case)
    assert "line 2 has 6 values for 5 columns" in str(refused.value)
    assert "a number is written without separators: 1234" in str(refused.value)


def test_case_a_row_of_sums_is_no_third_station() -> None:
    of_the_case = small_manifest({"mayor": 2}, {"north": ["mayor"]})
    raw = case_path("paper-total-row", "counts.csv").read_bytes()
    with pytest.raises(Malformed, match="line 8: the station 'total' looks like a sum of others: take its rows out"):
        read(raw, of_the_case)
    with pytest.raises(Malformed, match="line 8: the numbers of station c in north, mayor are the sums of all others"):
        read(raw.replace(b",total,", b",c,"), of_the_case)


def test_case_a_complete_file_is_read_after_a_part_of_it_was_sent() -> None:
    of_the_case = small_manifest({"mayor": 2, "park": 2}, {"north": ["mayor", "park"], "south": ["mayor"]})
    complete = read(case_path("paper-cannot-correct-or-resume", "complete.csv").read_bytes(), of_the_case)
    assert list(complete) == [("north", "mayor"), ("north", "park"), ("south", "mayor")]


# ---- what is read ----


def test_paper_counts_are_grouped_by_district_contest_and_station(manifest: Manifest) -> None:
    text = HEADER + NORTH + NORTH.replace(",a,", ",b,") + NORTH.replace("north", "south")
    found = read(text, manifest)
    assert list(found) == [("north", "mayor"), ("south", "mayor")]
    assert numbers(found)["north", "mayor"] == [("a", 4, (10, 20, 30)), ("b", 4, (10, 20, 30))]


def test_the_order_of_lines_and_columns_does_not_matter(manifest: Manifest) -> None:
    lines = NORTH.splitlines()
    turned = "votes,option,station,contest,district\n" + "".join(
        ",".join(reversed(line.split(","))) + "\n" for line in reversed(lines)
    )
    assert read(turned, manifest) == read(HEADER + NORTH, manifest)


def test_a_table_from_any_spreadsheet_program_is_read_alike(manifest: Manifest) -> None:
    plain = read(HEADER + NORTH, manifest)
    assert read((HEADER + NORTH).replace(",", ";").replace("\n", "\r\n").encode("utf-16"), manifest) == plain
    typed: list[list[Cell]] = [[*row[:4], int(row[4])] for row in ROWS]
    assert read(xlsx({"Counts": [[name.title() for name in COLUMNS], *typed]}), manifest) == plain


# ---- what is refused ----


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "counts.csv is empty"),
        (HEADER, "no line below its titles"),
        (NORTH, "line 1: there is no column titled district, contest, station, option or votes"),
        (HEADER.replace("votes", "votes,remark") + NORTH, "the column 'remark' has no meaning here"),
        (HEADER + "north,mayor,a,o1\n", "line 2: the number of votes is missing; where there are none, write 0"),
        (HEADER + NORTH + "north,mayor,b,o1,\n", "line 6: the number of votes is missing"),
        (HEADER + "north,mayor,a,o1,ten\n", "line 2: 'ten' is not written in the digits 0 to 9 alone"),
        (HEADER + "east,mayor,a,o1,10\n", "line 2: the manifest has no district 'east'; it has north and south"),
        (HEADER + "south,council,a,o1,10\n", "line 2: district south has no contest 'council'; it has mayor"),
        (HEADER + "total,mayor,a,o1,10\n", "line 2: 'total' is no district: sums are computed from the stations"),
        (HEADER + "north,Summe,a,o1,10\n", "line 2: 'Summe' is no contest: sums are computed"),
        (HEADER + "north,mayor,a,TOTAL,10\n", "line 2: 'TOTAL' is no option: sums are computed"),
        (HEADER + NORTH + "north,mayor,a,o1,10\n", "line 6: a second number for o1 of station a .line 2 has the first"),
        (HEADER + "north,mayor,a,o1,10\n", r"line 2: station 'a' in north, mayor has no row for o2 \(.*\) and invalid"),
        (HEADER + NORTH + "north,mayor,a,o4,1\n", "line 6: contest mayor has no option 'o4'; it has o1, o2, o3 and"),
        (HEADER + NORTH.replace(",a,", ",School 1,"), "line 2: a station is named with small letters .* school-1"),
        (HEADER + NORTH.replace(",10\n", ",9007199254740992\n"), "line 2: 9007199254740992 is more votes than can be"),
        (HEADER + 'north,mayor,a,o1,"10\n', "line 2: a cell begins with a quotation mark"),
        (HEADER + f"north,mayor,a,o1,{'1' * 200_000}\n", "counts.csv, line 2: "),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(text: str, said: str, manifest: Manifest) -> None:
    with pytest.raises(Malformed, match=said):
        read(text, manifest)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1_234", "1234"),
        ("+5", "5"),
        ("1 234", "1234"),
        ("1\u00a0234", "1234"),
        ("1.234", "1234"),
        ("1'234'567", "1234567"),
        ('"1,234"', "1234"),
        ("\u0661\u0662\u0663", "123"),
        ("\uff11\uff12", "12"),
        ("\u0967\u0968", "12"),
        ("-1", None),
        ("1.5", None),
        ('"12,34"', None),
        ("1e3", None),
        ("0x10", None),
        ("½", None),
        ("1.234.56", None),
    ],
)
def test_a_number_that_is_not_plain_digits_is_refused_with_what_to_write(
    written: str, meant: str | None, manifest: Manifest
) -> None:
    with pytest.raises(Malformed) as refused:
        read(HEADER + NORTH.replace(",10\n", f",{written}\n"), manifest)
    said = str(refused.value).splitlines()[1]
    assert said.startswith("  line 2: ")
    assert said.endswith(f"write {meant}" if meant else "write a whole number like 1234")


@given(st.text(st.characters(codec="utf-8"), max_size=8))
def test_only_ascii_digits_are_ever_a_number(text: str) -> None:
    of_one = small_manifest({"chair": 1}, {"d": ["chair"]})
    cell = '"' + text.replace('"', '""') + '"'
    try:
        found = read(f"{HEADER}d,chair,a,o1,{cell}\nd,chair,a,invalid,0\n", of_one)
    except Malformed:
        return
    plain = text.strip(" \t\u00a0")
    assert re.fullmatch("'?[0-9]+", plain, re.ASCII)
    assert found["d", "chair"][0].votes == (int(plain),)


def test_all_faults_are_said_at_once(manifest: Manifest) -> None:
    text = (
        HEADER + NORTH.replace(",10\n", ",1 000\n").replace(",30\n", ",x\n") + "west,mayor,a,o1,1\nnorth,mayor,b,o1,1\n"
    )
    with pytest.raises(Malformed) as refused:
        read(text, manifest)
    lines = str(refused.value).splitlines()
    assert lines[0] == "counts.csv has 4 faults; nothing was signed or sent:"
    assert [line.partition(":")[0].strip() for line in lines[1:]] == ["line 2", "line 4", "line 6", "line 7"]


# ---- rows that sum others up ----


@pytest.mark.parametrize(
    "name", ["total", "Total", "sum", "sum-north", "итого", "summe", "gesamt", "grand_total", "Σύνολο"]
)
def test_a_station_that_is_called_a_sum_is_refused_whatever_its_numbers(name: str, manifest: Manifest) -> None:
    text = HEADER + NORTH + NORTH.replace(",a,", f",{name},").replace(",10", ",11")
    with pytest.raises(Malformed, match="looks like a sum of others: take its rows out"):
        read(text, manifest)


def with_sums(third: str) -> str:
    rows = [f"north,mayor,{third},{option}" for option in ("o1,20", "o2,40", "o3,60", "invalid,8")]
    return HEADER + NORTH + NORTH.replace(",a,", ",b,") + "\n".join(rows) + "\n"


def test_a_station_whose_numbers_are_the_sums_of_all_others_is_refused_unless_it_is_said_to_be_real(
    manifest: Manifest,
) -> None:
    with pytest.raises(Malformed, match=r"line 10: the numbers of station c .* are the sums .* --station c$"):
        read(with_sums("c"), manifest)
    assert len(read(with_sums("c"), manifest, "c")["north", "mayor"]) == 3
    assert len(read(with_sums("total"), manifest, "total")["north", "mayor"]) == 3
    assert len(read(with_sums("c").replace(",8\n", ",9\n"), manifest)["north", "mayor"]) == 3


def test_stations_without_any_vote_are_no_sums(manifest: Manifest) -> None:
    empty = re.sub(r",[0-9]+\n", ",0\n", NORTH)
    assert len(read(HEADER + empty + empty.replace(",a,", ",b,") + empty.replace(",a,", ",c,"), manifest)) == 1


# ---- the sums that people look at ----


def test_sums_are_shown_by_district_contest_and_option_and_over_all_districts(manifest: Manifest) -> None:
    counts = read(HEADER + NORTH + NORTH.replace(",a,", ",b,") + NORTH.replace("north", "south"), manifest)
    shown = [re.sub(" +", " ", line) for line in sums(counts, manifest)]
    assert [line for line in shown if "invalid" in line] == [" invalid 8", " invalid 4", " invalid 12"]
    assert sum("(o1)" in line and line.endswith(" 30") for line in shown) == 1
    assert any("2 districts together: 3 stations" in line for line in shown)
    assert any("stations a and b have the very same numbers" in line for line in shown)


# ---- the command ----

Command = Callable[..., Result]


class BoardInMemory:
    """Stands for the server: takes what the record admits until the connection breaks."""

    def __init__(self, election: Election, folder: Path) -> None:
        self.election, self.folder = election, folder
        self.left = 100
        self.publish()

    def __call__(self, url: str) -> BoardInMemory:
        return self

    def append(self, entry: bytes) -> int:
        if not self.left:
            raise Refused("the connection broke")
        self.left -= 1
        self.election.append(entry)
        assert self.election.record().findings == []
        self.publish()
        return len(self.election.entries) - 1

    def publish(self) -> None:
        board_folder(self.folder, self.election.files())


@pytest.fixture
def board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, honest_election: Election
) -> tuple[Command, BoardInMemory, Path]:
    """Runs `retally authority paper` in a folder against a closed board in memory."""
    (tmp_path / "passphrase").write_text("correct horse battery")
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.chdir(tmp_path)
    election = honest_election.before("paper-count").copy()
    served = BoardInMemory(election, tmp_path / "board")
    (tmp_path / "policy").write_bytes(format_policy(election.policy()))
    # The lab's keys are made from their names.
    name = election.authority.verifier_key.name.encode()
    write_key(tmp_path / "key", sha256(name).digest() + name, "correct horse battery", "authority")
    monkeypatch.setattr(commands, "BoardServer", served)
    monkeypatch.setattr(commands, "open_board", lambda url: FolderBoard(tmp_path / "board"))

    def paper(text: str, *words: str, typed: str = "") -> Result:
        (tmp_path / "counts.csv").write_text(text)
        own = ["authority", "paper", ADDRESS, "counts.csv", "--policy", "policy", "--key", "key"]
        return CliRunner().invoke(app, [*own, *words], input=typed)

    return paper, served, tmp_path


BOTH = HEADER + NORTH + NORTH.replace("north", "south")


def published(served: BoardInMemory) -> list[tuple[str, str]]:
    return list(served.election.record().state.tally.paper_counts)


def test_sums_are_shown_and_nothing_is_signed_without_a_yes(board: tuple[Command, BoardInMemory, Path]) -> None:
    paper, served, _ = board
    done = paper(BOTH, typed="n\n")
    assert (done.exit_code, published(served)) == (1, [])
    assert "not confirmed, nothing was signed or sent" in done.output
    assert "2 districts together: 2 stations" in done.output
    done = paper(BOTH, typed="y\n")
    assert (done.exit_code, published(served)) == (0, [("north", "mayor"), ("south", "mayor")])


def test_a_program_says_yes_and_gets_one_document(board: tuple[Command, BoardInMemory, Path]) -> None:
    paper, served, _ = board
    done = paper(BOTH, "--json")
    assert (done.exit_code, published(served)) == (3, [])
    assert "--json and --yes" in done.output
    told = json.loads(paper(BOTH, "--json", "--yes").stdout)
    assert [(one["district"], one["contest"]) for one in told["sent"]] == published(served)
    assert told["unchanged"] == []
    again = json.loads(paper(BOTH, "--json", "--yes").stdout)
    assert again["sent"] == []
    assert again["unchanged"] == [{"district": d, "contest": c} for d, c in published(served)]


def test_what_was_interrupted_is_continued_and_what_is_there_is_not_sent_again(
    board: tuple[Command, BoardInMemory, Path],
) -> None:
    paper, served, _ = board
    served.left = 1
    assert paper(BOTH, "--yes").exit_code == 1
    assert published(served) == [("north", "mayor")]
    served.left = 1
    done = paper(BOTH, "--yes")
    assert (done.exit_code, published(served)) == (0, [("north", "mayor"), ("south", "mayor")])
    assert "On the board already, unchanged, and not sent again: north, mayor" in done.output
    assert "paper-count of south, mayor is on the board" in done.output
    assert "already, unchanged" in paper(BOTH, "--yes").output


def test_another_number_than_the_boards_is_refused_before_anything_is_sent(
    board: tuple[Command, BoardInMemory, Path],
) -> None:
    paper, served, _ = board
    assert paper(HEADER + NORTH, "--yes").exit_code == 0
    done = paper(BOTH.replace(",10\n", ",11\n", 1), "--yes")
    assert (done.exit_code, published(served)) == (1, [("north", "mayor")])
    assert "north, mayor, station a, o1: 10 on the board, 11 in the file" in done.output
    assert "cannot be corrected under this edition of the protocol" in done.output
    renamed = paper(BOTH.replace("north,mayor,a,", "north,mayor,b,"), "--yes").output
    assert "station a: on the board, not in the file" in renamed
    assert "station b: in the file, not on the board" in renamed


def test_nothing_is_sent_before_the_closing_or_with_another_key(
    board: tuple[Command, BoardInMemory, Path], honest_election: Election
) -> None:
    paper, served, here = board
    new_signing_key(here / "other", honest_election.authority.verifier_key.name, "authority", "correct horse battery")
    done = paper(BOTH, "--yes", "--key", "other")
    assert (done.exit_code, "the key is another one than the manifest's" in done.output) == (1, True)
    served.election = honest_election.before("closing").copy()
    served.publish()
    done = paper(BOTH, "--yes")
    assert (done.exit_code, "voting is not closed yet" in done.output) == (1, True)


def test_a_policy_of_another_election_is_told_apart_from_a_board_that_lies(
    board: tuple[Command, BoardInMemory, Path],
) -> None:
    paper, _, here = board
    other = Election.create(title="Another election")
    (here / "other").write_bytes(format_policy(other.policy()))
    done = paper(BOTH, "--yes", "--policy", "other")
    assert (done.exit_code, "other is the policy of another election" in done.output) == (1, True)


def test_counts_on_the_board_are_compared_whatever_their_order(honest_election: Election) -> None:
    closed = honest_election.before("paper-count").copy()
    counts = read(HEADER + NORTH + NORTH.replace(",a,", ",b,").replace(",10", ",9"), closed.manifest)
    closed.append(
        paper_count_entry(closed.record(), closed.authority, "north", "mayor", counts["north", "mayor"][::-1])
    )
    assert not_yet_published(closed.record(), counts) == {}
