"""Let the wish for a day say when its read was received, and in which trace it was recorded."""

from alembic import op

revision = "timetracking_2026_11_29_0600"
down_revision = "timetracking_2026_11_29_0500"


def upgrade() -> None:
    """Adds two columns; the version before leaves them empty, and then nothing is measured or continued."""
    op.execute("ALTER TABLE due_reads ADD COLUMN received_at timestamptz, ADD COLUMN traceparent text")
