"""Checkpoints that the quorum of witnesses cosigned; append-only."""

import sqlalchemy as sa
from alembic import op

from retally_server.database import postgres, sqlite
from retally_server.database.migrations import guard

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cosigned",
        sa.Column("board_id", sa.Integer, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["board_id", "size"], ["checkpoints.board_id", "checkpoints.size"]),
    )
    guard(op.get_bind(), sqlite.APPEND_ONLY_0003, postgres.APPEND_ONLY_0003)
