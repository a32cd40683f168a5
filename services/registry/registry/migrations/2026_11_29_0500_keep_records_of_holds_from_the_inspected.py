"""Keep the records of calls about legal holds from those who are inspected, as the holds themselves."""

from chassis.migrations import holds_apart

revision = "2026_11_29_0500"
down_revision = "2026_11_28_0300"


def upgrade() -> None:
    """Lets grants of a region and the nation alone see them; those that were recorded for the body stay as they were sealed."""
    holds_apart.keep_records_apart("state_bodies", "id")
