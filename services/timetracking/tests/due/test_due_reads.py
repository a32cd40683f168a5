"""Reads make days due: they are computed lane by lane, live ones first, and nothing that fails holds up the rest."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asyncpg import QueryCanceledError
from chassis import stream_traces
from chassis.parking import Origin
from kernel.faults import Unavailable
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from timetracking.accounts.use_cases import Place
from timetracking.due import use_cases
from timetracking.due.report import report_by
from timetracking.due.repository import APART, LANES, lane_of
from timetracking.due.use_cases import APART_EVERY_S, ComputeDueReads

from ..platform import Pausing, Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, four, passage

Instants = Mapping[str, Collection[int]]
# Two badges of one lane, and one of another.
ONE, OTHER = "17", next(str(n) for n in range(18, 1000) if lane_of(("hq", str(n))) == lane_of(("hq", "17")))
ELSEWHERE = next(str(n) for n in range(18, 1000) if lane_of(("hq", str(n))) != lane_of(("hq", "17")))


class Noting:
    """Computes days and notes whose, one chunk after the other."""

    def __init__(self, platform: Platform, fails: str = "", error: type[Exception] = RuntimeError) -> None:
        self.platform, self.fails, self.error, self.seen = platform, fails, error, list[list[str]]()

    async def __call__(self, work: Any, instants: Instants) -> None:
        self.seen.append(sorted(instants))
        if self.fails in instants:
            raise self.error(self.fails)
        await self.platform.compute(work, instants=instants)


async def wishes(platform: Platform) -> int:
    return int((await platform.sql("SELECT count(*) AS n FROM due_reads"))[0]["n"])


@dataclass(frozen=True)
class Traced:
    """What traces, and everything that was traced."""

    tracer: trace.Tracer
    exporter: InMemorySpanExporter


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traced]:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(stream_traces, "tracer", tracer)
    yield Traced(tracer, exporter)
    provider.shutdown()


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "BADGES", 1)


async def test_a_day_that_many_messages_touch_is_computed_once(platform: Platform) -> None:
    for each in four(TUESDAY):
        await platform.store([each])
    assert await wishes(platform) == 4
    computing = Noting(platform)
    job = ComputeDueReads(platform.begin, computing)
    assert [await job(), await job()] == [1, 0]
    assert (computing.seen, await platform.versions(TUESDAY), await wishes(platform)) == ([["S1"]], [1, 2], 0), "after the absence"


@pytest.mark.usefixtures("one_by_one")
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
    assert (computing.seen[0], sorted(computing.seen[1:])) == (["S3"], [["S1", "S3"]])


async def test_where_little_waits_all_lanes_share_a_transaction(platform: Platform) -> None:
    await platform.badge(ELSEWHERE, "S3")
    await platform.store([*four(TUESDAY), *four(TUESDAY, ELSEWHERE)])
    computing = Noting(platform)
    job = ComputeDueReads(platform.begin, computing)
    assert ([await job(), await job()], computing.seen, await wishes(platform)) == ([2, 0], [["S1", "S3"]], 0)


async def test_a_few_late_ones_are_computed_after_each_piece_of_live_ones(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "BESIDE", 1)
    servants = {str(number): f"S{number}" for number in range(30, 34)}
    for number, servant in servants.items():
        await platform.badge(number, servant)
        await platform.store(four(MONDAY, number), late=True)
    await platform.store(four(TUESDAY))
    computing = Noting(platform)
    job = ComputeDueReads(platform.begin, computing)
    while await job():
        pass
    assert [len(each) for each in computing.seen] == [1, 1, 3], "a late one beside the live one, and then the others"
    assert computing.seen[0] == ["S1"]


async def test_a_piece_holds_so_many_dates_and_the_others_stay_due(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "BADGE_DATES", 2)
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await platform.store(four(day), late=True)
    job = ComputeDueReads(platform.begin, platform.compute)
    assert ([await job(), await wishes(platform)], [await job(), await wishes(platform)], await job()) == ([1, 1], [1, 0], 0)
    worked = {day: content.content.seconds.worked for day, content in (await platform.days()).items()}
    assert [worked[day] for day in (MONDAY, TUESDAY, WEDNESDAY)] == [8 * 3600] * 3


async def test_what_fails_for_good_breaks_nobody_elses_piece_again_and_has_its_turn_whatever_waits(platform: Platform) -> None:
    for number, servant in ((OTHER, "S2"), (ELSEWHERE, "S3")):
        await platform.badge(number, servant)
    await platform.store(four(TUESDAY))
    computing, now = Noting(platform, fails="S1"), [0.0]
    job = ComputeDueReads(platform.begin, computing, lambda: now[0])
    with pytest.raises(RuntimeError):
        await job()
    await platform.store([*four(WEDNESDAY, OTHER), *four(WEDNESDAY, ELSEWHERE)])
    assert (await job(), computing.seen[-1]) == (2, ["S2", "S3"])
    await platform.store(four(MONDAY, OTHER))
    now[0] += APART_EVERY_S
    with pytest.raises(RuntimeError):
        await job()
    assert (computing.seen[-1], await job(), await job()) == (["S1"], 1, 0), "it is not tried again at once"
    assert [dict(row) for row in await platform.sql("SELECT lane FROM due_reads")] == [{"lane": APART}]


async def test_what_waited_apart_is_computed_one_after_the_other_once_it_can_be(platform: Platform) -> None:
    for number, servant in ((OTHER, "S1"), (ELSEWHERE, "S1")):
        await platform.badge(number, servant)
    await platform.store([*four(TUESDAY), *four(TUESDAY, OTHER), *four(TUESDAY, ELSEWHERE)])
    computing = Noting(platform, fails="S1", error=QueryCanceledError)
    with pytest.raises(Unavailable):
        await ComputeDueReads(platform.begin, computing)()
    assert {row["lane"] for row in await platform.sql("SELECT lane FROM due_reads")} == {APART}, "time ran out for each alone"
    computing.fails = ""
    job = ComputeDueReads(platform.begin, computing)
    assert [await job() for _ in range(4)] == [1, 1, 1, 0]


async def test_what_fails_at_something_that_passes_keeps_its_place(platform: Platform) -> None:
    await platform.store(four(TUESDAY))
    with pytest.raises(Unavailable):
        await ComputeDueReads(platform.begin, Noting(platform, fails="S1", error=Unavailable))()
    wish = {"lane": lane_of(("hq", ONE)), "late": False}
    assert [dict(row) for row in await platform.sql("SELECT lane, late FROM due_reads")] == [wish]


async def test_what_fails_is_put_off_and_holds_up_nobody_else(platform: Platform) -> None:
    await platform.badge(OTHER, "S2")
    await platform.store([*four(TUESDAY), *four(TUESDAY, OTHER)])
    job = ComputeDueReads(platform.begin, Noting(platform, fails="S1"))
    with pytest.raises(RuntimeError):
        await job()
    worked = [each[TUESDAY].content.seconds.worked for each in (await platform.days("S2"), await platform.days("S1")) if TUESDAY in each]
    assert (worked, await wishes(platform)) == ([0, 0], 1), "S2 is known without a plan, S1 is absent still"
    await platform.store(four(WEDNESDAY, OTHER))
    job = ComputeDueReads(platform.begin, platform.compute)
    assert [await job(), await job()] == [1, 1], "first whoever has not failed"
    assert (await platform.days())[TUESDAY].content.seconds.worked == 8 * 3600


@pytest.mark.usefixtures("one_by_one")
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


_MANY = """
INSERT INTO due_reads (lane, late, badge_system, badge_number, date)
SELECT $1, true, 'hq', 'other ' || (n % 5000), $2 FROM generate_series(1, 20000) AS n
"""
_READ_SO_FAR = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'due_reads'"


async def test_a_piece_reads_what_it_holds_however_many_wait_in_its_lane(platform: Platform) -> None:
    lane = lane_of(("hq", ONE))
    await platform.store(four(TUESDAY, ONE), late=True)
    async with platform.begin() as work:
        driver = await work.due_reads.transaction.driver()
        # What is planned once for all calls is planned while little waits.
        for _ in range(8):
            assert len(await work.due_reads.reads([lane], 10, 600, late=True)) == 1
        await driver.execute(_MANY, lane, TUESDAY)
        before = await driver.fetchval(_READ_SO_FAR)
        found = await work.due_reads.reads([lane], 10, 600, late=True)
        assert [len(each.wishes) for each in found] == [1, *[4] * 9]
        assert await driver.fetchval(_READ_SO_FAR) - before < 500


def spans_of(traced: Traced) -> dict[str, ReadableSpan]:
    return {span.name: span for span in traced.exporter.get_finished_spans()}


async def test_the_trace_in_which_reads_were_recorded_goes_on_where_their_days_are_computed_and_told(
    platform: Platform, traced: Traced
) -> None:
    with traced.tracer.start_as_current_span("apply") as applied:
        await platform.store(four(TUESDAY))
    assert await ComputeDueReads(platform.begin, platform.compute)() == 1
    computed = spans_of(traced)["compute days"]
    assert computed.parent is not None
    assert (computed.context.trace_id, computed.parent.span_id) == (applied.get_span_context().trace_id, applied.get_span_context().span_id)
    rows = await platform.sql(
        "SELECT headers ->> 'traceparent' AS trace FROM outbox WHERE topic = 'timetracking.workdays.v1' ORDER BY id DESC LIMIT 1"
    )
    assert {row["trace"].split("-")[1] for row in rows} == {trace.format_trace_id(applied.get_span_context().trace_id)}


async def test_days_of_reads_that_were_recorded_in_several_traces_are_computed_in_one_that_links_to_all(
    platform: Platform, traced: Traced
) -> None:
    applied = []
    for day in (MONDAY, TUESDAY):
        with traced.tracer.start_as_current_span("apply") as span:
            await platform.store(four(day))
        applied.append(span.get_span_context().span_id)
    assert await ComputeDueReads(platform.begin, platform.compute)() == 1
    computed = spans_of(traced)["compute days"]
    assert computed.parent is None
    assert sorted(link.context.span_id for link in computed.links) == sorted(applied)


async def test_a_failure_keeps_trace_and_receipt_with_the_read_that_waits_apart(platform: Platform, traced: Traced) -> None:
    with traced.tracer.start_as_current_span("apply") as applied:
        await platform.store(four(TUESDAY))
    with pytest.raises(RuntimeError):
        await ComputeDueReads(platform.begin, Noting(platform, fails="S1"))()
    async with platform.begin() as work:
        (apart,) = await work.due_reads.apart(10)
    assert apart.dates == {TUESDAY: four(TUESDAY)[0].received_at}
    assert {each.split("-")[1] for each in apart.traces} == {trace.format_trace_id(applied.get_span_context().trace_id)}


@pytest.mark.parametrize(("late", "lane"), [(False, "live"), (True, "late")])
async def test_how_long_a_read_waited_for_its_day_is_measured_from_its_receipt(platform: Platform, late: bool, lane: str) -> None:
    await platform.store([passage(f"{TUESDAY}T08:55:00", received=platform.now - timedelta(seconds=3))], late=late)
    await platform.store([passage(f"{TUESDAY}T13:00:00", "out", received=platform.now - timedelta(seconds=9))], late=late)
    before = seen(lane)
    assert await ComputeDueReads(platform.begin, platform.compute, computed=report_by(platform.clock))() == 1
    assert [after - each for after, each in zip(seen(lane), before, strict=True)] == [1, 9.0], "once, by the one that waited longest"


async def test_nobody_waits_for_the_day_of_a_passage_out_of_the_parking_lot(platform: Platform) -> None:
    place = Place(Origin("timetracking.passages.v1", 0, 7, 0), 1, parked_record=uuid4())
    await platform.store([passage(f"{TUESDAY}T08:55:00")], places=[place])
    assert [row["received_at"] for row in await platform.sql("SELECT received_at FROM due_reads")] == [None]
    before = seen("live")
    assert await ComputeDueReads(platform.begin, platform.compute, computed=report_by(platform.clock))() == 1
    assert seen("live") == before


async def test_what_a_process_of_the_version_before_asked_for_is_computed_all_the_same(platform: Platform) -> None:
    await platform.store(four(TUESDAY))
    await platform.sql("UPDATE due_reads SET received_at = NULL, traceparent = NULL")
    assert await ComputeDueReads(platform.begin, platform.compute, computed=report_by(platform.clock))() == 1
    assert await wishes(platform) == 0


def seen(lane: str) -> list[float]:
    """How often and how long reads of a lane waited."""
    return [REGISTRY.get_sample_value(f"tartip_passage_visible_seconds_{part}", {"lane": lane}) or 0.0 for part in ("count", "sum")]
