"""Which of several processes on one PostgreSQL leads: it alone sequences, signs, publishes and asks the witnesses.

Who holds a session's advisory lock leads, and the database frees the lock as soon as that connection ends, so that a
process that dies is succeeded within a second. One that lives but is stopped would keep the lock; therefore a leader
speaks on that connection all the time, and whoever finds it silent for `SILENT_SECONDS` ends its session.

The lock only keeps processes from working against each other. What makes a second history impossible is that the next
checkpoint is compared and swapped, in the database (`Store.append`) and in the lock store.
"""

import contextlib

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from retally_server.database import postgres

SILENT_SECONDS = 10
_ANSWER_SECONDS = 5
_LOCK = 0x7265_7461
"""The name of the lock; PostgreSQL keeps the locks of different databases apart."""

_HOLDER = """
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock AND objsubid = 1 AND granted
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Leadership:
    """This process's claim to lead. Its methods are called by one thread at a time."""

    def __init__(self, address: str) -> None:
        """`address` is that of the board's own PostgreSQL database; nothing is connected yet."""
        self._engine: Engine = create_engine(
            address,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"timeout": _ANSWER_SECONDS},
        )
        postgres.prepare(self._engine)
        self._connection: Connection | None = None
        self._leads = False

    @property
    def leads(self) -> bool:
        """Whether this process held the lock when it was last asked."""
        return self._leads

    def acquire(self) -> bool:
        """Whether this process leads now. False if another one does, or the database cannot be asked."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            taken = self._connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar_one()
            if not taken:
                self._connection.execute(
                    text(
                        f"SELECT pg_terminate_backend(pid) {_HOLDER} "
                        "AND clock_timestamp() - query_start > make_interval(secs => :silent)"
                    ),
                    {"lock": _LOCK, "silent": SILENT_SECONDS},
                )
        except (SQLAlchemyError, OSError):
            self.release()
            return False
        self._leads = bool(taken)
        return self._leads

    def beat(self) -> bool:
        """Says that this process is alive. False, and it leads no more, if its session has ended."""
        try:
            if self._connection is not None and self._leads:
                self._connection.execute(text("SELECT 1"))
                return True
        except (SQLAlchemyError, OSError):
            pass
        self.release()
        return False

    def release(self) -> None:
        """Leads no more; another process may."""
        self._leads = False
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                connection.close()

    def close(self) -> None:
        """Ends for good."""
        self.release()
        self._engine.dispose()
