"""Let what was lost be written off: how much of an account that is, beside what came."""

from alembic import op

revision = "timetracking_2026_12_02_0102"
down_revision = "timetracking_2026_12_02_0101"

WRITTEN_OFF = """
ALTER TABLE device_receipts ADD COLUMN written_off bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN device_receipts.written_off IS 'of those received, how many were said to be lost; the audit says by whom and on which ground'
"""


def upgrade() -> None:
    """Adds the column; nothing was written off before."""
    for statement in WRITTEN_OFF.split(";\n"):
        op.execute(statement)
