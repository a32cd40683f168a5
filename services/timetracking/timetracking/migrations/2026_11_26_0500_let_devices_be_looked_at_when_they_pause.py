"""Keep when a device's count of a date changed and when it was looked at."""

from alembic import op

revision = "timetracking_2026_11_26_0500"
down_revision = "timetracking_2026_11_26_0400"

# A default that is one instant for all rows is kept once beside them; one that is another for each would write them all anew.
DEVICE_DAYS = """
ALTER TABLE device_days
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN looked_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE device_days
    ALTER COLUMN changed_at SET DEFAULT clock_timestamp(),
    ALTER COLUMN looked_at SET DEFAULT clock_timestamp();
COMMENT ON COLUMN device_days.looked_at IS 'when the findings of the device were last looked for, or the first passage of the date was stored'
"""


def upgrade() -> None:
    """Adds the columns; what was there counts from now."""
    for statement in DEVICE_DAYS.split(";\n"):
        op.execute(statement)
