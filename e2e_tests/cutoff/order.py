"""In which order things were written: by the numbers of their transactions, not by anybody's watch."""

from collections.abc import Mapping
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
_STORED_LATER = "SELECT count(*) FROM passages WHERE badge_number = ANY ($1::text[]) AND xmin::text::bigint > $2"
_VISIBLE_LATER = "SELECT count(*) FROM workday_versions WHERE servant = ANY ($1::text[]) AND xmin::text::bigint > $2"


@dataclass(frozen=True, slots=True)
class Order:
    """What of the backlog came after: passages stored after the last live one, versions of days after all live days were visible."""

    passages: int
    days: int


async def order_of(inside: Inside, live: Mapping[str, str], backlog: Mapping[str, str], on: date) -> Order:
    """In which order was written what concerns those who passed live and those who have a backlog; badges by servant."""
    [stored] = await inside.rows(_STORED, list(live.values()))
    [visible] = await inside.rows(_VISIBLE, list(live), on)
    [passages] = await inside.rows(_STORED_LATER, list(backlog.values()), stored[0])
    [days] = await inside.rows(_VISIBLE_LATER, list(backlog), visible[0])
    return Order(passages[0], days[0])
