"""Find all wishes of a badge without reading those of everybody else in its lane: after an outage there are a region's."""

from chassis.migrations.indexes import build_beside_writers

revision = "timetracking_2026_11_26_0900"
down_revision = "timetracking_2026_11_26_0800"


def upgrade() -> None:
    """Creates the index."""
    build_beside_writers("due_reads_badge_idx", "due_reads (badge_number, badge_system)")
