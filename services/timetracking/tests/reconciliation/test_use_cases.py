"""Days are compared with what their facts give them: what differs is found, reported and due, and never repaired in silence."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from kernel.faults import Malformed
from timetracking.reconciliation import commands
from timetracking.reconciliation.domain import Compared, Night, night_of, parts
from timetracking.reconciliation.use_cases import CHUNK, CompareDays, Reconcile, ReconcileAtNight, drawn_date

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
        compared = await sampling.sample(10 * CHUNK, SINCE, lot)
        assert compared.days == len(looks[-1]) > 0
    assert looks[0] == looks[1] != looks[2]


async def test_each_day_of_a_sample_is_compared_once(kept: Platform) -> None:
    """Of one date so many are drawn as chunks fall on it."""
    people = f"SELECT 'P' || number, '2026-12-20', 'KGD', 'unit', 'Asia/Almaty', '', ARRAY[]::text[], now(), true FROM generate_series(1, {4 * CHUNK}) number"
    await kept.sql(f"INSERT INTO plan_days (servant, date, body, unit, zone, content, premises, window_end, settled) {people}")
    compared = Seen()
    found = await Reconcile(kept.begin, cast(CompareDays, compared), kept.clock, ZONE.key).sample(3 * CHUNK, kept.now.date(), "a")
    assert len(compared.days) == len(set(compared.days)) == found.days == 3 * CHUNK


class Seen:
    """Which days were to be compared."""

    def __init__(self) -> None:
        self.days: list[Any] = []

    async def __call__(self, days: Sequence[Any]) -> Compared:
        self.days += days
        return Compared(len(days))

    async def ask(self, compared: Compared) -> None:
        assert not compared.wrong


@pytest.mark.parametrize("days", [["--all"], ["--sample", "50"]])
async def test_a_beginning_that_is_yet_to_come_where_the_days_are_is_refused(kept: Platform, days: Sequence[str]) -> None:
    parser = ArgumentParser()
    commands.arguments(parser)
    # In Greenwich it is the twentieth.
    compared = replace(reconcile(kept), clock=lambda: at("2026-12-21T02:00"))

    async def since(day: str) -> None:
        await commands.reconcile(compared, parser.parse_args([*days, "--since", day]))

    await since("2026-12-21")
    with pytest.raises(Malformed) as refused:
        await since("2026-12-22")
    assert refused.value.violations == {"since": "at the latest 2026-12-21"}


def test_every_date_may_be_drawn() -> None:
    drawn = {drawn_date(f"lot/{number}", SINCE, SINCE + timedelta(days=9)) for number in range(200)}
    assert drawn == {SINCE + timedelta(days=each) for each in range(10)}


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
