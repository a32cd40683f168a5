"""Create the projection of people, labour-order rules, assignments, plans and the months that are due."""

from alembic import op
from chassis.migrations import foundation

revision = "2026_11_22_1200"
down_revision = None

# assignments.place is the place in the order of recording: of two on one date the later holds. due_months is only added to
# and taken from, so that those who ask never wait for one another. rolling.until is the last month for which everyone's
# plan was asked for.
TABLES = """
CREATE TABLE bodies (
    id text COLLATE "C" CONSTRAINT bodies_pkey PRIMARY KEY,
    region text COLLATE "C" NOT NULL,
    zone text NOT NULL,
    units jsonb NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX bodies_region_idx ON bodies (region);
CREATE TABLE servants (
    id text COLLATE "C" CONSTRAINT servants_pkey PRIMARY KEY,
    revision bigint NOT NULL
);
CREATE TABLE appointments (
    servant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    since date NOT NULL,
    until date CONSTRAINT appointments_not_reversed_check CHECK (until >= since),
    body text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    keeps_time boolean NOT NULL,
    hours_set_by_regulation boolean NOT NULL,
    CONSTRAINT appointments_pkey PRIMARY KEY (servant, id)
);
CREATE INDEX appointments_body_servant_idx ON appointments (body, servant);
CREATE TABLE labour_order_rules (
    body text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    since date NOT NULL,
    week text NOT NULL,
    starts time NOT NULL,
    ends time NOT NULL,
    break_starts time,
    break_ends time,
    sixth_day_ends time,
    grace integer NOT NULL CONSTRAINT labour_order_rules_grace_check CHECK (grace >= 0),
    premises text NOT NULL,
    act text NOT NULL,
    CONSTRAINT labour_order_rules_pkey PRIMARY KEY (body, id),
    CONSTRAINT labour_order_rules_body_unit_since_key UNIQUE (body, unit, since)
);
CREATE TABLE assignments (
    servant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    since date NOT NULL,
    until date NOT NULL CONSTRAINT assignments_not_reversed_check CHECK (until >= since),
    act text NOT NULL,
    regime jsonb NOT NULL,
    CONSTRAINT assignments_pkey PRIMARY KEY (servant, id)
);
CREATE TABLE month_plans (
    servant text COLLATE "C" NOT NULL,
    month date NOT NULL CONSTRAINT month_plans_first_day_check CHECK (extract(day FROM month) = 1),
    revision bigint NOT NULL,
    event_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    edition text NOT NULL,
    days jsonb NOT NULL,
    CONSTRAINT month_plans_pkey PRIMARY KEY (servant, month)
);
CREATE TABLE due_months (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT due_months_pkey PRIMARY KEY,
    servant text COLLATE "C" NOT NULL,
    month date NOT NULL CONSTRAINT due_months_first_day_check CHECK (extract(day FROM month) = 1)
);
CREATE INDEX due_months_servant_month_idx ON due_months (servant, month);
CREATE TABLE rolling (
    one boolean NOT NULL DEFAULT true CONSTRAINT rolling_pkey PRIMARY KEY CONSTRAINT rolling_only_one_check CHECK (one),
    until date,
    edition text NOT NULL
);
INSERT INTO rolling (until, edition) VALUES (NULL, '')
"""


def upgrade() -> None:
    foundation.create()
    for statement in TABLES.split(";\n"):
        op.execute(statement)
