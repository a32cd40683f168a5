"""Keep protected facts apart."""

from alembic import op
from chassis.migrations import reach

revision = "2026_11_28_0100"
down_revision = "2026_11_28_0000"

TABLES = """
CREATE TABLE protected_facts (
    id text COLLATE "C" CONSTRAINT protected_facts_pkey PRIMARY KEY,
    servant text COLLATE "C" NOT NULL CONSTRAINT protected_facts_servant_fkey REFERENCES servants (id),
    key text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    revision integer NOT NULL
);
COMMENT ON COLUMN protected_facts.content IS
    'sensitive: encrypted under the key of the name beside it, bound to all else in the row';
CREATE INDEX protected_facts_servant_idx ON protected_facts (servant)
"""


def upgrade() -> None:
    """Creates the table of protected facts, seen by the person and by bodies of the person alone, whatever else a caller reaches."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    # An officer of the nation or of a region is none of the person's body. That the body employs the person today or later, and that
    # the grant is an HR officer's, the filter says: the wall knows neither the platform's clock nor roles.
    own, of_body = "servant = (SELECT reach() ->> 'servant')", "a.body = ANY ((SELECT reach_named('bodies'))::text[])"
    employed = f"EXISTS (SELECT FROM appointments a WHERE a.servant = protected_facts.servant AND {of_body})"
    reach.keep_apart("protected_facts", f"({own} OR {employed})")
