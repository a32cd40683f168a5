"""Keep since when dates of devices wait for a look, when the accounts were last complete, and which looks are put off."""

from alembic import op

revision = "timetracking_2026_11_26_0800"
down_revision = "timetracking_2026_11_26_0700"

LOOKS = """
ALTER TABLE device_days ADD COLUMN pending_since timestamptz NOT NULL DEFAULT now();
ALTER TABLE device_days ALTER COLUMN pending_since SET DEFAULT clock_timestamp();
COMMENT ON COLUMN device_days.pending_since IS 'when the first passage came that the last look had not seen';
ALTER TABLE device_looks
    ALTER COLUMN looked_until DROP NOT NULL,
    ALTER COLUMN due_at DROP NOT NULL,
    ADD COLUMN not_before timestamptz;
COMMENT ON COLUMN device_looks.not_before IS 'real time before which the device is not looked at, since a look failed';
CREATE TABLE account_levels (
    one boolean NOT NULL CONSTRAINT account_levels_pkey PRIMARY KEY CHECK (one),
    at timestamptz NOT NULL
);
COMMENT ON TABLE account_levels IS 'when everything in Kafka was last counted as received'
"""


def upgrade() -> None:
    """Adds the columns and the table; what waits now waits from now on."""
    for statement in LOOKS.split(";\n"):
        op.execute(statement)
