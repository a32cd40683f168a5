"""Keep the levels of terms, and who was erased."""

from chassis.migrations import personal_data

revision = "2026_11_28_0200"
down_revision = "2026_11_28_0000"


def upgrade() -> None:
    """Creates the tables that every service has for it."""
    personal_data.keep_terms()
