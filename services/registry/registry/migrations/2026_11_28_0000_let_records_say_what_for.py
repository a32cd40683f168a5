"""Let audit records say what a call was for."""

from chassis.migrations import purposes

revision = "2026_11_28_0000"
down_revision = "2026_11_27_0200"


def upgrade() -> None:
    """Adds the purpose to the audit's records and to what is sealed of them."""
    purposes.say_purposes()
