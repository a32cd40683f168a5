"""Keep the levels of terms, who was erased, and legal holds."""

from alembic import op
from chassis.migrations import personal_data, reach

revision = "2026_11_28_0200"
down_revision = "2026_11_28_0100"

HOLDS = """
CREATE TABLE legal_holds (
    body text COLLATE "C" NOT NULL CONSTRAINT legal_holds_body_fkey REFERENCES state_bodies (id),
    id text COLLATE "C" NOT NULL,
    ground text NOT NULL,
    since date NOT NULL,
    until date NOT NULL CONSTRAINT legal_holds_not_reversed_check CHECK (until >= since),
    released boolean NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT legal_holds_pkey PRIMARY KEY (body, id)
)
"""


def upgrade() -> None:
    """Creates the tables, and lets people see where they head units."""
    personal_data.keep_terms()
    op.execute(HOLDS)
    reach.keep_within("legal_holds", reach.of_body())
    personal_data.show_own("unit_heads")
