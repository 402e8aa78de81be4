"""How far each board had grown at the end of every interval; append-only."""

import sqlalchemy as sa
from alembic import op

from retally_server import sqlite

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
    for trigger in sqlite.APPEND_ONLY_0002:
        op.execute(trigger)
