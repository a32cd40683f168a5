"""Days are compared with what their facts give them: what differs is found, reported and due, and never repaired in silence."""

from argparse import ArgumentParser
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from chassis.commands import NothingDone
from hypothesis import given
from hypothesis import strategies as st
from kernel.faults import Malformed
from timetracking.reconciliation import commands
from timetracking.reconciliation.domain import Compared, DayKey, Night, night_of, parts
from timetracking.reconciliation.use_cases import CHUNK, CompareDays, Reconcile, ReconcileAtNight, by_lot

from ..platform import Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, ZONE, at, four, passage

SINCE = date(2026, 11, 1)
DAYS = 30


@pytest.fixture
async def kept(platform: Platform) -> Platform:
    """S1's November is computed: Monday and Tuesday with their reads, absent on the other working days."""
    await platform.record([*four(MONDAY), *four(TUESDAY)])
    while await platform.close():
        pass
    await platform.do_what_is_due()
    return platform


def compare(platform: Platform) -> CompareDays:
    return CompareDays(platform.begin, platform.compute)


def reconcile(platform: Platform) -> Reconcile:
    return Reconcile(platform.begin, compare(platform), platform.clock, ZONE.key)


async def found(platform: Platform) -> Compared:
    return await reconcile(platform).all(SINCE)


BREAKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "a figure": (
        """UPDATE workdays SET content = replace(content, '"worked":28800', '"worked":28740') WHERE date = '2026-11-24'""",
        ("seconds",),
    ),
    "a stay": (
        "UPDATE workdays SET content = jsonb_set(content::jsonb, '{stays,0,2}', 'true')::text WHERE date = '2026-11-24'",
        ("stays",),
    ),
    "a read": (
        "UPDATE workdays SET content = jsonb_set(content::jsonb, '{reads}', (content::jsonb -> 'reads') - 0)::text WHERE date = '2026-11-24'",
        ("reads",),
    ),
    "a finding of an absence": (
        "UPDATE workdays SET content = jsonb_set(content::jsonb, '{findings}', '[]')::text WHERE date = '2026-11-25'",
        ("findings",),
    ),
    "all of it": ("UPDATE workdays SET content = 'nothing' WHERE date = '2026-11-24'", ("crosses", "findings", "reads")),
    "a day that is gone": (
        "WITH gone AS (DELETE FROM workdays WHERE date = '2026-11-24') DELETE FROM workday_versions WHERE date = '2026-11-24'",
        ("day",),
    ),
}


async def test_nothing_broken_is_nothing_found(kept: Platform) -> None:
    before = await kept.written()
    assert await found(kept) == Compared(DAYS)
    assert await kept.written() == before
    assert await kept.due_days() == []


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_broken_day_is_found_made_due_and_not_touched(kept: Platform, broken: str) -> None:
    statement, expected = BREAKS[broken]
    await kept.sql(statement)
    before = await kept.written()
    compared = await found(kept)
    (difference,) = compared.differences
    assert set(expected) <= set(difference.parts)
    assert (difference.day[0], difference.body, compared.days) == ("S1", "KGD", DAYS)
    assert await kept.written() == before
    assert await kept.due_days() == [difference.day]


@pytest.mark.parametrize("broken", BREAKS)
async def test_what_was_made_due_is_computed_as_any_other_day(kept: Platform, broken: str) -> None:
    whole = {day: each.content for day, each in (await kept.days()).items()}
    await kept.sql(BREAKS[broken][0])
    await found(kept)
    events = len(await kept.told("timetracking.workdays.v1"))
    await kept.do_what_is_due()
    assert {day: each.content for day, each in (await kept.days()).items()} == whole
    assert len(await kept.told("timetracking.workdays.v1")) == events + 1
    assert await found(kept) == Compared(DAYS)


async def test_a_day_that_cannot_even_be_computed_is_found_and_holds_nothing_up(kept: Platform) -> None:
    """Its versions are there, and it is not."""
    await kept.sql("DELETE FROM workdays WHERE date = '2026-11-24'")
    compared = await found(kept)
    assert (compared.days, [each.parts for each in compared.wrong]) == (DAYS, [("not computed",)])
    assert await kept.due_days() == [("S1", TUESDAY)]


async def test_a_passage_that_was_lost_from_a_day_is_found(kept: Platform) -> None:
    """It was stored, and nobody asked for its day."""
    await kept.store([passage("2026-11-25T08:50:00"), passage("2026-11-25T18:40:00", "out")])
    await kept.sql("DELETE FROM due_reads")
    assert [each.day for each in (await found(kept)).wrong] == [("S1", WEDNESDAY)]


async def test_a_day_whose_facts_wait_to_be_computed_is_left_out(kept: Platform) -> None:
    await kept.store([passage("2026-11-25T08:50:00")])
    await kept.sql("UPDATE workdays SET content = 'nothing' WHERE date IN ('2026-11-03', '2026-11-24')")
    compared = await found(kept)
    assert (compared.days, compared.waiting, [each.day[1].day for each in compared.wrong]) == (DAYS - 7, 7, [3])
    await kept.do_what_is_due()
    assert [each.day[1].day for each in (await found(kept)).wrong] == [24]


@pytest.mark.parametrize(
    ("asked", "waiting"),
    [
        ("INSERT INTO due_days (servant, date) VALUES ('S1', '2026-11-03')", 3),
        ("INSERT INTO due_days (servant, date) VALUES ('S2', '2026-11-03')", 0),
        ("INSERT INTO due_device_days (device, date) VALUES ('gate', '2026-11-24')", DAYS),
    ],
)
async def test_what_is_due_in_any_way_is_left_out(kept: Platform, asked: str, waiting: int) -> None:
    await kept.sql(asked)
    assert await found(kept) == Compared(DAYS - waiting, waiting=waiting)


async def test_a_day_of_another_edition_is_told_apart_and_stays(kept: Platform) -> None:
    await kept.sql("UPDATE workdays SET edition = 'older', content = replace(content, '28800', '28000') WHERE date = '2026-11-24'")
    compared = await found(kept)
    assert [(each.day[1], each.older_edition) for each in compared.differences] == [(TUESDAY, True)]
    assert compared.wrong == []
    assert await kept.due_days() == []


async def test_a_sample_is_drawn_by_lot_and_the_same_lot_draws_the_same(kept: Platform) -> None:
    looks: list[list[Any]] = []

    async def compute(work: Any, dates: Mapping[str, Any]) -> int:
        looks[-1].append(dates)
        return await kept.compute(work, dates=dates)

    sampling = Reconcile(kept.begin, CompareDays(kept.begin, compute), kept.clock, ZONE.key)
    for lot in ("a", "a", "b"):
        looks.append([])
        compared = await sampling.sample(10, SINCE, lot)
        assert compared.days == len(looks[-1]) == 10
    assert looks[0] == looks[1] != looks[2]


@given(
    dates=st.dictionaries(st.integers(0, 19), st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]), max_size=6),
    most=st.integers(1, 12 * CHUNK),
    waiting=st.booleans(),
)
async def test_any_sample_has_as_many_days_as_were_asked_for_each_once_wherever_they_lie(
    dates: Mapping[int, int], most: int, waiting: bool
) -> None:
    """Most dates of a span may be empty, and a few may hold everything."""
    there = {(f"P{number}", SINCE + timedelta(days=on)) for on, count in dates.items() for number in range(count)}
    compared = Seen(waiting=waiting)
    sampling = Reconcile(Drawer(there).begin, cast(CompareDays, compared), lambda: at("2026-11-20T12:00"), ZONE.key)
    found = await sampling.sample(most, SINCE, "a")
    assert set(compared.days) <= there
    assert len(compared.days) == len(set(compared.days)) == found.drawn == min(most, len(there))


async def test_days_are_drawn_from_dates_that_have_some(kept: Platform) -> None:
    """What is missing of a day that was settled is looked for as well; a day whose window is open is not."""
    planned = "INSERT INTO plan_days (servant, date, body, unit, zone, content, premises, window_end, settled)"
    people = "'KGD', 'unit', 'Asia/Almaty', '', ARRAY[]::text[], now()"
    await kept.sql(f"{planned} VALUES ('S9', '2026-12-05', {people}, true), ('S9', '2026-12-06', {people}, false)")
    async with kept.begin() as work:
        november = [SINCE + timedelta(days=each) for each in range(DAYS)]
        assert sorted(await work.reconciliation.dates(SINCE, kept.now.date())) == [*november, date(2026, 12, 5)]
        drawn = [await work.reconciliation.drawn(TUESDAY, "a", after, CHUNK) for after in (0, 1)]
        assert drawn == [[("S1", TUESDAY)], []]


class Seen:
    """Which days were to be compared, all of them or, where facts wait, none in the end."""

    def __init__(self, *, waiting: bool = False) -> None:
        self.days: list[Any] = []
        self._waiting = waiting

    async def __call__(self, days: Sequence[Any]) -> Compared:
        assert 0 < len(days) <= CHUNK
        self.days += days
        return Compared(waiting=len(days)) if self._waiting else Compared(len(days))

    async def ask(self, compared: Compared) -> None:
        assert not compared.wrong


class Drawer:
    """Days to be drawn, in memory."""

    def __init__(self, days: Iterable[DayKey]) -> None:
        self._days = sorted(days)

    @property
    def reconciliation(self) -> "Drawer":
        return self

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["Drawer"]:
        yield self

    async def dates(self, since: date, until: date) -> Sequence[date]:
        return sorted({on for _, on in self._days if since <= on <= until})

    async def drawn(self, on: date, lot: str, after: int, most: int) -> Sequence[DayKey]:
        return [day for day in self._days if day[1] == on][after : after + most]


@pytest.mark.parametrize("days", [["--all"], ["--sample", "50"]])
async def test_a_beginning_that_is_yet_to_come_where_the_days_are_is_refused(kept: Platform, days: Sequence[str]) -> None:
    parser = ArgumentParser()
    commands.arguments(parser)
    # In Greenwich it is the twentieth.
    compared = replace(reconcile(kept), clock=lambda: at("2026-12-21T02:00"))

    async def since(day: str) -> None:
        await commands.reconcile(compared, parser.parse_args([*days, "--since", day]))

    with pytest.raises(NothingDone):
        await since("2026-12-21")
    with pytest.raises(Malformed) as refused:
        await since("2026-12-22")
    said = refused.value.violations["since"]
    assert said == "at the latest 2026-12-21, which is today in Asia/Almaty by the platform's clock (TARTIP_CLOCK)"


def test_every_date_may_be_drawn_first() -> None:
    dates = [SINCE + timedelta(days=each) for each in range(10)]
    orders = [by_lot(dates, f"lot/{number}") for number in range(200)]
    assert all(sorted(order) == dates for order in orders)
    assert {order[0] for order in orders} == set(dates)


async def test_a_night_compares_as_many_days_as_it_can_each_once(kept: Platform) -> None:
    """Thirty dates of ninety-two have a day: thirty chunks find one each, and the next ones none."""
    compared = Seen()
    job = replace(at_night(kept, Reports(), days=40 * CHUNK), compare=cast(CompareDays, compared))
    while await job():
        pass
    assert len(compared.days) == len(set(compared.days)) == DAYS


class Reports(list[tuple[Night, Compared]]):
    def __call__(self, night: Night, compared: Compared) -> None:
        self.append((night, compared))


def at_night(platform: Platform, reports: Reports, days: int = 4 * CHUNK) -> ReconcileAtNight:
    return ReconcileAtNight(platform.begin, compare(platform), platform.clock, "Asia/Almaty", days, reports)


async def until_done(job: ReconcileAtNight) -> Sequence[int]:
    did = []
    while piece := await job():
        did.append(piece)
    return did


async def test_each_night_compares_a_sample_once_and_goes_on_where_it_was(kept: Platform) -> None:
    reports = Reports()
    await kept.sql("UPDATE workdays SET content = replace(content, '28800', '28000')")
    assert await at_night(kept, reports)() > 0
    # Whoever goes on is another process.
    assert len(await until_done(at_night(kept, reports))) == 3
    assert await until_done(at_night(kept, reports)) == []
    night, _ = reports[-1]
    wrong = sum(len(compared.wrong) for _, compared in reports)
    assert (night.chunks, night.days, night.differences) == (4, sum(compared.days for _, compared in reports), wrong)
    assert wrong > 0
    kept.now += timedelta(days=1)
    assert len(await until_done(at_night(kept, reports))) == 4
    assert [row["night"] for row in await kept.sql("SELECT night FROM reconciliations ORDER BY night")] == [
        date(2026, 12, 20),
        date(2026, 12, 21),
    ]


def test_a_night_begins_in_its_small_hours() -> None:
    assert [night_of(at(wall), "Asia/Almaty").day for wall in ("2026-11-24T01:59", "2026-11-24T02:00", "2026-11-25T01:59")] == [23, 24, 24]


def test_parts_are_named() -> None:
    assert parts('{"a": 1, "b": 2}', '{"a": 1, "b": 3, "c": 4}') == ("b", "c")
    assert parts("", '{"a": 1}') == ("day",)
    assert parts('{"b": 1, "a": 2}', '{"a":2,"b":1}') == ()


async def test_a_figure_of_the_reports_is_that_of_the_night(kept: Platform) -> None:
    from timetracking.reconciliation import report

    await kept.sql("UPDATE workdays SET content = replace(content, '28800', '28000')")
    job = replace(at_night(kept, Reports()), report=report.report)
    await until_done(job)
    (row,) = await kept.sql("SELECT days, differences FROM reconciliations")
    assert (report.DAYS._value.get(), report.DIFFERENCES._value.get()) == (row["days"], row["differences"])
