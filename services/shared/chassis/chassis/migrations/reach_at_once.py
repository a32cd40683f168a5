"""What the caller reaches is made out once a statement; of a servant only the rows are asked.

The function of `reach` read the caller's reach anew for each row: a list of fifty took seconds in a body of thousands.
Statements never change once a service has run them, as in `foundation`.
"""

from collections.abc import Mapping

from alembic import op

# Its words are bound to their tables when it is created, so that it needs no search path, which would be set for each row.
SERVANT_WITHIN = """
CREATE FUNCTION servant_within(wanted text, own text, bodies text[], units text[], people text[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
RETURN coalesce(wanted = own, false) OR EXISTS (
    SELECT FROM appointments a WHERE a.servant = wanted AND (
        a.body = ANY (bodies)
        OR cardinality(units) > 0 AND a.body || '/' || {unit} = ANY (units)
        OR a.body || '/' || a.servant = ANY (people)
    )
)
"""
_OF_SERVANT = (
    "servant_within({column}, (SELECT reach() ->> 'servant'), (SELECT reached_bodies()), "
    "(SELECT reach_named('units')), (SELECT reach_named('people')))"
)


def of_servant(column: str = "servant") -> str:
    """The condition that a row is of a servant who is the caller, or is or was appointed in a body within reach, or whom the caller controls."""
    return _OF_SERVANT.format(column=column)


def ask_at_once(conditions: Mapping[str, str], unit: str = "a.unit") -> None:
    """Gives the policies of the tables these conditions; `unit` is where the unit of an appointment `a` is read from."""
    op.execute(SERVANT_WITHIN.format(unit=unit))
    for table, condition in conditions.items():
        op.execute(f"ALTER POLICY within_reach ON {table} USING ((SELECT reaches_all()) OR {condition})")
    op.execute("DROP FUNCTION reaches_servant")
