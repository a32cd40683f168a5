"""Create bodies, units, positions, servants and appointments."""

from alembic import op
from chassis.migrations import foundation

revision = "2026_11_22_1200"
down_revision = None

TABLES = """
CREATE TABLE state_bodies (
    id text COLLATE "C" CONSTRAINT state_bodies_pkey PRIMARY KEY,
    title_kk text NOT NULL,
    title_ru text NOT NULL,
    title_en text NOT NULL,
    kind text NOT NULL,
    region text COLLATE "C" NOT NULL,
    zone text NOT NULL,
    parent text COLLATE "C" CONSTRAINT state_bodies_parent_fkey REFERENCES state_bodies (id),
    head text COLLATE "C",
    hr_service_body text COLLATE "C" CONSTRAINT state_bodies_hr_service_body_fkey REFERENCES state_bodies (id),
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX state_bodies_region_idx ON state_bodies (region);
CREATE TABLE units (
    body text COLLATE "C" NOT NULL CONSTRAINT units_body_fkey REFERENCES state_bodies (id),
    id text COLLATE "C" NOT NULL,
    title_kk text NOT NULL,
    title_ru text NOT NULL,
    title_en text NOT NULL,
    parent_unit text COLLATE "C",
    hr_service boolean NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT units_pkey PRIMARY KEY (body, id),
    CONSTRAINT units_body_parent_unit_fkey FOREIGN KEY (body, parent_unit) REFERENCES units (body, id)
);
CREATE TABLE positions (
    body text COLLATE "C" NOT NULL CONSTRAINT positions_body_fkey REFERENCES state_bodies (id),
    id text COLLATE "C" NOT NULL,
    title_kk text NOT NULL,
    title_ru text NOT NULL,
    title_en text NOT NULL,
    unit text COLLATE "C" NOT NULL,
    category text NOT NULL,
    supervising_position text COLLATE "C",
    hours_set_by_regulation boolean NOT NULL,
    hazardous boolean NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT positions_pkey PRIMARY KEY (body, id),
    CONSTRAINT positions_body_unit_fkey FOREIGN KEY (body, unit) REFERENCES units (body, id),
    CONSTRAINT positions_body_supervising_position_fkey FOREIGN KEY (body, supervising_position) REFERENCES positions (body, id)
);
CREATE TABLE servants (
    id text COLLATE "C" CONSTRAINT servants_pkey PRIMARY KEY,
    iin text NOT NULL CONSTRAINT servants_iin_key UNIQUE,
    display_name text NOT NULL,
    revision integer NOT NULL,
    changed_at timestamptz NOT NULL
);
COMMENT ON COLUMN servants.iin IS 'personal: never in events, logs or refusals; shown to HR officers and to the person alone';
CREATE TABLE appointments (
    id text COLLATE "C" CONSTRAINT appointments_pkey PRIMARY KEY,
    servant text COLLATE "C" NOT NULL CONSTRAINT appointments_servant_fkey REFERENCES servants (id),
    body text COLLATE "C" NOT NULL,
    position text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    since date NOT NULL,
    until date CONSTRAINT appointments_not_reversed_check CHECK (until >= since),
    rate_percent integer NOT NULL,
    act text NOT NULL,
    revision integer NOT NULL,
    CONSTRAINT appointments_servant_body_position_kind_since_key UNIQUE (servant, body, position, kind, since),
    CONSTRAINT appointments_body_position_fkey FOREIGN KEY (body, position) REFERENCES positions (body, id)
);
CREATE INDEX appointments_body_servant_idx ON appointments (body, servant);
CREATE TABLE unit_heads (
    body text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    since date NOT NULL,
    until date CONSTRAINT unit_heads_not_reversed_check CHECK (until >= since),
    servant text COLLATE "C" NOT NULL CONSTRAINT unit_heads_servant_fkey REFERENCES servants (id),
    CONSTRAINT unit_heads_pkey PRIMARY KEY (body, unit, since),
    CONSTRAINT unit_heads_body_unit_fkey FOREIGN KEY (body, unit) REFERENCES units (body, id)
)
"""


def upgrade() -> None:
    foundation.create()
    for statement in TABLES.split(";\n"):
        op.execute(statement)
