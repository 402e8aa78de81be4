"""Everything that is true of PostgreSQL only: durability, time-outs, append-only triggers, roles, bulk inserts.

The counterpart of `sqlite.py`. What PostgreSQL promises here, and where:

- A commit returns after the write-ahead log was fsynced (`synchronous_commit=on`, set for every connection;
  `fsync=on` is the cluster's and is looked at when the server starts).
- Triggers refuse update, delete, truncate and gap. They are `ENABLE ALWAYS`, so `session_replication_role` does not
  switch them off, and their functions name the schema first and `pg_temp` last, so that no temporary table takes the
  place of a real one.
- The server's role may read and insert, and nothing else (`grant`); it owns nothing, so it cannot drop a trigger
  either. Who owns the tables could: that role's password is for migrations and belongs to no running server.
- A transaction that is left open is ended by the database after `IDLE_SECONDS`: a process that was stopped in the
  middle of one cannot keep its successor waiting.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

from retally_crypto.errors import Unusable

IDLE_SECONDS = 10
STATEMENT_SECONDS = 60
LOCK_SECONDS = 10

_SETTINGS = (
    "SET synchronous_commit = on",
    "SET default_transaction_isolation = 'read committed'",
    f"SET statement_timeout = '{STATEMENT_SECONDS}s'",
    f"SET lock_timeout = '{LOCK_SECONDS}s'",
    f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'",
)
APPEND_ONLY_TABLES = ("boards", "entries", "ballots", "checkpoints", "turnout", "cosigned")
PASSING_TABLES = ("waiting", "answered")
"""The hand-over's tables: nothing in them was acknowledged."""


def is_postgres(engine: Engine) -> bool:
    """Whether this engine speaks to PostgreSQL."""
    return engine.dialect.name == "postgresql"


def prepare(engine: Engine) -> None:
    """Gives every connection of `engine` the settings above, and its errors the types that SQLite's have."""

    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for setting in _SETTINGS:
            cursor.execute(setting)
        connection.commit()
        cursor.close()

    event.listen(engine, "connect", connected)
    event.listen(engine, "handle_error", _typed, retval=True)


def _typed(context: ExceptionContext) -> BaseException | None:
    """Class 23 is a broken rule of the tables; 08, 57P and 25P03, and whatever the socket says, a connection that is
    gone: the driver tells neither apart from other errors."""
    error = context.original_exception
    told = error.args[0] if error.args else None
    code = str(told.get("C", "")) if isinstance(told, dict) else ""
    broken = isinstance(error, OSError) or type(error).__name__ == "InterfaceError"
    if broken or code.startswith(("08", "57P")) or code == "25P03":
        context.is_disconnect = True
    if code.startswith("23") and isinstance(told, dict):
        return IntegrityError(str(told.get("M", "refused by the database")), None, error)
    return None


def insert_entries(
    connection: Connection,
    board_id: int,
    first: int,
    entries: Sequence[tuple[bytes, bytes]],
    ballots: Sequence[tuple[int, bytes, bytes]],
) -> None:
    """Inserts (entry, leaf hash) from index `first` on, and ballots as (index, credential, H(body)).

    One statement each, whatever their number: the driver sends a row of `executemany` at a time and waits for each
    (docs/decisions/0003). The bytes go over in one piece and are cut in the database.
    """
    starts, at = [], 1
    for raw, _ in entries:
        starts.append(at)
        at += len(raw)
    connection.execute(
        text(
            "INSERT INTO entries (board_id, idx, raw, leaf_hash) SELECT :board, :first + place - 1, "
            "substring(CAST(:raws AS bytea) FROM start FOR length), "
            "substring(CAST(:leaves AS bytea) FROM CAST(32 * place - 31 AS int) FOR 32) "
            "FROM unnest(CAST(:starts AS int[]), CAST(:lengths AS int[])) WITH ORDINALITY AS cut(start, length, place)"
        ),
        {
            "board": board_id,
            "first": first,
            "raws": b"".join(raw for raw, _ in entries),
            "leaves": b"".join(leaf for _, leaf in entries),
            "starts": starts,
            "lengths": [len(raw) for raw, _ in entries],
        },
    )
    if ballots:
        connection.execute(
            text(
                "INSERT INTO ballots (board_id, idx, credential, body_hash) SELECT :board, idx, "
                "substring(CAST(:credentials AS bytea) FROM CAST(32 * place - 31 AS int) FOR 32), "
                "substring(CAST(:bodies AS bytea) FROM CAST(32 * place - 31 AS int) FOR 32) "
                "FROM unnest(CAST(:indices AS bigint[])) WITH ORDINALITY AS cut(idx, place)"
            ),
            {
                "board": board_id,
                "indices": [index for index, _, _ in ballots],
                "credentials": b"".join(credential for _, credential, _ in ballots),
                "bodies": b"".join(body for _, _, body in ballots),
            },
        )


# ---- triggers, for the migrations ----


def _function(name: str, body: str) -> str:
    # {schema} is filled in by `install`.
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $rule$ "
        f"BEGIN {body} END $rule$"
    )


def _refuse(message: str) -> str:
    """`message` is an SQL expression."""
    return f"RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'append-only: ' || {message};"


def _trigger(name: str, table: str, when: str, function: str) -> tuple[str, str]:
    return (
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
    )


def _forbid(*tables: str) -> tuple[str, ...]:
    return tuple(
        statement
        for table in tables
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
        for statement in _trigger(
            f"{table}_no_{verb.lower()}", table, f"BEFORE {verb} ON {table} FOR EACH STATEMENT", "append_only"
        )
    )


def _demand(table: str, name: str, broken_when: str, message: str) -> tuple[str, ...]:
    """A rule for every new row of `table`."""
    quoted, rule = f"'{message}'", f"{table}_{name}"
    body = f"IF {broken_when} THEN {_refuse(quoted)} END IF; RETURN NEW;"
    return (
        _function(rule, body),
        *_trigger(rule, table, f"BEFORE INSERT ON {table} FOR EACH ROW", rule),
    )


_HAS_GAP = (
    "EXISTS (SELECT 1 FROM "
    "(SELECT board_id, min(idx) AS first, max(idx) AS last, count(*) AS many FROM added GROUP BY board_id) AS run "
    "WHERE run.first < 0 OR run.last - run.first + 1 <> run.many "
    "OR run.last <> (SELECT max(idx) FROM entries WHERE entries.board_id = run.board_id) "
    "OR (run.first > 0 AND NOT EXISTS "
    "(SELECT 1 FROM entries WHERE entries.board_id = run.board_id AND entries.idx = run.first - 1)))"
)
_NEXT = _refuse("'an entry takes the next index'")

APPEND_ONLY_0001 = (
    "ALTER TABLE entries ALTER COLUMN raw SET STORAGE EXTERNAL",
    _function("append_only", _refuse("TG_TABLE_NAME || ' knows no ' || lower(TG_OP)")),
    *_forbid("boards", "entries", "ballots", "checkpoints"),
    # Once a statement, not once a row: the keys rule out that a row is there twice, so first, last and number suffice.
    _function("entries_no_gap", f"IF {_HAS_GAP} THEN {_NEXT} END IF; RETURN NULL;"),
    *_trigger(
        "entries_no_gap",
        "entries",
        "AFTER INSERT ON entries REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        "entries_no_gap",
    ),
    *_demand(
        "checkpoints",
        "follows",
        "NEW.previous_size IS DISTINCT FROM "
        "(SELECT coalesce(max(size), 0) FROM checkpoints WHERE board_id = NEW.board_id)",
        "a checkpoint follows the last one",
    ),
    *_demand(
        "checkpoints",
        "covers",
        "NEW.size <= NEW.previous_size OR NEW.size IS DISTINCT FROM "
        "(SELECT coalesce(max(idx), -1) + 1 FROM entries WHERE board_id = NEW.board_id)",
        "a checkpoint covers all entries and more than the last one",
    ),
)
"""The triggers of migration 0001. A later change is a new constant beside this one, never a change to it."""

APPEND_ONLY_0002 = (
    *_forbid("turnout"),
    *_demand(
        "turnout",
        "later",
        "EXISTS (SELECT 1 FROM turnout WHERE board_id = NEW.board_id "
        "AND (time >= NEW.time OR entries >= NEW.entries OR ballots > NEW.ballots))",
        "turnout is noted in the order of time, and only grows",
    ),
)
"""The triggers of migration 0002."""

APPEND_ONLY_0003 = (
    *_forbid("cosigned"),
    *_demand(
        "cosigned",
        "grows",
        "NEW.size <= (SELECT coalesce(max(size), 0) FROM cosigned WHERE board_id = NEW.board_id)",
        "a cosigned checkpoint covers more than the last one",
    ),
)
"""The triggers of migration 0003."""

HAND_OVER_0004 = (
    "CREATE UNLOGGED TABLE waiting ("
    "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, worker bytea NOT NULL, ticket bigint NOT NULL, "
    "board_id integer, received_at double precision NOT NULL, entry bytea NOT NULL, "
    "put_at timestamptz NOT NULL DEFAULT clock_timestamp())",
    "CREATE UNLOGGED TABLE answered ("
    "worker bytea NOT NULL, ticket bigint NOT NULL, answer text NOT NULL, receipt bytea, "
    "put_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (worker, ticket))",
    "ALTER TABLE waiting ALTER COLUMN entry SET STORAGE EXTERNAL",
    *(
        f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
        for table in PASSING_TABLES
    ),
)
"""The tables of migration 0004. Unlogged: a crash of the database empties them, and nothing in them was answered."""


def install(connection: Connection, statements: Sequence[str]) -> None:
    """Executes statements of a migration, `{schema}` being the schema that the tables are made in."""
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for statement in statements:
        connection.exec_driver_sql(statement.replace("{schema}", schema))


# ---- the server's role ----


def one_migration_at_a_time(connection: Connection) -> None:
    """Waits until no other transaction migrates this database."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('retally migration'))"))


def grant(connection: Connection, role: str) -> None:
    """Gives a role what a running server needs: to read and insert, to pass entries on, and nothing else."""
    quoted = connection.execute(text("SELECT quote_ident(:role)"), {"role": role}).scalar_one()
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {quoted}",
        f"REVOKE ALL ON {', '.join((*APPEND_ONLY_TABLES, *PASSING_TABLES))} FROM {quoted}",
        f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY_TABLES)} TO {quoted}",
        f"GRANT SELECT, INSERT, DELETE ON {', '.join(PASSING_TABLES)} TO {quoted}",
        f"GRANT SELECT ON alembic_version TO {quoted}",
        f"GRANT USAGE ON SEQUENCE boards_id_seq TO {quoted}",
    ):
        connection.exec_driver_sql(statement)


def require_guarded(connection: Connection) -> None:
    """Raises Unusable unless commits are durable, every trigger is on, and this role can change none of that."""
    for setting in ("fsync", "full_page_writes"):
        if connection.exec_driver_sql(f"SHOW {setting}").scalar_one() != "on":
            raise Unusable(f"PostgreSQL runs with {setting}=off: a power cut would lose ballots that were acknowledged")
    on = set(
        connection.execute(
            text(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' "
                "AND tgrelid IN (SELECT to_regclass(name) FROM unnest(CAST(:tables AS text[])) AS name)"
            ),
            {"tables": list(APPEND_ONLY_TABLES)},
        ).scalars()
    )
    if absent := _trigger_names() - on:
        raise Unusable(f"the database does not guard itself: the trigger {min(absent)} is missing or switched off")
    if powers := list(connection.execute(text(_POWERS), {"tables": list(APPEND_ONLY_TABLES)}).scalars()):
        raise Unusable(
            f"the database role of this server may {powers[0]}; give it a role of its own that may only read and "
            "insert: retally-server database grant ROLE"
        )


def _trigger_names() -> set[str]:
    words = (statement.split() for group in _ALL for statement in group)
    return {each[2] for each in words if each[:2] == ["CREATE", "TRIGGER"]}


_ALL = (APPEND_ONLY_0001, APPEND_ONLY_0002, APPEND_ONLY_0003)
_POWERS = """
SELECT 'do everything: it is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL SELECT 'make roles' FROM pg_roles WHERE rolname = current_user AND rolcreaterole
UNION ALL SELECT 'drop the database: it is, or can become, its owner' FROM pg_database
    WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'MEMBER')
UNION ALL SELECT 'alter and drop the table ' || relname || ': it is, or can become, its owner' FROM pg_class
    WHERE oid IN (SELECT to_regclass(name) FROM unnest(CAST(:tables AS text[])) AS name)
    AND pg_has_role(current_user, relowner, 'MEMBER')
UNION ALL SELECT lower(power) || ' the table ' || name
    FROM unnest(CAST(:tables AS text[])) AS name, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS power
    WHERE has_table_privilege(name, power)
UNION ALL SELECT 'update the table ' || name FROM unnest(CAST(:tables AS text[])) AS name
    WHERE has_any_column_privilege(name, 'UPDATE')
UNION ALL SELECT 'create tables in this schema' WHERE has_schema_privilege(current_schema(), 'CREATE')
"""
"""One line for every power that the current role must not have."""
