"""Know the eras of the database."""

from chassis.migrations import eras

revision = "2026_11_30_0100"
down_revision = "2026_11_28_0200"


def upgrade() -> None:
    """Creates the table that every service has for it."""
    eras.know_eras()
