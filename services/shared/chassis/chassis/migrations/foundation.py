"""The first migration of every service: outbox, audit, results of requests, positions, and who may do what.

`create()` is called by a service's first migration. Its statements never change once a service has run them: a later
change of the foundation is a new function here, called by a new migration. Roles: `tartip_app` and `tartip_worker` are
the groups that the login roles of `chassis.roles` belong to; the migrator owns everything and alone changes the schema.
"""

import secrets

from alembic import op
from sqlalchemy import text

APP = "tartip_app"
WORKER = "tartip_worker"

TABLES = """
CREATE TABLE outbox (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    payload bytea,
    headers jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT outbox_pkey PRIMARY KEY (xid, id)
);
CREATE TABLE audit_records (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_records_pkey PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    subject text NOT NULL,
    client text NOT NULL,
    grants text[] NOT NULL,
    method text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    rule text,
    outcome text NOT NULL,
    before_digest bytea,
    after_digest bytea,
    request_id text NOT NULL,
    trace_id text NOT NULL
);
CREATE TABLE audit_key (
    one boolean NOT NULL DEFAULT true CONSTRAINT audit_key_pkey PRIMARY KEY CONSTRAINT audit_key_only_one_check CHECK (one),
    key bytea NOT NULL
);
CREATE TABLE request_results (
    subject text NOT NULL,
    method text NOT NULL,
    request_id text NOT NULL,
    body_digest bytea NOT NULL,
    grants text[] NOT NULL,
    response bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT request_results_pkey PRIMARY KEY (subject, method, request_id)
);
CREATE INDEX request_results_stored_at_idx ON request_results (stored_at);
CREATE TABLE projection_positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    start_offset bigint NOT NULL,
    applied bigint NOT NULL,
    CONSTRAINT projection_positions_pkey PRIMARY KEY (topic, partition)
)
"""

# The outbox is written and emptied all day long: without a low threshold its dead rows slow the relay's poll.
OUTBOX_VACUUM = "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)"


def create() -> None:
    """Creates the tables every service has and gives the application and the worker their rights.

    Tables that later migrations create are granted by the default privileges set here, so a migration names rights only
    where they differ (`append_only`).
    """
    for role in (APP, WORKER):
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}")
    for statement in TABLES.split(";"):
        op.execute(statement)
    op.execute(OUTBOX_VACUUM)
    append_only("audit_records")
    op.execute(f"REVOKE ALL ON audit_key FROM {APP}, {WORKER}")
    op.execute(f"GRANT SELECT ON audit_key TO {APP}, {WORKER}")
    # An empty schema has one reader of alembic's own table beside its owner: nobody.
    op.execute(f"REVOKE ALL ON alembic_version FROM {APP}, {WORKER}")
    op.get_bind().execute(text("INSERT INTO audit_key (key) VALUES (:key)"), {"key": secrets.token_bytes(32)})


def let_messages_name_their_partition() -> None:
    """Lets a row of the outbox name its partition: a message without a key goes again where it went before."""
    op.execute("ALTER TABLE outbox ADD COLUMN partition integer")


READ_POSITIONS = """
CREATE TABLE read_positions (
    reader text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT read_positions_pkey PRIMARY KEY (reader, topic, partition)
)
"""


def keep_positions_of_readers() -> None:
    """Creates the table in which readers of topics keep their places, in the transaction of what they read."""
    op.execute(READ_POSITIONS)


def append_only(table: str) -> None:
    """Leaves the application and the worker only reading and inserting: what is written stays as it was written."""
    op.execute(f"REVOKE ALL ON {table} FROM {APP}, {WORKER}")
    op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}, {WORKER}")


def out_of_reach(table: str, role: str) -> None:
    """Takes every right on a table from one of the two roles."""
    op.execute(f"REVOKE ALL ON {table} FROM {role}")
