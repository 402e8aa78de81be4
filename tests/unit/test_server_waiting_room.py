"""Entries go over in order and answers come back to whoever waits for them, whatever is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retally_server.board.refusals import Refusal, refused
from retally_server.board.submissions import Answer
from retally_server.processes.waiting_room import HandedOver, WaitingRoom
from tests.databases import DATABASES

pytestmark = pytest.mark.usefixtures("on_postgresql")
HERE, THERE = b"h" * 16, b"t" * 16


@pytest.fixture
def room(tmp_path: Path, on_postgresql: None) -> Iterator[WaitingRoom]:
    room = WaitingRoom(DATABASES.address(tmp_path))
    yield room
    room.close()


def handed(*tickets: int, board: int | None = 1) -> list[HandedOver]:
    return [HandedOver(ticket, board, 1_000.25 + ticket, bytes([ticket]) * (ticket + 1)) for ticket in tickets]


def test_entries_are_taken_in_the_order_in_which_they_were_handed_over(room: WaitingRoom) -> None:
    room.put(HERE, handed(3, 1))
    room.put(THERE, handed(1, board=None))
    room.put(HERE, handed(2))
    taken = room.take(10, [])
    assert [(each.worker, each.ticket) for each in taken] == [(HERE, 3), (HERE, 1), (THERE, 1), (HERE, 2)]
    assert [each.board_id for each in taken] == [1, 1, None, 1]
    assert [each.received_at for each in taken] == [1_003.25, 1_001.25, 1_001.25, 1_002.25]
    assert [each.entry for each in taken] == [b"\x03" * 4, b"\x01" * 2, b"\x01" * 2, b"\x02" * 3]


def test_what_is_in_hand_is_not_taken_twice_and_stays_until_it_is_answered(room: WaitingRoom) -> None:
    room.put(HERE, handed(1, 2, 3))
    first = room.take(2, [])
    assert [each.ticket for each in room.take(9, [each.id for each in first])] == [3]
    assert room.waiting(9) == 3
    assert [each.ticket for each in room.take(9, [])] == [1, 2, 3]
    room.answer([(first[0], Answer(7, b"receipt", True))])
    assert room.waiting(9) == 2


def test_answers_come_back_once_to_the_worker_that_waits_and_say_the_same(room: WaitingRoom) -> None:
    room.put(HERE, handed(1, 2))
    room.put(THERE, handed(1, 3))
    taken = room.take(9, [])
    refusal = refused("V12", 'previous is "not" the last {ballot}, \\x00 and \u00e4')
    busy = Refusal("busy", "too many", retry_after=2)
    room.answer(list(zip(taken, [Answer(5, b"one\n\x00", True), refusal, Answer(6, b"", False), busy], strict=True)))
    here = dict(room.collect(HERE))
    assert here[1] == Answer(5, b"one\n\x00", True)
    assert here[2] == refusal
    there = dict(room.collect(THERE))
    assert there[1] == Answer(6, b"", False)
    assert there[3] == busy
    assert room.collect(HERE) == room.collect(THERE) == []


def test_an_answer_that_nobody_waits_for_any_more_is_not_kept(room: WaitingRoom) -> None:
    room.put(HERE, handed(1, 2, 3))
    taken = room.take(9, [])
    room.withdraw(HERE, [1])
    room.withdraw(THERE, [2])
    room.answer([(each, Answer(each.ticket, b"receipt", True)) for each in taken])
    room.withdraw(HERE, [3])
    assert room.collect(HERE) == [(2, Answer(2, b"receipt", True))]


def test_an_answer_given_twice_comes_once(room: WaitingRoom) -> None:
    room.put(HERE, handed(1))
    taken = room.take(9, [])
    for _ in range(2):
        room.answer([(taken[0], Answer(1, b"receipt", True))])
    assert len(room.collect(HERE)) == 1
    room.answer([(taken[0], Answer(1, b"receipt", True))])
    assert room.collect(HERE) == []


def test_what_nobody_fetched_is_swept_away(room: WaitingRoom) -> None:
    room.put(HERE, handed(1, 2))
    room.answer([(room.take(1, [])[0], Answer(1, b"receipt", True))])
    room.sweep(3600)
    assert room.waiting(9) == 1
    room.sweep(0)
    assert room.waiting(9) == 0
    assert room.collect(HERE) == []


def test_a_crash_of_the_database_empties_the_room(room: WaitingRoom, tmp_path: Path) -> None:
    room.put(HERE, handed(1, 2))
    DATABASES.cluster.crash()
    DATABASES.cluster.start()
    later = WaitingRoom(DATABASES.address(tmp_path))
    assert later.waiting(9) == 0
    later.put(HERE, handed(3))
    assert [each.ticket for each in later.take(9, [])] == [3]
    later.close()
