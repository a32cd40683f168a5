"""Who heads the units of bodies, as the registry tells of it, and whom a servant controls by that (Order 120, point 10).

The working-time regime is controlled by the head of the structural unit, and where there is none by the direct supervisor. A head
answers for the units beneath as well. Services that follow the registry share this projection.
"""

from collections.abc import Iterable, Mapping, Sequence

from kernel.days import DaySpan
from kernel.faults import Malformed
from kernel.headships import Headship, headships
from tartip.registry.v1 import events_pb2 as pb

from chassis.access import Control
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.wire import day


def headships_told(units: Sequence[pb.BodyUnit]) -> tuple[Headship, ...]:
    """Returns who heads the units that the registry tells of; Malformed where a head has no name or no first day."""
    heads = {unit.unit: [(head.servant, _span(head, f"units.{unit.unit}.heads")) for head in unit.heads] for unit in units}
    return headships({unit.unit: unit.parent_unit for unit in units}, heads)


def _span(head: pb.DatedServant, field: str) -> DaySpan:
    if not head.servant:
        raise Malformed({f"{field}.servant": "must be set"})
    until = day(head.until, f"{field}.until") if head.HasField("until") else None
    return DaySpan(day(head.since, f"{field}.since"), until)


_FORGET = "DELETE FROM unit_heads WHERE body = ANY ($1::text[])"
_SAVE = """
INSERT INTO unit_heads (body, unit, servant, since, until, own)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[], $6::boolean[])
"""
# Whoever has left the body heads nothing there any more, whether or not a successor was named.
_CONTROL = """
SELECT
    ARRAY (
        SELECT DISTINCT h.body || '/' || h.unit FROM unit_heads h JOIN {bodies} b ON b.{body} = h.body
        CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE b.zone)::date AS today) AS on_
        WHERE h.servant = $1 AND daterange(h.since, h.until, '[]') @> today AND EXISTS (
            SELECT FROM appointments a
            WHERE a.servant = h.servant AND a.body = h.body AND daterange(a.since, a.until, '[]') @> today
        )
    ) AS units,
    ARRAY (
        SELECT DISTINCT a.body || '/' || a.servant
        FROM appointments mine JOIN {bodies} b ON b.{body} = mine.body
        JOIN appointments a ON a.body = mine.body AND a.supervising_position = mine.position
        CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE b.zone)::date AS today) AS on_
        WHERE mine.servant = $1 AND mine.position <> '' AND a.servant <> $1
            AND daterange(mine.since, mine.until, '[]') @> today AND daterange(a.since, a.until, '[]') @> today
            AND NOT EXISTS (
                SELECT FROM unit_heads h
                JOIN appointments serves ON serves.servant = h.servant AND serves.body = h.body
                WHERE h.body = a.body AND h.unit = a.unit AND h.own AND daterange(h.since, h.until, '[]') @> today
                    AND daterange(serves.since, serves.until, '[]') @> today
            )
    ) AS people
"""


async def save_headships(transaction: Transaction, told: Mapping[str, Iterable[Headship]]) -> None:
    """Records who heads the units of each body, in place of what was known."""
    if not told:
        return
    driver = await transaction.driver()
    await driver.execute(_FORGET, sorted(told))
    rows = [
        (body, each.unit, each.servant, each.span.since, each.span.until, each.own)
        for body, heads in sorted(told.items())
        for each in heads
    ]
    if rows:
        await driver.execute(_SAVE, *(list(column) for column in zip(*rows, strict=True)))


def control_projected(bodies: str, body: str) -> str:
    """The query for what a servant controls, of a service that follows the registry; `bodies` is its table of bodies, `body` its key."""
    return _CONTROL.format(bodies=bodies, body=body)


class StoredRelationships:
    """The relationships of a service's records; `control` finds units and people of a servant ($1) at an instant ($2)."""

    def __init__(self, database: Database, clock: Clock, control: str) -> None:
        self._database, self._clock, self._control = database, clock, control

    async def control(self, servant: str) -> Control:
        """Returns whose working time the servant controls on the date that it is now in the body's zone."""
        async with self._database.transaction(beyond_reach=True) as transaction:
            row = await (await transaction.driver()).fetchrow(self._control, servant, self._clock())
        return Control(frozenset(row["units"]), frozenset(row["people"]))
