"""Find the plans of a date at some premises without reading those of everybody else."""

from alembic import op
from chassis.migrations.indexes import build_beside_writers

revision = "timetracking_2026_11_26_0600"
down_revision = "timetracking_2026_11_26_0500"

# A date alone is that of a nation, premises alone are those of years: what is looked for is both.
PREMISES_ON = """
CREATE OR REPLACE FUNCTION premises_on(premises text[], date date) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(each || ' ' || (date - DATE '1970-01-01')) FROM unnest(premises) AS each
$$
"""
# Whoever asks would read all that was put off, again and again.
INDEX = "plan_days USING gin (premises_on(premises, date)) WITH (fastupdate = off)"


def upgrade() -> None:
    """Creates the function and the index over it."""
    op.execute(PREMISES_ON)
    build_beside_writers("plan_days_premises_on_idx", INDEX)
