"""PostgreSQL guards the board: nobody who serves can change it, and a server that could does not start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from retally_crypto.errors import Unusable
from retally_server.database import postgres
from retally_server.database.postgres import APPEND_ONLY_TABLES
from retally_server.database.store import CheckpointMovedError, Store
from tests.databases import DATABASES
from tests.server_boards import accepted, ballots, new_log, new_store, send
from tests.unit.test_server_store import checkpoint, entry

pytestmark = pytest.mark.usefixtures("on_postgresql")


@pytest.fixture
def store(tmp_path: Path, on_postgresql: None) -> Iterator[Store]:
    """A board of three entries, the last a ballot, and two checkpoints, opened as the server's role."""
    store = new_store(tmp_path)
    board = store.create("council", "h/council", b"e" * 32, entry(0), checkpoint(1))
    store.append(board, checkpoint(1), [entry(1), entry(2, ballot=True)], checkpoint(3))
    yield store
    store.close()


def execute(folder: Path, role: str, *statements: str) -> None:
    engine = create_engine(DATABASES.address(folder, role))
    postgres.prepare(engine)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


CHANGES = [
    *(f"DELETE FROM {table}" for table in APPEND_ONLY_TABLES),
    *(f"TRUNCATE {table} CASCADE" for table in APPEND_ONLY_TABLES),
    "UPDATE boards SET slug = slug",
    "UPDATE entries SET raw = raw",
    "UPDATE ballots SET credential = credential",
    "UPDATE checkpoints SET note = note",
    "UPDATE turnout SET ballots = 0",
    "UPDATE cosigned SET note = note",
    "INSERT INTO entries VALUES (1, 2, '\\x00', '\\x01') ON CONFLICT (board_id, idx) DO UPDATE SET raw = '\\x00'",
    "WITH gone AS (DELETE FROM ballots RETURNING *) INSERT INTO turnout SELECT 1, 1, 1, 1 FROM gone",
]


NOT_ALLOWED = [
    *(f"DROP TABLE {table} CASCADE" for table in APPEND_ONLY_TABLES),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in APPEND_ONLY_TABLES),
    *(f"CREATE INDEX ON {table} (board_id)" for table in APPEND_ONLY_TABLES if table != "boards"),
    "DROP TRIGGER entries_no_gap ON entries",
    "DROP FUNCTION append_only() CASCADE",
    "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE TRIGGER more BEFORE INSERT ON entries EXECUTE FUNCTION append_only()",
    "ALTER TABLE entries ADD COLUMN more integer",
    "CREATE TABLE more (id integer)",
    "SET session_replication_role = replica",
    "SET ROLE owner",
    "UPDATE alembic_version SET version_num = '0001'",
    "SELECT id FROM boards FOR UPDATE",
    "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE",
    "UPDATE waiting SET entry = entry",
    "ALTER SEQUENCE boards_id_seq RESTART",
]


def refuse_all(folder: Path, role: str, statements: list[str], error: type[Exception], said: str) -> None:
    for statement in statements:
        with pytest.raises(error) as refused:
            execute(folder, role, *statement.split("; "))
        assert re.search(said, str(refused.value)), (role, statement, refused.value)


def test_the_triggers_refuse_every_change_also_to_the_owner_of_the_tables(store: Store, tmp_path: Path) -> None:
    refuse_all(tmp_path, "owner", CHANGES, IntegrityError, "append-only")
    assert store.newest_checkpoint(store.boards()[0]) == checkpoint(3)


def test_the_triggers_refuse_a_superuser_who_plays_a_replica(store: Store, tmp_path: Path) -> None:
    statements = [f"SET session_replication_role = replica; {statement}" for statement in CHANGES]
    refuse_all(tmp_path, "super", statements, IntegrityError, "append-only")
    assert len(list(store.entries(store.boards()[0], 0, 9))) == 3


def test_the_servers_role_is_not_allowed_anything_but_reading_and_inserting(store: Store, tmp_path: Path) -> None:
    said = "permission denied|must be owner"
    refuse_all(tmp_path, "server", CHANGES + NOT_ALLOWED, SQLAlchemyError, said)
    assert store.newest_checkpoint(store.boards()[0]) == checkpoint(3)


def test_a_temporary_table_does_not_take_the_place_of_a_real_one_in_a_rule(store: Store, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="append-only: an entry takes the next index"):
        execute(
            tmp_path,
            "server",
            "CREATE TEMPORARY TABLE entries (board_id integer, idx bigint)",
            "INSERT INTO entries VALUES (1, 6), (1, 7)",
            "INSERT INTO public.entries VALUES (1, 7, '\\x00', '\\x00')",
        )


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("GRANT UPDATE ON entries TO server", "update the table entries"),
        ("GRANT UPDATE (note) ON cosigned TO server", "update the table cosigned"),
        ("GRANT DELETE ON ballots TO server", "delete the table ballots"),
        ("GRANT TRUNCATE ON checkpoints TO PUBLIC", "truncate the table checkpoints"),
        ("GRANT TRIGGER ON boards TO server", "trigger the table boards"),
        ("ALTER TABLE turnout OWNER TO server", "alter and drop the table turnout"),
        ("GRANT CREATE ON SCHEMA public TO server", "create tables"),
        ("ALTER TABLE entries DISABLE TRIGGER entries_no_gap", "entries_no_gap is missing or switched off"),
        ("ALTER TABLE entries ENABLE TRIGGER entries_no_update", "entries_no_update is missing or switched off"),
        ("DROP TRIGGER cosigned_grows ON cosigned", "cosigned_grows is missing or switched off"),
        ("UPDATE alembic_version SET version_num = '0003'", "retally-server database migrate"),
    ],
)
def test_a_server_does_not_start_on_a_database_that_does_not_guard_itself(
    store: Store, tmp_path: Path, statement: str, said: str
) -> None:
    execute(tmp_path, "super", statement)
    with pytest.raises(Unusable, match=said):
        store.prepare()


@pytest.mark.parametrize("role", ["owner", "super"])
def test_a_server_does_not_start_as_a_role_with_more_power_than_it_needs(tmp_path: Path, role: str) -> None:
    strong = Store(DATABASES.address(tmp_path, role))
    with pytest.raises(Unusable, match="the database role of this server may"):
        strong.prepare()
    strong.close()


def test_a_server_says_that_it_cannot_reach_its_database_and_not_with_which_password() -> None:
    store = Store("postgresql+pg8000://server:secret@127.0.0.1:1/none")
    with pytest.raises(Unusable) as told:
        store.prepare()
    assert "secret" not in str(told.value)
    store.close()


def test_of_two_who_append_at_once_one_commits_and_the_other_learns_that_it_was_overtaken(
    store: Store, tmp_path: Path
) -> None:
    rival = Store(DATABASES.address(tmp_path))
    board = store.boards()[0]
    with store.engine.begin() as first:
        # The rival has not seen this commit when it looks at the newest checkpoint, and meets its keys afterwards.
        postgres.insert_entries(first, board.id, 3, [(entry(3).raw, entry(3).leaf_hash)], [])
        first.execute(
            text("INSERT INTO checkpoints VALUES (:board, 4, 3, :root, :note)"),
            {"board": board.id, "root": checkpoint(4).root, "note": checkpoint(4).note},
        )
        with rival.engine.begin() as second:
            assert second.execute(text("SELECT max(size) FROM checkpoints")).scalar_one() == 3
            second.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(DBAPIError, match="lock timeout"):
                postgres.insert_entries(second, board.id, 3, [(entry(9).raw, entry(9).leaf_hash)], [])
            second.rollback()
    with pytest.raises(CheckpointMovedError):
        rival.append(board, checkpoint(3), [entry(9)], checkpoint(4))
    assert store.newest_checkpoint(board) == checkpoint(4)
    rival.close()


def test_an_error_of_the_database_shows_no_entry(store: Store) -> None:
    board = store.boards()[0]
    with pytest.raises(IntegrityError) as told:
        store.append(board, checkpoint(3), [entry(3), entry(3)], checkpoint(5))
    assert "entry 3" not in str(told.value)
    assert entry(3).raw.hex() not in str(told.value)


def test_a_transaction_that_is_left_open_is_ended_by_the_database(store: Store) -> None:
    with store.engine.connect() as connection:
        said = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
    assert said == "10s"


def test_a_crash_of_the_database_loses_nothing_that_was_answered_and_the_board_goes_on(tmp_path: Path) -> None:
    store, log = new_log(tmp_path)
    first = send(log, ballots(0, 20))
    DATABASES.cluster.crash()
    with pytest.raises(SQLAlchemyError):
        send(log, ballots(20, 5))
    DATABASES.cluster.start()
    again = send(log, ballots(0, 30))
    assert [each.receipt for each in accepted(again)[:20]] == [each.receipt for each in accepted(first)]
    assert store.newest_checkpoint(log.board).size == 31
    store.close()
