"""Following a body's days over gRPC: from now on, from the beginning, or from where one stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from chassis.testing.client import refusal_of
from chassis.testing.waiting import until
from tartip.timetracking.v1 import workday_service_pb2 as pb
from timetracking.workdays.repository import purge_changes
from timetracking.workdays.views import Change, Cursor, WorkdayViews

from ..samples import THURSDAY, WEDNESDAY, four, passage
from ..serving import HR, KGD, Portal, Timekeeping, first, refused

WITHIN_S = 20.0


@asynccontextmanager
async def watching(portal: Portal, cursor: str = "") -> AsyncIterator[Any]:
    """Asks for the next change, waiting for it."""
    stream = portal.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor=cursor))
    changes = aiter(stream)

    async def following() -> pb.WatchWorkdaysResponse:
        async with asyncio.timeout(WITHIN_S):
            found: pb.WatchWorkdaysResponse = await anext(changes)
            return found

    try:
        yield following
    finally:
        stream.cancel()


async def test_everything_kept_is_followed_from_the_start_and_resumed_from_any_cursor(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    count = (await served.platform.sql("SELECT count(*) AS n FROM workday_changes WHERE body = 'KGD'"))[0]["n"]
    async with watching(hr, "start") as following:
        seen = [await following() for _ in range(count)]
        await served.platform.record([passage("2026-11-25T19:00:00"), passage("2026-11-25T19:10:00", "out")])
        seen.append(await following())
    assert seen[-1].workday.name == f"servants/S1/workdays/{WEDNESDAY}"
    assert seen[-1].workday == await hr.workdays.GetWorkday(pb.GetWorkdayRequest(name=seen[-1].workday.name))
    for at in (0, count // 2, count - 1):
        async with watching(hr, seen[at].cursor) as following:
            rest = [await following() for _ in range(count - at)]
        assert [each.cursor for each in rest] == [each.cursor for each in seen[at + 1 :]]
    assert {each.workday.body for each in seen} == {"KGD"}


async def test_without_a_cursor_what_changes_from_now_on_is_followed(served: Timekeeping) -> None:
    async with watching(await served.portal(HR)) as following:
        waiting, minute = asyncio.create_task(following()), 0
        while not waiting.done():  # nothing tells from when on the stream looks: the day changes until it does
            await served.platform.record([passage(f"2026-11-26T08:{minute:02}:00", "in" if minute % 2 else "out")])
            await asyncio.wait({waiting}, timeout=0.1)
            minute += 1
        change = await waiting
    assert change.workday.name == f"servants/S1/workdays/{THURSDAY}"


async def test_a_stream_that_breaks_before_anything_changed_is_resumed_from_where_it_began(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    broken = hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD))
    cursor = dict(await broken.initial_metadata())["tartip-cursor"]
    broken.cancel()
    await served.platform.record([passage("2026-11-26T17:31:00", "out")])
    async with watching(hr, cursor) as following:
        assert (await following()).workday.name == f"servants/S1/workdays/{THURSDAY}"


async def test_what_other_bodies_change_is_passed_over_once(served: Timekeeping, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_from, changes = list[Cursor](), WorkdayViews.changes

    async def looking(views: WorkdayViews, body: str, cursor: Cursor, limit: int, **more: bool) -> list[Change]:
        looked_from.append(cursor)
        return await changes(views, body, cursor, limit, **more)

    monkeypatch.setattr(WorkdayViews, "changes", looking)
    (row,) = await served.platform.sql("SELECT max(id) AS id, pg_current_xact_id()::text AS xid FROM workday_changes")
    await served.platform.sql("INSERT INTO workday_changes (servant, date, body) VALUES ('M1', $1, 'MF')", THURSDAY)
    async with watching(await served.portal(HR), f"{row['xid']}.{row['id']}") as following:
        waiting = asyncio.create_task(following())
        await until(lambda: len(looked_from) > 2)
        await served.platform.record([passage("2026-11-26T08:00:00")])
        assert (await waiting).workday.name == f"servants/S1/workdays/{THURSDAY}"
    (behind,) = await served.platform.sql(
        "SELECT count(*) AS n FROM workday_changes WHERE (xid, id) > ($1::text::xid8, $2) AND body = 'MF'",
        str(looked_from[1][1]),
        looked_from[1][2],
    )
    assert behind["n"] == 0


async def test_who_asks_is_told_which_day_left_the_body(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    cursor = (await first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))).cursor
    await served.platform.record([passage("2026-11-26T08:00:00")])
    await served.platform.sql("UPDATE workdays SET body = 'MF' WHERE servant = 'S1' AND date = $1", THURSDAY)
    await served.platform.sql("INSERT INTO workday_changes (servant, date, body) VALUES ('S1', $1, 'KGD')", THURSDAY)
    asked = pb.WatchWorkdaysRequest(parent=KGD, cursor=cursor, tell_left=True)
    async with asyncio.timeout(WITHIN_S):
        left = await anext(each async for each in hr.workdays.WatchWorkdays(asked) if each.left)
    assert left.left == f"servants/S1/workdays/{THURSDAY}"
    assert not left.HasField("workday")


async def test_a_stream_ends_when_the_service_does(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    stream = hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start"))
    async with asyncio.timeout(WITHIN_S):
        await anext(aiter(stream))
        served.stop.set()
        assert len([each async for each in stream]) > 1
        assert await stream.code() is grpc.StatusCode.OK


async def test_a_cursor_of_before_what_is_kept_is_refused_and_start_is_not(served: Timekeeping) -> None:
    hr = await served.portal(HR, language="en")
    old = (await first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))).cursor
    await served.platform.sql("UPDATE workday_changes SET changed_at = changed_at - interval '31 days'")
    await served.platform.record(four(THURSDAY)[:1])
    async with served.platform.database.worker.transaction() as transaction:
        await purge_changes(transaction, datetime.now(UTC) - timedelta(days=30))
    refusal = await refused(first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor=old))))
    assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", "CURSOR_EXPIRED", {})
    assert '"start"' in refusal.text
    kept = await first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))
    assert kept.workday.date.day == THURSDAY.day


async def test_a_cursor_of_before_the_database_was_restored_is_refused_and_those_since_are_not(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    old = (await first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))).cursor
    await served.platform.sql("INSERT INTO eras (era) VALUES (7)")
    refusal = await refused(first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor=old))))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CURSOR_EXPIRED")
    since = (await first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))).cursor
    assert since == f"7:{old}"
    async with watching(hr, since) as following:
        assert (await following()).cursor.startswith("7:")


async def test_a_cursor_that_is_none_and_a_servants_days_are_refused_by_the_field(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    for cursor in ("x", "1", "1.", ".1", ":1.2", "x:1.2", "1.x", "-1.2", "1.2.3", "٣.1", f"{2**63}.1", f"1.{2**63}"):
        refusal = await refused(first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor=cursor))))
        assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", ["cursor"]), cursor
    for parent in ("servants/S1", "KGD"):
        refusal = await refused(first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=parent))))
        assert list(refusal.violations) == ["parent"]


async def test_a_watcher_that_goes_away_stops_nobody(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    async with watching(hr, "start") as following, watching(hr, "start") as other:
        await following()
        gone = hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start"))
        await anext(aiter(gone))
        gone.cancel()
        assert (await other()).cursor == (
            await first(hr.workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))
        ).cursor
        await following()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await first((await served.portal()).workdays.WatchWorkdays(pb.WatchWorkdaysRequest(parent=KGD)))
    assert refusal_of(error.value).reason == "FORBIDDEN"
