"""One board: what was answered is on it for good, whatever fails where, and a second history is refused."""

from __future__ import annotations

import errno
import os
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from retally_crypto.checkpoints import Checkpoint, verify_checkpoint
from retally_crypto.errors import Unusable
from retally_crypto.merkle import TreeHead
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.tree_proofs import verify_consistency
from retally_server.board.board_files import BoardFiles
from retally_server.board.board_log import BoardLog
from retally_server.board.lock_store import BoardLock
from retally_server.board.rates import BallotRate
from retally_server.database.store import Store
from tests.databases import DATABASES
from tests.server_boards import (
    CLOSES,
    DURING,
    GRACE,
    KEY,
    MANIFEST,
    OPENS,
    ToyRecord,
    accepted,
    ballot,
    ballots,
    body_hash,
    create_toy_board,
    new_log,
    new_store,
    official,
    open_log,
    open_toy,
    problem_of,
    read_board,
    require_receipt,
    send,
    voter,
)

pytestmark = pytest.mark.usefixtures("database")


def published_head(folder: Path) -> TreeHead:
    return verify_checkpoint((folder / "files" / "checkpoint").read_bytes(), KEY.verifier_key).head


# ---- the ordinary way ----


def test_every_receipt_verifies_and_the_files_hold_the_entries(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    entries = ballots(0, 5)
    for index, (raw, answer) in enumerate(zip(entries, accepted(send(log, entries)), strict=True), start=1):
        assert (answer.index, answer.new) == (index, True)
        assert require_receipt(answer.receipt, raw).size == 6
    assert read_board(tmp_path / "files") == [MANIFEST, *entries]


def test_the_same_bytes_have_the_same_receipt_for_ever(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    raw = ballot(voter(1))
    first, twin = accepted(send(log, [raw, raw]))
    assert (first.new, twin.new) == (True, False)
    send(log, ballots(10, 3))
    send(log, [official("closing")], at=CLOSES)
    (again,) = accepted(send(log, [raw], at=CLOSES + GRACE + 1_000))
    assert {first.receipt, twin.receipt, again.receipt} == {first.receipt}
    assert not again.new
    assert read_board(tmp_path / "files").count(raw) == 1


def test_two_ballots_of_one_credential_settle_inside_a_batch(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    first = ballot(voter(1))
    second = ballot(voter(1), body_hash(first), "no")
    rival = ballot(voter(1), choice="rival")
    answers = send(log, [first, rival, second])
    assert [answer.index for answer in accepted([answers[0], answers[2]])] == [1, 2]
    assert problem_of(answers[1]).details.check == "V12"
    assert read_board(tmp_path / "files") == [MANIFEST, first, second]


def test_a_refused_ballot_leaves_no_trace_and_does_not_hold_up_its_batch(tmp_path: Path) -> None:
    store, log = new_log(tmp_path)
    good, forged = ballot(voter(1)), ballot(voter(2), choice="forged")
    refused, answered = send(log, [forged, good])
    details = problem_of(refused).details
    assert (details.status, details.check, details.type) == (422, "V10", "urn:retally:problem:refused")
    assert accepted([answered])[0].index == 1
    assert store.newest_checkpoint(log.board).size == 2
    assert accepted(send(log, [ballot(voter(2))]))[0].index == 2


def test_a_batch_of_refusals_signs_no_checkpoint(tmp_path: Path) -> None:
    store, log = new_log(tmp_path)
    before = store.newest_checkpoint(log.board)
    send(log, [ballot(voter(1), choice="forged")])
    assert store.newest_checkpoint(log.board) == before


def test_each_checkpoint_extends_the_one_before_it(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    heads = [published_head(tmp_path)]
    for batch in range(8):
        send(log, ballots(100 * batch, 1 + 23 * batch))
        heads.append(published_head(tmp_path))
    assert log.published is not None
    for older, newer in pairwise(heads):
        verify_consistency(older, newer, log.published.tree.consistency_proof(older.size, newer.size))


def test_files_are_complete_at_and_around_full_tiles(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    entries = [MANIFEST]
    for batch in (200, 54, 1, 1, 254, 1, 2, 300):
        entries += (fresh := ballots(len(entries), batch))
        send(log, fresh)
        assert read_board(tmp_path / "files") == entries
    hashes = tmp_path / "files" / "tile" / "0"
    assert sorted(path.name for path in hashes.iterdir()) == ["000", "001", "002", "002.p", "003.p"]
    assert sorted(path.name for path in (hashes / "003.p").iterdir()) == ["46"]


# ---- times and rates ----


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        (ballot(voter(1)), OPENS, CLOSES + GRACE),
        (official("opening"), OPENS, OPENS + GRACE),
        (official("closing"), CLOSES, CLOSES + GRACE),
    ],
)
def test_entries_are_taken_in_the_manifests_hours_only(tmp_path: Path, raw: bytes, first: int, last: int) -> None:
    _, log = new_log(tmp_path)
    for outside in (first - 1, last + 1):
        details = problem_of(send(log, [raw], at=outside)[0]).details
        assert (details.status, details.check, details.type) == (409, "V04", "urn:retally:problem:outside-hours")
    assert accepted(send(log, [raw], at=last if b'"opening"' in raw else first))[0].index == 1


def test_entries_of_other_kinds_have_no_hours(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    assert accepted(send(log, [official("roll"), official("result")], at=0.0))[1].index == 2


def test_only_accepted_ballots_use_up_a_credentials_rate(tmp_path: Path) -> None:
    _, log = new_log(tmp_path, BallotRate(2, 60.0))
    for _ in range(5):
        assert problem_of(send(log, [ballot(voter(1), choice="forged")])[0]).details.check == "V10"
    first = ballot(voter(1))
    second = ballot(voter(1), body_hash(first), "no")
    third = ballot(voter(1), body_hash(second))
    accepted(send(log, [first]))
    accepted(send(log, [second]))
    problem = problem_of(send(log, [third], at=DURING + 20)[0])
    assert (problem.details.status, problem.retry_after) == (429, 41)
    assert accepted(send(log, [second], at=DURING + 20))[0].index == 2
    assert accepted(send(log, [third], at=DURING + 61))[0].index == 3


# ---- crashes ----


class Crash(BaseException):
    """The process ends here: nothing may catch it."""


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Ends the process before its step-th call that changes disk or database, counted from 0."""
    steps = count()

    def step_before(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            if next(steps) == step:
                raise Crash
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, counted)

    for call in ("open", "write", "fsync", "rename"):
        step_before(os, call)
    step_before(ToyRecord, "admit")
    step_before(Store, "append")


def test_a_crash_before_any_step_loses_nothing_that_was_answered_and_restarts_cleanly(tmp_path: Path) -> None:
    before, lost, after = ballots(0, 255), ballots(300, 3), ballots(400, 2)
    crashes = 0
    for step in count():
        folder = tmp_path / str(step)
        folder.mkdir()
        store, log = new_log(folder)
        receipts = [answer.receipt for answer in accepted(send(log, before))]
        old = published_head(folder)
        with pytest.MonkeyPatch.context() as monkeypatch:
            crash_at(monkeypatch, step)
            try:
                send(log, lost)
            except Crash:
                crashes += 1
            else:
                break
            finally:
                store.close()

        store = new_store(folder)
        log = open_log(store, folder)
        log.recover()
        board = read_board(folder / "files")
        assert board[: len(before) + 1] == [MANIFEST, *before]
        assert board[len(before) + 1 :] in ([], lost)
        assert log.published is not None
        new = published_head(folder)
        verify_consistency(old, new, log.published.tree.consistency_proof(old.size, new.size))
        again = [answer.receipt for answer in accepted(send(log, [*lost, *after]))]
        for raw, receipt in zip([*lost, *after], again, strict=True):
            require_receipt(receipt, raw)
        assert [answer.receipt for answer in accepted(send(log, before))] == receipts
        assert read_board(folder / "files") == [MANIFEST, *before, *lost, *after]
        store.close()
    assert crashes > 15


# ---- failures that do not end the process ----


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_full_disk_loses_nothing_and_later_bytes_get_their_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store, log = new_log(tmp_path)
    accepted(send(log, ballots(0, 3)))
    old = published_head(tmp_path)
    waiting = ballots(10, 2)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, call, full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space left"):
                send(log, waiting)
        assert published_head(tmp_path) == old
        assert not log.in_step
    for raw, answer in zip(waiting, accepted(send(log, waiting)), strict=True):
        require_receipt(answer.receipt, raw)
    assert log.in_step
    assert read_board(tmp_path / "files") == [MANIFEST, *ballots(0, 3), *waiting]
    assert store.newest_checkpoint(log.board).size == 6


@pytest.mark.parametrize("committed", [False, True])
def test_a_failing_database_makes_the_record_be_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    _, log = new_log(tmp_path)
    first = ballot(voter(1))
    append = Store.append

    def failing(*arguments: Any) -> None:
        if committed:
            append(*arguments)
        raise OSError(errno.EIO, "the database failed")

    with monkeypatch.context() as database:
        database.setattr(Store, "append", failing)
        with pytest.raises(OSError, match="the database failed"):
            send(log, [first])
    rival = ballot(voter(1), choice="rival")
    (answer,) = send(log, [rival])
    if committed:
        assert problem_of(answer).details.check == "V12"
        assert accepted(send(log, [first]))[0].index == 1
    else:
        assert accepted([answer])[0].index == 1
    assert read_board(tmp_path / "files") == [MANIFEST, first if committed else rival]


def test_a_record_that_fails_half_way_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, log = new_log(tmp_path)
    admit = ToyRecord.admit

    def half(self: ToyRecord, entries: Any) -> Any:
        admit(self, entries[:1])
        raise MemoryError

    entries = ballots(0, 2)
    with monkeypatch.context() as record:
        record.setattr(ToyRecord, "admit", half)
        with pytest.raises(MemoryError):
            send(log, entries)
    assert [answer.index for answer in accepted(send(log, entries))] == [1, 2]


def test_somebody_elses_entries_are_read_before_going_on(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    other_store = new_store(tmp_path)
    other = open_log(other_store, tmp_path)
    other.recover()
    theirs, ours = ballot(voter(1)), ballot(voter(2))
    accepted(send(other, [theirs]))
    with pytest.raises(Exception, match="built upon size 1"):
        send(log, [ours])
    assert accepted(send(log, [ours]))[0].index == 2
    assert read_board(tmp_path / "files") == [MANIFEST, theirs, ours]


# ---- starting again ----


def restarted(folder: Path) -> BoardLog:
    log = open_log(new_store(folder), folder)
    log.recover()
    return log


def needed_files(folder: Path) -> dict[Path, bytes]:
    """Every file of a board but the partial tiles whose full one is there, which readers can do without."""
    files = (path for path in (folder / "files").rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.parent.name != "000.p"}


def test_missing_and_damaged_files_are_made_anew_from_the_database(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    for first in (0, 100, 200, 290):
        send(log, ballots(first, 90 if first < 290 else 5))
    files = needed_files(tmp_path)
    assert len(files) == 7
    for position, path in enumerate(sorted(files)):
        if position % 2:
            path.unlink()
        else:
            path.write_bytes(b"damaged" if path.name != "checkpoint" else files[path])
    restarted(tmp_path)
    assert needed_files(tmp_path) == files


def test_a_database_behind_the_published_checkpoint_is_refused(tmp_path: Path) -> None:
    store, log = new_log(tmp_path)
    send(log, ballots(0, 2))
    store.close()
    put_back = DATABASES.backup(tmp_path)
    send(log, ballots(10, 1))
    store.close()
    put_back()
    with pytest.raises(Unusable, match="published checkpoint has size 4, the database 3"):
        restarted(tmp_path)


def test_another_history_than_the_published_one_is_refused(tmp_path: Path) -> None:
    _, log = new_log(tmp_path)
    send(log, ballots(0, 3))
    forged = sign_checkpoint(Checkpoint(KEY.verifier_key.name, 3, bytes(32)), KEY)
    (tmp_path / "files" / "checkpoint").write_bytes(forged)
    with pytest.raises(Unusable, match="another history"):
        restarted(tmp_path)


def test_a_published_checkpoint_of_another_key_is_refused(tmp_path: Path) -> None:
    new_log(tmp_path)
    other = SigningKey.from_seed(KEY.verifier_key.name, b"o" * 32)
    forged = sign_checkpoint(Checkpoint(KEY.verifier_key.name, 1, bytes(32)), other)
    (tmp_path / "files" / "checkpoint").write_bytes(forged)
    with pytest.raises(Unusable, match="not signed by the board's key"):
        restarted(tmp_path)


def test_an_entry_changed_behind_the_databases_back_is_refused(tmp_path: Path, database: str) -> None:
    store, log = new_log(tmp_path)
    send(log, ballots(0, 3))
    store.close()
    owner = Store(DATABASES.address(tmp_path, "owner"))
    with owner.engine.begin() as connection:
        if database == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE entries DISABLE TRIGGER entries_no_update")
        connection.execute(text("UPDATE entries SET raw = :raw WHERE idx = 2"), {"raw": b"{}"})
    if database == "postgresql":
        with pytest.raises(Unusable, match="entries_no_update is missing or switched off"):
            restarted(tmp_path)
        with owner.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE entries ENABLE ALWAYS TRIGGER entries_no_update")
    owner.close()
    with pytest.raises(Unusable, match="entry 2 in the database does not have its leaf hash"):
        restarted(tmp_path)


def test_a_key_of_another_origin_cannot_open_a_board(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    create_toy_board(store)
    key = SigningKey.from_seed("board.example/other", bytes(32))
    with pytest.raises(Unusable, match="cannot sign"):
        BoardLog(
            store.boards()[0],
            store,
            BoardFiles(tmp_path),
            BoardLock(tmp_path, "toy"),
            key,
            BallotRate(1, 1.0),
            open_toy,
        )
