"""Know who heads units, and keep the application to the rows that its caller reaches."""

from chassis.migrations import reach

revision = "2026_11_26_2000"
down_revision = "2026_11_26_0300"


def upgrade() -> None:
    """Adds a policy to each table that holds records of bodies and people."""
    reach.keep_answers_apart()
    reach.know_heads()
    reach.know_reach("bodies", "id")
    reach.keep_within("bodies", f"({reach.of_body('id')} OR id = ANY ((SELECT controlled_bodies())::text[]))")
    reach.keep_within("unit_heads", reach.of_body())
    reach.keep_within("labour_order_rules", reach.of_body())
    reach.keep_within("servants", reach.of_servant("id"))
    for table in ("appointments", "assignments", "month_plans"):
        reach.keep_within(table, reach.of_servant())
