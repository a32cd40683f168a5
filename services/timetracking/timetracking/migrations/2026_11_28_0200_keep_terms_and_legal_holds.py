"""Keep the levels of terms and who was erased, know legal holds, and let passages be forgotten when their term has ended."""

from alembic import op
from chassis.migrations import personal_data
from chassis.migrations.foundation import APP, WORKER
from chassis.migrations.indexes import build_beside_writers

revision = "timetracking_2026_11_28_0200"
down_revision = "timetracking_2026_11_28_0000"

INDEXES = {
    "workday_versions_date_idx": "workday_versions (date)",
    "findings_date_idx": "findings (date)",
    "remote_sessions_starts_idx": "remote_sessions (starts)",
    "plan_months_month_idx": "plan_months (month)",
    "orders_date_idx": "orders (date)",
    "badges_given_back_idx": "badges (upper(span))",
    "device_days_date_idx": "device_days (date)",
    "device_receipts_date_idx": "device_receipts (date)",
    "parked_records_date_idx": "parked_records (date)",
    "parked_records_forgotten_idx": "parked_records (parked_at) WHERE value IS NULL",
}
# An instant is its wall time less an offset of 14 hours at most to the east, 12 to the west.
HELD = """
CREATE FUNCTION surely_held(span tstzrange, wall_time timestamp) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN span @> tstzrange(
        (wall_time - interval '14 hours') AT TIME ZONE 'UTC', (wall_time + interval '12 hours') AT TIME ZONE 'UTC', '[]'
    )
"""
# Nobody but these functions deletes a passage. A month is dropped whole, by its name and uncounted: to count it would take longer than a
# transaction may. Whoever drops it waits for its readers, and everybody else behind: not for long.
FORGET = """
CREATE FUNCTION forget_passages(before date, most integer, OUT gone integer, OUT whole text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    now_utc timestamp := clock_timestamp() AT TIME ZONE 'UTC';
    month text;
BEGIN
    IF before > coalesce((SELECT kept_since FROM retention_levels WHERE term = 'retention/working-time-records'), '-infinity') THEN
        RAISE EXCEPTION 'passages since % are kept still', before;
    END IF;
    IF EXISTS (
        SELECT FROM legal_holds
        WHERE NOT released AND since <= (now_utc + interval '14 hours')::date AND until >= (now_utc - interval '14 hours')::date
    ) THEN
        RAISE EXCEPTION 'a legal hold is in force: all passages are kept';
    END IF;
    SELECT c.relname INTO month
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'passages'::regclass AND c.relname ~ '^passages_[0-9]{4}_[0-9]{2}$'
        AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
    ORDER BY c.relname LIMIT 1;
    IF month IS NOT NULL THEN
        EXECUTE format('DROP TABLE %I', month);
        gone := 0;
        whole := replace(right(month, 7), '_', '-');
        RETURN;
    END IF;
    DELETE FROM passages_other WHERE ctid = ANY (ARRAY (SELECT ctid FROM passages_other WHERE wall_time < before LIMIT most));
    GET DIAGNOSTICS gone = ROW_COUNT;
END
$$
"""
# What the registry has erased was decided before any hold that is in force now: it asks for none.
FORGET_ONE = """
CREATE FUNCTION forget_passages_of(wanted text, most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM passages p USING (
        SELECT DISTINCT r.badge_system, r.badge_number, r.wall_time
        FROM badges b JOIN passages r ON r.badge_system = b.badge_system AND r.badge_number = b.badge_number
        WHERE b.servant = wanted AND surely_held(b.span, r.wall_time) LIMIT most
    ) AS own
    WHERE p.badge_system = own.badge_system AND p.badge_number = own.badge_number AND p.wall_time = own.wall_time;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$
"""
OWN = """
CREATE POLICY of_own_badges ON passages FOR SELECT TO {app} USING (EXISTS (
    SELECT FROM badges b WHERE b.servant = (SELECT reach() ->> 'servant')
        AND b.badge_system = passages.badge_system AND b.badge_number = passages.badge_number AND surely_held(b.span, passages.wall_time)
))
"""


def upgrade() -> None:
    """Creates indexes, tables and functions, and lets people see what was read of their own badges, and where they head units."""
    for name, definition in INDEXES.items():
        build_beside_writers(name, definition)
    personal_data.keep_terms()
    personal_data.know_holds()
    personal_data.show_own("unit_heads")
    op.execute(HELD)
    for statement, function in ((FORGET, "forget_passages"), (FORGET_ONE, "forget_passages_of")):
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {WORKER}")
    op.execute(OWN.format(app=APP))
