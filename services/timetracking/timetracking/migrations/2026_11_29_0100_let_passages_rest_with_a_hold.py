"""Let passages rest while a legal hold is in force, without failing whoever asks to forget them."""

from alembic import op

revision = "timetracking_2026_11_29_0100"
down_revision = "timetracking_2026_11_29_0000"

# It goes by real time, and who asks by the platform's clock, which may be stepped: to them it is as if nothing were old. An error would
# let whatever is to be deleted after the passages wait for the end of the hold.
FORGET = """
CREATE OR REPLACE FUNCTION forget_passages(before date, most integer, OUT gone integer, OUT whole text)
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
        gone := 0;
        RETURN;
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


def upgrade() -> None:
    """Puts the function in the place of the one before, whose rights it keeps."""
    op.execute(FORGET)
