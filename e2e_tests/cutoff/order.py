"""In which order things were written: by the numbers of their transactions, not by anybody's watch."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from ..chaos.inside import Inside

# A passage is never changed: its row has the number of the transaction that stored it. So has a version of a day.
_STORED = "SELECT max(xmin::text::bigint) FROM passages WHERE badge_number = ANY ($1::text[])"
_VISIBLE = """
SELECT max(first) FROM (
    SELECT min(xmin::text::bigint) AS first FROM workday_versions WHERE servant = ANY ($1::text[]) AND date = $2 GROUP BY servant
) AS versions
"""
_LATER = "SELECT count(*) FROM passages WHERE badge_number = ANY ($1::text[]) AND xmin::text::bigint > $2"


@dataclass(frozen=True, slots=True)
class Order:
    """How many passages of the backlog were still to be stored when all live passages were, and when all live days were visible."""

    behind_stored: int
    behind_visible: int


async def order_of(inside: Inside, live: Collection[tuple[str, str]], backlog: Collection[str], on: date) -> Order:
    """The order in which the passages of some people (servant, badge) and the backlog of other badges were written."""
    badges, servants = [badge for _, badge in live], [servant for servant, _ in live]
    [stored] = await inside.rows(_STORED, badges)
    [visible] = await inside.rows(_VISIBLE, servants, on)
    [after_stored] = await inside.rows(_LATER, list(backlog), stored[0])
    [after_visible] = await inside.rows(_LATER, list(backlog), visible[0])
    return Order(after_stored[0], after_visible[0])
