"""Who is inspected is not for the inspected: grants of a body see no holds, and no records of calls about them.

Statements never change once a service has run them, as in `foundation`.
"""

from alembic import op

from chassis.migrations.foundation import APP

# Of a state body in one of the caller's regions; what a grant of the body itself reaches does not count.
OF_REGION = "body IN (SELECT {body} FROM {bodies} WHERE region = ANY ((SELECT reach_named('regions'))::text[]))"
RECORDS = """
CREATE POLICY holds_apart ON audit_records AS RESTRICTIVE FOR SELECT TO {app} USING (
    method NOT LIKE '/tartip.registry.v1.HoldService/%'
    OR (SELECT reaches_all()) OR region = ANY ((SELECT reach_named('regions'))::text[]) OR {of_region}
)
"""


def keep_holds_apart(bodies: str, body: str) -> None:
    """Lets grants of a region and the nation alone see the holds that the registry told of; `bodies` as in `reach.know_reach`.

    Whoever writes holds says no longer that one is not released: of those that are, nothing is told.
    """
    of_region = OF_REGION.format(bodies=bodies, body=body)
    op.execute(f"ALTER POLICY within_reach ON legal_holds USING ((SELECT reaches_all()) OR {of_region})")
    op.execute("ALTER TABLE legal_holds ALTER COLUMN released SET DEFAULT false")


def keep_records_apart(bodies: str, body: str) -> None:
    """Shows what was done about holds, what was refused, and what was recorded for the body before, to grants of its region alone."""
    op.execute(RECORDS.format(app=APP, of_region=OF_REGION.format(bodies=bodies, body=body)))
