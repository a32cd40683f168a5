"""Put a look off longer each time it fails: one that only waited too long for somebody else has its turn again soon."""

from alembic import op

revision = "timetracking_2026_12_01_0100"
down_revision = "timetracking_2026_11_30_0100"

FAILED = """
ALTER TABLE device_looks ADD COLUMN failed integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN device_looks.failed IS 'how many looks failed since the last one that did not'
"""


def upgrade() -> None:
    """Adds the column; what was put off for long before keeps its time."""
    for statement in FAILED.split(";\n"):
        op.execute(statement)
