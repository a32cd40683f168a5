"""Know the eras of the database."""

from chassis.migrations import eras

revision = "timetracking_2026_11_30_0100"
down_revision = "timetracking_2026_11_29_0600"


def upgrade() -> None:
    """Creates the table that every service has for it."""
    eras.know_eras()
