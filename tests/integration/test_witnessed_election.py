"""Elections with witnesses, over real HTTP between server and witnesses: the quorum, its absence, and its enemies."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.responses import Response

from retally_crypto.checkpoints import Checkpoint, add_cosignatures, format_checkpoint
from retally_crypto.errors import Unusable
from retally_crypto.notes import COSIGNATURE_V1, parse_note
from retally_crypto.policy_text import format_policy
from retally_crypto.replay import Record
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint
from retally_lab.boards.election import CLOSES, GRACE, MAYOR, OPENS, Election, district
from retally_reference.__main__ import main as reference_verifier
from retally_server.operator.relock import write_lock
from retally_verify.board import FolderBoard
from retally_verify.run import NO_WITNESS, verify_board
from tests.conftest import cast_all
from tests.databases import DATABASES
from tests.server_http import HERE, SLUG, Server, problem
from tests.witnessed_trials import Trial, answering

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def prepared() -> Election:
    """A small election with witnesses, two of three, before its opening."""
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    election.ceremony()
    election.roll()
    return election


@pytest.fixture
def trial(tmp_path: Path, prepared: Election) -> Iterator[Trial]:
    running = Trial(tmp_path, prepared.copy())
    yield running
    running.stop()


def finish(trial: Trial) -> None:
    trial.election.open()
    trial.send()
    trial.election.cast("north-1", [[1, 0, 0]])
    trial.election.cast("north-2", [[0, 1, 0]])
    trial.election.cast("north-1", [[0, 0, 1]])
    trial.send()
    trial.at(CLOSES + 5)
    trial.election.close()
    trial.send()
    trial.election.decrypt(1)
    trial.election.result()
    trial.send()


def require_pass(trial: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    """Both verifiers pass the published files, with the quorum and without a word of missing witnesses."""
    board, policy = trial.data / "boards" / SLUG, trial.folder / "policy.txt"
    policy.write_bytes(format_policy(trial.election.policy()))
    report = verify_board(FolderBoard(board), trial.election.policy())
    assert {check.number: check.state for check in report.checks if check.state != "pass"} == {"V21": "not applicable"}
    assert (report.verdict, report.exit_code) == ("PASS", 0)
    assert all(NO_WITNESS not in check.notes for check in report.checks)
    capsys.readouterr()
    assert reference_verifier([str(board), "--policy", str(policy), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "no witness" not in json.dumps(said)
    assert "PASS" in json.dumps(said)


def test_an_election_with_three_witnesses_passes_both_verifiers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    election = Election.create(witness_count=(2, 3))
    election.ceremony()
    election.roll()
    election.open()
    trial = Trial(tmp_path, election)
    try:
        trial.send()
        cast_all(election)
        first = trial.sent
        receipts = trial.send()
        assert all(trial.is_witnessed(receipt, first + place) for place, receipt in enumerate(receipts))
        trial.at(CLOSES + 5)
        election.close()
        election.paper("north", "mayor", [10, 20, 30])
        election.decrypt(1, 3)
        election.result()
        trial.send()
        trial.wait(lambda: trial.witnessed() == len(election.entries))
        summary = trial.server.http.get(HERE).json()
        assert summary["witnessed"] == summary["size"] == len(election.entries)
        for name, due in (("opening", OPENS), ("closing", CLOSES)):
            effect = trial.checkpoint(f"checkpoint.{name}")
            assert effect is not None
            assert effect.cosigned
            assert effect.checkpoint.size > election.index_of(name)
            assert all(due <= at <= due + GRACE for _, at in effect.cosignatures)
        require_pass(trial, capsys)
    finally:
        trial.stop()


def test_one_witness_that_is_down_all_the_time_changes_nothing(
    trial: Trial, capsys: pytest.CaptureFixture[str]
) -> None:
    trial.witnesses[1].stop()
    finish(trial)
    trial.wait(lambda: trial.witnessed() == len(trial.election.entries))
    require_pass(trial, capsys)


def test_without_the_quorum_receipts_still_come_and_are_witnessed_later(trial: Trial) -> None:
    trial.election.open()
    trial.send()
    before = len(trial.election.entries)
    trial.wait(lambda: trial.witnessed() == before)
    for witness in trial.witnesses[1:]:
        witness.stop()
    index = trial.election.cast("north-1", [[1, 0, 0]])
    asked = time.monotonic()
    (receipt,) = trial.send()
    assert time.monotonic() - asked < 30
    assert not trial.is_witnessed(receipt, index)
    assert trial.witnessed() == before
    pending = trial.checkpoint("checkpoint.pending")
    assert pending is not None
    assert (pending.checkpoint.size, pending.cosigned) == (index + 1, False)
    assert trial.server.http.get(f"{HERE}/proofs/receipt?index={index}").content == receipt
    assert trial.server.http.get("/health").status_code == 200
    trial.witnesses[1].start()
    trial.wait(lambda: trial.witnessed() == index + 1)
    better = trial.server.http.get(f"{HERE}/proofs/receipt?index={index}").content
    assert trial.is_witnessed(better, index)
    (again,) = trial.server.append([trial.election.entries[index]])
    assert (again.status_code, again.content) == (200, better)
    problem(trial.server.http.get(f"{HERE}/proofs/receipt?index={index + 1}"), 404, "not-found")


def test_ballots_wait_until_the_opening_is_witnessed(trial: Trial) -> None:
    trial.send()
    for witness in trial.witnesses[1:]:
        witness.stop()
    trial.election.open()
    trial.send()
    trial.election.cast("north-1", [[1, 0, 0]])
    (answer,) = trial.server.append(trial.election.entries[-1:])
    members = problem(answer, 503, "not-ready")
    assert "opening" in members["reason"]
    assert answer.headers["retry-after"] == "2"
    assert trial.checkpoint("checkpoint.opening") is None
    trial.witnesses[2].start()
    trial.wait(lambda: trial.checkpoint("checkpoint.opening") is not None)
    trial.send()


def test_a_witness_whose_clock_is_behind_does_not_spoil_the_opening(
    trial: Trial, capsys: pytest.CaptureFixture[str]
) -> None:
    trial.send()
    trial.witnesses[0].stop()
    trial.skew = {1: -60.0, 2: 0.0}
    trial.election.open()
    trial.send()
    assert trial.checkpoint("checkpoint.opening") is None
    trial.skew[1] = -5.0
    trial.wait(lambda: trial.checkpoint("checkpoint.opening") is not None)
    opening = trial.checkpoint("checkpoint.opening")
    assert opening is not None
    assert all(OPENS <= at <= OPENS + GRACE for _, at in opening.cosignatures)


@pytest.mark.parametrize("lie", ["another text", "another key", "no line", "rubbish", "redirect", "huge", "time zero"])
def test_a_witness_with_wrong_answers_counts_for_nothing(
    trial: Trial, lie: str, capsys: pytest.CaptureFixture[str]
) -> None:
    liar = trial.witnesses[0]
    text = format_checkpoint(Checkpoint("board.example/2027", 1, bytes(32)))
    stranger = SigningKey.from_seed(liar.key.verifier_key.name, bytes(32), COSIGNATURE_V1)
    zero = cosign(text, liar.key, 1).decode().split(" ")
    liar.broken = {
        "another text": answering(200, cosign(text, liar.key, OPENS)),
        "another key": answering(200, cosign(text, stranger, OPENS)),
        "no line": answering(200, b""),
        "rubbish": answering(200, b"\xff\x00"),
        "redirect": answering(302, b""),
        "huge": answering(200, b"\xe2\x80\x94 a b\n" * 100_000),
        "time zero": answering(200, " ".join([*zero[:2], "AAAA"]).encode() + b"\n"),
    }[lie]
    finish(trial)
    trial.wait(lambda: trial.witnessed() == len(trial.election.entries))
    shown = trial.checkpoint()
    assert shown is not None
    assert liar.key.verifier_key not in [key for key, _ in shown.cosignatures]
    require_pass(trial, capsys)


def test_one_witness_that_only_says_it_saw_more_stops_nothing(trial: Trial) -> None:
    trial.witnesses[0].broken = answering(409, b"1000000\n")
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(trial.election.entries))
    assert trial.server.http.get("/health").status_code == 200


def test_witnesses_who_say_it_and_leave_no_quorum_stop_the_board(trial: Trial) -> None:
    trial.send()
    for witness in trial.witnesses[:2]:
        witness.broken = answering(409, b"1000000\n")
    trial.election.open()
    trial.send()
    trial.wait(lambda: trial.server.http.get("/health").status_code == 503)
    trial.election.cast("north-1", [[1, 0, 0]])
    (answer,) = trial.server.append(trial.election.entries[-1:])
    assert "no quorum is left" in problem(answer, 503, "not-ready")["reason"]
    assert trial.server.http.get(f"{HERE}/checkpoint").status_code == 200


def elsewhere(trial: Trial, size: int) -> bytes:
    """A checkpoint that the board's key signed on another machine, as a witness would show it."""
    head = Checkpoint(trial.election.board.verifier_key.name, size, b"elsewhere".ljust(32, b"."))
    signed = sign_checkpoint(head, trial.election.board)
    return add_cosignatures(signed, cosign(format_checkpoint(head), trial.witnesses[0].key, OPENS))


@pytest.mark.parametrize(("status", "size"), [(409, 1_000_000), (422, 3)])
def test_a_checkpoint_that_the_boards_own_key_signed_elsewhere_stops_the_board(
    trial: Trial, status: int, size: int
) -> None:
    trial.send()
    proof = elsewhere(trial, size)

    async def shows_it(scope: dict[str, str], receive: object, send: object) -> None:
        path = scope["path"]
        answer = Response(proof) if path.endswith("/checkpoint") else Response(b"%d\n" % size, status)
        await answer(scope, receive, send)  # type: ignore[arg-type]

    trial.witnesses[0].broken = shows_it  # type: ignore[assignment]
    trial.election.open()
    trial.send()
    trial.wait(lambda: trial.server.http.get("/health").status_code == 503)
    trial.election.cast("north-1", [[1, 0, 0]])
    (answer,) = trial.server.append(trial.election.entries[-1:])
    assert "signed elsewhere" in problem(answer, 503, "not-ready")["reason"]
    (kept,) = (trial.data / "evidence").iterdir()
    assert parse_note(kept.read_bytes()) == parse_note(proof)
    with pytest.raises(Unusable, match="another history"):
        trial.restart()
    trial.witnesses[0].broken = None
    trial.start()


# ---- an old database ----


def old_copy(trial: Trial) -> tuple[Path, Callable[[], None]]:
    """A copy of the whole data folder and the database as they are now, made while the server rests."""
    trial.server.http.stop()
    copy = trial.folder / "copy"
    shutil.copytree(trial.data, copy)
    put_back = DATABASES.backup(trial.data)
    trial.start()
    return copy, put_back


def test_a_restored_data_folder_is_refused_by_the_lock_and_without_it_by_the_witnesses(trial: Trial) -> None:
    trial.election.open()
    trial.send()
    copy, put_back = old_copy(trial)
    trial.election.cast("north-1", [[1, 0, 0]])
    trial.send()
    trial.server.http.stop()
    shutil.rmtree(trial.data)
    shutil.copytree(copy, trial.data)
    put_back()
    with pytest.raises(Unusable, match="the lock has size"):
        trial.start()
    locks = trial.server.settings.locks
    (locks / f"{SLUG}.checkpoint").unlink()
    with pytest.raises(Unusable, match="there is no lock"):
        trial.start()
    with pytest.raises(Unusable, match="has seen another history"):
        write_lock(trial.server.settings, SLUG, (), Record)
    old = (copy / "boards" / SLUG / "checkpoint.pending").read_bytes()
    (locks / f"{SLUG}.checkpoint").write_bytes(old)
    with pytest.raises(Unusable, match="and shows it, signed by this board's key"):
        trial.start()


def test_a_lost_lock_is_written_anew_only_when_every_witness_confirms(trial: Trial) -> None:
    trial.send()
    trial.server.http.stop()
    lock = trial.server.settings.locks / f"{SLUG}.checkpoint"
    kept = lock.read_bytes()
    lock.unlink()
    trial.witnesses[1].stop()
    with pytest.raises(Unusable, match="witness-2 does not confirm"):
        write_lock(trial.server.settings, SLUG, (), Record)
    assert write_lock(trial.server.settings, SLUG, ("witness-2",), Record) == len(trial.election.entries)
    assert lock.read_bytes() == kept
    with pytest.raises(Unusable, match="has a lock"):
        write_lock(trial.server.settings, SLUG, ("witness-2",), Record)
    trial.start()
    assert trial.server.http.get("/health").status_code == 200


def test_a_second_server_on_a_copy_of_the_data_is_stopped_by_the_lock(trial: Trial, database: str) -> None:
    trial.election.open()
    trial.send()
    lock = trial.server.settings.locks / f"{SLUG}.checkpoint"
    lock.write_bytes(elsewhere(trial, 500))
    index = trial.election.cast("north-1", [[1, 0, 0]])
    (answer,) = trial.server.append(trial.election.entries[index:])
    problem(answer, 503, "not-stored")
    (answer,) = trial.server.append(trial.election.entries[index:])
    said = {"sqlite": "second server", "postgresql": "the lock has size 500"}[database]
    assert said in problem(answer, 503, "not-ready")["reason"]
    pending = trial.checkpoint("checkpoint.pending")
    assert pending is not None
    assert pending.checkpoint.size == index
    assert trial.server.http.get("/health").status_code == 503
    assert all(seen.size == index for witness in trial.witnesses for seen in witness.store.seen().values())


def test_a_restart_between_quorum_and_publication_loses_nothing(trial: Trial) -> None:
    finish(trial)
    trial.wait(lambda: trial.witnessed() == len(trial.election.entries))
    files = trial.data / "boards" / SLUG
    before = {name: (files / name).read_bytes() for name in ("checkpoint", "checkpoint.opening", "checkpoint.closing")}
    trial.server.http.stop()
    for name in before:
        (files / name).unlink()
    trial.start()
    assert {name: (files / name).read_bytes() for name in before} == before


def test_without_the_address_of_a_witness_no_election_is_created(tmp_path: Path, prepared: Election) -> None:
    server = Server(tmp_path / "data")
    answer = server.http.post("/elections", content=prepared.entries[0])
    members = problem(answer, 409, "witness-address-unknown")
    assert "retally-server board witness 2027" in members["detail"]
    server.http.stop()
