"""Let audit records say what a call was for."""

from chassis.migrations import purposes

revision = "timetracking_2026_11_28_0000"
down_revision = "timetracking_2026_11_27_0300"


def upgrade() -> None:
    """Adds the purpose to the audit's records and to what is sealed of them."""
    purposes.say_purposes()
