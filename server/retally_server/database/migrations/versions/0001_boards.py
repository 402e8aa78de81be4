"""Boards, their entries, the lookup of ballots, and every checkpoint ever signed; all append-only."""

import sqlalchemy as sa
from alembic import op

from retally_server.database import postgres, sqlite
from retally_server.database.migrations import guard

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "boards",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("slug", sa.String(64), nullable=False, unique=True),
        sa.Column("origin", sa.String(255), nullable=False, unique=True),
        sa.Column("election_id", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("board_id", sa.Integer, sa.ForeignKey("boards.id"), primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.UniqueConstraint("board_id", "leaf_hash"),
    )
    op.create_table(
        "ballots",
        sa.Column("board_id", sa.Integer, primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True),
        sa.Column("credential", sa.LargeBinary(32), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(32), nullable=False),
        sa.ForeignKeyConstraint(["board_id", "idx"], ["entries.board_id", "entries.idx"]),
        sa.UniqueConstraint("board_id", "body_hash"),
    )
    op.create_index("ballots_of_a_credential", "ballots", ["board_id", "credential", "idx"])
    op.create_table(
        "checkpoints",
        sa.Column("board_id", sa.Integer, sa.ForeignKey("boards.id"), primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True),
        sa.Column("previous_size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("board_id", "previous_size"),
    )
    guard(op.get_bind(), sqlite.APPEND_ONLY_0001, postgres.APPEND_ONLY_0001)
