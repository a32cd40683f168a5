"""Forget when the days of a read were asked for: nobody looks at it any more."""

from alembic import op

revision = "timetracking_2026_11_26_0700"
down_revision = "timetracking_2026_11_26_0600"


def upgrade() -> None:
    """Drops the column; databases that were made while it was left out of their first tables never had it."""
    op.execute("ALTER TABLE due_reads DROP COLUMN IF EXISTS asked_at")
