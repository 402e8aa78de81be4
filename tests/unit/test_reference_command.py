"""`python -m retally_reference`: its exit codes, what it prints and keeps, and nothing a board holds ends it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import retally_reference.__main__ as command
import retally_reference.board as board_files
from retally_crypto.merkle import leaf_hash
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import CLOSES, Election, signing_key
from retally_lab.boards.files import checkpoint
from retally_reference.board import open_board
from retally_reference.report import CHECKS, Report, as_text
from retally_reference.verify import verify_board


def write(files: dict[str, bytes], folder: Path) -> Path:
    """The files of a board in a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def verify(election: Election, files: dict[str, bytes]) -> Report:
    return verify_board(files.get, format_policy(election.policy()))


@pytest.fixture
def policy(honest_election: Election, tmp_path: Path) -> str:
    """The path of the honest election's policy."""
    path = tmp_path / "policy"
    path.write_bytes(format_policy(honest_election.policy()))
    return str(path)


def run(*arguments: object) -> int:
    return command.main([str(argument) for argument in arguments])


def test_the_exit_code_is_the_verdicts(
    honest_election: Election, tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    board = write(honest_election.files(), tmp_path / "honest")
    assert run(board, "--policy", policy) == 0
    assert capsys.readouterr().out.endswith("\nPASS · no witness\n")
    unfinished = write(honest_election.before("result").files(), tmp_path / "unfinished")
    assert run(unfinished, "--policy", policy) == 2
    wrong = honest_election.copy()
    wrong.edit(wrong.index_of("result"), combined=bytes(32))
    assert run(write(wrong.files(), tmp_path / "wrong"), "--policy", policy) == 1
    assert f"     entry {wrong.index_of('result')}: " in capsys.readouterr().out


def test_json_says_what_the_text_says(
    honest_election: Election, tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write(honest_election.files(), tmp_path / "board"), "--policy", policy, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "PASS"
    assert [one["check"] for one in said["checks"]] == list(CHECKS)
    assert said["counts"][1]["contests"] == [{"contest": "mayor", "counts": [1, 0, 2]}]
    assert (said["reconciliation"]["refused"], said["size"]) == (0, len(honest_election.entries))
    assert said["papers"][0]["stations"][0]["votes"] == [10, 20, 30]


@pytest.mark.parametrize(
    "board",
    ["nowhere", "http://[x", "http://a b/", "http://host:abc/", "http://€€..x/", "ftp://board.example", "http://"],
)
def test_without_a_board_there_is_no_verdict(board: str, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(board, "--policy", policy) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("retally_reference: ")
    assert "fault" not in said.err


def test_without_a_policy_there_is_no_verdict(honest_election: Election, tmp_path: Path, policy: str) -> None:
    board = write(honest_election.files(), tmp_path / "board")
    (tmp_path / "other").write_bytes(b"\xff")
    assert run(board, "--policy", tmp_path / "other") == 3
    assert run(board, "--policy", tmp_path / "absent") == 3
    assert run(board) == 3
    assert run(board, "--policy", policy, "--receipt", tmp_path / "absent") == 3


def test_a_fault_of_the_program_is_no_verdict(
    tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object) -> Report:
        raise ZeroDivisionError

    monkeypatch.setattr(command, "verify_board", broken)
    assert run(tmp_path, "--policy", policy) == 3
    assert "not a verdict: ZeroDivisionError" in capsys.readouterr().err


def test_an_accepted_checkpoint_is_kept_and_the_next_run_is_held_to_it(
    honest_election: Election, tmp_path: Path, policy: str
) -> None:
    kept, size = tmp_path / "kept", len(honest_election.entries)
    board = write(honest_election.files(), tmp_path / "board")
    assert run(board, "--policy", policy, "--kept", kept) == 0
    assert run(board, "--policy", policy, "--kept", kept) == 0
    assert [path.name[:16] for path in kept.iterdir()] == [f"{size:016}"]
    truncated = write(honest_election.before("result").files(), tmp_path / "truncated")
    assert run(truncated, "--policy", policy, "--kept", kept) == 1
    assert sorted(path.suffix for path in kept.iterdir()) == [".checkpoint", ".evidence"]
    assert run(board, "--policy", policy, "--kept", kept) == 0
    rewritten = honest_election.before("result")
    rewritten.append(b"{}")
    unsigned = checkpoint(list(map(leaf_hash, rewritten.entries)), signing_key("someone-else"), (), CLOSES)
    write({**rewritten.files(), "checkpoint": unsigned}, tmp_path / "unsigned")
    assert run(tmp_path / "unsigned", "--policy", policy, "--kept", kept) == 1
    assert len(list(kept.iterdir())) == 2


# ---- over HTTP ----


@pytest.fixture
def served(honest_election: Election) -> Iterator[tuple[str, dict[str, str]]]:
    """A board's address, and for each path how the server misbehaves there."""
    files, faults = honest_election.files(), dict[str, str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/board/")
            content, fault = files.get(path), faults.get(path)
            if content is None or fault == "404":
                self.send_error(404)
            elif fault == "500":
                self.send_error(500)
            elif fault == "elsewhere":
                self.send_response(302)
                self.send_header("Location", self.path + "?again")
                self.end_headers()
            elif fault == "trickle":
                self.trickle()
            elif fault == "noise":
                self.wfile.write(b"\0\0\0 no HTTP\r\n\r\n")
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) + (fault == "short")))
                self.end_headers()
                self.wfile.write(content)

        def trickle(self) -> None:
            try:
                for _ in range(200):
                    self.wfile.write(b"H")
                    time.sleep(0.02)
            except OSError:
                return

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/board/", faults
    server.shutdown()
    server.server_close()


def test_a_board_is_read_over_http(served: tuple[str, dict[str, str]], policy: str) -> None:
    assert run(served[0], "--policy", policy) == 0


@pytest.mark.parametrize(("fault", "code"), [("404", 2), ("500", 3), ("elsewhere", 3), ("noise", 3), ("short", 3)])
def test_a_server_that_does_not_serve(served: tuple[str, dict[str, str]], policy: str, fault: str, code: int) -> None:
    board, faults = served
    path = next(path for path in ("tile/0/000.p/26",) if open_board(board)(path))
    faults[path] = fault
    assert run(board, "--policy", policy) == code
    faults["checkpoint"] = fault
    assert run(board, "--policy", policy) == 3


def test_an_answer_that_trickles_in_is_given_up(
    served: tuple[str, dict[str, str]], policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(board_files, "PATIENCE", 0.3)
    served[1]["checkpoint"] = "trickle"
    assert run(served[0], "--policy", policy) == 3
    assert "did not answer in full" in capsys.readouterr().err


# ---- adversarial bytes ----


def test_no_bytes_in_any_file_end_the_verifier() -> None:
    witnessed = Election.create(witness_count=(2, 3))
    for step in (witnessed.ceremony, witnessed.roll, witnessed.open, witnessed.close):
        step()
    files = witnessed.files()
    for path, content in files.items():
        for other in (b"", b"\xff" * 99, content[:-1], content + b"\n", content[1:], content * 2, b"\n" + content):
            assert verify(witnessed, {**files, path: other}).verdict in ("FAIL", "PASS", "INCOMPLETE")
        without = {name: kept for name, kept in files.items() if name != path}
        if path == "checkpoint":
            with pytest.raises(OSError, match="no checkpoint"):
                verify(witnessed, without)
        else:
            assert verify(witnessed, without).verdict == "INCOMPLETE"


def test_a_note_cannot_steer_a_terminal(honest_election: Election) -> None:
    election = honest_election.before("closing")
    election.append(election.official("closing", [signing_key("\x9b31mPASS\u202e")], ballots=6))
    report = verify(election, election.files())
    assert report.failed == ("V04",)
    shown = "\n".join(as_text(report, coloured=False))
    assert "\x9b" not in shown
    assert "\\u009b31mPASS\\u202e" in shown
