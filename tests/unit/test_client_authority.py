"""The authority's manifest file and paper counts are read or refused by name; its entries follow from the board."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from retally_client.api import BoardServer
from retally_client.authority import commands
from retally_client.authority.acts import (
    closing_entry,
    opening_entry,
    paper_count_entry,
    read_paper_counts,
    result_entry,
)
from retally_client.authority.manifest_file import manifest_entry, manifest_from_yaml
from retally_client.cli import app
from retally_crypto.encoding import b64url_encode
from retally_crypto.entries import election_id
from retally_crypto.errors import Malformed, Refused, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.policy import format_policy, policy_from_manifest
from retally_crypto.record import Record
from retally_crypto.web_bundle import bundle_digest
from retally_lab.boards.election import Election, members_of, signing_key
from retally_lab.boards.places import board_folder
from retally_verify.board import FolderBoard
from tests.guides import filled_in, places
from tests.web_bundles import FILES, bundle, listing

AUTHORITY = signing_key("elections.example/authority")
KEYS = {
    place: format_vkey(signing_key(f"example.org/{place.replace(' ', '-')}").verifier_key) for place in set(places())
}


def example() -> dict[str, Any]:
    """The members of the operator's guide's example."""
    members: dict[str, Any] = yaml.safe_load(filled_in(KEYS))
    return members


def read(members: Any) -> Manifest:
    return manifest_from_yaml(yaml.safe_dump(members, sort_keys=False), AUTHORITY)


# ---- closing ----


def closing(board: Path, policy: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> tuple[Any, int]:
    """`retally authority close` on this board, at a server that refuses every closing; how often it was asked."""
    asked = 0

    def refuse(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(422, stream=httpx.Response(422, json=answer).stream)

    monkeypatch.setattr(commands, "BoardServer", lambda url: BoardServer(url, httpx.MockTransport(refuse)))
    monkeypatch.setattr(commands, "open_board", lambda url: FolderBoard(board))
    monkeypatch.setattr(commands, "load_signing_key", lambda *of: signing_key("authority"))
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(policy))
    words = ["authority", "close", "https://h.example/elections/x", "-p", str(policy), "-k", "key"]
    return CliRunner().invoke(app, words), asked


@pytest.fixture
def open_election(honest_election: Election, tmp_path: Path) -> tuple[Path, Path]:
    """The board of an election in voting, and its policy."""
    policy = tmp_path / "policy"
    policy.write_bytes(format_policy(honest_election.policy()))
    return board_folder(tmp_path / "board", honest_election.before("closing").files()), policy


def test_a_server_that_refuses_every_closing_for_its_ballots_ends_the_command(
    open_election: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    done, asked = closing(*open_election, monkeypatch, {"check": "V14", "reason": "ballots is 5, not 6"})
    assert (done.exit_code, asked) == (1, commands.CLOSINGS)
    assert "Voting is not closed" in done.stderr
    assert "ballots is 5, not 6" in done.stderr


@pytest.mark.parametrize(
    "answer", [{"check": "V04", "reason": "V14 too early"}, {"check": None, "reason": "V14: no number, only words"}]
)
def test_a_closing_that_another_check_refuses_is_not_made_again(
    open_election: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    done, asked = closing(*open_election, monkeypatch, answer)
    assert (done.exit_code, asked) == (1, 1)


# ---- the manifest file ----


def test_the_guides_example_is_a_manifest() -> None:
    manifest = manifest_from_yaml(filled_in(KEYS), AUTHORITY)
    entry = manifest_entry(manifest, AUTHORITY)
    record = Record(entry)
    assert not record.manifest_faults
    assert record.manifest == manifest
    policy = policy_from_manifest(entry)
    assert (policy.election_id, policy.witnesses, policy.quorum) == (election_id(entry), (), 0)
    assert manifest.authority == AUTHORITY.verifier_key
    assert (manifest.opens, manifest.closes, manifest.grace) == (1_821_243_600, 1_821_459_600, 600)
    assert [option.id for option in manifest.contest("mayor").options] == ["o1", "o2", "o3"]
    assert (manifest.contest("mayor").score, manifest.contest("budget").score) == (1, 3)
    assert [district.merge for district in manifest.districts] == [None, "north"]
    assert (manifest.notice, manifest.client.origins, manifest.caps.revocations) == (None, (), 20)
    assert len(set(places())) == len(places()) == 6


def test_what_may_be_left_out_is_no_notice_no_change_of_the_roll_no_client() -> None:
    members = example()
    del members["caps"]
    manifest = read(members)
    assert (manifest.caps.revocations, manifest.caps.replacements) == (0, 0)
    members |= {"notice": "a trial", "client": {"origins": ["https://vote.example"], "bundle": None}}
    assert (read(members).notice, read(members).client.origins) == ("a trial", ("https://vote.example",))


def test_the_web_client_is_named_by_a_digest_or_by_the_folder_of_a_build(tmp_path: Path) -> None:
    digest = bundle_digest(listing(FILES))
    board_folder(tmp_path, bundle())
    for named in (str(tmp_path), digest.hex(), b64url_encode(digest)):
        members = example() | {"client": {"origins": ["https://vote.example"], "bundle": named}}
        assert read(members).client.bundle == digest
    assert read(example() | {"client": {"origins": []}}).client.bundle is None


@pytest.mark.parametrize(
    "change",
    [{"index.html": b"<!doctype html>"}, {"extra.js": b""}, {"bundle.sha256": b""}, {"assets/.hidden": b""}],
)
def test_a_folder_that_is_not_exactly_a_build_is_refused(tmp_path: Path, change: dict[str, bytes]) -> None:
    board_folder(tmp_path, bundle() | change)
    with pytest.raises(Unusable, match="no build of the web client"):
        read(example() | {"client": {"bundle": str(tmp_path)}})


@pytest.mark.parametrize("client", [{"origins": ["https://vote.example/"]}, {"origins": [1]}, {"origins": "x"}, [], 1])
def test_the_authority_cannot_name_a_page_that_is_none(client: Any) -> None:
    with pytest.raises(Malformed, match="client"):
        read(example() | {"client": client})


def test_the_command_prints_the_digest_of_a_build(tmp_path: Path) -> None:
    board_folder(tmp_path, bundle())
    done = CliRunner().invoke(app, ["authority", "bundle", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, bundle_digest(listing(FILES)).hex() + "\n")
    (tmp_path / "index.html").unlink()
    assert CliRunner().invoke(app, ["authority", "bundle", str(tmp_path)]).exit_code == 3


@pytest.mark.parametrize("text", ["2027-09-18T08:00+03:00", "2027-09-18T05:00:00Z", "2027-09-18 05:00:00+00:00"])
def test_a_time_may_be_written_in_any_iso_form_with_a_zone(text: str) -> None:
    for quoted in (text, f'"{text}"'):
        changed = filled_in(KEYS).replace("2027-09-18T08:00:00+03:00", quoted)
        assert manifest_from_yaml(changed, AUTHORITY).opens == 1_821_243_600


@pytest.mark.parametrize(
    "text", ["2027-09-18T08:00:00", "2027-09-18", "1821243600", "08:00", "tomorrow", "null", "[]", '""']
)
def test_a_time_without_zone_or_sense_is_refused_by_name(text: str) -> None:
    changed = filled_in(KEYS).replace("2027-09-18T08:00:00+03:00", text)
    with pytest.raises(Malformed, match=r"manifest: opens is a time .*like 2026-09-18T08:00:00\+03:00"):
        manifest_from_yaml(changed, AUTHORITY)


@pytest.mark.parametrize(
    "text",
    ["{", "- a\n b: [", "a: b: c", "\0", "!!python/object/apply:os.system [true]", "opens: 2027-04-31T08:00:00Z",
     "a: &a [*a, *b]", "[" * 5000],
)  # fmt: skip
def test_what_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="the manifest file is not YAML"):
        manifest_from_yaml(text, AUTHORITY)


@pytest.mark.parametrize("text", ["", "- a list", "a text", "7"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="a mapping of members"):
        manifest_from_yaml(text, AUTHORITY)


NEEDED = [
    "title", "opens", "closes", "grace", "board", "registrars", "guardians", "contests", "districts", "styles",
    "smallest_unit",
]  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_member_is_named(name: str) -> None:
    members = example()
    del members[name]
    with pytest.raises(Malformed, match=rf"manifest: {name}\b"):
        read(members)


@pytest.mark.parametrize("name", [*NEEDED, "notice", "caps", "client", "witnesses"])
def test_a_member_of_another_type_is_named(name: str) -> None:
    wrong = 2.5 if name in ("grace", "smallest_unit") else True
    with pytest.raises(Malformed, match=rf"manifest: {name}\b"):
        read(example() | {name: wrong})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "manifest: colour: Extra inputs"),
        ({1: "red"}, "manifest: "),
        ({"title": " padded"}, "manifest: title: .*space"),
        ({"title": "bell \x07"}, r"manifest: title: .*U\+0007"),
        ({"title": ""}, "manifest: title: .*1 to 300"),
        ({"grace": 86_401}, "manifest: grace: "),
        ({"board": "no key"}, "manifest: board: "),
        ({"registrars": []}, "manifest: registrars: "),
        ({"registrars": ["x"]}, r"manifest: registrars\.0: "),
        ({"contests": [7]}, "manifest: a contest is a mapping"),
        ({"contests": [{}]}, r"manifest: contests\.0\.id: "),
        ({"districts": ["north"]}, "manifest: a district is a mapping"),
        ({"styles": ["north"]}, r"manifest: styles\.0: "),
    ],
)
def test_a_wrong_member_is_named(changes: dict[Any, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read(example() | changes)


def changed(*path: str | int, value: Any) -> dict[str, Any]:
    """The example with the member at `path` replaced."""
    members = example()
    place: Any = members
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = copy.deepcopy(value)
    return members


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("closes",), "2027-09-18T08:00:00+03:00", "the election opens at 1821243600 and closes at 1821243600"),
        (("guardians", "threshold"), 4, "the threshold is 4 of only 3 guardians"),
        (("witnesses",), {"keys": [], "quorum": 1}, "the quorum is 1 of 0 witnesses"),
        (("board",), KEYS["registrar 1"], "key name example.org/registrar-1 occurs twice"),
        (("contests", 1, "id"), "mayor", "contest mayor occurs twice"),
        (("contests", 0, "max"), 4, "contest mayor: min 0 and max 4 do not fit a largest sum of 3"),
        (("contests", 1, "max"), 5, "contest budget binds each option alone: min must be 0 and max 6"),
        (("contests", 0, "options"), [{"id": "a", "title": "A"}] * 2, "option of contest mayor a occurs twice"),
        (("districts", 1, "merge"), "south", "merged with south, which is not another district"),
        (("districts", 1, "merge"), "east", "merged with east, which is not another district"),
        (("districts", 1, "id"), "east", "district east has no style"),
        (("styles", 1, "district"), "east", "style south names district east, which there is not"),
        (("styles", 1, "contests"), ["queen"], "style south names contest queen, which there is not"),
        (("styles", 1, "contests"), ["budget", "mayor"], "style south does not name distinct contests"),
        (("styles", 1, "id"), "north", "style north occurs twice"),
    ],
)
def test_a_broken_rule_is_told_in_words(path: tuple[str | int, ...], value: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read(changed(*path, value=value))


def test_nobody_else_can_be_made_the_authority_in_the_file() -> None:
    manifest = read(example() | {"authority": KEYS["registrar 1"], "version": "RETALLY-V99", "kind": "ballot"})
    assert (manifest.authority, manifest.version) == (AUTHORITY.verifier_key, "RETALLY-V01")


# ---- entries that come too early ----


def test_opening_waits_for_every_confirmation_and_the_whole_roll() -> None:
    election = Election.create()
    with pytest.raises(Refused, match="3 of 3 guardians have not confirmed the ceremony"):
        opening_entry(election.record(), election.authority)
    election.ceremony()
    with pytest.raises(Refused, match="the registrars' roll is not complete"):
        opening_entry(election.record(), election.authority)
    election.roll(chunk=4)
    entry = opening_entry(election.record(), election.authority)
    last_chunk = election.entries.pop()
    with pytest.raises(Refused, match="the registrars' roll is not complete"):
        opening_entry(election.record(), election.authority)
    election.entries += [last_chunk, entry]
    assert (election.record().findings, election.record().phase) == ([], "voting")


def test_the_closing_counts_the_ballots_on_the_board(honest_election: Election) -> None:
    election = honest_election.before("closing")
    election.append(closing_entry(election.record(), election.authority))
    assert (election.record().findings, election.record().phase) == ([], "tally")


def test_a_closing_before_the_opening_is_refused_by_the_board(honest_election: Election) -> None:
    record = honest_election.before("opening").record()
    ruling = record.admit([closing_entry(record, honest_election.authority)])[0]
    assert (ruling.accepted, ruling.check) == (False, "V04")


def test_a_result_waits_for_the_closing_and_for_k_guardians(honest_election: Election) -> None:
    election = honest_election.before("closing")
    with pytest.raises(Refused, match="the board is not closed"):
        result_entry(election.record(), election.authority)
    election.close()
    with pytest.raises(Refused, match="0 valid partial decryptions are on the board, 2 are needed"):
        result_entry(election.record(), election.authority)
    election.decrypt(2)
    with pytest.raises(Refused, match="1 valid partial decryptions are on the board, 2 are needed"):
        result_entry(election.record(), election.authority)
    election.decrypt(3)
    election.append(result_entry(election.record(), election.authority))
    assert {check.state for check in election.record().checks(election.policy(), None)} == {"pass"}


# ---- paper counts ----

HEADER = "district,contest,station,option,votes\n"
NORTH = "north,mayor,a,o1,10\nnorth,mayor,a,o2,20\nnorth,mayor,a,o3,30\nnorth,mayor,a,invalid,4\n"


def paper(text: str, election: Election) -> dict[tuple[str, str], Any]:
    return dict(read_paper_counts(text.splitlines(), election.manifest))


def test_paper_counts_are_grouped_by_district_contest_and_station(honest_election: Election) -> None:
    text = HEADER + NORTH + NORTH.replace(",a,", ",b,") + NORTH.replace("north", "south")
    found = paper(text, honest_election)
    assert list(found) == [("north", "mayor"), ("south", "mayor")]
    assert [(one.id, one.invalid, one.votes) for one in found["north", "mayor"]] == [
        ("a", 4, (10, 20, 30)),
        ("b", 4, (10, 20, 30)),
    ]


def test_the_order_of_lines_and_columns_does_not_matter(honest_election: Election) -> None:
    lines = NORTH.splitlines()
    turned = "votes,option,station,contest,district\n" + "".join(
        ",".join(reversed(line.split(","))) + "\n" for line in reversed(lines)
    )
    assert paper(turned, honest_election) == paper(HEADER + NORTH, honest_election)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("district;contest;station;option;votes\nnorth;mayor;a;o1;10\n", "line 2: district, contest, station"),
        (NORTH, "line 2: district, contest, station"),
        (HEADER + "north,mayor,a,o1\n", "line 2: district, contest, station"),
        (HEADER + "north,mayor,a,o1,ten\n", "line 2: district, contest, station"),
        (HEADER + "north,mayor,a,o1,1.5\n", "line 2: district, contest, station"),
        (HEADER + NORTH + "north,mayor,b,o1,\n", "line 6: district, contest, station"),
        (HEADER + "east,mayor,a,o1,10\n", "line 2: district east has no contest mayor"),
        (HEADER + "south,council,a,o1,10\n", "line 2: district south has no contest council"),
        (HEADER + NORTH + "north,mayor,a,o1,10\n", "line 6: a second or negative number for o1"),
        (HEADER + "north,mayor,a,o1,-1\n", "line 2: a second or negative number for o1"),
        (HEADER + "north,mayor,a,o1,10\n", "station a: invalid is missing or unknown"),
        (HEADER + NORTH + "north,mayor,a,o4,1\n", "station a: o4 is missing or unknown"),
        (HEADER + NORTH.replace(",a,", ",School 1,"), "station School 1: id: "),
        (HEADER + NORTH.replace(",10\n", ",9007199254740992\n"), r"station a: votes\.0: "),
        (HEADER + 'north,mayor,a,o1,"10\n', "paper counts, line 2: "),
        (HEADER + f"north,mayor,a,o1,{'1' * 200_000}\n", "paper counts, line 2: "),
    ],
)
def test_a_wrong_line_is_named(text: str, said: str, honest_election: Election) -> None:
    with pytest.raises(Malformed, match=said):
        paper(text, honest_election)


def test_no_lines_are_no_counts(honest_election: Election) -> None:
    assert paper("", honest_election) == paper(HEADER, honest_election) == {}


def test_a_count_entered_after_a_decryption_says_so(honest_election: Election) -> None:
    closed = honest_election.before("paper-count")
    stations = read_paper_counts((HEADER + NORTH).splitlines(), closed.manifest)["north", "mayor"]
    late = []
    for _ in ("before", "after"):
        entry = paper_count_entry(closed.record(), closed.authority, "north", "mayor", stations)
        other = closed.copy()
        other.append(entry)
        assert other.record().findings == []
        late.append(members_of(entry)["late"])
        closed.decrypt(1)
    assert late == [False, True]
