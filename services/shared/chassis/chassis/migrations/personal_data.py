"""What every service keeps to delete in time: levels of terms, digests of who was erased, and the registry's legal holds.

Statements never change once a service has run them, as in `foundation`.
"""

from alembic import op

from chassis.migrations.foundation import APP, WORKER
from chassis.migrations.indexes import build_beside_writers
from chassis.migrations.reach import keep_back, keep_within, of_body

# Before which date nothing is kept any more by a term; and HMAC-SHA-256 of the IDs of those who were erased.
TABLES = """
CREATE TABLE retention_levels (
    term text CONSTRAINT retention_levels_pkey PRIMARY KEY,
    kept_since date NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE erased_servants (
    digest bytea CONSTRAINT erased_servants_pkey PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
# What lies before a level is gone: one that fell would have days computed without their facts.
ONLY_RISE = """
CREATE FUNCTION keep_level_rising() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' OR new.term <> old.term OR new.kept_since < old.kept_since THEN
        RAISE EXCEPTION 'the level of % only rises', old.term;
    END IF;
    RETURN new;
END
$$
"""
HOLDS = """
CREATE TABLE legal_holds (
    body text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    released boolean NOT NULL,
    CONSTRAINT legal_holds_pkey PRIMARY KEY (body, id)
);
COMMENT ON TABLE legal_holds IS 'spans in which nothing is deleted, as the registry tells of them'
"""


def keep_terms() -> None:
    """Creates the tables, and lets people see who read their file."""
    # First, since it commits what was done before.
    build_beside_writers("audit_records_resource_id_idx", 'audit_records (resource COLLATE "C", id)')
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(ONLY_RISE)
    op.execute(
        "CREATE TRIGGER retention_levels_only_rise BEFORE UPDATE OR DELETE ON retention_levels"
        " FOR EACH ROW EXECUTE FUNCTION keep_level_rising()"
    )
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON retention_levels, erased_servants FROM {APP}")
    op.execute(f"REVOKE UPDATE, DELETE ON erased_servants FROM {WORKER}")
    keep_back("erased_servants")
    file = "(SELECT 'servants/' || (reach() ->> 'servant'))"
    op.execute(f"CREATE POLICY of_own_file ON audit_records FOR SELECT TO {APP} USING (resource = {file} OR resource LIKE {file} || '/%')")


def know_holds() -> None:
    """Creates the projection of legal holds; those that were placed before are told again with the next state of their body."""
    for statement in HOLDS.split(";\n"):
        op.execute(statement)
    keep_within("legal_holds", of_body())


def show_own(table: str) -> None:
    """Lets servants see the rows of a table that are about themselves, beside what the table's own policy shows."""
    op.execute(f"CREATE POLICY of_oneself ON {table} FOR SELECT TO {APP} USING (servant = (SELECT reach() ->> 'servant'))")
