"""Passages become days in PostgreSQL, once each, and are counted."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from chassis.testing.waiting import until
from kernel.faults import WrongState
from lawbook import load
from timetracking.due.use_cases import ComputeDueReads
from timetracking.gateway.intake import bounds_by
from timetracking.passages.use_cases import PossibleTimes
from timetracking.workdays.domain.kept import content_of

from ..platform import Pausing, Platform


async def days(platform: Any) -> list[Any]:
    rows = await platform.sql("SELECT servant, date, content, marks FROM workdays ORDER BY servant, date")
    return [(row["servant"], content_of(row["date"], row["content"]), row["marks"]) for row in rows]


async def test_the_passages_of_a_day_become_a_working_day(platform: Any, words: Any) -> None:
    await platform.record(words.four("2026-11-24"))
    found = {content.date: content for _, content, _ in await days(platform)}
    assert found[date(2026, 11, 24)].seconds.worked == 8 * 3600
    assert found[date(2026, 11, 24)].findings == ()


async def test_the_same_passages_again_change_nothing_and_are_counted_as_repeated(platform: Any, words: Any) -> None:
    await platform.record(words.four("2026-11-24"))
    before, outbox = await days(platform), await platform.sql("SELECT count(*) AS n FROM outbox")
    await platform.record(words.four("2026-11-24"))
    assert await days(platform) == before
    assert await platform.sql("SELECT count(*) AS n FROM outbox") == outbox
    counts = await platform.sql("SELECT sum(received) AS received, sum(stored) AS stored, sum(repeated) AS repeated FROM device_days")
    assert dict(counts[0]) == {"received": 8, "stored": 4, "repeated": 4}


async def test_nobody_waits_at_a_gate_for_days_that_are_being_computed(platform: Platform, words: Any) -> None:
    await platform.badge("18", "S2")
    pausing = Pausing(platform.compute)
    await platform.store(words.four("2026-11-24", "18"))
    slow = asyncio.create_task(ComputeDueReads(platform.begin, pausing)())
    await pausing.reached.wait()
    try:
        async with asyncio.timeout(4):
            await platform.store([*words.four("2026-11-24"), *words.four("2026-11-25", "18")])
    finally:
        pausing.go_on.set()
        await slow
    counts = await platform.sql("SELECT sum(received), sum(stored), sum(repeated) FROM device_days")
    assert [tuple(row) for row in counts] == [(12, 12, 0)]


async def test_a_wall_time_of_1970_is_refused_by_name(platform: Any, words: Any) -> None:
    with pytest.raises(WrongState) as refused:
        await platform.record([words.passage("1970-01-01T00:00:00", received=datetime(2026, 11, 24, tzinfo=UTC))])
    assert refused.value.reason == "IMPOSSIBLE_TIME"


@pytest.mark.parametrize(
    ("wall", "offset", "possible"),
    [
        ("2026-11-26T13:55:00", 5 * 3600, True),
        ("2026-11-26T13:55:01", 5 * 3600, False),
        ("2026-11-26T08:55:00", None, True),
        ("2026-11-26T08:55:01", None, False),
        ("2025-10-20T13:55:00", 5 * 3600, True),
        ("2025-10-20T13:54:59", 5 * 3600, False),
        ("0001-01-01T00:00:00", 5 * 3600, False),
        ("9999-12-31T23:59:59", -5 * 3600, False),
    ],
)
def test_a_wall_time_is_possible_from_400_days_before_its_receipt_to_2_days_after_it(
    words: Any, wall: str, offset: int | None, possible: bool
) -> None:
    """As the gateway judges: what it has taken in is never refused here."""
    received = datetime(2026, 11, 24, 8, 55, tzinfo=UTC)
    law = load()
    bounds = bounds_by(law)(received)
    passage = words.passage(wall, offset=offset, received=received)
    assert PossibleTimes(law).hold(passage) is bounds.hold(passage.wall_time, offset, received) is possible


async def test_who_gave_the_badge_back_long_ago_is_not_waited_for(platform: Platform, words: Any) -> None:
    await platform.sql("INSERT INTO badges VALUES ('before', 'hq', '17b', 'S0', tstzrange(NULL, '2026-11-20'))")
    await platform.badge("17b", "S1", since=datetime(2026, 11, 20, tzinfo=UTC))
    async with platform.begin() as other:
        await other.lock_servants(["S0"])
        async with asyncio.timeout(4):
            await platform.record([words.passage("2026-11-24T08:55:00", number="17b")])
        computing = asyncio.ensure_future(platform.record([words.passage("2026-11-20T08:55:00", number="17b")]))
        # A time policy may make it a read of S0.
        await until(platform.somebody_waits)
    await computing
