"""Let reads make days due, and keep of a day whether a stay goes on over its end."""

from alembic import op

revision = "timetracking_2026_11_26_0200"
down_revision = "timetracking_2026_11_22_1200"

DUE_READS = """
CREATE TABLE due_reads (
    lane smallint NOT NULL,
    late boolean NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    badge_system text COLLATE "C" NOT NULL,
    badge_number text COLLATE "C" NOT NULL,
    date date NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT due_reads_pkey PRIMARY KEY (lane, late, id)
);
ALTER TABLE due_reads SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE due_reads IS 'badges that were read on dates as sent, of whose holders days are to be computed; a lane is worked on by one at a time'
"""
# The text ends with it.
CROSSES = """
ALTER TABLE workdays ADD COLUMN crosses boolean NOT NULL DEFAULT false;
UPDATE workdays SET crosses = true WHERE right(content, 5) = 'true}'
"""


def upgrade() -> None:
    """Creates the table, and fills the column for the days that are there."""
    for group in (DUE_READS, CROSSES):
        for statement in group.split(";\n"):
            op.execute(statement)
