"""The topics that this service follows, and whether what they held when it was first started is applied."""

from chassis.tables import projection_positions
from kernel.faults import Unavailable
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

BODIES = "registry.bodies.v1"
SERVANTS = "registry.servants.v1"


async def require_level(session: AsyncSession, *topics: str) -> None:
    """Returns if the projections of the topics have reached their start; Unavailable PROJECTION_BEHIND with the first that has not."""
    behind = func.bool_or(projection_positions.c.applied < projection_positions.c.start_offset)
    query = (
        select(projection_positions.c.topic, behind).where(projection_positions.c.topic.in_(topics)).group_by(projection_positions.c.topic)
    )
    level = {topic for topic, late in (await session.execute(query)).tuples() if not late}
    for topic in topics:
        if topic not in level:
            raise Unavailable("PROJECTION_BEHIND", topic=topic)
