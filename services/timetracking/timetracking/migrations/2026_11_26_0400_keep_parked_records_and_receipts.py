"""Keep parked records, what devices sent, and what the nightly reconciliation found."""

from alembic import op

revision = "timetracking_2026_11_26_0400"
down_revision = "timetracking_2026_11_26_0300"

PARKED = """
CREATE TABLE parked_records (
    id uuid CONSTRAINT parked_records_pkey PRIMARY KEY,
    place bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    partition integer,
    lay_partition integer,
    lay_offset bigint,
    device text COLLATE "C" NOT NULL,
    date date NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    origin text NOT NULL,
    first_failed_at timestamptz NOT NULL,
    parked_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    state text NOT NULL,
    sendable boolean NOT NULL,
    headers text NOT NULL,
    size bigint NOT NULL,
    value bytea
);
CREATE UNIQUE INDEX parked_records_place_idx ON parked_records (place);
CREATE INDEX parked_records_device_date_idx ON parked_records (device, date);
CREATE INDEX parked_records_topic_lay_partition_lay_offset_idx ON parked_records (topic, lay_partition, lay_offset);
CREATE INDEX parked_records_parked_at_idx ON parked_records (parked_at) WHERE value IS NOT NULL
"""
RECEIPTS = """
CREATE TABLE device_receipts (
    device text COLLATE "C" NOT NULL,
    date date NOT NULL,
    received bigint NOT NULL,
    repeated bigint NOT NULL,
    no_passages bigint NOT NULL,
    CONSTRAINT device_receipts_pkey PRIMARY KEY (device, date)
);
COMMENT ON TABLE device_receipts IS 'what devices sent, counted from Kafka beside those who store it; repeated: was parked already'
"""
RECORDED = """
CREATE TABLE recorded_positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    end_offset bigint NOT NULL,
    end_index integer NOT NULL,
    CONSTRAINT recorded_positions_pkey PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE recorded_positions IS 'before which place all passages of a partition were recorded, but for those in the gaps';
CREATE TABLE recorded_gaps (
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    first_index integer NOT NULL,
    after_offset bigint NOT NULL,
    after_index integer NOT NULL,
    CONSTRAINT recorded_gaps_pkey PRIMARY KEY (topic, partition, first_offset, first_index)
);
COMMENT ON TABLE recorded_gaps IS 'passages that were rejected, from a place to before another'
"""
RECONCILIATIONS = """
CREATE TABLE reconciliations (
    night date CONSTRAINT reconciliations_pkey PRIMARY KEY,
    chunks integer NOT NULL,
    days bigint NOT NULL,
    differences bigint NOT NULL
)
"""


def upgrade() -> None:
    """Creates the tables."""
    for group in (PARKED, RECEIPTS, RECORDED, RECONCILIATIONS):
        for statement in group.split(";\n"):
            op.execute(statement)
