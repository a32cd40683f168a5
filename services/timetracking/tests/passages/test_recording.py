"""Passages become days in PostgreSQL: any order, any repetition, any batches."""

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from kernel.days import Month
from kernel.faults import WrongState
from timetracking.workdays.domain.kept import content_of


async def days(platform: Any) -> list[Any]:
    rows = await platform.sql("SELECT servant, date, content, marks FROM workdays ORDER BY servant, date")
    return [(row["servant"], content_of(row["date"], row["content"]), row["marks"]) for row in rows]


async def test_the_passages_of_a_day_become_a_working_day(platform: Any, say: Any) -> None:
    await platform.record(say.four("2026-11-24"))
    found = {content.date: content for _, content, _ in await days(platform)}
    assert found[date(2026, 11, 24)].seconds.worked == 8 * 3600
    assert found[date(2026, 11, 24)].findings == ()


async def test_the_same_passages_again_change_nothing_and_are_counted_as_repeated(platform: Any, say: Any) -> None:
    await platform.record(say.four("2026-11-24"))
    before, outbox = await days(platform), await platform.sql("SELECT count(*) AS n FROM outbox")
    await platform.record(say.four("2026-11-24"))
    assert await days(platform) == before
    assert await platform.sql("SELECT count(*) AS n FROM outbox") == outbox
    counts = await platform.sql("SELECT sum(received) AS received, sum(stored) AS stored, sum(repeated) AS repeated FROM device_days")
    assert dict(counts[0]) == {"received": 8, "stored": 4, "repeated": 4}


async def test_any_order_in_any_batches_ends_in_the_same_days(platform: Any, say: Any, database: Any) -> None:
    passages = [each for day in ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-27") for each in say.four(day)]
    passages += [say.passage("2026-11-24T08:55:20"), say.passage("2026-11-26T23:50:00"), say.passage("2026-11-27T00:20:00", "out")]
    await platform.record(passages)
    expected = await days(platform)
    for seed in range(5):
        rng = random.Random(seed)
        other = type(platform)(await database("timetracking"))
        await other.device("gate")
        await other.badge("17", "S1")
        shuffled = [*passages, *rng.choices(passages, k=6)]
        rng.shuffle(shuffled)
        half = rng.randrange(len(shuffled))
        for at in range(0, half, 3):
            await other.record(shuffled[at : min(at + 3, half)])
        await other.take_plans([say.month_of("S1", Month(2026, 11))])
        for at in range(half, len(shuffled), 5):
            await other.record(shuffled[at : at + 5])
        assert await days(other) == expected, f"seed {seed}"


async def test_a_wall_time_of_1970_is_refused_by_name(platform: Any, say: Any) -> None:
    with pytest.raises(WrongState) as refused:
        await platform.record([say.passage("1970-01-01T00:00:00", received=datetime(2026, 11, 24, tzinfo=UTC))])
    assert refused.value.reason == "IMPOSSIBLE_TIME"
