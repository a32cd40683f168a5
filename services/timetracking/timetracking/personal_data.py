"""What timetracking keeps of whom, and for how long; read by its jobs, the export and docs/data-classes.md.

Days and what they are computed from go by one term. Facts go a week later than days, since the first days that are kept look at those
before them; passages go by whole months, and badges after the passages that they explain.
"""

from chassis.personal_data.declarations import WORKING_TIME, Aging, DataClass, OfTopic, Passing, Sensitivity, Standing, declared
from chassis.personal_data.levels import FACTS_BEFORE
from chassis.personal_data.own_tables import BODIES, OWN_TABLES, SERVANTS, projected_heads, projected_holds

OWN = "servant = $1"
DATE = "the date"
FACTS = f"$1::date - {FACTS_BEFORE.days}"
PASSAGE_TOPICS = "('timetracking.passages.v1', 'timetracking.late-passages.v1')"
# Passages go by whole months: the badges that they were read of go after the last of a month.
BADGES_LATER = 45
# What was found about a device is a fact of all days that it lasted; an instant's date is another one elsewhere, by less than the margin.
PAST_FINDINGS = f"date < $1 AND (servant IS NOT NULL OR greatest(date, until, (to_timestamp(last) AT TIME ZONE 'UTC')::date) < {FACTS})"
# A device's account of a date goes whole, or a loss would be hidden and another invented: once all that was received is stored or written off. What is
# counted meanwhile is looked at once more under the rows' locks. What was written off does not stand for what was parked since.
SETTLED = f"""
sum(flying) BETWEEN 0 AND sum(written_off) AND (sum(written_off) = 0 OR NOT EXISTS (
    SELECT FROM parked_records p WHERE p.device = part.device AND p.date = part.date AND p.topic IN {PASSAGE_TOPICS}
        AND p.state IN ('parked', 'sent_again')
))
"""
ACCOUNTS = f"""
WITH candidates AS (
    SELECT device, date FROM (
        SELECT device, date, received - repeated - no_passages AS flying, written_off FROM device_receipts WHERE date < {FACTS}
        UNION ALL SELECT device, date, -stored - repeated, 0 FROM device_days WHERE date < {FACTS}
    ) AS part
    GROUP BY device, date HAVING {SETTLED} LIMIT $2
), receipts AS MATERIALIZED (
    SELECT r.device, r.date, r.received - r.repeated - r.no_passages AS flying, r.written_off
    FROM device_receipts r JOIN candidates USING (device, date) ORDER BY r.device, r.date FOR UPDATE OF r
), days AS MATERIALIZED (
    SELECT d.device, d.date, -d.stored - d.repeated AS flying, 0 AS written_off
    FROM device_days d JOIN candidates USING (device, date) ORDER BY d.device, d.date FOR UPDATE OF d
), level AS MATERIALIZED (
    SELECT device, date FROM (SELECT * FROM receipts UNION ALL SELECT * FROM days) AS part GROUP BY device, date HAVING {SETTLED}
), gone AS (
    DELETE FROM device_receipts r USING level l WHERE r.device = l.device AND r.date = l.date RETURNING 1
), gone_too AS (
    DELETE FROM device_days d USING level l WHERE d.device = l.device AND d.date = l.date RETURNING 1
)
SELECT ((SELECT count(*) FROM gone) + (SELECT count(*) FROM gone_too))::integer, NULL::text
"""
# A parked record goes by the day of its own, whatever date its device gave it: all that have no date share one account, and a clock that
# was set back dates what comes now like what is old. The account is smaller by it on both sides, so that a loss stays to be seen.
PAST_PARKED = f"value IS NULL AND parked_at < {FACTS}"
PARKED = f"""
WITH old AS MATERIALIZED (
    SELECT id FROM parked_records WHERE {PAST_PARKED} ORDER BY parked_at LIMIT $2
), gone AS (
    DELETE FROM parked_records p USING old WHERE p.id = old.id
    RETURNING p.device, p.date, p.state = 'parked' AND p.topic IN {PASSAGE_TOPICS} AS counted
), less AS (
    SELECT device, date, count(*) AS records FROM gone WHERE counted GROUP BY device, date
), held AS MATERIALIZED (
    SELECT r.device, r.date, less.records FROM device_receipts r JOIN less USING (device, date) ORDER BY r.device, r.date FOR UPDATE OF r
), smaller AS (
    UPDATE device_receipts r SET received = r.received - held.records FROM held WHERE r.device = held.device AND r.date = held.date
)
SELECT count(*)::integer, NULL::text FROM gone
"""
# A passage whose badge the servant held whatever the zone of the device: what was read within a day of its handing over stands in the
# reads of their days.
OF_OWN_BADGES = (
    "EXISTS (SELECT FROM badges b WHERE b.servant = $1 AND b.badge_system = passages.badge_system"
    " AND b.badge_number = passages.badge_number AND surely_held(b.span, passages.wall_time))"
)
OF_ACCOUNT = "the date, once all that the device sent of it is stored or written off, and what was parked is gone"
NOBODY = "devices, not people"


def _aging(since: str, past: str, statement: str = "", margin: int = 0) -> Aging:
    return Aging(WORKING_TIME, since, past, statement, margin)


def _fact(since: str, past: str, statement: str = "") -> Aging:
    return _aging(since, past, statement, FACTS_BEFORE.days)


def _due(table: str, holds: str) -> DataClass:
    return DataClass(table, holds, Passing("moments later, when it was done"), nobody=NOBODY)


OF_DAYS = (
    DataClass(
        "due_days",
        "Days that are to be computed anew",
        Passing("moments later, when they were computed"),
        Sensitivity.PERSONAL,
        person=OWN,
        exported=False,
    ),
    DataClass(
        "workday_changes",
        "Which days changed, for those who follow them",
        Passing("30 days later, by the purge of `changes`, which rests with legal holds"),
        Sensitivity.PERSONAL,
        nobody="gone before anybody could look for them by person: no index finds them so, and each write would pay for it",
    ),
    DataClass(
        "workday_versions",
        "Every version of a working day",
        _aging(DATE, "date < $1"),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("date", "revision"),
    ),
    DataClass("workdays", "Working days as they are known", _aging(DATE, "date < $1"), Sensitivity.PERSONAL, person=OWN, key=("date",)),
    DataClass(
        "findings",
        "Findings about a servant's day, or about a device",
        _aging("the date; about a device 7 days more, and from the last date", PAST_FINDINGS),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("date", "id"),
    ),
    DataClass(
        "remote_sessions",
        "Sessions of remote work",
        _fact("its beginning", f"ends IS NOT NULL AND starts < extract(epoch FROM {FACTS})::bigint"),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("starts", "id"),
    ),
    DataClass(
        "plan_days",
        "What is planned for a servant on a date",
        _fact(DATE, f"date < {FACTS}"),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("date",),
    ),
    DataClass(
        "plan_months",
        "Which state of a month's plan is known",
        _fact("the last date of the month", f"month < date_trunc('month', {FACTS})"),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("month",),
    ),
    DataClass(
        "orders",
        "Orders of overtime, work on days off and off hours",
        _fact(DATE, f"date < {FACTS}"),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("date", "id"),
    ),
)

OF_GATES = (
    DataClass(
        "passages",
        "Passages as devices sent them",
        _fact(
            "the date as sent, by whole months",
            f"wall_time < {FACTS}",
            f"SELECT gone, whole FROM forget_passages({FACTS}, $2::integer)",
        ),
        Sensitivity.PERSONAL,
        person=OF_OWN_BADGES,
        key=("wall_time", "device", "event_key"),
        erasing="SELECT forget_passages_of($1, $2::bigint)",
    ),
    DataClass(
        "badges",
        "Who held which badge, when",
        _aging("the day on which it was given back", f"upper(span) < $1::date - {BADGES_LATER}", margin=BADGES_LATER),
        Sensitivity.PERSONAL,
        person=OWN,
        key=("id",),
    ),
    DataClass("device_days", "How many passages a device sent of a date", _fact(OF_ACCOUNT, f"date < {FACTS}", ACCOUNTS), nobody=NOBODY),
    DataClass("device_receipts", "The same, counted from Kafka", _fact(OF_ACCOUNT, f"date < {FACTS}", ACCOUNTS), nobody=NOBODY),
    DataClass(
        "parked_records",
        "Records that could not be applied; of passages their bytes for 180 days, by the purge of `parked`, which rests with legal holds",
        _fact("the day on which it was parked", PAST_PARKED, PARKED),
        Sensitivity.PERSONAL,
        nobody="of passages bytes of a device, whose they are is known once they are applied; of states, which name people, no content",
    ),
)

DATA_CLASSES = declared(
    *OF_DAYS,
    *OF_GATES,
    projected_heads(),
    DataClass(
        "appointments", "Where a servant is appointed", OfTopic((SERVANTS,)), Sensitivity.PERSONAL, person=OWN, key=("since", "appointment")
    ),
    DataClass("servants", "Which civil servants there are", OfTopic((SERVANTS,)), Sensitivity.PERSONAL, person=OWN, key=("servant",)),
    DataClass("body_states", "State bodies with their zones", OfTopic((BODIES,)), nobody="bodies, not people"),
    projected_holds(),
    DataClass("devices", "Enrolled devices", Standing("what was read at them is understood by them"), nobody=NOBODY),
    DataClass("device_settings", "How their records are to be read", Standing("with the device"), nobody=NOBODY),
    DataClass("device_proofs", "How they prove themselves: digests of secrets, networks", Standing("with the device"), nobody=NOBODY),
    DataClass(
        "device_refusals", "How often what came in their names was refused", Standing("a row for each device and reason"), nobody=NOBODY
    ),
    DataClass("device_looks", "Up to when their silence was looked for", Standing("one row a device"), nobody=NOBODY),
    _due("due_looks", "Dates of devices to be looked at again"),
    _due("due_device_days", "Dates of devices whose reads changed"),
    DataClass(
        "due_reads",
        "Badges that were read, of whose holders days are to be computed",
        Passing("moments later, when they were computed"),
        Sensitivity.PERSONAL,
        nobody="badges; who holds them stands elsewhere",
    ),
    DataClass("purged_changes", "Up to where changes of days were forgotten", Standing("one row"), nobody="a place"),
    DataClass("recorded_positions", "Up to where passages were recorded", Standing("one row a partition"), nobody="places in topics"),
    DataClass("recorded_gaps", "Which of them were rejected", Standing("what was rejected stays told apart"), nobody="places in topics"),
    DataClass("reconciliations", "What nightly comparisons found, in numbers", Standing("one row a night"), nobody="numbers"),
    DataClass("account_levels", "When everything was last counted as received", Standing("one row"), nobody="an instant"),
    *OWN_TABLES,
)
