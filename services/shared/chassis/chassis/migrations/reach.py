"""The second wall: row-level security keeps the application to what its caller reaches, also where a query forgets to.

`Database` tells each transaction the reach of its caller (`tartip.reach`). The policies made here compare rows with it, for
`tartip_app` alone: a transaction that was told nothing sees nothing. The worker acts for nobody and passes them by
(BYPASSRLS); a process whose role does not fit ends at its start (`chassis.roles.refuse_wrong_role`).

Statements never change once a service has run them, as in `foundation`.
"""

from alembic import op

from chassis.migrations.foundation import APP

# What a policy asks that is the same for all rows stands in a sub-select: it is answered once a statement.
FUNCTIONS = """
CREATE FUNCTION reach() RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('tartip.reach', true), '')::jsonb;
CREATE FUNCTION reaches_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce((reach() ->> 'platform')::boolean OR (reach() ->> 'nation')::boolean, false);
CREATE FUNCTION reaches_beyond() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce((reach() ->> 'platform')::boolean, false);
CREATE FUNCTION reach_named(kind text) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ARRAY (SELECT jsonb_array_elements_text(reach() -> kind))
"""
HEADS = """
CREATE TABLE unit_heads (
    body text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    servant text COLLATE "C" NOT NULL,
    since date NOT NULL,
    until date,
    own boolean NOT NULL
);
COMMENT ON TABLE unit_heads IS 'who heads a unit: its own head, or that of a unit above it';
CREATE INDEX unit_heads_servant_idx ON unit_heads (servant);
CREATE INDEX unit_heads_body_unit_idx ON unit_heads (body, unit);
ALTER TABLE appointments ADD COLUMN position text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE appointments ADD COLUMN supervising_position text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX appointments_body_supervising_position_idx ON appointments (body, supervising_position)
"""
OF_BODIES = """
CREATE FUNCTION reached_bodies() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public
    RETURN reach_named('bodies') || ARRAY (SELECT b.{body} FROM {bodies} b WHERE b.region = ANY (reach_named('regions')));
CREATE FUNCTION reaches_servant(wanted text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = public
    RETURN coalesce(wanted = reach() ->> 'servant', false) OR EXISTS (
        SELECT FROM {appointments} WHERE a.servant = wanted AND (
            a.body = ANY (reached_bodies())
            OR a.body || '/' || {unit} = ANY (reach_named('units'))
            OR a.body || '/' || a.servant = ANY (reach_named('people'))
        )
    );
CREATE FUNCTION controlled_bodies() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ARRAY (SELECT DISTINCT split_part(each, '/', 1) FROM unnest(reach_named('units') || reach_named('people')) AS each)
"""

BODY = "{column} = ANY ((SELECT reached_bodies())::text[])"
SERVANT = "reaches_servant({column})"


def keep_answers_apart() -> None:
    """Creates what policies ask of the caller, and lets a call find the answers of its own caller alone."""
    for statement in FUNCTIONS.split(";\n"):
        op.execute(statement)
    op.execute("ALTER TABLE request_results ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_the_caller ON request_results TO {APP} USING (subject = (SELECT reach() ->> 'subject'))")


def know_heads() -> None:
    """Creates the projection of who heads units; what was told of before comes with `rebuild people`, until then heads reach nothing."""
    for statement in HEADS.split(";\n"):
        op.execute(statement)


def know_reach(bodies: str, body: str, appointments: str = "appointments a", unit: str = "a.unit") -> None:
    """Creates what policies ask of bodies and servants.

    `bodies` is the service's table of bodies with the columns `body` and region; `appointments` what an appointment `a` and its `unit` are
    read from.
    """
    for statement in OF_BODIES.format(bodies=bodies, body=body, appointments=appointments, unit=unit).split(";\n"):
        op.execute(statement)


def of_body(column: str = "body") -> str:
    """The condition that a row is of a body within reach."""
    return BODY.format(column=column)


def of_control(servant: str = "servant") -> str:
    """The condition that a row with body and unit is of a unit, or a person in a body, that the caller controls."""
    unit = "body || '/' || unit = ANY ((SELECT reach_named('units'))::text[])"
    return f"{unit} OR body || '/' || {servant} = ANY ((SELECT reach_named('people'))::text[])"


def of_servant(column: str = "servant") -> str:
    """The condition that a row is of a servant who is the caller, or is or was appointed in a body within reach, or whom the caller controls."""
    return SERVANT.format(column=column)


def keep_within(table: str, condition: str, writes: str | None = None) -> None:
    """Lets the application see the rows of a table that fulfil the condition, and write those that fulfil `writes` (None: the same)."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    check = f" WITH CHECK ((SELECT reaches_all()) OR {writes})" if writes is not None else ""
    op.execute(f"CREATE POLICY within_reach ON {table} TO {APP} USING ((SELECT reaches_all()) OR {condition}){check}")


def keep_apart(table: str, condition: str) -> None:
    """Lets the application see and write the rows that fulfil the condition alone: the reach of the nation is none here."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY apart ON {table} TO {APP} USING ((SELECT reaches_beyond()) OR {condition})")


def keep_back(table: str) -> None:
    """Lets the application see a table's rows only where it works beyond its caller's reach (`Transaction.beyond_reach`)."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY beyond_reach ON {table} TO {APP} USING ((SELECT reaches_beyond()))")
