"""How far each board had grown at the end of every interval; append-only."""

import sqlalchemy as sa
from alembic import op

from retally_server.database import postgres, sqlite
from retally_server.database.migrations import guard

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "turnout",
        sa.Column("board_id", sa.Integer, sa.ForeignKey("boards.id"), primary_key=True),
        sa.Column("time", sa.BigInteger, primary_key=True),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("ballots", sa.BigInteger, nullable=False),
    )
    guard(op.get_bind(), sqlite.APPEND_ONLY_0002, postgres.APPEND_ONLY_0002)
