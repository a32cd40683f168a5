"""What timetracking owns and follows, for when its database came back from a backup, or its topics were lost."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from uuid import UUID

from chassis.database import Database, Transaction
from chassis.positions import Partition
from chassis.projections import applied
from chassis.restoration.ahead import OwnTopic
from chassis.restoration.restoring import Followed
from tartip.timetracking.v1 import events_pb2

from timetracking.accounts.repository import COUNT_WHAT_CAME_TO_SOMETHING
from timetracking.findings import events as findings
from timetracking.findings.use_cases import TellFindings
from timetracking.parking.domain import GATEWAY, OWN
from timetracking.passages.consumer import MOST
from timetracking.people import consumer as people
from timetracking.plans import consumer as plans
from timetracking.unit_of_work import MakeWork
from timetracking.workdays import events as workdays
from timetracking.workdays.republishing import DayKey, TellDays

# A rejected part is parked after all of its group was applied, and the group is acknowledged after that. So what lies more than a group
# before the end was acknowledged: it is in the database or in the parking lot. What lies in a gap behind that may be in neither: it was
# parked or recorded, and acknowledged, after the backup. A message weighs one at least.
_RECORDED = """
SELECT held.topic, held.partition, least(
    held.end_offset, min(greatest(gap.first_offset, held.end_offset - $1)) FILTER (WHERE gap.topic IS NOT NULL)
) AS next
FROM recorded_positions held LEFT JOIN recorded_gaps gap
    ON gap.topic = held.topic AND gap.partition = held.partition AND gap.after_offset >= held.end_offset - $1
GROUP BY held.topic, held.partition
"""
_DAYS = """
SELECT w.servant, w.date, w.revision FROM unnest($1::text[], $2::date[]) AS day (servant, date)
JOIN workdays w ON w.servant = day.servant AND w.date = day.date
"""
_FINDINGS = "SELECT id, revision FROM findings WHERE id = ANY ($1::uuid[])"
# What was parked is known by where it lay: there others will lie; but for what the gateway parked, which is known by what it is. What
# was sent again is lost with its topic, and waits once more.
_FORGET = (
    "DELETE FROM recorded_gaps",
    "DELETE FROM recorded_positions",
    # On its way back under the ID that is forgotten here: it would be stored, and wait in the parking lot all the same.
    "DELETE FROM outbox WHERE topic IN (SELECT topic FROM parked_records)",
    f"""
    UPDATE parked_records SET id = CASE WHEN starts_with(origin, '{GATEWAY}') THEN id ELSE gen_random_uuid() END,
        lay_partition = NULL, lay_offset = NULL,
        state = CASE WHEN state = 'sent_again' THEN 'parked' ELSE state END
    """,
    # Who counts follows the topic as who records does, and may have been behind: nobody will count there any more what has come.
    COUNT_WHAT_CAME_TO_SOMETHING,
)


async def positions(transaction: Transaction) -> Mapping[Partition, int]:
    """Up to where the messages of each partition are in the database; passages in the very transactions that recorded them.

    Passages are read again from the first of the last group's gaps on: what was rejected may not have been parked yet.
    """
    rows = await (await transaction.driver()).fetch(_RECORDED, MOST)
    return {**await applied(transaction), **{(row["topic"], row["partition"]): row["next"] for row in rows}}


FOLLOWED = Followed((people.BODIES, people.SERVANTS, plans.PLANS, plans.ORDERS, *OWN), positions)


def own_topics(make: MakeWork) -> Sequence[OwnTopic]:
    """Days and findings; those that follow from what is read again come back by themselves, in newer states."""
    return (
        OwnTopic(workdays.TOPIC, events_pb2.WorkdayChanged, _revisions_of_days, partial(_tell_days, make)),
        OwnTopic(findings.TOPIC, events_pb2.FindingChanged, _revisions_of_findings, partial(_tell_findings, make)),
    )


async def forget_places(transaction: Transaction) -> None:
    """Forgets what speaks of places in topics that were lost."""
    driver = await transaction.driver()
    for statement in _FORGET:
        await driver.execute(statement)


async def _tell_days(make: MakeWork, database: Database, keys: Sequence[str]) -> int:
    return await TellDays(make(database))([_day_key(key) for key in keys])


async def _tell_findings(make: MakeWork, database: Database, keys: Sequence[str]) -> int:
    return await TellFindings(make(database))([UUID(key) for key in keys])


async def _revisions_of_days(transaction: Transaction, keys: Sequence[str]) -> Mapping[str, int]:
    days = [_day_key(key) for key in keys]
    rows = await (await transaction.driver()).fetch(_DAYS, [servant for servant, _ in days], [day for _, day in days])
    return {f"{row['servant']}/{row['date']}": row["revision"] for row in rows}


async def _revisions_of_findings(transaction: Transaction, keys: Sequence[str]) -> Mapping[str, int]:
    rows = await (await transaction.driver()).fetch(_FINDINGS, [UUID(key) for key in keys])
    return {str(row["id"]): row["revision"] for row in rows}


def _day_key(key: str) -> DayKey:
    servant, _, day = key.rpartition("/")
    return servant, date.fromisoformat(day)
