"""Positions in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chassis.access import Caller
from chassis.tables import FRESH
from kernel.faults import NotFound
from sqlalchemy import Select, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from registry.bodies.tables import StateBodyRow
from registry.names import position_name
from registry.positions.domain import Position
from registry.positions.tables import PositionRow


@dataclass(frozen=True, slots=True)
class StoredPositions:
    """The recorded positions."""

    session: AsyncSession

    async def get(self, body: str, position: str, visible_to: Caller) -> Position:
        """Returns the position; NotFound if there is none within the caller's reach."""
        query = _visible(visible_to).where(PositionRow.body == body, PositionRow.id == position)
        row = await self.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(position_name(body, position))
        return row.position()

    async def find(self, keys: Collection[tuple[str, str]], visible_to: Caller) -> Mapping[tuple[str, str], Position]:
        """Returns the positions of these bodies and IDs that are within the caller's reach."""
        query = _visible(visible_to).where(tuple_(PositionRow.body, PositionRow.id).in_(sorted(keys)))
        rows = await self.session.scalars(query, execution_options=FRESH)
        return {(row.body, row.id): row.position() for row in rows}

    async def page(self, body: str, after: str, limit: int) -> Sequence[Position]:
        """Returns at most `limit` positions of the body whose ID is above `after`, by ID."""
        query = select(PositionRow).where(PositionRow.body == body, PositionRow.id > after).order_by(PositionRow.id).limit(limit)
        return [row.position() for row in await self.session.scalars(query, execution_options=FRESH)]

    async def exists(self, body: str, position: str) -> bool:
        """Says whether the position is recorded."""
        query = select(PositionRow.id).where(PositionRow.body == body, PositionRow.id == position)
        return await self.session.scalar(query) is not None

    async def add(self, position: Position) -> None:
        """Records a position; its ID is free."""
        fields = ("body", "id", "unit", "category", "supervising_position", "hours_set_by_regulation", "hazardous", "revision")
        values = {field: getattr(position, field) for field in fields}
        title = {"title_kk": position.title.kk, "title_ru": position.title.ru, "title_en": position.title.en}
        await self.session.execute(insert(PositionRow).values(**values, **title))


def _visible(visible_to: Caller) -> Select[PositionRow]:
    return select(PositionRow).join(StateBodyRow, StateBodyRow.id == PositionRow.body).where(StateBodyRow.within(visible_to.reach))
