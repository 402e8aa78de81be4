"""Tables through which several processes hand entries to the one that leads; PostgreSQL only."""

from alembic import op

from retally_server.database import postgres
from retally_server.database.migrations import guard

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    guard(op.get_bind(), (), postgres.HAND_OVER_0004)
