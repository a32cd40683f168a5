"""Following days: a cursor of (transaction, row) resumes without loss, however slow a transaction beside it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from chassis.access import Caller, Control
from chassis.testing.tokens import caller
from timetracking.names import workday_name
from timetracking.unit_of_work import UnitOfWork
from timetracking.workdays.domain.kept import KeptDay
from timetracking.workdays.repository import purge_changes
from timetracking.workdays.views import Change, Cursor, WorkdayViews

from ..platform import Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, at, four, month_of, servant

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
START: Cursor = (0, 0, 0)


@pytest.fixture
async def planned(told: Platform) -> Platform:
    """S1 and S2 with badges 17 and 18 and plans to come; no day is kept yet."""
    told.now = at("2026-11-22T12:00")
    await told.take_servants([servant("S2")])
    for id, number in (("S1", "17"), ("S2", "18")):
        await told.badge(number, id)
    await told.take_plans([month_of("S1", since=23), month_of("S2", since=23)])
    return told


async def changes(platform: Platform, cursor: Cursor, limit: int = 100, body: str = "KGD") -> list[Change]:
    async with platform.database.app.transaction(HR) as transaction:
        return await WorkdayViews(transaction, HR if body == "KGD" else MF).changes(body, cursor, limit)


def after(found: list[Change]) -> Cursor:
    return found[-1].cursor


def days(found: list[Change]) -> list[tuple[str, date]]:
    return [(each.day.servant, each.day.content.date) for each in found if each.day]


async def test_every_change_is_seen_once_in_the_order_of_its_transaction_piece_by_piece(planned: Platform) -> None:
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await planned.record([*four(day), *four(day, "18")])
    everything = await changes(planned, START)
    assert len(everything) == (await planned.written())["workday_changes"]
    pieces, cursor = list[Change](), START
    while found := await changes(planned, cursor, 2):
        pieces, cursor = pieces + found, after(found)
    assert pieces == everything
    assert days(everything)[:2] == [("S1", MONDAY), ("S2", MONDAY)]


async def test_the_day_is_shown_as_it_is_now(planned: Platform) -> None:
    await planned.record(four(TUESDAY)[:1])
    await planned.record(four(TUESDAY)[1:])
    first, second = await changes(planned, START)
    assert first.day == second.day == (await planned.days())[TUESDAY]


@asynccontextmanager
async def slow(platform: Platform) -> AsyncIterator[UnitOfWork]:
    """A transaction that has computed S2's Tuesday and has not committed; others who record at the same gate go on meanwhile."""
    async with platform.begin() as work:
        await work.lock_servants(["S2"])
        await work.passages.store(four(TUESDAY, "18"))
        await platform.compute(work, dates={"S2": [TUESDAY]})
        yield work


async def test_under_a_slow_transaction_nothing_is_lost(planned: Platform) -> None:
    """What was written first is committed last: a cursor that had gone on past it would never see it."""
    cursor, seen = START, list[Change]()

    async def look() -> list[tuple[str, date]]:
        nonlocal cursor
        found = await changes(planned, cursor)
        if found:
            cursor = after(found)
            seen.extend(found)
        return days(found)

    await planned.record(four(MONDAY))
    assert await look() == [("S1", MONDAY)]
    async with slow(planned):
        await planned.record(four(TUESDAY))
        assert await look() == [], "what lies behind a transaction that is still open is not shown yet"
    assert await look() == [("S2", TUESDAY), ("S1", TUESDAY)]
    assert await look() == []
    assert len(days(seen)) == (await planned.written())["workday_changes"] == 3


async def test_a_cursor_of_the_present_shows_what_is_committed_from_now_on(planned: Platform) -> None:
    """And, since a slow transaction is open, what was committed after it began: at least once, never not at all."""
    await planned.record(four(MONDAY))
    async with slow(planned):
        await planned.record(four(TUESDAY))
        async with planned.database.app.transaction(HR) as transaction:
            edge = await WorkdayViews(transaction, HR).edge()
        assert await changes(planned, edge) == []
    assert days(await changes(planned, edge)) == [("S2", TUESDAY), ("S1", TUESDAY)]
    await planned.record(four(WEDNESDAY))
    assert days(await changes(planned, edge))[2:] == [("S1", WEDNESDAY)]


async def test_many_writers_and_a_watcher_at_once_lose_nothing(planned: Platform) -> None:
    """The watcher looks all the while; the writers commit in whatever order they get to it."""
    cursor, seen, writing = START, list[tuple[Cursor, KeptDay]](), True

    async def watch() -> None:
        nonlocal cursor
        while True:
            done = not writing
            found = await changes(planned, cursor, 3)
            seen.extend((each.cursor, each.day) for each in found if each.day)
            cursor = after(found) if found else cursor
            if done and not found:
                return

    async def write(number: str) -> None:
        for day in (MONDAY, TUESDAY, WEDNESDAY):
            for each in four(day, number):
                await planned.record([each])

    watching = asyncio.create_task(watch())
    await asyncio.gather(write("17"), write("18"))
    writing = False
    await watching
    cursors = [each for each, _ in seen]
    assert len(cursors) == len(set(cursors)) == (await planned.written())["workday_changes"]
    last = {(day.servant, day.content.date): day for _, day in seen}
    assert last == {(id, day): kept for id in ("S1", "S2") for day, kept in (await planned.days(id)).items()}


async def test_another_bodys_days_are_not_shown(planned: Platform) -> None:
    await planned.record(four(MONDAY))
    assert await changes(planned, START, body="MF") == []
    async with planned.database.app.transaction(MF) as transaction:
        assert await WorkdayViews(transaction, MF).changes("KGD", START, 10) == []


async def test_a_day_that_is_filed_elsewhere_is_told_to_those_who_follow_the_body_that_it_left(planned: Platform) -> None:
    """To who sees all of that body, and by its name alone; it comes back as any other day."""

    async def told_to(who: Caller, cursor: Cursor, body: str = "KGD") -> list[tuple[str, bool]]:
        async with planned.database.app.transaction(who) as transaction:
            found = await WorkdayViews(transaction, who).changes(body, cursor, 10, left=True)
            return [(workday_name(each.day.servant, each.day.content.date), False) if each.day else (each.left, True) for each in found]

    await planned.record([*four(TUESDAY), *four(WEDNESDAY)])
    cursor, wednesday = after(await changes(planned, START)), "servants/S1/workdays/2026-11-25"
    plan = month_of("S1", revision=2, since=23)
    moved = tuple(replace(day, body="MF", unit="x") if day.plan.date == WEDNESDAY else day for day in plan.days)
    await planned.take_plans([replace(plan, days=moved)])
    nation, head = caller("inspector", ["/nation/inspector"]), replace(HR, grants=(), control=Control(frozenset({"KGD/unit"})))
    assert await told_to(HR, cursor) == await told_to(nation, cursor) == [(wednesday, True)]
    assert await told_to(MF, cursor, "MF") == [(wednesday, False)]
    assert await told_to(MF, cursor) == await told_to(head, cursor) == []
    assert days(await changes(planned, cursor)) == [], "who did not ask for it is told nothing new"
    await planned.take_plans([month_of("S1", revision=3, since=23)])
    assert await told_to(HR, cursor) == [(wednesday, False)] * 2, "the day is as it is now"
    assert await told_to(MF, cursor, "MF") == [(wednesday, True)] * 2
    await planned.sql("DELETE FROM workdays WHERE servant = 'S1'")
    assert await told_to(MF, cursor, "MF") == [("", True)] * 2, "whoever was erased is named to nobody, and the cursor goes on"


async def test_a_cursor_older_than_what_is_kept_is_known_to_be(planned: Platform) -> None:
    async def kept_since(cursor: Cursor) -> bool:
        async with planned.database.app.transaction(HR) as transaction:
            return await WorkdayViews(transaction, HR).kept_since(cursor)

    for day in (MONDAY, TUESDAY):
        await planned.record(four(day))
    first, second = [after([each]) for each in await changes(planned, START)]
    assert await kept_since(first)
    await planned.sql("UPDATE workday_changes SET changed_at = changed_at - interval '31 days' WHERE id = $1", first[2])
    async with planned.database.worker.transaction() as transaction:
        assert await purge_changes(transaction, datetime.now(UTC) - timedelta(days=30)) == 1
    assert [await kept_since(each) for each in (START, first, second)] == [False, True, True]
    assert days(await changes(planned, START)) == [("S1", TUESDAY)]
    async with planned.database.worker.transaction() as transaction:
        assert await purge_changes(transaction, datetime.now(UTC) - timedelta(days=30)) == 0
