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
    of_nation boolean NOT NULL,
    released boolean NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT legal_holds_pkey PRIMARY KEY (body, id)
)
"""


def upgrade() -> None:
    """Creates the tables, and lets people see where they head units."""
    personal_data.keep_terms()
    op.execute(HOLDS)
    # Whom a body is inspected for, and on what ground, is not for its own people: grants of a region or the nation alone see holds.
    regions = "region = ANY ((SELECT reach_named('regions'))::text[])"
    reach.keep_within("legal_holds", f"body IN (SELECT id FROM state_bodies WHERE {regions})")
    personal_data.show_own("unit_heads")
