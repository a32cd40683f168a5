from alembic import op

from chassis.migrations import audit

revision = "2026_11_27_0200"
down_revision = "2026_11_26_2000"


def upgrade() -> None:
    # Without bodies of its own, a body is reached by its name alone.
    op.execute("CREATE FUNCTION reached_bodies() RETURNS text[] LANGUAGE sql STABLE RETURN reach_named('bodies')")
    audit.seal_records()
