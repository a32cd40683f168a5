"""What every service keeps of its restorations: the eras of its database (`chassis.eras`).

Statements never change once a service has run them, as in `foundation`.
"""

from alembic import op

from chassis.migrations.foundation import APP, WORKER

# Told: when all that others knew in newer states was told again.
TABLE = """
CREATE TABLE eras (
    era bigint CONSTRAINT eras_pkey PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_at timestamptz
)
"""


def know_eras() -> None:
    """Creates the table of eras, which is empty until the database is restored for the first time; the application only reads it."""
    op.execute(TABLE)
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON eras FROM {APP}")
    op.execute(f"REVOKE DELETE ON eras FROM {WORKER}")
