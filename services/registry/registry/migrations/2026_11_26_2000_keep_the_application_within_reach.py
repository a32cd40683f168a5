"""Keep the application to the rows that its caller reaches."""

from chassis.migrations import reach

revision = "2026_11_26_2000"
down_revision = "2026_11_26_0300"


def upgrade() -> None:
    """Adds a policy to each table that holds records of bodies and people."""
    reach.keep_answers_apart()
    posts = "appointments a JOIN positions p ON p.body = a.body AND p.id = a.position"
    reach.know_reach("state_bodies", "id", posts, "p.unit")
    region, controlled = "region = ANY (reach_named('regions'))", "id = ANY ((SELECT controlled_bodies())::text[])"
    reach.keep_within("state_bodies", f"({reach.of_body('id')} OR {region} OR {controlled})", writes=f"({reach.of_body('id')} OR {region})")
    for table in ("units", "unit_heads"):
        reach.keep_within(table, reach.of_body())
    # Whoever reads a servant's file learns what the posts in it are, elsewhere too.
    held = "EXISTS (SELECT FROM appointments a WHERE a.body = positions.body AND a.position = positions.id)"
    reach.keep_within("positions", f"({reach.of_body()} OR {held})", writes=reach.of_body())
    # A servant is created before the appointments, which say who reaches them.
    reach.keep_within("servants", reach.of_servant("id"), writes="true")
    # A file is read whole, with what was or will be elsewhere; only appointments to bodies within reach are written.
    reach.keep_within("appointments", reach.of_servant(), writes=reach.of_body())
