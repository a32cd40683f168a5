"""Remote sessions: one goes on at a time, each day has its part, and nobody ends another's."""

import asyncio
from datetime import date, datetime

import asyncpg
import pytest
from chassis.testing.tokens import caller
from kernel.faults import NotFound, Unavailable, WrongState
from timetracking.sessions.domain import RemoteSession
from timetracking.workdays.domain import State

from ..platform import Platform
from ..samples import TUESDAY, WEDNESDAY, at, month_of, remote, second

S1 = caller("person", servant="S1")


@pytest.fixture
async def planned(told: Platform) -> Platform:
    """S1 works remotely; it is nine o'clock on Tuesday."""
    told.now = at("2026-11-24T09:00")
    await told.take_plans([month_of("S1", plan=remote, since=23)])
    return told


async def work(platform: Platform, start: str, end: str) -> RemoteSession:
    platform.now = at(start)
    session = await platform.start_session(S1, "S1")
    platform.now = at(end)
    return await platform.end_session(S1, "S1", session.session)


async def test_sessions_make_the_remote_day(planned: Platform) -> None:
    await work(planned, "2026-11-24T09:00", "2026-11-24T13:00")
    day = (await planned.days())[TUESDAY]
    assert (day.content.state, day.content.seconds.worked) == (State.IN_PROGRESS, 4 * 3600)
    await work(planned, "2026-11-24T14:30", "2026-11-24T18:30")
    planned.now = at("2026-11-25T04:00")
    while await planned.close():
        pass
    day = (await planned.days())[TUESDAY]
    assert (day.content.state, day.content.seconds.worked, day.content.findings) == (State.COMPUTED, 8 * 3600, ())
    actions = await planned.sql("SELECT action FROM audit_records WHERE action LIKE 'remote%' ORDER BY id")
    assert [row["action"] for row in actions] == ["remote-session.start", "remote-session.end"] * 2


async def test_a_session_begins_and_ends_at_whole_seconds(planned: Platform) -> None:
    planned.now = datetime.fromisoformat("2026-11-24T09:00:00.999999+05:00")
    session = await planned.start_session(S1, "S1")
    assert (session.start, session.end) == (at("2026-11-24T09:00"), None)
    async with planned.begin() as one:
        assert await one.sessions.get("S1", session.session, visible_to=S1) == session
        assert await one.sessions.open_one("S1") == session


async def test_one_session_goes_on_at_a_time(planned: Platform) -> None:
    session = await planned.start_session(S1, "S1")
    with pytest.raises(WrongState) as refused:
        await planned.start_session(S1, "S1")
    assert (refused.value.reason, dict(refused.value.facts)) == ("SESSION_OPEN", {"session": session.name, "start": session.start})
    await planned.end_session(S1, "S1", session.session)
    with pytest.raises(WrongState) as refused:
        await planned.end_session(S1, "S1", session.session)
    assert refused.value.reason == "SESSION_ENDED"
    outcomes = await asyncio.gather(*(planned.start_session(S1, "S1") for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["RemoteSession", "WrongState", "WrongState", "WrongState"]
    with pytest.raises(asyncpg.UniqueViolationError):
        await planned.sql("INSERT INTO remote_sessions VALUES ('x', 'S1', 1)")


async def test_a_session_over_the_border_has_a_part_in_each_date(planned: Platform) -> None:
    await work(planned, "2026-11-25T02:00", "2026-11-25T06:30")
    days = await planned.days()
    border = second("2026-11-25T04:00")
    assert [(each.start, each.end) for each in days[TUESDAY].content.sessions] == [(second("2026-11-25T02:00"), border)]
    assert [(each.start, each.end) for each in days[WEDNESDAY].content.sessions] == [(border, second("2026-11-25T06:30"))]
    seconds = [days[day].content.seconds.remote_outside_hours for day in (TUESDAY, WEDNESDAY)]
    assert seconds == [2 * 3600, 2 * 3600 + 1800]


async def test_a_session_that_was_forgotten_for_two_days_touches_every_date_of_them(planned: Platform) -> None:
    await work(planned, "2026-11-24T09:00", "2026-11-26T10:00")
    worked = {day: kept.content.seconds.worked for day, kept in (await planned.days()).items() if kept.content.seconds.worked}
    assert worked == {TUESDAY: 8 * 3600, WEDNESDAY: 8 * 3600, date(2026, 11, 26): 3600}


async def test_a_session_without_an_end_is_found_when_the_day_is_over(planned: Platform) -> None:
    await planned.start_session(S1, "S1")
    planned.now = at("2026-11-25T04:00")
    while await planned.close():
        pass
    found = [(each.claim.kind, each.claim.seconds) for each in await planned.findings() if each.claim.date == TUESDAY]
    assert found == [("missing_end_of_session", 8 * 3600 + 5400)]


async def test_nobody_begins_or_ends_a_session_of_another(planned: Platform) -> None:
    session = await planned.start_session(S1, "S1")
    for asks in (caller("other", servant="S2"), caller("hr", ["/state-bodies/KGD/hr-officer"]), caller("nation", ["/nation/inspector"])):
        with pytest.raises(NotFound):
            await planned.end_session(asks, "S1", session.session)
    for asked, id in (("S1", "x"), ("S2", session.session)):
        with pytest.raises(NotFound):
            await planned.end_session(S1, asked, id)
    with pytest.raises(NotFound):
        await planned.start_session(caller("other", servant="S9"), "S9")


async def test_somebody_of_whom_the_registry_may_still_tell_waits(planned: Platform) -> None:
    await planned.sql("DELETE FROM projection_positions")
    with pytest.raises(Unavailable) as refused:
        await planned.start_session(caller("new", servant="S9"), "S9")
    assert refused.value.reason == "PROJECTION_BEHIND"
