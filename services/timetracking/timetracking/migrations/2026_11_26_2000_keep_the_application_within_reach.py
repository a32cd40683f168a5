"""Know who heads units, and keep the application to the rows that its caller reaches."""

from alembic import op
from chassis.migrations import reach

revision = "timetracking_2026_11_26_2000"
down_revision = "timetracking_2026_11_26_0900"

# A parked record may be of a device that nobody enrolled: those who operate regions see it.
OF_DEVICES = """
CREATE FUNCTION reaches_device(wanted text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public
    RETURN coalesce(
        (SELECT d.body = ANY (reached_bodies()) OR d.badge_system = ANY (reach_named('systems')) FROM devices d WHERE d.serial = wanted),
        reach_named('regions') <> '{}'
    )
"""


def upgrade() -> None:
    """Adds a policy to each table that holds records of bodies, people and devices."""
    reach.keep_answers_apart()
    reach.know_heads()
    reach.know_reach("body_states", "body")
    op.execute(OF_DEVICES)
    reach.keep_within("body_states", f"({reach.of_body()} OR body = ANY ((SELECT controlled_bodies())::text[]))")
    reach.keep_within("unit_heads", reach.of_body())
    for table in ("servants", "appointments", "plan_months", "orders", "badges", "remote_sessions"):
        reach.keep_within(table, reach.of_servant())
    own = "servant = (SELECT reach() ->> 'servant')"
    for table in ("plan_days", "workdays"):
        reach.keep_within(table, f"({reach.of_body()} OR {own} OR {reach.of_control()})")
    # What has no unit of its own is seen by whoever sees the day.
    day = "EXISTS (SELECT FROM workdays d WHERE d.servant = {table}.servant AND d.date = {table}.date)"
    reach.keep_within("findings", f"({reach.of_body()} OR {own} OR {day.format(table='findings')})")
    reach.keep_within("workday_changes", f"({reach.of_body()} OR {day.format(table='workday_changes')})")
    reach.keep_within("workday_versions", day.format(table="workday_versions"))
    reach.keep_within("devices", f"({reach.of_body()} OR badge_system = ANY (reach_named('systems')))")
    for table in ("device_settings", "device_days", "device_receipts", "parked_records"):
        reach.keep_within(table, "reaches_device(device)")
    # A passage is of whoever holds the badge: who may see it follows from the day that it became part of.
    reach.keep_back("passages")
