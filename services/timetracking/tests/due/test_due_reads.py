"""Reads make days due: they are computed lane by lane, live ones first, and nothing that fails holds up the rest."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from timetracking.due.repository import LANES, lane_of
from timetracking.due.use_cases import ComputeDueReads

from ..platform import Pausing, Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, four, passage

Instants = Mapping[str, Collection[int]]
# Two badges of one lane, and one of another.
ONE, OTHER = "17", next(str(n) for n in range(18, 1000) if lane_of(("hq", str(n))) == lane_of(("hq", "17")))
ELSEWHERE = next(str(n) for n in range(18, 1000) if lane_of(("hq", str(n))) != lane_of(("hq", "17")))


class Noting:
    """Computes days and notes whose, one chunk after the other."""

    def __init__(self, platform: Platform, fails: str = "") -> None:
        self.platform, self.fails, self.seen = platform, fails, list[list[str]]()

    async def __call__(self, work: Any, instants: Instants) -> None:
        self.seen.append(sorted(instants))
        if self.fails in instants:
            raise RuntimeError(self.fails)
        await self.platform.compute(work, instants=instants)


async def wishes(platform: Platform) -> int:
    return int((await platform.sql("SELECT count(*) AS n FROM due_reads"))[0]["n"])


async def test_a_day_that_many_messages_touch_is_computed_once(platform: Platform) -> None:
    for each in four(TUESDAY):
        await platform.store([each])
    assert await wishes(platform) == 4
    computing = Noting(platform)
    job = ComputeDueReads(platform.begin, computing)
    assert [await job(), await job()] == [1, 0]
    assert (computing.seen, await platform.versions(TUESDAY), await wishes(platform)) == ([["S1"]], [1, 2], 0), "after the absence"


async def test_days_of_live_reads_come_before_those_of_late_ones_in_every_lane(platform: Platform) -> None:
    for number, servant in ((OTHER, "S2"), (ELSEWHERE, "S3")):
        await platform.badge(number, servant)
    await platform.store(four(MONDAY), late=True)
    await platform.store(four(MONDAY, ELSEWHERE), late=True)
    await platform.store(four(TUESDAY, ELSEWHERE))
    computing = Noting(platform)
    job = ComputeDueReads(platform.begin, computing)
    while await job():
        pass
    assert computing.seen == [["S3"], ["S1"]], "the late Monday of S3 is computed along with its Tuesday"


async def test_what_fails_is_put_off_and_holds_up_nobody_else(platform: Platform) -> None:
    await platform.badge(OTHER, "S2")
    await platform.store([*four(TUESDAY), *four(TUESDAY, OTHER)])
    job = ComputeDueReads(platform.begin, Noting(platform, fails="S1"))
    with pytest.raises(RuntimeError):
        await job()
    worked = [each[TUESDAY].content.seconds.worked for each in (await platform.days("S2"), await platform.days("S1")) if TUESDAY in each]
    assert (worked, await wishes(platform)) == ([0, 0], 1), "S2 is known without a plan, S1 is absent still"
    await platform.store(four(WEDNESDAY, OTHER))
    computing = Noting(platform)
    assert await ComputeDueReads(platform.begin, computing)() == 2
    assert (await platform.days())[TUESDAY].content.seconds.worked == 8 * 3600


async def test_several_compute_side_by_side_each_in_another_lane(platform: Platform) -> None:
    await platform.badge(ELSEWHERE, "S3")
    await platform.store([*four(TUESDAY), *four(TUESDAY, ELSEWHERE)])
    pausing = Pausing(platform.compute)
    first = asyncio.create_task(ComputeDueReads(platform.begin, pausing)())
    await pausing.reached.wait()
    computing = Noting(platform)
    try:
        async with asyncio.timeout(4):
            assert await ComputeDueReads(platform.begin, computing)() == 1
    finally:
        pausing.go_on.set()
        await first
    assert len(computing.seen) == 1
    assert [TUESDAY in await platform.days(each) for each in ("S1", "S3")] == [True, True]
    assert await wishes(platform) == 0


async def test_who_finds_all_lanes_taken_waits_for_one_and_is_not_level(platform: Platform) -> None:
    await platform.store(four(TUESDAY))
    pausing, waits = Pausing(platform.compute), ComputeDueReads(platform.begin, platform.compute)
    await pausing.meanwhile(platform, ComputeDueReads(platform.begin, pausing)(), waits())
    assert (await waits(), await platform.versions(TUESDAY)) == (0, [1, 2])


async def test_a_read_that_comes_while_its_day_is_computed_is_not_forgotten(platform: Platform) -> None:
    await platform.store(four(TUESDAY)[:2])
    pausing = Pausing(platform.compute)
    await pausing.meanwhile(platform, ComputeDueReads(platform.begin, pausing)(), platform.store(four(TUESDAY)[2:]))
    assert await wishes(platform) == 1
    await platform.do_what_is_due()
    assert (await platform.days())[TUESDAY].content.seconds.worked == 8 * 3600


async def test_a_read_of_a_badge_that_nobody_holds_is_done_with(platform: Platform) -> None:
    await platform.store([passage("2026-11-24T08:55:00", number="nobody's")])
    before = await platform.days()
    await platform.do_what_is_due()
    assert (await wishes(platform), await platform.days()) == (0, before)


def test_badges_are_spread_over_all_lanes() -> None:
    assert {lane_of(("hq", str(number))) for number in range(100)} == set(range(LANES))
