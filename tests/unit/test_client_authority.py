"""The authority's manifest file and paper counts are read or refused by name; its entries follow from the board."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner, Result

from retally_client.api import BoardServer
from retally_client.authority import commands
from retally_client.authority.acts import (
    closing_entry,
    opening_entry,
    paper_count_entry,
    result_entry,
)
from retally_client.authority.manifest_file import manifest_entry, manifest_from_yaml
from retally_client.authority.remarks import remarks
from retally_client.authority.times import told
from retally_client.cli import app
from retally_crypto.encoding import b64url_encode
from retally_crypto.entries import Station, election_id
from retally_crypto.errors import Malformed, Refused, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.policy_text import format_policy, policy_from_manifest
from retally_crypto.replay import Record
from retally_crypto.web_bundle import bundle_digest
from retally_lab.boards.election import Election, members_of, signing_key
from retally_lab.boards.places import board_folder
from retally_verify.board import FolderBoard
from retally_verify.console import plain
from tests.guides import filled_in, places
from tests.shared_cases import case_path
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


def closing(
    board: Path, policy: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], key: str = "authority"
) -> tuple[Any, int]:
    """`retally authority close` on this board, at a server that refuses every closing; how often it was asked."""
    asked = 0

    def refuse(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(422, stream=httpx.Response(422, json=answer).stream)

    monkeypatch.setattr(commands, "BoardServer", lambda url: BoardServer(url, httpx.MockTransport(refuse)))
    monkeypatch.setattr(commands, "open_board", lambda url: FolderBoard(board))
    monkeypatch.setattr(commands, "load_signing_key", lambda *of: signing_key(key))
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


def test_a_closing_with_another_key_is_not_sent(
    open_election: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    done, asked = closing(*open_election, monkeypatch, {"check": "V14", "reason": "never asked"}, "somebody")
    assert (done.exit_code, asked) == (1, 0)
    assert "the key is another one than the manifest's" in done.stderr


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
    "text",
    [
        "2027-09-18T08:00:00", "2027-09-18", "1821243600", "08:00", "tomorrow", "null", "[]", '""',
        "2027-04-31T08:00:00Z", "1969-12-31T23:59:59Z",
    ],
)  # fmt: skip
def test_a_time_without_zone_or_sense_is_refused_by_name(text: str) -> None:
    changed = filled_in(KEYS).replace("2027-09-18T08:00:00+03:00", text)
    with pytest.raises(Malformed, match=r"line 2, opens: .* time.* (like 2026-09-18T08:00:00\+03:00|before .* 1970)"):
        manifest_from_yaml(changed, AUTHORITY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1 ({): a bracket is opened and never closed"),
        ("- a\n b: [", "line 2 (b: [): there is a second colon, or the line begins too far right"),
        ("a: b: c", "line 1 (a: b: c): there is a second colon"),
        ("title: Council: the budget\n", "there is a second colon, or the line begins too far right: put the whole"),
        ("title: x\nnotice: b\0\n", "line 2 (notice: b\ufffd): U+0000 cannot stand in this file: take it out"),
        ("a: !!python/object/apply:os.system [true]", "a text cannot begin with this sign"),
        ("a: &a [*a, *b]", "a text cannot begin with this sign (& * ! @ ` % and a few others)"),
        ("title: *bold\n", "a text cannot begin with this sign"),
        ("title: @home\n", "a text cannot begin with this sign"),
        ("[" * 5000, "too many brackets within each other"),
        ("contests:\n  - {id: park, title: Build the park?, limit: total}\n", "line 2 (- {id: park, title: Build the"),
        ("contests:\n  - {id: park, title: Build the park?, max: 1}\n", "a text in it holds one of ? : , [ ] { }"),
        ("title: x\ncontests:\n\t- id: a\n", "line 3 (- id: a): a tab stands at the beginning: use spaces"),
        ("title: \"Council\nopens: 2027\n", "a quotation mark is opened and never closed"),
        ("title: 'it's'\n", "something follows a quoted text"),
        ("title: Council\nopens\ncloses: x\n", "a colon and a value are missing here or in the line before"),
        ("a: b\n---\nc: d\n", "--- begins a second document"),
        ('a: "C:\\queue"\n', "a backslash has a meaning within these quotation marks"),
        ("title: - x\n", "a hyphen stands here that begins no line"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line_and_what_to_do_in_no_parsers_words(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=r"^the manifest file cannot be read") as refused:
        manifest_from_yaml(text, AUTHORITY)
    assert said in plain(str(refused.value))
    for of_a_parser in ("unicode string", "mapping", "token", "scalar", "flow", "YAML", "column"):
        assert of_a_parser not in str(refused.value)


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
    with pytest.raises(Malformed, match=rf"line 1, the manifest: {name} is missing"):
        read(members)


@pytest.mark.parametrize("name", [*NEEDED, "notice", "caps", "client", "witnesses"])
def test_a_member_of_another_type_is_named(name: str) -> None:
    # Every text of one line is a text for the title and the notice.
    wrong = {"grace": 2.5, "smallest_unit": 2.5, "title": ["a"], "notice": {"a": "b"}}.get(name, True)
    with pytest.raises(Malformed, match=rf"line \d+, {name}: "):
        read(example() | {name: wrong})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, r"line \d+, the manifest: there is no member 'colour'"),
        ({"close": "red"}, r"there is no member 'close'; 'closes' is meant\?"),
        ({1: "red"}, "there is no member '1'"),
        ({"title": " padded"}, "line 1, title: .*space"),
        ({"title": "bell \x07"}, r"line 1, title: .*U\+0007"),
        ({"title": ""}, "line 1, title: .*1 to 300"),
        ({"grace": 86_401}, "line 4, grace: '86401' is no whole number from 0 to 86,400"),
        ({"grace": "10 minutes"}, "line 4, grace: '10 minutes' is no whole number"),
        ({"smallest_unit": "1_0"}, "smallest_unit: '1_0' is no whole number, 0 or more"),
        ({"board": "no key"}, r"line \d+, board: this is no key"),
        ({"board": "<board>"}, r"line \d+, board: <board> is the place of a key"),
        ({"registrars": []}, r"line \d+, registrars: 0 registrars, 1 to 16 are allowed"),
        ({"registrars": ["x"]}, r"line \d+, registrar 1: this is no key"),
        ({"contests": [7]}, r"line \d+, contest 1: members are needed here"),
        ({"contests": [{}]}, r"line \d+, contest 1: id is missing"),
        ({"districts": ["north"]}, r"line \d+, district 1: members are needed here"),
        ({"styles": ["north"]}, r"line \d+, style 1: members are needed here"),
        ({"styles": [{"id": "North", "district": "north", "contests": ["mayor"]}]}, "style 1, id: 'North' is no id"),
        ({"guardians": {"keys": ["x"], "threshold": 0}}, "guardian 1: .*\n.*threshold: '0' is no whole number"),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named_with_its_line(changes: dict[Any, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read(example() | changes)


def test_all_faults_are_said_at_once_with_their_lines() -> None:
    wrong = filled_in(KEYS).replace("grace: 600", "grace: ten").replace("limit: total", "limit: all")
    wrong = wrong.replace("title: South", "titel: South").replace("opens: 2027-09-18T08:00:00+03:00", "opens: soon")
    with pytest.raises(Malformed) as refused:
        manifest_from_yaml(wrong, AUTHORITY)
    lines = str(refused.value).splitlines()
    assert lines[0] == "the manifest file has 5 faults; nothing was signed:"
    assert [re.sub(r"line \d+, ", "", line).strip().partition(":")[0] for line in lines[1:]] == [
        "opens", "grace", "contest 1, limit", "district 2", "district 2",
    ]  # fmt: skip
    for of_a_library in ("Input", "validation", "pydantic", "dictionary", "Value error", "instance"):
        assert of_a_library not in str(refused.value)


# ---- texts are taken as they are written ----


@pytest.mark.parametrize(
    "options", ["Yes, No", "2027, 2028", "2027-09-18, 2027-09-19", "1.50, 010", "12:30, 1_000", "null, ~", "on, off"]
)  # fmt: skip
def test_options_are_the_texts_that_are_written(options: str) -> None:
    manifest = manifest_from_yaml(filled_in(KEYS).replace("Ada Berg, Ben Cole, Clara Diaz", options), AUTHORITY)
    assert [option.title for option in manifest.contest("mayor").options] == options.split(", ")


def test_titles_and_ids_are_the_texts_that_are_written() -> None:
    members = example()
    text = yaml.safe_dump(members).replace("title: Mayor", "title: 2027-01-01").replace("id: mayor", "id: 7")
    manifest = manifest_from_yaml(text.replace("- mayor", "- 7").replace("title: South", "title: no"), AUTHORITY)
    assert manifest.contest("7").title == "2027-01-01"
    assert manifest.districts[1].title == "no"


def test_options_have_ids_all_or_none() -> None:
    with pytest.raises(Malformed, match="some options are texts and some have an id"):
        read(changed("contests", 0, "options", value=["A", {"id": "b", "title": "B"}]))


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
        (
            ("closes",),
            "2027-09-18T08:00:00+03:00",
            "the election closes at .*Saturday 18 September 2027, 05:00 UTC, before or when it opens",
        ),
        (("guardians", "threshold"), 4, "the threshold is 4 of only 3 guardians"),
        (("witnesses",), {"keys": [], "quorum": 1}, "the quorum is 1 of 0 witnesses"),
        (("board",), KEYS["registrar 1"], "key name example.org/registrar-1 occurs twice"),
        (("contests", 1, "id"), "mayor", "contest mayor occurs twice"),
        (("contests", 0, "max"), 4, "contest mayor: min 0 and max 4 do not fit a largest sum of 3"),
        (("contests", 1, "max"), 5, "contest budget binds each option alone: min must be 0 and max 6"),
        (
            ("contests", 0, "options"),
            [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}],
            "option of contest mayor a occurs twice",
        ),
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


def test_every_broken_rule_is_told_with_the_line_of_what_breaks_it() -> None:
    text = filled_in(KEYS).replace("max: 1  ", "max: 9  ").replace("merge: north", "merge: east")
    with pytest.raises(Refused) as refused:
        manifest_from_yaml(text.replace("Ben Cole", "Ada Berg"), AUTHORITY)
    said = [re.sub(r"line \d+", "line N", line).strip() for line in str(refused.value).splitlines()]
    assert said[0] == "the manifest file has 3 faults; nothing was signed:"
    assert said[1].startswith("line N: contest mayor: min 0 and max 9")
    assert said[2].startswith("line N: district south is to be merged with east")
    assert said[3].startswith("line N: contest mayor: options o1 and o2 have the same title, 'Ada Berg'")


def test_two_contests_of_one_title_are_refused() -> None:
    with pytest.raises(Refused, match="contests mayor and budget have the same title, 'Mayor'"):
        read(changed("contests", 1, "title", value="Mayor"))


def test_more_options_than_a_ballot_can_hold_are_refused_by_style() -> None:
    members = changed("contests", 0, "options", value=[f"Candidate {number}" for number in range(256)])
    members["contests"][1] |= {"options": [f"Way {number}" for number in range(200)], "score": 1, "max": 200}
    with pytest.raises(Refused, match=r"a ballot of style north has \d+ bytes: at most 65535 are allowed"):
        read(members)


# ---- what is asked about ----


def remarked(before: float = 3600, **members: Any) -> list[str]:
    manifest = read(example() | members)
    return remarks(manifest, manifest.opens - before)


def test_nothing_is_asked_about_the_guides_example() -> None:
    assert remarked() == []


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"grace": 0}, "grace is 0 seconds: so soon after opens and closes the authority has to open and close"),
        ({"grace": 59}, "grace is 59 seconds"),
        (
            {"caps": {"revocations": 3, "replacements": 0}},
            "caps: replacements is 0 or left out: nobody who loses",
        ),
        (
            {"caps": {"revocations": 0, "replacements": 3}},
            "caps: revocations is 0 or left out: nobody who leaves",
        ),
    ],
)
def test_what_is_allowed_and_often_regretted_is_asked_about(members: dict[str, Any], said: str) -> None:
    (told,) = remarked(**members)
    assert told.startswith(said)


def test_an_election_in_the_past_is_asked_about_with_its_times() -> None:
    assert remarked(-1) == [
        f"opens is in the past: {told(1_821_243_600)}; voting can be opened until {told(1_821_244_200)}"
    ]
    late = remarked(-10 * 86_400)
    assert late[0] == f"closes is in the past: {told(1_821_459_600)}"
    assert late[1].endswith("with the grace it is too late to open voting")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada Berg", "ADA Berg"),
        ("Ada Berg", "Ada  Berg"),
        ("Zoë", "Zoe\u0308"),
        ("Ada", "\uff21da"),
        ("Ada", "Ad\u00ada"),
    ],
)
def test_titles_that_look_alike_are_asked_about(one: str, other: str) -> None:
    manifest = read(changed("contests", 0, "options", value=[one, other, "Ben"]))
    told = remarks(manifest, manifest.opens - 3600)
    assert told[0] == f"contest mayor: options o1 and o2 look alike: {one!r} and {other!r}"
    assert remarks(read(changed("districts", 1, "title", value="NORTH")), 0) == [
        "districts north and south look alike: 'North' and 'NORTH'"
    ]


def test_what_nobody_can_see_in_a_title_is_asked_about() -> None:
    manifest = read(changed("contests", 0, "options", value=["A\u061cB", "C", "D"]))
    assert remarks(manifest, 0) == [
        "the title of option o1 of contest mayor holds what nobody can see: U+061C ARABIC LETTER MARK after 'A'"
    ]


def test_times_are_told_in_local_time_and_utc_with_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert told(1_821_243_600) == "Saturday 18 September 2027, 14:00 JST = Saturday 18 September 2027, 05:00 UTC"
    assert told(1_821_215_999) == "Saturday 18 September 2027, 06:19:59 JST = Friday 17 September 2027, 21:19:59 UTC"
    assert told(10**15) == "a time too far away to be named"
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert told(1_821_243_600) == "Saturday 18 September 2027, 05:00 UTC"
    monkeypatch.undo()
    time.tzset()


# ---- the command ----


@pytest.fixture
def sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `retally authority manifest` on a text in a folder with a key."""
    (tmp_path / "passphrase").write_text("correct horse battery")
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["authority", "init", "key", "elections.example/authority"]).exit_code == 0

    def call(text: str, *words: str, typed: str = "") -> Result:
        (tmp_path / "election.yaml").write_text(text, encoding="utf-8")
        own = ["authority", "manifest", "election.yaml", "--key", "key", "--output", "manifest.entry"]
        return CliRunner().invoke(app, [*own, *words], input=typed)

    return call


def test_a_manifest_without_remarks_is_signed_and_its_times_are_shown(
    sign: Callable[..., Result], tmp_path: Path
) -> None:
    done = sign(filled_in(KEYS))
    assert (done.exit_code, done.stdout.startswith("election ")) == (0, True)
    assert f"opens   {told(1_821_243_600)}\ncloses  {told(1_821_459_600)}\n" in done.stderr
    again = sign(filled_in(KEYS))
    assert (again.exit_code, "manifest.entry exists already" in again.stderr) == (3, True)


def test_remarks_are_asked_about_before_anything_is_signed(sign: Callable[..., Result], tmp_path: Path) -> None:
    text = filled_in(KEYS).replace("grace: 600", "grace: 0")
    for refused in (sign(text, typed="n\n"), sign(text, "--json")):
        assert (refused.exit_code, (tmp_path / "manifest.entry").exists()) == (1, False)
        assert "grace is 0 seconds" in refused.output
    told = json.loads(sign(text, "--json", "--yes").stdout)
    assert [one.partition(" ")[0] for one in told["remarks"]] == ["grace"]
    (tmp_path / "manifest.entry").unlink()
    assert sign(text, typed="y\n").exit_code == 0


def test_a_key_that_exists_is_named_and_kept(sign: Callable[..., Result], tmp_path: Path) -> None:
    before = (tmp_path / "key").read_bytes()
    again = CliRunner().invoke(app, ["authority", "init", "key", "elections.example/authority"])
    assert (again.exit_code, "key exists already and stays as it is" in again.stderr) == (3, True)
    assert (tmp_path / "key").read_bytes() == before


# ---- the cases that once failed ----


def of_case(name: str) -> Manifest:
    return manifest_from_yaml(case_path(name, "election.yaml").read_text(encoding="utf-8"), AUTHORITY)


def test_case_yes_and_no_without_quotation_marks_are_options() -> None:
    assert [option.title for option in of_case("yes-no-unquoted").contest("chair").options] == ["Yes", "No"]


def test_case_options_of_one_title_are_refused() -> None:
    with pytest.raises(Refused, match="line 13: contest chair: options o1 and o2 have the same title, 'Ada'"):
        of_case("same-option-title")


def test_case_an_election_in_the_past_and_a_grace_of_nothing_are_asked_about() -> None:
    past = of_case("closes-in-past")
    assert remarks(past, past.closes + 1)[0].startswith("closes is in the past: ")
    grace = of_case("grace-zero")
    assert any(one.startswith("grace is 0 seconds") for one in remarks(grace, grace.opens - 3600))
    assert any(one.startswith("grace is 30 seconds") for one in remarks(of_case("missed-closing"), 0))


def test_case_caps_that_are_left_out_are_asked_about() -> None:
    manifest = of_case("no-total-over-districts")
    assert [one.partition(" is 0")[0] for one in remarks(manifest, 0)] == ["caps: replacements", "caps: revocations"]


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


def test_a_count_entered_after_a_decryption_says_so(honest_election: Election) -> None:
    closed = honest_election.before("paper-count")
    stations = [Station(id="a", invalid=4, votes=(10, 20, 30))]
    late = []
    for _ in ("before", "after"):
        entry = paper_count_entry(closed.record(), closed.authority, "north", "mayor", stations)
        other = closed.copy()
        other.append(entry)
        assert other.record().findings == []
        late.append(members_of(entry)["late"])
        closed.decrypt(1)
    assert late == [False, True]
