"""Legal holds: while a body is inspected, nothing is deleted anywhere in the deployment (Law on civil service, article 58-6).

Passages are no body's, and buildings are shared: what is evidence in one body's inspection is not told apart from the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from kernel.days import DaySpan
from kernel.faults import Malformed
from kernel.holds import Hold
from tartip.registry.v1 import events_pb2 as pb

from chassis.database import Transaction
from chassis.wire import day

# A date is another one elsewhere: a hold stands from its first minute in the east to its last in the west.
AROUND_A_DAY = timedelta(hours=14)

# The registry's own table is asked the same way: there released holds stay. Followers are told of none that is released.
_IN_FORCE = """
SELECT max(until) FROM legal_holds WHERE NOT released AND since <= $1 AND until >= $2
"""
_FORGET = "DELETE FROM legal_holds WHERE body = ANY ($1::text[])"
_SAVE = """
INSERT INTO legal_holds (body, id, since, until) SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::date[])
"""


async def held_until(transaction: Transaction, now: datetime) -> date | None:
    """The last day of the holds that are in force in this deployment; None where none is."""
    driver = await transaction.driver()
    async with transaction.beyond_reach():
        return await told_until(driver, now)


async def told_until(driver: Any, now: datetime) -> date | None:
    """The same as asyncpg's connection sees it, for those who are held to no reach."""
    until: date | None = await driver.fetchval(_IN_FORCE, (now + AROUND_A_DAY).date(), (now - AROUND_A_DAY).date())
    return until


def holds_told(holds: Sequence[pb.LegalHold]) -> tuple[Hold, ...]:
    """Returns the holds that stand, as the registry tells of them; Malformed where one has no ID, or no first or last day."""
    # Older states of bodies tell of released holds too.
    return tuple(_told(each, f"holds[{at}]") for at, each in enumerate(holds) if not each.released)


def _told(message: pb.LegalHold, field: str) -> Hold:
    if not message.hold:
        raise Malformed({f"{field}.hold": "must be set"})
    return Hold(message.hold, DaySpan(day(message.since, f"{field}.since"), day(message.until, f"{field}.until")))


async def save_holds(transaction: Transaction, told: Mapping[str, Iterable[Hold]]) -> None:
    """Records the holds of each body, in place of what was known."""
    if not told:
        return
    driver = await transaction.driver()
    await driver.execute(_FORGET, sorted(told))
    rows = [(body, each.id, each.span.since, each.span.until) for body, holds in sorted(told.items()) for each in holds]
    if rows:
        await driver.execute(_SAVE, *(list(column) for column in zip(*rows, strict=True)))
