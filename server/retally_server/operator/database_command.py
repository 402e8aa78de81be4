"""`retally-server database`: what the owner of a PostgreSQL database does for it, once and after every update.

The owner's role makes the tables and their rules, and gives the server's role what it needs. No running server knows
the owner's address.
"""

from sqlalchemy.exc import SQLAlchemyError

from retally_crypto.errors import Unusable
from retally_server.database import postgres
from retally_server.database.store import Store
from retally_server.settings import Settings


def migrate(settings: Settings) -> None:
    """Brings the database to the newest shape as its owner. Unusable if that fails."""
    store = _as_owner(settings)
    try:
        store.migrate()
    except SQLAlchemyError as error:
        raise Unusable(f"the database was not changed: {_said(error)}") from error
    finally:
        store.close()


def grant(settings: Settings, role: str) -> None:
    """Lets `role` read and insert, and nothing else. Unusable on another database than PostgreSQL, or if that fails."""
    store = _as_owner(settings)
    try:
        if not store.shared:
            raise Unusable("SQLite knows no roles: who can write the file can write the board")
        with store.engine.begin() as connection:
            postgres.grant(connection, role)
    except SQLAlchemyError as error:
        raise Unusable(f"nothing was granted: {_said(error)}") from error
    finally:
        store.close()


def _as_owner(settings: Settings) -> Store:
    return Store(settings.database_owner_url or settings.database)


def _said(error: SQLAlchemyError) -> str:
    """The database's own words, which name tables and roles and never an address or a password."""
    told = getattr(error, "orig", None)
    words = told.args[0] if told is not None and told.args else None
    return str(words.get("M")) if isinstance(words, dict) else type(error).__name__
