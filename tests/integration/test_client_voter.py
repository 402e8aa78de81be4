"""`retally vote`, `check` and `track` against the real server in this process: what a voter types and what she sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import typer
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from retally_client.api import BoardServer
from retally_client.voter import commands
from retally_crypto.codes import encode_code
from retally_crypto.merkle import leaf_hash
from retally_crypto.policy_text import format_policy
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.secret.credentials import CHECK_SYMBOLS, LABEL, SYMBOLS
from retally_crypto.tlog_proof import TlogProof
from retally_crypto.tree_proofs import hash_source, inclusion_proof
from retally_lab.boards.election import MAYOR, Election, district
from retally_lab.boards.files import body_hash, members_of
from retally_lab.boards.places import ADDRESS, board_folder
from retally_verify.board import FolderBoard, HttpBoard
from tests.server_boards import read_board
from tests.server_http import Server

APP = typer.Typer()
for name, command in (("vote", commands.vote), ("check", commands.check), ("track", commands.track)):
    APP.command(name)(command)


class Whole(httpx.SyncByteStream):
    """A body that can still be streamed, as a network's can."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


@dataclass
class Wire(httpx.BaseTransport):
    """Carries requests to the server in this process: `lose` answers to ballots are lost, `sent` are the ballots."""

    server: Server
    lose: int = 0
    sent: list[bytes] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = request.read()
        answer = self.server.http.request(request.method, request.url.path, content=content)
        if request.url.path.endswith("/ballots"):
            self.sent.append(content)
            if self.lose:
                self.lose -= 1
                raise httpx.ReadError("the connection broke")
        kept = {name: value for name, value in answer.headers.items() if name in ("content-type", "retry-after")}
        return httpx.Response(answer.status_code, headers=kept, stream=Whole(answer.content))


@pytest.fixture(scope="module")
def opened() -> Election:
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1))
    election.ceremony()
    election.roll()
    election.open()
    return election


@dataclass
class Booth:
    """A voter's device: a folder with the policy and codes of every voter, and the `retally` command."""

    folder: Path
    election: Election
    wire: Wire

    def run(self, *words: str, typed: str = "") -> Result:
        return CliRunner().invoke(APP, [*words, "--policy", str(self.folder / "policy")], input=typed)

    def codes(self, voter: str) -> str:
        codes = self.election.voters[voter].codes
        return "".join(encode_code(code, SYMBOLS, CHECK_SYMBOLS, LABEL) + "\n" for code in codes)

    def code_file(self, voter: str) -> str:
        path = self.folder / f"{voter}.codes"
        path.write_text(f"# codes of {voter}\n" + self.codes(voter))
        return str(path)

    def vote(self, voter: str, option: str, *words: str) -> Result:
        """Votes as a script does: choices from a file, cast at once, the receipt as JSON."""
        choices = self.folder / "choices.json"
        choices.write_text(json.dumps({"mayor": [option] if option else []}))
        return self.run(
            "vote", ADDRESS, "--code-file", self.code_file(voter), "--choices", str(choices), "--cast",
            "--folder", str(self.folder), "--json", *words,
        )  # fmt: skip

    def files(self, ending: str) -> list[Path]:
        return sorted(self.folder.glob(f"*{ending}"))

    def ballots(self) -> int:
        return sum(b"\n" not in raw for raw in self.board())

    def board(self) -> list[bytes]:
        return read_board(self.wire.server.folder / "boards" / "2027", self.election.board.verifier_key)


@pytest.fixture
def booth(tmp_path: Path, opened: Election, monkeypatch: pytest.MonkeyPatch) -> Iterator[Booth]:
    data, device = tmp_path / "server", tmp_path / "device"
    data.mkdir()
    device.mkdir()
    server = Server(data)
    election = opened.copy()
    assert server.http.post("/elections", content=election.entries[0]).status_code == 201
    assert {answer.status_code for answer in server.append(election.entries[1:])} == {201}
    wire = Wire(server)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("retally_client.api.time.sleep", lambda seconds: None)
    monkeypatch.setattr(commands, "BoardServer", lambda url: BoardServer(url, wire))
    monkeypatch.setattr(
        commands,
        "open_board",
        lambda place: HttpBoard(place, wire) if place.startswith("http") else FolderBoard(Path(place)),
    )
    (device / "policy").write_bytes(format_policy(election.policy()))
    with capture_logs():  # the server's log would be among what the voter sees
        yield Booth(device, election, wire)
    server.http.stop()


def json_of(result: Result) -> dict[str, object]:
    value: dict[str, object] = json.loads(result.stdout)
    return value


# ---- casting ----


def test_a_voter_tests_one_ballot_checks_it_elsewhere_and_casts_another(booth: Booth) -> None:
    typed = booth.codes("north-1") + "2\ny\ntest\ny\ncast\n"
    done = booth.run("vote", ADDRESS, "--folder", str(booth.folder), typed=typed)
    assert done.exit_code == 0, done.output
    assert "recorded (this election has no witnesses)" in done.stdout
    assert done.output.count("does not protect you from coercion") == 1
    for secret in booth.codes("north-1").split():
        assert secret not in done.output
    [test], [ballot], [receipt] = booth.files(".test"), booth.files(".ballot"), booth.files(".tlog-proof")
    assert {path.stat().st_mode & 0o777 for path in (test, ballot, receipt)} == {0o600}

    checked = booth.run("check", str(test), ADDRESS, "--json")
    assert checked.exit_code == 0, checked.output
    code, choices = json_of(checked)["tracking_code"], json_of(checked)["choices"]
    assert choices == {"mayor": {"o1": 0, "o2": 1, "o3": 0}}
    assert done.output.index(str(code)) < done.output.index("The test is in")
    assert f"tracking code {code}" not in done.stdout
    assert booth.ballots() == 1
    assert ballot.read_bytes() in booth.board()

    tracked = booth.run("track", ADDRESS, str(code), "--json")
    assert (tracked.exit_code, json_of(tracked)["ballots"]) == (1, [])


def test_every_contest_can_be_left_blank_after_a_question(booth: Booth) -> None:
    typed = booth.codes("north-2") + "\nn\n1 2\n7\n\ny\ny\ncast\n"
    done = booth.run("vote", ADDRESS, "--folder", str(booth.folder), typed=typed)
    assert done.exit_code == 0, done.output
    assert "blank" in done.output
    assert "too much: 2 options" in done.output
    assert "the numbers 1 to 3" in done.output
    assert booth.ballots() == 1


def test_a_rejected_review_is_filled_in_again(booth: Booth) -> None:
    typed = booth.codes("north-2") + "1\nn\n3\ny\ntest\nn\n2\ny\ncast\n"
    done = booth.run("vote", ADDRESS, "--folder", str(booth.folder), typed=typed)
    assert done.exit_code == 0, done.output
    [test] = booth.files(".test")
    assert json_of(booth.run("check", str(test), ADDRESS, "--json"))["choices"] == {
        "mayor": {"o1": 0, "o2": 0, "o3": 1}
    }


def test_a_mistyped_code_is_asked_for_again(booth: Booth) -> None:
    first, second = booth.codes("north-1").split()
    wrong = first[:-1] + ("0" if first[-1] != "0" else "1")
    done = booth.run("vote", ADDRESS, "--folder", str(booth.folder), typed=f"{wrong}\n{first}\n{second}\n1\ny\ncast\n")
    assert done.exit_code == 0, done.output
    assert "at least one letter or digit is wrong" in done.output


def test_when_answers_are_lost_the_same_bytes_are_sent_and_stand_once(booth: Booth) -> None:
    booth.wire.lose = 2
    assert booth.vote("north-1", "o1").exit_code == 0
    assert len(booth.wire.sent) == 3
    assert len(set(booth.wire.sent)) == 1
    assert booth.ballots() == 1


def test_a_ballot_that_got_no_receipt_is_sent_again_from_its_file(booth: Booth) -> None:
    booth.wire.lose = 100
    lost = booth.vote("north-1", "o1")
    assert lost.exit_code == 3
    assert "--again" in lost.output
    assert booth.files(".tlog-proof") == []
    booth.wire.lose = 0
    [ballot] = booth.files(".ballot")
    done = booth.run("vote", ADDRESS, "--again", str(ballot), "--folder", str(booth.folder), "--json")
    assert done.exit_code == 0, done.output
    assert len(set(booth.wire.sent)) == 1
    assert booth.ballots() == 1
    assert len(booth.files(".tlog-proof")) == 1


def test_a_second_vote_says_what_was_cast_before_and_supersedes_it(booth: Booth) -> None:
    first = json_of(booth.vote("north-1", "o1"))
    again = booth.vote("north-1", "", "--full")
    assert again.exit_code == 0, again.output
    assert str(first["tracking_code"]) in again.stderr
    for code, state in ((first["tracking_code"], "superseded"), (json_of(again)["tracking_code"], "counts")):
        tracked = booth.run("track", ADDRESS, str(code), "--json")
        assert tracked.exit_code == 0, tracked.output
        [ballot] = json.loads(tracked.stdout)["ballots"]
        assert ballot["state"] == state


def test_a_refusal_is_said_in_plain_words(booth: Booth) -> None:
    booth.election.revoke("north-1")
    assert booth.wire.server.append(booth.election.entries[-1:])[0].status_code == 201
    refused = booth.vote("north-1", "o1")
    assert refused.exit_code == 1
    assert "V11" in refused.output
    assert "Ask the registrars" in refused.output


def test_a_receipt_for_somebody_elses_ballot_is_refused_and_the_ballot_is_kept(
    booth: Booth, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert booth.vote("north-2", "o2").exit_code == 0
    foreign = booth.files(".tlog-proof")[0].read_bytes()
    monkeypatch.setattr(BoardServer, "cast", lambda self, entry: foreign)
    cheated = booth.vote("north-1", "o1")
    assert cheated.exit_code == 1
    assert "no receipt for your ballot" in cheated.output
    assert (len(booth.files(".ballot")), len(booth.files(".tlog-proof"))) == (2, 1)


def test_a_receipt_from_a_fork_of_the_board_is_kept_as_evidence(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    fork = booth.election.copy()
    fork.entries[1], fork.entries[2] = fork.entries[2], fork.entries[1]

    def taken_into_the_fork(server: BoardServer, entry: bytes) -> bytes:
        fork.append(entry)
        # What the operator shows from now on is the fork.
        files = fork.files()
        monkeypatch.setattr(HttpBoard, "read", lambda board, path, limit: files.get(path))
        hashes = [leaf_hash(raw) for raw in fork.entries]
        proof = inclusion_proof(len(hashes) - 1, len(hashes), hash_source(hashes))
        return format_tlog_proof(TlogProof(len(hashes) - 1, proof, files["checkpoint"]))

    monkeypatch.setattr(BoardServer, "cast", taken_into_the_fork)
    cheated = booth.vote("north-1", "o1")
    assert cheated.exit_code == 1
    assert "another board than the one you were shown" in cheated.output
    assert len(booth.files(".tlog-proof")) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cast"], "--cast needs the choices"),
        (["--folder", "nowhere"], "is not a folder"),
        (["--code-file", "policy"], "one from each of 2 registrars"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_sent(
    booth: Booth, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(booth.folder)
    result = booth.run("vote", ADDRESS, *words)
    assert result.exit_code in (1, 3)
    assert said in result.output
    assert booth.wire.sent == []


# ---- checking a test ----


def test_a_device_that_encrypted_something_else_is_found_out(booth: Booth) -> None:
    typed = booth.codes("north-1") + "2\ny\ntest\ny\ncast\n"
    assert booth.run("vote", ADDRESS, "--folder", str(booth.folder), typed=typed).exit_code == 0
    [test] = booth.files(".test")
    lie = test.read_bytes().replace(b"[[0,1,0]]", b"[[1,0,0]]")
    assert lie != test.read_bytes()
    (booth.folder / "lie").write_bytes(lie)
    caught = booth.run("check", str(booth.folder / "lie"), ADDRESS)
    assert caught.exit_code == 1
    assert "does not encrypt the opening's choice" in caught.output


# ---- tracking ----


@pytest.fixture
def closed(booth: Booth) -> Callable[[], str]:
    """Closes voting and returns a downloaded copy of the board."""

    def close() -> str:
        booth.election.entries = booth.board()
        booth.election.close()
        return str(board_folder(booth.folder / "board", booth.election.files()))

    return close


def test_after_closing_a_receipt_and_ones_own_codes_find_the_ballot_that_counts(
    booth: Booth, closed: Callable[[], str]
) -> None:
    assert booth.vote("north-1", "o1").exit_code == 0
    board = closed()
    [ballot], [receipt] = booth.files(".ballot"), booth.files(".tlog-proof")
    by_receipt = booth.run("track", board, "--receipt", str(receipt), "--ballot", str(ballot))
    assert by_receipt.exit_code == 0, by_receipt.output
    assert "it counts" in by_receipt.stdout
    by_codes = booth.run("track", board, "--own-code", typed=booth.codes("north-1"))
    assert by_codes.exit_code == 0
    assert "it counts" in by_codes.stdout


def test_who_abstained_is_told_that_no_ballot_was_cast_with_her_codes(booth: Booth, closed: Callable[[], str]) -> None:
    assert booth.vote("north-1", "o1").exit_code == 0
    told = booth.run("track", closed(), "--code-file", booth.code_file("north-3"))
    assert told.exit_code == 0
    assert "No ballot was cast with your codes." in told.stdout


def test_a_ballot_dropped_after_its_receipt_is_noticed(booth: Booth, closed: Callable[[], str]) -> None:
    assert booth.vote("north-1", "o1").exit_code == 0
    assert booth.vote("north-2", "o1").exit_code == 0
    board = Path(closed())
    kept = booth.election.entries
    at = next(i for i, raw in enumerate(kept) if b"\n" not in raw)
    dropped = booth.election.copy()
    del dropped.entries[at]
    dropped.edit(len(dropped.entries) - 1, ballots=1)
    board = board_folder(booth.folder / "rewritten", dropped.files())
    mine = next(path for path in booth.files(".ballot") if path.read_bytes() == kept[at])
    told = booth.run("track", str(board), "--receipt", str(mine.with_suffix(".tlog-proof")), "--ballot", str(mine))
    assert told.exit_code == 1
    assert "V02" in told.stdout
    assert "No ballot with this code is on the board." in told.stdout


def test_a_question_about_nothing_or_two_things_is_refused(booth: Booth) -> None:
    assert booth.run("track", ADDRESS).exit_code == 3
    assert booth.run("track", ADDRESS, "CODE", "--own-code").exit_code == 3
    assert booth.run("track", ADDRESS, "--receipt", "x").exit_code == 3


def test_the_board_holds_what_was_sent_and_nothing_else_of_the_voter(booth: Booth) -> None:
    assert booth.vote("north-1", "o1").exit_code == 0
    [ballot] = booth.files(".ballot")
    raw = ballot.read_bytes()
    assert raw == booth.wire.sent[0]
    assert set(members_of(raw)) == {"ciphertexts", "credential", "election", "kind", "previous", "proof", "style"}
    assert body_hash(raw) != bytes(32)
