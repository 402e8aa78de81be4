"""A process that follows shows what the leader published, and goes on where it stands when it leads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.errors import Unusable
from retally_server.board.board_log import BoardLog
from retally_server.board.lock_store import BoardLock, LockMovedError
from retally_server.board.submissions import Submission
from retally_server.database.store import CheckpointMovedError
from tests.server_boards import (
    DURING,
    MANIFEST,
    ToyRecord,
    accepted,
    ballot,
    ballots,
    new_log,
    new_store,
    open_log,
    problem_of,
    read_board,
    send,
    voter,
)

pytestmark = pytest.mark.usefixtures("database")


def follower(folder: Path) -> BoardLog:
    """A second log on the same database and files, as another process has it."""
    log = open_log(new_store(folder), folder)
    log.follow()
    return log


def shown(log: BoardLog) -> int:
    assert log.published is not None
    return log.published.checkpoint.size


def test_a_follower_shows_what_was_published_and_nothing_that_is_only_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, leader = new_log(tmp_path)
    other = follower(tmp_path)
    assert shown(other) == 1
    answers = accepted(send(leader, ballots(0, 300)))
    other.follow()
    assert shown(other) == 301
    assert other.in_step
    assert [other.receipt(answer.index) for answer in answers] == [answer.receipt for answer in answers]

    def refuse(*_: Any) -> None:
        raise OSError("full")

    with monkeypatch.context() as disk:
        disk.setattr(leader.files, "publish", refuse)
        with pytest.raises(OSError, match="full"):
            send(leader, ballots(300, 5))
    other.follow()
    assert shown(other) == 301
    assert other.receipt(301) is None
    send(leader, ballots(300, 5))
    other.follow()
    assert shown(other) == 306


def test_a_follower_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, leader = new_log(tmp_path)
    send(leader, ballots(0, 5))

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a follower wrote")

    for name in ("publish", "write_tiles"):
        monkeypatch.setattr("retally_server.board.board_files.BoardFiles." + name, refuse)
    monkeypatch.setattr(BoardLock, "alone", refuse)
    assert shown(follower(tmp_path)) == 6


def test_a_follower_that_leads_replays_only_what_it_has_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, leader = new_log(tmp_path)
    other = follower(tmp_path)
    send(leader, ballots(0, 40))
    other.follow()
    send(leader, ballots(40, 2))
    replayed: list[int] = []
    replay = ToyRecord.replay

    def counted(record: ToyRecord, entries: Sequence[bytes]) -> list[Any]:
        replayed.append(len(entries))
        return replay(record, entries)

    monkeypatch.setattr(ToyRecord, "replay", counted)
    other.recover()
    assert replayed == [2]
    assert [answer.index for answer in accepted(send(other, ballots(42, 3)))] == [43, 44, 45]
    assert read_board(tmp_path / "files") == [MANIFEST, *ballots(0, 45)]


def test_a_former_leader_neither_stores_nor_publishes_and_can_follow(tmp_path: Path) -> None:
    _, old = new_log(tmp_path)
    send(old, ballots(0, 3))
    new = follower(tmp_path)
    new.recover()
    send(new, ballots(3, 3))
    before = (tmp_path / "files" / "checkpoint").read_bytes()
    with pytest.raises(CheckpointMovedError):
        send(old, ballots(6, 1))
    assert (tmp_path / "files" / "checkpoint").read_bytes() == before
    old.follow()
    assert shown(old) == 7
    assert accepted(send(new, ballots(6, 1)))[0].index == 7


def test_a_leader_stopped_between_commit_and_publication_publishes_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, old = new_log(tmp_path)
    new = follower(tmp_path)
    write_tiles = old.files.write_tiles

    def stopped(*arguments: Any) -> list[str]:
        # While this process was stopped another one led, and has published what this one committed, and more.
        new.recover()
        send(new, ballots(1, 4))
        return write_tiles(*arguments)

    monkeypatch.setattr(old.files, "write_tiles", stopped)
    with pytest.raises(LockMovedError):
        send(old, ballots(0, 1))
    new.follow()
    assert shown(new) == 6
    assert read_board(tmp_path / "files") == [MANIFEST, *ballots(0, 5)]


def test_who_publishes_keeps_others_from_swapping_the_lock(tmp_path: Path) -> None:
    lock, other = BoardLock(tmp_path, "toy"), BoardLock(tmp_path, "toy")
    lock.swap(None, b"1")
    swapped = threading.Event()

    def rival() -> None:
        other.swap(b"2", b"3")
        swapped.set()

    thread = threading.Thread(target=rival)
    with lock.swapped(b"1", b"2"):
        thread.start()
        assert not swapped.wait(0.3)
        assert lock.read() == b"2"
    thread.join(30)
    assert lock.read() == b"3"


def test_a_follower_refuses_a_database_that_is_older_than_what_was_published(tmp_path: Path) -> None:
    _, leader = new_log(tmp_path)
    send(leader, ballots(0, 3))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    _, short = new_log(elsewhere)
    (elsewhere / "files" / "checkpoint").write_bytes((tmp_path / "files" / "checkpoint").read_bytes())
    with pytest.raises(Unusable, match="of 4 entries"):
        follower(elsewhere)
    assert shown(short) == 1


def test_what_needs_no_leader_is_answered_at_once(tmp_path: Path) -> None:
    _, leader = new_log(tmp_path)
    (answer,) = accepted(send(leader, ballots(0, 1)))
    other = follower(tmp_path)
    known, early, new = (
        Submission.received(raw, at)
        for raw, at in ((ballots(0, 1)[0], 0.0), (ballot(voter(7)), 0.0), (ballot(voter(8)), DURING))
    )
    said = other.early_answers([known, early, new])
    assert accepted([said[known.leaf_hash]])[0].receipt == answer.receipt
    assert problem_of(said[early.leaf_hash]).details.check == "V04"
    assert new.leaf_hash not in said
