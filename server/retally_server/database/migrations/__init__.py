"""The database's shape, step by step (Alembic). `store.migrate` runs these; nothing else creates a table.

A migration that was released is never changed.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from retally_server.database import postgres


def guard(connection: Connection, on_sqlite: Sequence[str], on_postgres: Sequence[str]) -> None:
    """Executes what makes tables append-only on this kind of database. RuntimeError on one that nothing is known of."""
    if connection.dialect.name == "sqlite":
        for statement in on_sqlite:
            connection.exec_driver_sql(statement)
    elif connection.dialect.name == "postgresql":
        postgres.install(connection, on_postgres)
    else:
        raise RuntimeError(f"there are no append-only triggers for {connection.dialect.name}")
