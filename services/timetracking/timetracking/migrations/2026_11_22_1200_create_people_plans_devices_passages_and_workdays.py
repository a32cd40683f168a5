"""Create people, plans, devices, badges, passages, sessions, workdays and findings."""

from alembic import op
from chassis.migrations import foundation
from chassis.migrations.foundation import APP, WORKER

revision = "timetracking_2026_11_22_1200"
down_revision = None

PROJECTIONS = """
CREATE TABLE body_states (
    body text COLLATE "C" CONSTRAINT body_states_pkey PRIMARY KEY,
    region text COLLATE "C" NOT NULL,
    zone text NOT NULL,
    revision bigint NOT NULL
);
CREATE TABLE servants (
    servant text COLLATE "C" CONSTRAINT servants_pkey PRIMARY KEY,
    revision bigint NOT NULL
);
CREATE TABLE appointments (
    servant text COLLATE "C" NOT NULL,
    appointment text COLLATE "C" NOT NULL,
    since date NOT NULL,
    until date,
    body text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    keeps_time boolean NOT NULL,
    CONSTRAINT appointments_pkey PRIMARY KEY (servant, appointment)
);
CREATE INDEX appointments_body_servant_idx ON appointments (body, servant);
CREATE TABLE plan_months (
    servant text COLLATE "C" NOT NULL,
    month date NOT NULL,
    revision bigint NOT NULL,
    edition text NOT NULL,
    CONSTRAINT plan_months_pkey PRIMARY KEY (servant, month)
);
CREATE TABLE plan_days (
    servant text COLLATE "C" NOT NULL,
    date date NOT NULL,
    body text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    zone text NOT NULL,
    content text NOT NULL,
    premises text[] NOT NULL,
    window_end timestamptz NOT NULL,
    settled boolean NOT NULL DEFAULT false,
    CONSTRAINT plan_days_pkey PRIMARY KEY (servant, date)
);
COMMENT ON COLUMN plan_days.content IS 'the plan of the date as JSON; people with equal plans have equal texts';
CREATE INDEX plan_days_window_end_idx ON plan_days (window_end) WHERE NOT settled;
CREATE INDEX plan_days_date_idx ON plan_days (date);
CREATE TABLE orders (
    id text COLLATE "C" CONSTRAINT orders_pkey PRIMARY KEY,
    servant text COLLATE "C" NOT NULL,
    date date NOT NULL,
    kind text NOT NULL,
    starts bigint NOT NULL,
    ends bigint NOT NULL,
    breaks bigint[] NOT NULL,
    in_force boolean NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX orders_servant_date_idx ON orders (servant, date)
"""

DEVICES = """
CREATE TYPE textrange AS RANGE (subtype = text, collation = "C");
CREATE TABLE devices (
    serial text COLLATE "C" CONSTRAINT devices_pkey PRIMARY KEY,
    body text COLLATE "C" NOT NULL,
    protocol text NOT NULL,
    badge_system text COLLATE "C" NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX devices_body_idx ON devices (body, serial);
CREATE TABLE device_settings (
    device text COLLATE "C" NOT NULL CONSTRAINT device_settings_device_fkey REFERENCES devices (serial),
    place integer NOT NULL,
    since_event_number bigint,
    since_wall_time timestamp,
    role text NOT NULL,
    direction text NOT NULL,
    premises text NOT NULL,
    zone text,
    utc_offset integer,
    CONSTRAINT device_settings_pkey PRIMARY KEY (device, place)
);
COMMENT ON TABLE device_settings IS 'the time policy is a zone, an offset in seconds, or neither: as sent';
CREATE INDEX device_settings_premises_idx ON device_settings (premises);
CREATE TABLE badges (
    id text COLLATE "C" CONSTRAINT badges_pkey PRIMARY KEY,
    badge_system text COLLATE "C" NOT NULL,
    badge_number text COLLATE "C" NOT NULL,
    servant text COLLATE "C" NOT NULL,
    span tstzrange NOT NULL CONSTRAINT badges_not_empty_check CHECK (NOT isempty(span)),
    -- Two ranges of one value stand in for equality, which GiST has only with an extension.
    CONSTRAINT badges_no_two_holders_excl EXCLUDE USING gist (
        textrange(badge_system, badge_system, '[]') WITH &&, textrange(badge_number, badge_number, '[]') WITH &&, span WITH &&
    )
);
CREATE INDEX badges_number_idx ON badges (badge_system, badge_number);
CREATE INDEX badges_servant_idx ON badges (servant)
"""

PASSAGES = """
CREATE TABLE passages (
    device text COLLATE "C" NOT NULL,
    event_key text COLLATE "C" NOT NULL,
    wall_time timestamp NOT NULL,
    utc_offset integer,
    badge_system text COLLATE "C" NOT NULL,
    badge_number text COLLATE "C" NOT NULL,
    direction smallint NOT NULL,
    verify_method smallint NOT NULL,
    received_at timestamptz NOT NULL,
    live boolean NOT NULL,
    previous_event_number bigint,
    raw text NOT NULL,
    raw_digest bytea NOT NULL,
    CONSTRAINT passages_fact_key UNIQUE NULLS NOT DISTINCT
        (device, event_key, wall_time, utc_offset, badge_system, badge_number, direction)
) PARTITION BY RANGE (wall_time);
COMMENT ON TABLE passages IS 'facts: never edited, never deleted inside their retention';
CREATE INDEX passages_badge_idx ON passages (badge_system, badge_number, wall_time);
CREATE INDEX passages_device_idx ON passages (device, wall_time);
CREATE TABLE passages_other PARTITION OF passages DEFAULT;
CREATE TABLE device_days (
    device text COLLATE "C" NOT NULL,
    date date NOT NULL,
    received bigint NOT NULL,
    stored bigint NOT NULL,
    repeated bigint NOT NULL,
    looked_at_stored bigint NOT NULL DEFAULT -1,
    CONSTRAINT device_days_pkey PRIMARY KEY (device, date)
);
COMMENT ON COLUMN device_days.looked_at_stored IS 'how many were stored when the findings of the device were last looked for';
CREATE INDEX device_days_changed_idx ON device_days (date, device) WHERE stored <> looked_at_stored;
CREATE TABLE device_looks (
    device text COLLATE "C" NOT NULL CONSTRAINT device_looks_pkey PRIMARY KEY,
    looked_until timestamptz NOT NULL,
    due_at timestamptz NOT NULL
);
COMMENT ON TABLE device_looks IS 'the full hours up to which the silence of a device was looked for, and at which it is looked for again';
CREATE TABLE due_looks (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT due_looks_pkey PRIMARY KEY,
    device text COLLATE "C" NOT NULL,
    date date NOT NULL,
    silence boolean NOT NULL
);
COMMENT ON TABLE due_looks IS 'dates of devices to be looked at again, or only the silence around them; only added to, as the due days';
CREATE INDEX due_looks_device_idx ON due_looks (device)
"""

# Months are made ahead by whoever stores passages: the application cannot change the schema, this one change it can ask for.
MONTHS = f"""
CREATE FUNCTION make_passages_month(month date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := 'passages_' || to_char(first, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_passages_month'));
    IF to_regclass(name) IS NULL AND NOT EXISTS (
        SELECT FROM passages_other WHERE wall_time >= first AND wall_time < first + interval '1 month'
    ) THEN
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF passages FOR VALUES FROM (%L) TO (%L)', name, first, (first + interval '1 month')::date
        );
        EXECUTE format('REVOKE ALL ON %I FROM {APP}, {WORKER}', name);
    END IF;
END $$
"""

WORKDAYS = """
CREATE TABLE remote_sessions (
    id text COLLATE "C" CONSTRAINT remote_sessions_pkey PRIMARY KEY,
    servant text COLLATE "C" NOT NULL,
    starts bigint NOT NULL,
    ends bigint,
    CONSTRAINT remote_sessions_not_reversed_check CHECK (ends >= starts)
);
CREATE UNIQUE INDEX remote_sessions_one_open_idx ON remote_sessions (servant) WHERE ends IS NULL;
CREATE INDEX remote_sessions_servant_idx ON remote_sessions (servant, starts);
CREATE TABLE workdays (
    servant text COLLATE "C" NOT NULL,
    date date NOT NULL,
    body text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    plan_kind text,
    state text NOT NULL,
    content text NOT NULL,
    marks text[] NOT NULL,
    works_from bigint,
    works_to bigint,
    revision bigint NOT NULL,
    edition text NOT NULL,
    computed_at timestamptz NOT NULL,
    CONSTRAINT workdays_pkey PRIMARY KEY (servant, date)
);
CREATE INDEX workdays_body_idx ON workdays (body, servant, date);
CREATE INDEX workdays_date_idx ON workdays (date, servant);
CREATE TABLE workday_versions (
    servant text COLLATE "C" NOT NULL,
    date date NOT NULL,
    revision bigint NOT NULL,
    state text NOT NULL,
    content text NOT NULL,
    edition text NOT NULL,
    computed_at timestamptz NOT NULL,
    CONSTRAINT workday_versions_pkey PRIMARY KEY (servant, date, revision)
);
CREATE TABLE due_days (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT due_days_pkey PRIMARY KEY,
    servant text COLLATE "C" NOT NULL,
    date date NOT NULL
);
COMMENT ON TABLE due_days IS 'days to be computed anew; only added to, so that those who ask never wait for one another';
CREATE TABLE due_device_days (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT due_device_days_pkey PRIMARY KEY,
    device text COLLATE "C" NOT NULL,
    date date NOT NULL
);
COMMENT ON TABLE due_device_days IS 'dates as sent of devices whose reads changed; they become due days of those who were read';
CREATE TABLE workday_changes (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    servant text COLLATE "C" NOT NULL,
    date date NOT NULL,
    body text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT workday_changes_pkey PRIMARY KEY (xid, id)
);
CREATE TABLE purged_changes (
    one boolean CONSTRAINT purged_changes_pkey PRIMARY KEY CONSTRAINT purged_changes_only_one_check CHECK (one),
    xid xid8 NOT NULL,
    id bigint NOT NULL
);
CREATE TABLE findings (
    id uuid CONSTRAINT findings_pkey PRIMARY KEY,
    kind text NOT NULL,
    servant text COLLATE "C",
    device text COLLATE "C",
    badge text COLLATE "C",
    body text COLLATE "C" NOT NULL,
    date date NOT NULL,
    until date,
    first bigint NOT NULL,
    last bigint,
    seconds bigint NOT NULL,
    state text NOT NULL,
    rule text NOT NULL,
    reads text[] NOT NULL,
    revision bigint NOT NULL,
    edition text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX findings_servant_idx ON findings (servant, date) WHERE servant IS NOT NULL;
CREATE INDEX findings_device_idx ON findings (device, date) WHERE device IS NOT NULL;
CREATE INDEX findings_body_idx ON findings (body, date)
"""


def upgrade() -> None:
    """Creates everything; the roles' rights on new tables come with the foundation."""
    foundation.create()
    for group in (PROJECTIONS, DEVICES, PASSAGES, WORKDAYS):
        for statement in group.split(";\n"):
            op.execute(statement)
    op.execute(MONTHS)
    foundation.append_only("passages")
    # A partition is reached through its parent, under the rights of that; by its own name it could be emptied.
    for role in (APP, WORKER):
        foundation.out_of_reach("passages_other", role)
