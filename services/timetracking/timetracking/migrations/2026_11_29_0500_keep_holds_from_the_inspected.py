"""Keep legal holds from those who are inspected."""

from chassis.migrations import holds_apart

revision = "timetracking_2026_11_29_0500"
down_revision = "timetracking_2026_11_29_0100"


def upgrade() -> None:
    """Lets grants of a region and the nation alone see them, and has `released` said by those alone who know better than false."""
    holds_apart.keep_holds_apart("body_states", "body")
