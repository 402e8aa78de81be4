"""The database refuses to forget, and refuses a second history."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from retally_server.database import postgres
from retally_server.database.store import CheckpointMovedError, NewEntry, Store, StoredCheckpoint
from tests.databases import DATABASES
from tests.server_boards import create_toy_board, new_store

pytestmark = pytest.mark.usefixtures("database")
CREDENTIAL = b"c" * 32


def entry(number: int, ballot: bool = False) -> NewEntry:
    mark = number.to_bytes(32, "big")
    return NewEntry(b"entry %d" % number, mark, (CREDENTIAL, mark) if ballot else None)


def checkpoint(size: int) -> StoredCheckpoint:
    return StoredCheckpoint(size, size.to_bytes(32, "big"), b"note %d" % size)


@pytest.fixture
def store(tmp_path: Path, database: str) -> Iterator[Store]:
    """A board of three entries, the last a ballot, and two checkpoints."""
    del database
    store = new_store(tmp_path)
    board = store.create("council", "h/council", b"e" * 32, entry(0), checkpoint(1))
    store.append(board, checkpoint(1), [entry(1), entry(2, ballot=True)], checkpoint(3))
    yield store
    store.close()


@pytest.fixture
def change(store: Store, tmp_path: Path, database: str) -> Iterator[Callable[[str], None]]:
    """Executes a statement as whoever has most power over the tables: with the SQLite file none of the server's
    settings apply, on PostgreSQL it is their owner."""
    del store
    if database == "sqlite":
        connection = sqlite3.connect(tmp_path / "board.sqlite", isolation_level=None)
        yield lambda statement: connection.execute(statement).close()
        connection.close()
        return
    engine = create_engine(DATABASES.address(tmp_path, "owner"))
    postgres.prepare(engine)

    def execute(statement: str) -> None:
        with engine.begin() as transaction:
            transaction.exec_driver_sql(re.sub(r"x'(\d\d)'", r"'\\x\1'", statement))

    yield execute
    engine.dispose()


def contents(store: Store) -> list[list[Any]]:
    tables = ("boards", "entries", "ballots", "checkpoints")
    with store.engine.connect() as connection:
        return [list(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables]


FORBIDDEN = [
    "UPDATE entries SET raw = x'00' WHERE idx = 1",
    "UPDATE checkpoints SET root = x'00'",
    "UPDATE boards SET slug = 'other'",
    "UPDATE ballots SET credential = x'00'",
    "DELETE FROM entries WHERE idx = 2",
    "DELETE FROM checkpoints",
    "DELETE FROM boards",
    "DELETE FROM ballots",
    "INSERT INTO entries VALUES (1, 4, x'00', x'00')",
    "INSERT INTO entries VALUES (1, -1, x'00', x'00')",
    "INSERT INTO entries VALUES (1, 3, x'00', x'01'), (1, 5, x'00', x'00')",
    "INSERT INTO checkpoints VALUES (1, 4, 3, x'00', x'00')",
    "INSERT INTO checkpoints VALUES (1, 3, 3, x'00', x'00')",
    "INSERT INTO checkpoints VALUES (1, 3, 2, x'00', x'00')",
]
ON_SQLITE = [
    "INSERT INTO entries VALUES (1, 2, x'00', x'00')",
    "INSERT INTO entries VALUES (1, NULL, x'00', x'00')",
    "INSERT OR REPLACE INTO entries VALUES (1, 2, x'00', x'00')",
    "INSERT OR REPLACE INTO boards VALUES (1, 'council', 'h/council', x'00')",
    "INSERT OR REPLACE INTO boards VALUES (7, 'other', 'h/council', x'00')",
    "INSERT OR REPLACE INTO checkpoints VALUES (1, 3, 1, x'00', x'00')",
    "INSERT OR REPLACE INTO ballots VALUES (1, 2, x'00', x'00')",
]


def test_the_database_itself_refuses_to_change_or_skip_anything(store: Store, change: Callable[[str], None]) -> None:
    before = contents(store)
    for statement in FORBIDDEN:
        with pytest.raises((sqlite3.IntegrityError, IntegrityError), match="append-only"):
            change(statement)
        assert contents(store) == before, statement


def test_sqlite_replaces_nothing(store: Store, tmp_path: Path, database: str) -> None:
    if database != "sqlite":
        pytest.skip("SQLite's own statements")
    before = contents(store)
    connection = sqlite3.connect(tmp_path / "board.sqlite", isolation_level=None)
    for statement in ON_SQLITE:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()
    assert contents(store) == before


def test_an_entry_stands_on_a_board_once(store: Store) -> None:
    board = store.boards()[0]
    with pytest.raises(IntegrityError, match=r"once|duplicate key"):
        store.append(board, checkpoint(3), [NewEntry(b"again", entry(1).leaf_hash, None)], checkpoint(4))


def test_connections_are_durable_and_check_references(store: Store, database: str) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "sqlite": {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1},
        "postgresql": {"synchronous_commit": "on", "fsync": "on", "statement_timeout": "1min", "lock_timeout": "10s"},
    }
    show = {"sqlite": "PRAGMA", "postgresql": "SHOW"}[database]
    with store.engine.connect() as connection:
        said = {name: connection.execute(text(f"{show} {name}")).scalar() for name in wanted[database]}
    assert said == wanted[database]


def test_what_was_appended_is_read_back(store: Store) -> None:
    board = store.boards()[0]
    assert (board.slug, board.origin, board.election_id) == ("council", "h/council", b"e" * 32)
    assert [raw for raw, _ in store.entries(board, 0, 3, at_once=2)] == [b"entry 0", b"entry 1", b"entry 2"]
    assert [raw for raw, _ in store.entries(board, 1, 2)] == [b"entry 1"]
    assert store.newest_checkpoint(board) == checkpoint(3)
    assert store.checkpoint_sizes(board) == [1, 3]
    assert store.first_checkpoint_covering(board, 0) == checkpoint(1)
    assert store.first_checkpoint_covering(board, 2) == checkpoint(3)
    assert store.first_checkpoint_covering(board, 3) is None
    assert store.indices(board, [entry(2).leaf_hash, entry(9).leaf_hash]) == {entry(2).leaf_hash: 2}
    assert [each.index for each in store.ballots_of(board, CREDENTIAL)] == [2]
    assert [each.index for each in store.ballots_between(board, bytes(32), b"\xff" * 32)] == [2]
    assert store.ballots_between(board, (3).to_bytes(32, "big"), b"\xff" * 32) == []


def test_appending_to_a_checkpoint_that_is_not_the_newest_leaves_no_trace(store: Store) -> None:
    board = store.boards()[0]
    for old in (checkpoint(1), StoredCheckpoint(3, checkpoint(3).root, b"another note")):
        with pytest.raises(CheckpointMovedError):
            store.append(board, old, [entry(old.size)], checkpoint(old.size + 1))
    assert store.newest_checkpoint(board) == checkpoint(3)
    assert len(list(store.entries(board, 0, 9))) == 3


def test_a_failure_in_the_middle_of_a_transaction_leaves_no_trace(store: Store) -> None:
    board = store.boards()[0]
    with pytest.raises(IntegrityError):
        store.append(board, checkpoint(3), [entry(3), NewEntry(b"twice", entry(3).leaf_hash, None)], checkpoint(5))
    assert len(list(store.entries(board, 0, 9))) == 3
    assert store.newest_checkpoint(board) == checkpoint(3)


def test_a_checkpoint_that_does_not_cover_its_entries_is_refused_before_the_database(store: Store) -> None:
    with pytest.raises(ValueError, match="does not follow"):
        store.append(store.boards()[0], checkpoint(3), [entry(3)], checkpoint(5))


def test_migrating_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    owner = Store(DATABASES.address(tmp_path, "owner"))
    owner.migrate()
    owner.close()
    store.prepare()
    assert store.newest_checkpoint(store.boards()[0]) == checkpoint(3)


def test_boards_do_not_mix(store: Store) -> None:
    create_toy_board(store)
    council, toy = store.boards()
    store.append(council, checkpoint(3), [entry(3)], checkpoint(4))
    assert store.newest_checkpoint(toy).size == 1
    assert store.indices(toy, [entry(3).leaf_hash]) == {}


def test_a_slug_is_taken_once(store: Store) -> None:
    with pytest.raises(IntegrityError):
        store.create("council", "h/other", b"e" * 32, entry(0), checkpoint(1))
    assert len(store.boards()) == 1
