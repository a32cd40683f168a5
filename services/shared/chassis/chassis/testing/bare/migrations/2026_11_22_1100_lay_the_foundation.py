"""Lay the foundation, and a table of states on it."""

from alembic import op

from chassis.migrations import foundation

revision = "2026_11_22_1100"
down_revision = None


def upgrade() -> None:
    foundation.create()
    op.execute("CREATE TABLE states (key text CONSTRAINT states_pkey PRIMARY KEY, revision bigint NOT NULL)")
