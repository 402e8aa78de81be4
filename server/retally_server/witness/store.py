"""The witness's memory: which logs it knows, and the latest checkpoint it cosigned for each. SQLite, nothing else.

`Store.latest` hands out a transaction that holds the write lock from reading the latest checkpoint to replacing it, so
two requests can never both be checked against the same one (the race that C2SP tlog-witness describes at its end). A
commit returns after the write-ahead log was fsynced. The database itself refuses a checkpoint that takes leaves back.

**An old copy of this database must never be put back**: the witness would forget what it has cosigned and could cosign
another history. A witness that lost its database makes a new key.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retally_crypto.errors import Unusable
from retally_crypto.notes import VerifierKey, format_vkey, parse_vkey
from retally_server.durable import make_folder, sync_folder

EVIDENCE_LIMIT = 64
"""Contradicting checkpoints kept for each log: one proves the fork, and a log must not fill the witness's disk."""

_SHAPE = 1
_TABLES = (
    "CREATE TABLE logs (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey))",
    "CREATE TABLE latest (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL)",
    "CREATE TABLE evidence (origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, "
    "PRIMARY KEY (origin, size, root))",
    "CREATE TRIGGER latest_only_grows BEFORE UPDATE ON latest "
    "WHEN NEW.origin IS NOT OLD.origin OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root IS NOT OLD.root) "
    "BEGIN SELECT RAISE(ABORT, 'a witness takes nothing back'); END",
    "CREATE TRIGGER latest_stays BEFORE DELETE ON latest BEGIN SELECT RAISE(ABORT, 'a witness forgets nothing'); END",
    "CREATE TRIGGER evidence_stays BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence stays'); END",
)


@dataclass(frozen=True)
class Seen:
    """The latest cosigned checkpoint of a log: `note` with the log's signature and the witness's cosignature."""

    size: int
    root: bytes
    note: bytes


class Latest:
    """What one transaction knows and may replace: the latest checkpoint of one log, None before the first."""

    def __init__(self, connection: sqlite3.Connection, origin: str) -> None:
        self._connection = connection
        self._origin = origin
        row = connection.execute("SELECT size, root, note FROM latest WHERE origin = ?", (origin,)).fetchone()
        self.seen = None if row is None else Seen(*row)

    def replace(self, seen: Seen) -> None:
        """Remembers `seen` from now on; durable when the transaction ends. sqlite3.IntegrityError if it goes back."""
        self._connection.execute(
            "INSERT INTO latest VALUES (?, ?, ?, ?) "
            "ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note",
            (self._origin, seen.size, seen.root, seen.note),
        )

    def keep_evidence(self, size: int, root: bytes, note: bytes) -> None:
        """Keeps a checkpoint that the log signed and that contradicts the latest one; EVIDENCE_LIMIT for each log."""
        count = self._connection.execute("SELECT count(*) FROM evidence WHERE origin = ?", (self._origin,)).fetchone()
        if count[0] < EVIDENCE_LIMIT:
            self._connection.execute(
                "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?)", (self._origin, size, root, note)
            )


class Store:
    """The database of one witness. May be used from several threads, one transaction at a time."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the database. Raises Unusable if it has another shape."""
        make_folder(path.parent.resolve())
        self._path = path
        self._alone = -1
        self._turn = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        shape = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if shape == 0:
            self._make()
            sync_folder(path.parent.resolve())
        elif shape != _SHAPE:
            self.close()
            raise Unusable(f"the witness database {path} has shape {shape}; this program knows {_SHAPE}")

    def serve_alone(self) -> None:
        """Keeps a second witness off this database until `close`; logs may still be added. Unusable if one runs."""
        lock = self._path.with_name(self._path.name + ".lock")
        self._alone = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"another witness runs on the database {self._path}") from None

    def _make(self) -> None:
        with self._transaction() as connection:
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version = {_SHAPE}")

    def close(self) -> None:
        """Closes the database and frees its lock."""
        self._connection.close()
        if self._alone >= 0:
            os.close(self._alone)
            self._alone = -1

    def add_log(self, origin: str, key: VerifierKey) -> None:
        """Cosign checkpoints of `origin` that `key` signed, from now on. The same one again changes nothing."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO logs VALUES (?, ?)", (origin, format_vkey(key)))

    def logs(self) -> list[tuple[str, VerifierKey]]:
        """Every known log: origin and key."""
        with self._turn:
            rows = self._connection.execute("SELECT origin, vkey FROM logs ORDER BY origin, vkey").fetchall()
        return [(origin, parse_vkey(vkey)) for origin, vkey in rows]

    def keys_of(self, origin: str) -> list[VerifierKey]:
        """The keys trusted for this origin; none if the log is unknown."""
        with self._turn:
            rows = self._connection.execute(
                "SELECT vkey FROM logs WHERE origin = ? ORDER BY vkey", (origin,)
            ).fetchall()
        return [parse_vkey(vkey) for (vkey,) in rows]

    @contextmanager
    def latest(self, origin: str) -> Iterator[Latest]:
        """The latest checkpoint of a log, held until the block ends: committed then, or undone by an exception."""
        with self._transaction() as connection:
            yield Latest(connection, origin)

    def seen(self) -> dict[str, Seen]:
        """The latest cosigned checkpoint by origin."""
        with self._turn:
            rows = self._connection.execute("SELECT origin, size, root, note FROM latest").fetchall()
        return {origin: Seen(size, root, note) for origin, size, root, note in rows}

    def evidence(self, origin: str) -> list[bytes]:
        """Every kept checkpoint that contradicts what this witness cosigned."""
        with self._turn:
            rows = self._connection.execute("SELECT note FROM evidence WHERE origin = ?", (origin,)).fetchall()
        return [note for (note,) in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
