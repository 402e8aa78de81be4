"""The `retally` command as people and scripts meet it: exit codes that mean one thing, JSON, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from retally_client.cli import app
from retally_crypto.engine import engine
from retally_crypto.policy_text import format_policy, policy_from_manifest
from retally_crypto.rules.findings import TITLES
from retally_lab.boards.election import Election
from retally_lab.boards.places import board_folder
from retally_verify import commands as verifier
from retally_verify.kept import read_kept

PASS, FAIL, INCOMPLETE, COULD_NOT_RUN = 0, 1, 2, 3


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps checkpoints, for one test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("RETALLY_DEBUG", raising=False)
    return tmp_path / "state" / "retally" / "checkpoints"


@pytest.fixture
def policy(honest_election: Election, tmp_path: Path) -> Path:
    path = tmp_path / "policy"
    path.write_bytes(format_policy(honest_election.policy()))
    return path


@pytest.fixture
def board(honest_election: Election, tmp_path: Path) -> Path:
    return board_folder(tmp_path / "board", honest_election.files())


def retally(*words: str | Path) -> Result:
    """Runs the command in this process. Nothing may come out as an exception."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return done


def verify(board: Path | str, policy: Path | str, *words: str | Path) -> Result:
    return retally("verify", board, "--policy", policy, *words)


# ---- verdicts ----


def test_an_honest_board_passes_with_0(board: Path, policy: Path) -> None:
    done = verify(board, policy)
    assert (done.exit_code, done.stderr) == (PASS, "")
    assert done.stdout.strip().endswith("PASS · no witness")


def test_a_tampered_board_fails_with_1_and_names_check_and_entry(
    honest_election: Election, policy: Path, tmp_path: Path
) -> None:
    election = honest_election.before("closing")
    index = election.indices_of("ballot")[0]
    election.edit(index, style="south")
    done = verify(board_folder(tmp_path / "tampered", election.files()), policy, "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["verdict"]) == (FAIL, "FAIL")
    failed = [check for check in report["checks"] if check["state"] == "fail"]
    assert failed[0]["notes"][0].startswith(f"entry {index}: ")


def test_an_unfinished_election_is_incomplete_with_2(honest_election: Election, policy: Path, tmp_path: Path) -> None:
    short = board_folder(tmp_path / "short", honest_election.before("closing").files())
    done = verify(short, policy)
    assert (done.exit_code, "INCOMPLETE · no witness" in done.stdout) == (INCOMPLETE, True)


def test_the_json_document_is_all_there_is_on_standard_output(board: Path, policy: Path) -> None:
    done = verify(board, policy, "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (PASS, "")
    assert [check["check"] for check in report["checks"]] == list(TITLES)
    assert {type(check["notes"]) for check in report["checks"]} == {list}


# ---- what could not run ----


def test_what_is_not_there_could_not_run(board: Path, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for done in (
        verify(tmp_path / "nowhere", policy),
        verify(tmp_path / "empty", policy),
        verify(board, tmp_path / "no-policy"),
        verify(board, policy, "--receipt", tmp_path / "no-receipt"),
        verify(policy, policy),
    ):
        assert (done.exit_code, done.stdout) == (COULD_NOT_RUN, "")
        assert done.stderr.startswith("retally: ")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [(), ("verify",), ("verify", "board"), ("verify", "board", "--polizy", "p"), ("verity", "board"),
     ("guardian", "decrypt", "url", "key", "--policy", "p", "--override", "one"), ("lab", "demo", "--scale", "half"),
     ("guardian", "step"), ("authority", "manifest", "a.yaml")],
)  # fmt: skip
def test_wrong_usage_is_3_and_neither_a_verdict_nor_a_refusal(words: tuple[str, ...]) -> None:
    assert retally(*words).exit_code == COULD_NOT_RUN


def test_help_and_version_are_done(board: Path) -> None:
    for words in (["--help"], ["verify", "--help"], ["guardian", "--help"], ["authority", "paper", "--help"]):
        assert retally(*words).exit_code == 0
    done = retally("--version")
    assert re.fullmatch(rf"retally \S+ \({engine.NAME} engine \S+\)", done.stdout.strip())


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"retally-policy/v1\n", b"x" * 70_000, b"retally-policy/v1\nelection 00\nlog x\nquorum none\n"],
)
def test_a_policy_that_is_none_could_not_run(board: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    done = verify(board, tmp_path / "bad")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (COULD_NOT_RUN, "", 1)


def test_a_fault_of_the_program_is_no_verdict_and_shows_nothing_secret(
    board: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **named: Any) -> None:
        raise AssertionError("with a secret in it")

    monkeypatch.setattr(verifier, "verify_board", broken)
    done = verify(board, policy)
    assert (done.exit_code, "secret" in done.output) == (COULD_NOT_RUN, False)
    assert "a fault in this program (AssertionError); RETALLY_DEBUG=1 shows where" in done.stderr
    monkeypatch.setenv("RETALLY_DEBUG", "1")
    shown = CliRunner().invoke(app, ["verify", str(board), "--policy", str(policy)])
    assert isinstance(shown.exception, AssertionError)


def test_an_error_cannot_steer_the_terminal(board: Path, tmp_path: Path) -> None:
    done = verify(board, tmp_path / "\x1b[2Jred\u202e")
    assert (done.exit_code, "\x1b" in done.stderr, "\u202e" in done.stderr) == (COULD_NOT_RUN, False, False)


# ---- kept checkpoints and receipts ----


def files_in(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_accepted_checkpoint_is_kept_and_a_shorter_board_fails_next_time(
    honest_election: Election, board: Path, policy: Path, tmp_path: Path, state: Path
) -> None:
    assert verify(board, policy).exit_code == PASS
    assert read_kept(state, honest_election.policy()) == (honest_election.files()["checkpoint"],)
    short = honest_election.copy()
    short.entries.pop()
    shorter = board_folder(tmp_path / "shorter", short.files())
    done = verify(shorter, policy)
    assert (done.exit_code, "kept checkpoint 1: the board signed" in done.stdout) == (FAIL, True)
    # The contradicting checkpoint is evidence; it does not join what later boards are compared with.
    assert list(files_in(state / "evidence").values()) == [short.files()["checkpoint"]]
    assert verify(board, policy).exit_code == PASS
    assert verify(shorter, policy, "--forget").exit_code == INCOMPLETE
    assert verify(shorter, policy, "--kept", tmp_path / "elsewhere").exit_code == INCOMPLETE


def test_elections_in_one_folder_of_what_is_verified_leave_each_other_alone(
    board: Path, policy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "verified"
    other = Election.create(title="Another election")
    other.ceremony()
    other.roll()
    other.open()
    others = board_folder(tmp_path / "others", other.files())
    other_policy = tmp_path / "other-policy"
    other_policy.write_bytes(format_policy(other.policy()))
    assert verify(others, other_policy, "--signed-off", folder).exit_code == INCOMPLETE
    kept = {path: content for path, content in files_in(folder).items() if "retally-run-" not in path}
    assert any(path.endswith(".range") for path in kept)
    assert verify(board, policy, "--signed-off", folder).exit_code == PASS
    assert verify(board, policy, "--signed-off", folder, "--afresh").exit_code == PASS
    assert files_in(folder).items() > kept.items()


@pytest.mark.parametrize("option", ["--kept", "--signed-off", "--afresh"])
def test_who_forgets_everything_cannot_keep_something(board: Path, policy: Path, option: str, tmp_path: Path) -> None:
    words = [option] if option == "--afresh" else [option, tmp_path / "folder"]
    done = verify(board, policy, "--forget", *words)
    assert (done.exit_code, option in done.stderr) == (COULD_NOT_RUN, True)
    assert not (tmp_path / "folder").exists()


def test_what_fails_before_its_entries_are_known_is_not_kept(
    honest_election: Election, policy: Path, tmp_path: Path, state: Path
) -> None:
    files = {path: raw for path, raw in honest_election.files().items() if not path.startswith("tile/0")}
    assert verify(board_folder(tmp_path / "part", files), policy).exit_code == INCOMPLETE
    assert verify(board_folder(tmp_path / "none", {**files, "checkpoint": b"x"}), policy).exit_code == FAIL
    assert not state.exists()


def test_a_verdict_is_given_also_where_nothing_can_be_kept(board: Path, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = verify(board, policy, "--kept", tmp_path / "file")
    assert done.exit_code == PASS
    assert "could not be kept" in done.stderr


def test_a_receipt_file_that_is_none_is_named_and_does_not_fail_the_board(
    board: Path, policy: Path, tmp_path: Path
) -> None:
    (tmp_path / "receipt").write_bytes(b"thank you for voting")
    done = verify(board, policy, "--receipt", tmp_path / "receipt", "--json")
    notes = {check["check"]: check["notes"] for check in json.loads(done.stdout)["checks"]}
    assert (done.exit_code, notes["V02"][0].startswith("receipt 1 ignored: ")) == (PASS, True)


# ---- mirror and policy ----


def test_a_mirror_verifies_and_its_json_names_size_and_root(
    honest_election: Election, board: Path, policy: Path, tmp_path: Path
) -> None:
    done = retally("mirror", board, tmp_path / "mirror", "--policy", policy, "--json")
    size, root = len(honest_election.entries), honest_election.record().root.hex()
    assert json.loads(done.stdout) == {"folder": str(tmp_path / "mirror"), "size": size, "root": root, "faults": []}
    assert files_in(tmp_path / "mirror") == files_in(board)
    assert f"{size} entries, root {root}" in retally("mirror", board, tmp_path / "mirror", "-p", policy).stdout
    assert verify(tmp_path / "mirror", policy).exit_code == PASS


def test_a_mirror_of_a_board_that_contradicts_itself_is_refused(
    honest_election: Election, board: Path, policy: Path, tmp_path: Path
) -> None:
    (board / "tile" / "0" / f"000.p/{len(honest_election.entries)}").write_bytes(b"")
    done = retally("mirror", board, tmp_path / "mirror", "--policy", policy)
    assert (done.exit_code, done.stdout) == (FAIL, "")
    assert "does not hold the hashes" in done.stderr


@pytest.mark.parametrize("source", ["entry", "board"])
def test_the_policy_of_a_manifest_file_and_of_a_board_are_the_same(
    source: str, honest_election: Election, board: Path, policy: Path, tmp_path: Path
) -> None:
    (tmp_path / "entry").write_bytes(honest_election.entries[0])
    place, identity = tmp_path / source, honest_election.election_id.hex()
    printed = retally("policy", place)
    assert printed.stdout.encode() == policy.read_bytes()
    assert f"election {identity}\nCompare this id" in printed.stderr
    written = retally("policy", place, "--output", tmp_path / "written")
    assert (written.stdout, (tmp_path / "written").read_bytes()) == ("", policy.read_bytes())
    as_json = json.loads(retally("policy", place, "--json").stdout)
    assert as_json == {"election": identity, "policy": policy.read_text()}
    assert policy_from_manifest(honest_election.entries[0]) == honest_election.policy()


def test_a_policy_is_not_made_from_what_is_no_signed_manifest(honest_election: Election, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no manifest")
    (tmp_path / "unsigned").write_bytes(honest_election.entries[0].replace(b"An election", b"Another election"))
    (tmp_path / "long").write_bytes(b"x" * 70_000)
    (tmp_path / "empty").mkdir()
    short = honest_election.before("guardian-commitment").files()
    board_folder(tmp_path / "nothing", {"checkpoint": short["checkpoint"]})
    for name in ("text", "unsigned", "long", "empty", "nothing", "nowhere"):
        done = retally("policy", tmp_path / name, "--output", tmp_path / "written")
        assert (name, done.exit_code in (FAIL, COULD_NOT_RUN), done.stdout) == (name, True, "")
        assert done.stderr.startswith("retally: ")
    assert not (tmp_path / "written").exists()


# ---- key files ----


def test_a_key_is_made_once_and_opens_with_its_passphrase_only(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passphrase, key = tmp_path / "passphrase", tmp_path / "guardian.key"
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(passphrase))
    passphrase.write_text("correct horse\n")
    made = retally("guardian", "init", key, "party.example/guardian")
    assert (made.exit_code, made.stdout.startswith("party.example/guardian+")) == (0, True)
    content = key.read_bytes()
    again = retally("guardian", "init", key, "party.example/guardian")
    assert (again.exit_code, key.read_bytes()) == (COULD_NOT_RUN, content)
    passphrase.write_text("wrong horse\n")
    for act in ("step", "decrypt"):
        wrong = retally("guardian", act, "http://127.0.0.1:9/elections/x", key, "--policy", policy)
        assert (wrong.exit_code, wrong.stdout, "horse" in wrong.stderr) == (COULD_NOT_RUN, "", False)
        assert "passphrase" in wrong.stderr
    authority = retally("authority", "open", "http://127.0.0.1:9/elections/x", "--policy", policy, "--key", key)
    assert authority.exit_code == COULD_NOT_RUN


@pytest.mark.parametrize("name", ["", "two words", "a+b"])
def test_a_key_name_that_notes_cannot_carry_makes_no_key(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passphrase").write_text("correct horse\n")
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    for role in ("guardian", "authority", "registrar"):
        done = retally(role, "init", tmp_path / "key", name)
        assert (done.exit_code, "key name" in done.stderr) == (COULD_NOT_RUN, True)
    assert not (tmp_path / "key").exists()


# ---- in a process of its own ----


def process(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from retally_client.cli import main; main()", *map(str, words)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_process_ends_with_the_verdict_and_colours_nothing_in_a_pipe(board: Path, policy: Path) -> None:
    done = process("verify", board, "--policy", policy, "--forget")
    assert (done.returncode, done.stderr) == (PASS, "")
    assert "\x1b" not in done.stdout
    assert process("verify", board).returncode == COULD_NOT_RUN


def test_both_engines_give_the_same_report(board: Path, policy: Path) -> None:
    if engine.NAME == "reference":
        pytest.skip("the native engine is not installed: there is only one")
    words = ("verify", board, "--policy", policy, "--forget", "--json")
    native, reference = (process(*words, RETALLY_ENGINE=name) for name in ("native", "reference"))
    assert (native.returncode, reference.returncode) == (PASS, PASS)
    by_native, by_reference = json.loads(native.stdout), json.loads(reference.stdout)
    # Each says which engine it is, and nothing else is different.
    assert by_native.pop("program")["engine"].startswith("native")
    assert by_reference.pop("program")["engine"].startswith("reference")
    assert by_native == by_reference


def test_a_reader_that_closes_the_pipe_is_no_traceback_and_no_fail(board: Path, policy: Path) -> None:
    command = [sys.executable, "-c", "from retally_client.cli import main; main()", "verify", str(board)]
    with subprocess.Popen(
        [*command, "--policy", str(policy), "--forget"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert "Traceback" not in running.stderr.read()
        assert running.wait() == COULD_NOT_RUN


def test_an_encoding_that_lacks_a_sign_costs_no_verdict(board: Path, policy: Path) -> None:
    done = process("verify", board, "--policy", policy, "--forget", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (PASS, "")
    assert done.stdout.endswith("PASS \\xb7 no witness\n")


@pytest.mark.parametrize(("words", "said"), [(["nowhere"], "nowhere: No such file"), (["no.where/x"], "https://")])
def test_a_wrong_place_is_said_in_peoples_words(words: list[str], said: str, board: Path, policy: Path) -> None:
    place, rules = (board, words[0]) if words == ["nowhere"] else (words[0], policy)
    done = verify(place, rules)
    assert (done.exit_code, said in done.stderr, "Errno" in done.stderr) == (COULD_NOT_RUN, True, False)


# ---- a FAIL that may be one's own mistake ----


def test_another_elections_policy_is_named_beside_the_verdict(board: Path, tmp_path: Path) -> None:
    other = Election.create(title="Another election")
    (tmp_path / "other").write_bytes(format_policy(other.policy()))
    done = verify(board, tmp_path / "other", "--forget")
    assert done.exit_code == FAIL
    assert "another election's policy" in done.stderr
    assert other.election_id.hex()[:16] in done.stderr


def test_an_older_copy_of_ones_own_is_named_beside_the_verdict(
    honest_election: Election, board: Path, policy: Path, tmp_path: Path
) -> None:
    assert verify(board, policy, "--kept", tmp_path / "kept").exit_code == PASS
    older = board_folder(tmp_path / "older", honest_election.before("result").files())
    done = verify(older, policy, "--kept", tmp_path / "kept")
    assert done.exit_code == FAIL
    assert "older copy of your own" in done.stderr


def test_a_board_that_fails_otherwise_is_called_nobodys_mistake(
    honest_election: Election, policy: Path, tmp_path: Path
) -> None:
    election = honest_election.before("closing")
    election.edit(election.indices_of("ballot")[0], style="south")
    done = verify(board_folder(tmp_path / "altered", election.files()), policy, "--forget")
    assert (done.exit_code, done.stderr) == (FAIL, "")
