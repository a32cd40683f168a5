"""The topics that this service follows, and whether what they held when they were first followed is applied."""

import asyncio
from collections.abc import Callable, Mapping

from chassis.database import Database
from chassis.positions import Extent, Partition
from chassis.tables import projection_positions
from kernel.faults import Unavailable
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

BODIES = "registry.bodies.v1"
SERVANTS = "registry.servants.v1"
LOOK_S = 0.25

held = projection_positions.c


async def require_level(session: AsyncSession, *topics: str) -> None:
    """Returns if the projections of the topics have reached their start; Unavailable PROJECTION_BEHIND with the first that has not."""
    behind = func.bool_or(held.applied < held.start_offset)
    query = select(held.topic, behind).where(held.topic.in_(topics)).group_by(held.topic)
    level = {topic for topic, late in await session.execute(query) if not late}
    for topic in topics:
        if topic not in level:
            raise Unavailable("PROJECTION_BEHIND", topic=topic)


async def follow(database: Database, extents: Mapping[Partition, Extent], positions: Callable[[], Mapping[Partition, int]]) -> None:
    """Writes down how far the projection is, until it has reached what the topics held at its first start.

    `extents` are what the partitions held when this process looked; a goal that was set before stays.
    """
    rows = [
        {"topic": topic, "partition": number, "start_offset": extent.end, "applied": extent.start}
        for (topic, number), extent in extents.items()
    ]
    async with database.transaction() as transaction:
        await transaction.session.execute(insert(projection_positions).values(rows).on_conflict_do_nothing())
    while True:
        async with database.transaction() as transaction:
            await _applied(transaction.session, positions())
            if not await transaction.session.scalar(select(func.bool_or(held.applied < held.start_offset))):
                return
        await asyncio.sleep(LOOK_S)


async def _applied(session: AsyncSession, positions: Mapping[Partition, int]) -> None:
    if positions:
        rows = [
            {"topic": topic, "partition": number, "start_offset": 0, "applied": offset} for (topic, number), offset in positions.items()
        ]
        statement = insert(projection_positions).values(rows)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[held.topic, held.partition],
                set_={"applied": func.greatest(held.applied, statement.excluded.applied)},
            )
        )
