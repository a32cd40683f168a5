"""Make out what the caller reaches once a statement."""

from chassis.migrations import reach_at_once

revision = "2026_11_28_0300"
down_revision = "2026_11_28_0200"


def upgrade() -> None:
    """Gives the policies that ask for a servant conditions that do not read the caller's reach for each row."""
    of_servant = dict.fromkeys(("appointments", "assignments", "month_plans"), reach_at_once.of_servant())
    reach_at_once.ask_at_once({"servants": reach_at_once.of_servant("id"), **of_servant})
