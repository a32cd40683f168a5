"""Make out what the caller reaches once a statement."""

from chassis.migrations import reach_at_once

revision = "timetracking_2026_11_28_0300"
down_revision = "timetracking_2026_11_28_0200"


def upgrade() -> None:
    """Gives the policies that ask for a servant conditions that do not read the caller's reach for each row."""
    tables = ("servants", "appointments", "plan_months", "orders", "badges", "remote_sessions")
    reach_at_once.ask_at_once(dict.fromkeys(tables, reach_at_once.of_servant()))
