"""A link carries the code of one registrar of several, and only where that registrar chose to write links."""

from __future__ import annotations

import csv
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_client.registrar.codes import codes_of, write_codes
from retally_client.registrar.links import voting_link
from retally_client.registrar.voters import Registered
from retally_crypto.errors import Refused, Unusable
from retally_crypto.policy_text import format_policy
from retally_crypto.secret.credentials import format_code, new_code, parse_code
from retally_lab.boards.election import Election
from retally_lab.boards.places import board_folder

BOARD = "https://ballots.example/elections/2027"
ELECTION = bytes(range(32))


def test_a_code_is_written_as_it_was_drawn() -> None:
    code = new_code()
    assert format_code(parse_code(code)) == code


def test_a_link_names_board_election_registrar_and_one_code() -> None:
    parts = urlsplit(voting_link("https://vote.example/", BOARD, ELECTION, "AAAA-BBBB", 2, 3))
    path, _, query = parts.fragment.partition("?")
    assert (parts.netloc, parts.path, parts.query, path) == ("vote.example", "/", "", "/vote")
    wanted = {"board": [BOARD], "election": [ELECTION.hex()], "code": ["AAAA-BBBB"], "registrar": ["2"]}
    assert parse_qs(query) == wanted


def test_there_is_no_link_with_the_only_code() -> None:
    with pytest.raises(Refused, match="history of the voter's browser"):
        voting_link("https://vote.example/", BOARD, ELECTION, "AAAA", 1, 1)


@pytest.mark.parametrize("page", ["vote.example", "javascript:alert(1)", "https://", "https://vote.example/#/vote"])
def test_what_is_no_page_is_refused(page: str) -> None:
    with pytest.raises(Unusable):
        voting_link(page, BOARD, ELECTION, "AAAA", 1, 2)


def test_the_command_writes_a_link_for_every_voter_with_this_registrars_code_alone(tmp_path: Path) -> None:
    election = Election.create()
    election.ceremony()
    election.roll()
    folder = board_folder(tmp_path / "board", election.files())
    policy, passphrase = tmp_path / "policy", "a passphrase"
    policy.write_bytes(format_policy(election.policy()))
    voters = [Registered("Ada", "style"), Registered("Emmy", "style")]
    drawn = [new_code(), new_code()]
    write_codes(tmp_path / "codes", codes_of(voters, drawn, election.election_id, 2), passphrase)
    out = tmp_path / "links.csv"
    command = ["registrar", "links", str(folder), "--policy", str(policy), "--codes", str(tmp_path / "codes")]
    command += ["--page", "https://vote.example/", "-o", str(out)]
    done = CliRunner().invoke(app, command, input=passphrase + "\n")
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(out.read_text().splitlines()))
    assert rows[0] == ["voter", "link"]
    assert [row[0] for row in rows[1:]] == ["Ada", "Emmy"]
    for row, code in zip(rows[1:], drawn, strict=True):
        query = parse_qs(urlsplit(row[-1]).fragment.partition("?")[2])
        assert (query["code"], query["registrar"]) == ([code], ["2"])
