"""The database: boards, entries, ballots by credential, and every signed checkpoint. It is the board's one source.

`Store.append` is the only way in: entries and the checkpoint that covers them go in together or not at all, and only
if the board's newest checkpoint still is the one the caller built upon (compare-and-swap). Each checkpoint names the
size it follows and no two may follow the same one, so that two sequencers by accident cannot sign two futures of one
board. The database itself refuses update, delete and gap (`sqlite.py`, `postgres.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Engine,
    LargeBinary,
    UnaryExpression,
    UniqueConstraint,
    and_,
    create_engine,
    func,
    make_url,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.schema import Column, ForeignKeyConstraint
from sqlalchemy.types import BigInteger
from sqlmodel import Field, Session, SQLModel, col, select

from retally_crypto.errors import Unusable
from retally_server.database import postgres, sqlite
from retally_server.durable import sync_folder


class BoardRow(SQLModel, table=True):
    """One election's board. `election_id` is SHA-256 of its manifest, the entry at index 0."""

    __tablename__ = "boards"
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=64, unique=True)
    origin: str = Field(max_length=255, unique=True)
    election_id: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class EntryRow(SQLModel, table=True):
    """One entry: the bytes as they were submitted, and their RFC 6962 leaf hash."""

    __tablename__ = "entries"
    __table_args__ = (UniqueConstraint("board_id", "leaf_hash"),)
    board_id: int = Field(primary_key=True, foreign_key="boards.id")
    idx: int = Field(primary_key=True, sa_type=BigInteger)
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class BallotRow(SQLModel, table=True):
    """Where a credential's ballot stands. Derived from the entry; here for lookups only."""

    __tablename__ = "ballots"
    __table_args__ = (
        ForeignKeyConstraint(["board_id", "idx"], ["entries.board_id", "entries.idx"]),
        UniqueConstraint("board_id", "body_hash"),
    )
    board_id: int = Field(primary_key=True)
    idx: int = Field(primary_key=True, sa_type=BigInteger)
    credential: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    body_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class CheckpointRow(SQLModel, table=True):
    """One signed checkpoint. All of them are kept: a receipt given twice is the same receipt."""

    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("board_id", "previous_size"),)
    board_id: int = Field(primary_key=True, foreign_key="boards.id")
    size: int = Field(primary_key=True, sa_type=BigInteger)
    previous_size: int = Field(sa_type=BigInteger)
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    note: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class TurnoutRow(SQLModel, table=True):
    """How far a board had grown at the end of an interval, by this server's clock."""

    __tablename__ = "turnout"
    board_id: int = Field(primary_key=True, foreign_key="boards.id")
    time: int = Field(primary_key=True, sa_type=BigInteger)
    entries: int = Field(sa_type=BigInteger)
    ballots: int = Field(sa_type=BigInteger)


class CosignedRow(SQLModel, table=True):
    """One checkpoint with the cosignatures of a quorum of witnesses."""

    __tablename__ = "cosigned"
    __table_args__ = (ForeignKeyConstraint(["board_id", "size"], ["checkpoints.board_id", "checkpoints.size"]),)
    board_id: int = Field(primary_key=True)
    size: int = Field(primary_key=True, sa_type=BigInteger)
    note: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


@dataclass(frozen=True)
class Board:
    """A board as the database knows it."""

    id: int
    slug: str
    origin: str
    election_id: bytes


@dataclass(frozen=True)
class NewEntry:
    """An entry about to be appended; `ballot` is (credential, H(body)), 32 bytes each, for a ballot."""

    raw: bytes
    leaf_hash: bytes
    ballot: tuple[bytes, bytes] | None


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint that the board's key signed: `note` is the signed note, `root` 32 bytes."""

    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True)
class StoredBallot:
    """Where a ballot stands and what its body hashes to."""

    index: int
    credential: bytes
    body_hash: bytes


@dataclass(frozen=True)
class TurnoutPoint:
    """`entries` and `ballots` on the board at `time`, POSIX seconds."""

    time: int
    entries: int
    ballots: int


class CheckpointMovedError(Exception):
    """The newest checkpoint in the database is not the one the caller built upon: somebody else writes there."""


class Store:
    """The database of one server. Every method is one transaction and may be called from any thread."""

    def __init__(self, address: str) -> None:
        """Opens the database at this SQLAlchemy address. Unusable if it is neither SQLite nor PostgreSQL."""
        self.engine: Engine = _open(address)

    @property
    def shared(self) -> bool:
        """Whether several processes may use this database at once, one of which leads."""
        return postgres.is_postgres(self.engine)

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    def migrate(self) -> None:
        """Brings the database to the newest shape, or does nothing if it has it."""
        config = _migrations()
        with self.engine.execution_options(**sqlite.WRITING).begin() as connection:
            if self.shared:
                postgres.one_migration_at_a_time(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if (folder := sqlite.folder_of(self.engine)) is not None:
            sync_folder(folder)

    def prepare(self) -> None:
        """Makes the database ready for a server: one of its own is migrated, one that is shared is only looked at.

        Raises Unusable if a shared one has another shape or does not guard itself, or if it cannot be read.
        """
        if not self.shared:
            self.migrate()
            return
        self.require_shape()

    def quick_check(self) -> str:
        """What SQLite's own examination of the file says: "ok", or what is wrong first."""
        with self.engine.connect() as connection:
            return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())

    def require_shape(self) -> None:
        """Raises Unusable unless the database has the newest shape, guards itself if it is shared, and can be read."""
        newest = ScriptDirectory.from_config(_migrations()).get_current_head()
        try:
            with self.engine.connect() as connection:
                shape = MigrationContext.configure(connection).get_current_revision()
                if shape != newest:
                    raise Unusable(
                        f"the database has shape {shape or 'none'}, this server needs {newest}: its owner runs "
                        "retally-server database migrate"
                    )
                if self.shared:
                    postgres.require_guarded(connection)
        except SQLAlchemyError as error:
            raise Unusable(f"the database cannot be used ({type(error).__name__})") from error

    def boards(self) -> list[Board]:
        """Every board, oldest first."""
        with Session(self.engine) as session:
            return [_board(row) for row in session.exec(select(BoardRow).order_by(col(BoardRow.id)))]

    def create(
        self, slug: str, origin: str, election_id: bytes, manifest: NewEntry, checkpoint: StoredCheckpoint
    ) -> Board:
        """A new board with entry 0 and its first checkpoint. sqlalchemy's IntegrityError if slug or origin is taken."""
        with Session(self.engine.execution_options(**sqlite.WRITING)) as session, session.begin():
            row = BoardRow(slug=slug, origin=origin, election_id=election_id)
            session.add(row)
            session.flush()
            board = _board(row)
            _insert(session, board.id, 0, [manifest], checkpoint)
            return board

    def append(self, board: Board, old: StoredCheckpoint, entries: Sequence[NewEntry], new: StoredCheckpoint) -> None:
        """Appends `entries` with the checkpoint `new` that covers them; durable on return.

        CheckpointMovedError if the newest checkpoint is not `old`, byte for byte; a database error leaves no trace.
        """
        if new.size != old.size + len(entries):
            raise ValueError(f"a checkpoint of size {new.size} does not follow {old.size} with {len(entries)} entries")
        try:
            with Session(self.engine.execution_options(**sqlite.WRITING)) as session, session.begin():
                _require_newest(board, _newest(session, board.id), old)
                _insert(session, board.id, old.size, entries, new)
        except IntegrityError:
            # Two at once on a shared database: whoever commits second meets the first one's keys.
            _require_newest(board, self.newest_checkpoint(board), old)
            raise

    def newest_checkpoint(self, board: Board) -> StoredCheckpoint:
        """The newest checkpoint of a board. LookupError if it has none, which `create` rules out."""
        with Session(self.engine) as session:
            newest = _newest(session, board.id)
        if newest is None:
            raise LookupError(f"board {board.slug} has no checkpoint")
        return newest

    def first_checkpoint_covering(self, board: Board, index: int) -> StoredCheckpoint | None:
        """The smallest checkpoint with `index` in its tree, or None."""
        with Session(self.engine) as session:
            row = session.exec(
                select(CheckpointRow)
                .where(CheckpointRow.board_id == board.id, CheckpointRow.size > index)
                .order_by(col(CheckpointRow.size))
                .limit(1)
            ).first()
            return None if row is None else _checkpoint(row)

    def checkpoint_sizes(self, board: Board) -> list[int]:
        """The size of every checkpoint ever signed, ascending."""
        with Session(self.engine) as session:
            return list(
                session.exec(
                    select(CheckpointRow.size)
                    .where(CheckpointRow.board_id == board.id)
                    .order_by(col(CheckpointRow.size))
                )
            )

    def add_cosigned(self, board: Board, size: int, note: bytes) -> None:
        """Keeps the checkpoint of `size` with its cosignatures; durable on return. IntegrityError if it goes back."""
        with Session(self.engine.execution_options(**sqlite.WRITING)) as session, session.begin():
            session.add(CosignedRow(board_id=board.id, size=size, note=note))

    def newest_cosigned(self, board: Board) -> StoredCheckpoint | None:
        """The newest checkpoint that a quorum cosigned, its note with the cosignatures; None before the first."""
        return self._cosigned(board, col(CosignedRow.size).desc(), -1)

    def first_cosigned_covering(self, board: Board, index: int) -> StoredCheckpoint | None:
        """The smallest cosigned checkpoint with `index` in its tree, or None."""
        return self._cosigned(board, col(CosignedRow.size).asc(), index)

    def _cosigned(self, board: Board, order: UnaryExpression[int], index: int) -> StoredCheckpoint | None:
        with Session(self.engine) as session:
            row = session.exec(
                select(CosignedRow, CheckpointRow.root)
                .join(
                    CheckpointRow,
                    and_(
                        col(CheckpointRow.board_id) == CosignedRow.board_id,
                        col(CheckpointRow.size) == CosignedRow.size,
                    ),
                )
                .where(CosignedRow.board_id == board.id, CosignedRow.size > index)
                .order_by(order)
                .limit(1)
            ).first()
        return None if row is None else StoredCheckpoint(row[0].size, row[1], row[0].note)

    def entries(self, board: Board, first: int, end: int, at_once: int = 256) -> Iterator[tuple[bytes, bytes]]:
        """(entry, leaf hash) of the indices first..end-1 in order, `at_once` in memory at a time."""
        for start in range(first, end, at_once):
            with Session(self.engine) as session:
                rows: Iterable[tuple[bytes, bytes]] = session.exec(
                    select(EntryRow.raw, EntryRow.leaf_hash)
                    .where(
                        EntryRow.board_id == board.id, EntryRow.idx >= start, EntryRow.idx < min(start + at_once, end)
                    )
                    .order_by(col(EntryRow.idx))
                ).all()
            yield from rows

    def indices(self, board: Board, leaf_hashes: Sequence[bytes]) -> dict[bytes, int]:
        """The index of each of these leaf hashes that stands on the board."""
        found: dict[bytes, int] = {}
        with Session(self.engine) as session:
            for start in range(0, len(leaf_hashes), 500):
                rows: Iterable[tuple[bytes, int]] = session.exec(
                    select(EntryRow.leaf_hash, EntryRow.idx).where(
                        EntryRow.board_id == board.id, col(EntryRow.leaf_hash).in_(leaf_hashes[start : start + 500])
                    )
                ).all()
                found.update(dict(rows))
        return found

    def ballots_of(self, board: Board, credential: bytes) -> list[StoredBallot]:
        """The ballots of one credential (32 bytes) in board order."""
        with Session(self.engine) as session:
            rows = session.exec(
                select(BallotRow)
                .where(BallotRow.board_id == board.id, BallotRow.credential == credential)
                .order_by(col(BallotRow.idx))
            )
            return [StoredBallot(row.idx, row.credential, row.body_hash) for row in rows]

    def ballots_between(self, board: Board, least: bytes, greatest: bytes) -> list[StoredBallot]:
        """The ballots with least <= H(body) <= greatest (32 bytes each), in that order; 16 at most."""
        with Session(self.engine) as session:
            rows = session.exec(
                select(BallotRow)
                .where(
                    BallotRow.board_id == board.id,
                    col(BallotRow.body_hash).between(least, greatest),
                )
                .order_by(col(BallotRow.body_hash))
                .limit(16)
            )
            return [StoredBallot(row.idx, row.credential, row.body_hash) for row in rows]

    def note_turnout(self, board: Board, time: int) -> None:
        """Notes how far the board has grown at `time`, unless it has not grown since the last note, or time went
        back."""
        with Session(self.engine.execution_options(**sqlite.WRITING)) as session, session.begin():
            newest = _newest(session, board.id)
            last = session.exec(
                select(TurnoutRow).where(TurnoutRow.board_id == board.id).order_by(col(TurnoutRow.time).desc()).limit(1)
            ).first()
            if newest is None or (last is not None and (last.time >= time or last.entries >= newest.size)):
                return
            ballots = session.exec(
                select(func.count()).select_from(BallotRow).where(BallotRow.board_id == board.id)
            ).one()
            session.add(TurnoutRow(board_id=board.id, time=time, entries=newest.size, ballots=ballots))

    def turnout(self, board: Board) -> list[TurnoutPoint]:
        """Every note of a board's growth, in the order of time."""
        with Session(self.engine) as session:
            rows = session.exec(
                select(TurnoutRow).where(TurnoutRow.board_id == board.id).order_by(col(TurnoutRow.time))
            )
            return [TurnoutPoint(row.time, row.entries, row.ballots) for row in rows]


def _board(row: BoardRow) -> Board:
    if row.id is None:
        raise LookupError(f"board {row.slug} was not written")
    return Board(row.id, row.slug, row.origin, row.election_id)


def _checkpoint(row: CheckpointRow) -> StoredCheckpoint:
    return StoredCheckpoint(row.size, row.root, row.note)


def _newest(session: Session, board_id: int) -> StoredCheckpoint | None:
    row = session.exec(
        select(CheckpointRow)
        .where(CheckpointRow.board_id == board_id)
        .order_by(col(CheckpointRow.size).desc())
        .limit(1)
    ).first()
    return None if row is None else _checkpoint(row)


def _require_newest(board: Board, newest: StoredCheckpoint | None, old: StoredCheckpoint) -> None:
    if newest != old:
        found = "no checkpoint" if newest is None else f"size {newest.size}"
        raise CheckpointMovedError(f"board {board.slug}: built upon size {old.size}, the database has {found}")


def is_shared(address: str) -> bool:
    """Whether several processes may use the database at this SQLAlchemy address at once."""
    return make_url(address).get_backend_name() == "postgresql"


def _open(address: str) -> Engine:
    # Without its parameters no error can show an entry or a credential.
    engine = create_engine(address, hide_parameters=True)
    if sqlite.is_sqlite(engine):
        sqlite.prepare(engine)
    elif postgres.is_postgres(engine):
        postgres.prepare(engine)
    else:
        raise Unusable(f"the database is neither SQLite nor PostgreSQL but {engine.dialect.name}")
    return engine


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", "retally_server.database:migrations")
    return config


def _insert(session: Session, board_id: int, first: int, entries: Sequence[NewEntry], new: StoredCheckpoint) -> None:
    rows = [(entry.raw, entry.leaf_hash) for entry in entries]
    ballots = [(index, *entry.ballot) for index, entry in enumerate(entries, first) if entry.ballot is not None]
    connection = session.connection()
    kind = postgres if postgres.is_postgres(connection.engine) else sqlite
    kind.insert_entries(connection, board_id, first, rows, ballots)
    row = {"board_id": board_id, "size": new.size, "previous_size": first, "root": new.root, "note": new.note}
    connection.execute(SQLModel.metadata.tables["checkpoints"].insert(), [row])
