"""Everything that is true of SQLite only: durability, foreign keys, immediate transactions, append-only triggers.

No other module names a pragma or a trigger, so that another database needs one more module like this one.

- `journal_mode=WAL` with `synchronous=FULL`: a commit returns after the write-ahead log was fsynced; `NORMAL` would
  lose the last commits with the power (https://www.sqlite.org/pragma.html#pragma_synchronous).
- `recursive_triggers=ON`: without it `INSERT OR REPLACE` deletes a row and no delete trigger fires.
- Writing transactions begin with `BEGIN IMMEDIATE`: what they read before they write cannot change in between.
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

WRITING = {"retally_writing": True}
"""Execution options of a transaction that is going to write."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA busy_timeout=10000",
)


def is_sqlite(engine: Engine) -> bool:
    """Whether this engine speaks to SQLite."""
    return engine.dialect.name == "sqlite"


def prepare(engine: Engine) -> None:
    """Gives every connection of `engine` the pragmas above, and SQLAlchemy the say over where transactions begin."""

    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    def begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("retally_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def insert_entries(
    connection: Connection,
    board_id: int,
    first: int,
    entries: Sequence[tuple[bytes, bytes]],
    ballots: Sequence[tuple[int, bytes, bytes]],
) -> None:
    """Inserts (entry, leaf hash) from index `first` on, and ballots as (index, credential, H(body))."""
    connection.exec_driver_sql(
        "INSERT INTO entries (board_id, idx, raw, leaf_hash) VALUES (?, ?, ?, ?)",
        [(board_id, index, raw, leaf) for index, (raw, leaf) in enumerate(entries, first)],
    )
    if ballots:
        connection.exec_driver_sql(
            "INSERT INTO ballots (board_id, idx, credential, body_hash) VALUES (?, ?, ?, ?)",
            [(board_id, *ballot) for ballot in ballots],
        )


def _forbid(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'append-only: {table} knows no {verb.lower()}'); END"
    )


def _demand(table: str, name: str, broken_when: str, message: str) -> str:
    return (
        f"CREATE TRIGGER {table}_{name} BEFORE INSERT ON {table} WHEN {broken_when} "
        f"BEGIN SELECT RAISE(ABORT, 'append-only: {message}'); END"
    )


APPEND_ONLY_0001 = (
    *(
        _forbid(table, verb)
        for table in ("boards", "entries", "ballots", "checkpoints")
        for verb in ("UPDATE", "DELETE")
    ),
    _demand(
        "boards",
        "once",
        "EXISTS (SELECT 1 FROM boards WHERE id = NEW.id OR slug = NEW.slug OR origin = NEW.origin)",
        "this board exists",
    ),
    _demand(
        "entries",
        "no_gap",
        "NEW.idx IS NOT (SELECT coalesce(max(idx), -1) + 1 FROM entries WHERE board_id = NEW.board_id)",
        "an entry takes the next index",
    ),
    _demand(
        "entries",
        "once",
        "EXISTS (SELECT 1 FROM entries WHERE board_id = NEW.board_id AND leaf_hash = NEW.leaf_hash)",
        "an entry stands on a board once",
    ),
    _demand(
        "ballots",
        "once",
        "EXISTS (SELECT 1 FROM ballots WHERE board_id = NEW.board_id AND (idx = NEW.idx OR body_hash = NEW.body_hash))",
        "a ballot stands on a board once",
    ),
    _demand(
        "checkpoints",
        "follows",
        "NEW.previous_size IS NOT (SELECT coalesce(max(size), 0) FROM checkpoints WHERE board_id = NEW.board_id)",
        "a checkpoint follows the last one",
    ),
    _demand(
        "checkpoints",
        "covers",
        "NEW.size <= NEW.previous_size OR "
        "NEW.size IS NOT (SELECT coalesce(max(idx), -1) + 1 FROM entries WHERE board_id = NEW.board_id)",
        "a checkpoint covers all entries and more than the last one",
    ),
)
"""The triggers of migration 0001. A later change is a new constant beside this one, never a change to it."""

APPEND_ONLY_0002 = (
    *(_forbid("turnout", verb) for verb in ("UPDATE", "DELETE")),
    _demand(
        "turnout",
        "later",
        "EXISTS (SELECT 1 FROM turnout WHERE board_id = NEW.board_id "
        "AND (time >= NEW.time OR entries >= NEW.entries OR ballots > NEW.ballots))",
        "turnout is noted in the order of time, and only grows",
    ),
)
"""The triggers of migration 0002."""

APPEND_ONLY_0003 = (
    *(_forbid("cosigned", verb) for verb in ("UPDATE", "DELETE")),
    _demand(
        "cosigned",
        "grows",
        "NEW.size <= (SELECT coalesce(max(size), 0) FROM cosigned WHERE board_id = NEW.board_id)",
        "a cosigned checkpoint covers more than the last one",
    ),
)
"""The triggers of migration 0003."""


def folder_of(engine: Engine) -> Path | None:
    """The folder that holds the database file, so that its name can be made durable; None for another database."""
    name = engine.url.database
    return Path(name).resolve().parent if is_sqlite(engine) and name else None
