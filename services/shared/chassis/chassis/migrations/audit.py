"""The audit is sealed: committed records are chained by hashes, in a table that nobody but its own function writes.

The function belongs to the migrator and takes nothing from who calls it but how many records to seal at most, so that neither
the application nor the worker can write a seal of their own making. Statements never change once a service has run them, as in
`foundation`.
"""

from alembic import op

from chassis.migrations.foundation import APP, WORKER
from chassis.migrations.indexes import build_beside_writers
from chassis.migrations.reach import keep_back, of_body

# What a record is told of by who writes it; place, transaction and instant are the database's own.
WRITTEN = (
    *("subject", "client", "grants", "method", "action", "resource", "rule", "outcome", "before_digest", "after_digest"),
    *("request_id", "trace_id", "body", "region"),
)
SEALS = """
CREATE TABLE audit_seals (
    place bigint CONSTRAINT audit_seals_pkey PRIMARY KEY,
    record bigint NOT NULL CONSTRAINT audit_seals_record_key UNIQUE,
    xid xid8 NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
# Each field with its length, so that no two records have the same bytes. Who verifies makes them again (chassis.audit_log.chain).
# Both are written so that the planner puts them into the query: called as functions they cost ten times as much.
FIELD = """
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(octet_length(value)::text || ':' || value, '-')
"""
BYTES = """
CREATE FUNCTION audit_record_bytes(r audit_records) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    RETURN convert_to(
        'tartip.audit.1'
        || audit_field(r.id::text) || audit_field(r.xid::text)
        || audit_field((extract(epoch FROM r.recorded_at) * 1000000)::bigint::text)
        || audit_field(r.subject) || audit_field(r.client)
        || audit_field(array_to_json(r.grants)::text)
        || audit_field(r.method) || audit_field(r.action) || audit_field(r.resource) || audit_field(r.rule) || audit_field(r.outcome)
        || audit_field(encode(r.before_digest, 'hex')) || audit_field(encode(r.after_digest, 'hex'))
        || audit_field(r.request_id) || audit_field(r.trace_id) || audit_field(r.body) || audit_field(r.region),
        'UTF8'
    )
"""
# A record is sealed when every transaction with a lower number has ended, as the relay takes rows: nothing that commits late is
# passed over. One seals at a time; whoever comes meanwhile leaves it to the other.
SEAL = """
CREATE FUNCTION seal_audit_records(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    newest audit_seals;
    found record;
    sealed integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'7A7274697003'::bigint) THEN
        RETURN 0;
    END IF;
    SELECT * INTO newest FROM audit_seals ORDER BY place DESC LIMIT 1;
    IF newest.place IS NULL THEN
        newest := ROW(0, 0, '0', '', now());
    END IF;
    FOR found IN
        SELECT r.id, r.xid, audit_record_bytes(r) AS bytes FROM audit_records r
        WHERE r.xid < pg_snapshot_xmin(pg_current_snapshot()) AND (r.xid, r.id) > (newest.xid, newest.record)
        ORDER BY r.xid, r.id LIMIT most
    LOOP
        newest := ROW(
            newest.place + 1, found.id, found.xid, sha256(newest.hash || found.bytes), clock_timestamp()
        );
        INSERT INTO audit_seals VALUES (newest.*);
        sealed := sealed + 1;
    END LOOP;
    RETURN sealed;
END
$$
"""


def seal_records() -> None:
    """Lets records say whose they are, keeps auditors to what they reach, and creates the chain with the function that writes it.

    What was recorded before is sealed first, in the order of its transactions.
    """
    op.execute("ALTER TABLE audit_records ADD COLUMN IF NOT EXISTS body text, ADD COLUMN IF NOT EXISTS region text")
    build_beside_writers("audit_records_xid_id_idx", "audit_records (xid, id)")
    build_beside_writers("audit_records_body_id_idx", "audit_records (body, id)")
    op.execute(f"REVOKE INSERT ON audit_records FROM {APP}, {WORKER}")
    op.execute(f"GRANT INSERT ({', '.join(WRITTEN)}) ON audit_records TO {APP}, {WORKER}")
    _keep_records_within_reach()
    for statement in (SEALS, FIELD, BYTES, SEAL):
        op.execute(statement)
    op.execute(f"REVOKE ALL ON audit_seals FROM {APP}, {WORKER}")
    op.execute(f"GRANT SELECT ON audit_seals TO {APP}, {WORKER}")
    keep_back("audit_seals")
    op.execute("REVOKE ALL ON FUNCTION seal_audit_records FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION seal_audit_records TO {WORKER}")


def _keep_records_within_reach() -> None:
    """Whoever answers calls writes records of everybody, and sees those of the bodies and regions within reach."""
    of_region = "region = ANY ((SELECT reach_named('regions'))::text[])"
    op.execute("ALTER TABLE audit_records ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY added ON audit_records FOR INSERT TO {APP} WITH CHECK (true)")
    op.execute(
        f"CREATE POLICY within_reach ON audit_records FOR SELECT TO {APP} USING ((SELECT reaches_all()) OR {of_body()} OR {of_region})"
    )
