"""Badges in PostgreSQL. Two holders at once are refused under the badge's lock, and by an exclusion constraint behind it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.database import Transaction

from timetracking.badges.domain import Badge
from timetracking.passages.domain import OFF_BY
from timetracking.passages.repository import StoredReads

_OVERLAPPING = """
SELECT id, badge_system, badge_number, servant, lower(span) AS since, upper(span) AS until FROM badges
WHERE badge_system = $1 AND badge_number = $2 AND span && tstzrange($3, $4) ORDER BY span
"""
_ADD = "INSERT INTO badges (id, badge_system, badge_number, servant, span) VALUES ($1, $2, $3, $4, tstzrange($5, $6))"
_PAGE = """
SELECT id, badge_system, badge_number, servant, lower(span) AS since, upper(span) AS until FROM badges
WHERE servant = $1 AND (lower(span), id) > ($2, $3) ORDER BY lower(span), id LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class StoredBadges:
    """The badges with their holders."""

    transaction: Transaction
    reads: StoredReads

    async def overlapping(self, badge: Badge) -> Sequence[Badge]:
        """Returns who holds it within its span, of whatever body, by start; the badge's lock is held."""
        driver = await self.transaction.driver()
        async with self.transaction.beyond_reach():
            rows = await driver.fetch(_OVERLAPPING, badge.system, badge.number, badge.since, badge.until)
        return [_badge(row) for row in rows]

    async def add(self, badge: Badge) -> None:
        """Records a badge in a holder's hands; the badge's lock is held."""
        driver = await self.transaction.driver()
        await driver.execute(_ADD, badge.badge, badge.system, badge.number, badge.servant, badge.since, badge.until)

    async def page(self, servant: str, after: tuple[datetime, str] | None, limit: int) -> Sequence[Badge]:
        """Returns at most `limit` badges of the servant after (since, ID), by start."""
        driver = await self.transaction.driver()
        since, last = after or (datetime.min.replace(tzinfo=UTC), "")
        return [_badge(row) for row in await driver.fetch(_PAGE, servant, since, last, limit)]

    async def instants(self, badge: Badge) -> Collection[int]:
        """Returns the instants of its stored passages within its span, by the settings of their devices."""
        first = badge.since.replace(tzinfo=None) - OFF_BY
        last = badge.until.replace(tzinfo=None) + OFF_BY if badge.until is not None else datetime.max
        key = badge.system, badge.number
        async with self.transaction.beyond_reach():
            await self.reads.load({key: (first, last)})
        since, until = badge.since.timestamp(), badge.until.timestamp() if badge.until is not None else float("inf")
        return {read.at for read, _, _ in self.reads.of(key) if since <= read.at < until}


def _badge(row: Any) -> Badge:
    return Badge(row["id"], row["badge_system"], row["badge_number"], row["servant"], row["since"], row["until"])
