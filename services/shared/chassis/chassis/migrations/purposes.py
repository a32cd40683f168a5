"""Audit records say what a call was for, and the seal covers it.

Statements never change once a service has run them, as in `foundation`.
"""

from alembic import op

from chassis.migrations.foundation import APP, WORKER

# As in `audit`, and the purpose where there is one: what was sealed before has none and keeps its bytes.
BYTES = """
CREATE OR REPLACE FUNCTION audit_record_bytes(r audit_records) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    RETURN convert_to(
        'tartip.audit.1'
        || audit_field(r.id::text) || audit_field(r.xid::text)
        || audit_field((extract(epoch FROM r.recorded_at) * 1000000)::bigint::text)
        || audit_field(r.subject) || audit_field(r.client)
        || audit_field(array_to_json(r.grants)::text)
        || audit_field(r.method) || audit_field(r.action) || audit_field(r.resource) || audit_field(r.rule) || audit_field(r.outcome)
        || audit_field(encode(r.before_digest, 'hex')) || audit_field(encode(r.after_digest, 'hex'))
        || audit_field(r.request_id) || audit_field(r.trace_id) || audit_field(r.body) || audit_field(r.region)
        || CASE WHEN r.purpose IS NULL THEN '' ELSE audit_field(r.purpose) END,
        'UTF8'
    )
"""


def say_purposes() -> None:
    """Adds the purpose to audit records: told by who writes them, sealed with the rest."""
    op.execute("ALTER TABLE audit_records ADD COLUMN purpose text")
    op.execute(f"GRANT INSERT (purpose) ON audit_records TO {APP}, {WORKER}")
    op.execute(BYTES)
