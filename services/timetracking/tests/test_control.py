"""Whoever controls people's working time sees their days, findings and changes, as long as they do (Order 120, point 10)."""

import asyncio
from datetime import date
from typing import Any

import pytest
from chassis.access import Caller, Control
from chassis.heads import StoredRelationships, control_projected
from chassis.server import Limits
from chassis.testing.wall import seen_by
from kernel.days import DaySpan
from kernel.headships import Headship
from tartip.timetracking.v1 import workday_service_pb2 as w_pb
from timetracking.people.domain import Appointment, Body, Servant

from .platform import Platform
from .samples import appointment, servant
from .serving import KGD, Timekeeping, days_of, fill, findings_of, outcome, refused, serving

NOVEMBER_1, TODAY = date(2026, 11, 1), date(2026, 11, 26)


def kgd(*heads: Headship, revision: int = 2) -> Body:
    return Body("KGD", "75", "Asia/Almaty", revision, heads)


def headed(servant: str, unit: str = "hr", since: date = NOVEMBER_1, until: date | None = None, own: bool = True) -> Headship:
    return Headship(unit, servant, DaySpan(since, until), own)


def post(servant: str, position: str, above: str = "", unit: str = "tax", body: str = "KGD", until: date | None = None) -> Servant:
    held = Appointment(f"{servant}-{body}", DaySpan(date(2024, 1, 1), until), body, unit, "main", True, position, above)
    return Servant(servant, (held,), 2)


async def control(platform: Platform, servant: str) -> Control:
    return await StoredRelationships(platform.database.app, platform.clock, control_projected("body_states", "body")).control(servant)


async def test_a_head_sees_the_unit_alone(served: Timekeeping) -> None:
    await served.platform.take_bodies([kgd(headed("H1"), headed("X1", "tax"))])
    await served.platform.take_servants([servant("H1"), servant("X1")])
    head, other = await served.portal((), "H1"), await served.portal((), "X1")
    for parent in (KGD, "servants/S1"):
        days = (await head.workdays.ListWorkdays(days_of(parent))).workdays
        assert {each.name.split("/")[1] for each in days} == ({"S1", "S2"} if parent == KGD else {"S1"})
    assert [each.kind for each in (await head.workdays.ListFindings(findings_of("servants/S1"))).findings]
    assert (await head.workdays.ListFindings(findings_of())).findings
    name = "servants/S1/workdays/2026-11-24"
    assert (await head.workdays.GetWorkday(w_pb.GetWorkdayRequest(name=name))).name == name
    assert (await head.workdays.ExplainWorkday(w_pb.ExplainWorkdayRequest(name=name))).reads
    for stranger, parent in ((head, "stateBodies/MF"), (head, "servants/M1"), (other, "servants/S1")):
        assert await outcome(stranger.workdays.ListWorkdays(days_of(parent))) == "NOT_FOUND"
    assert not (await other.workdays.ListWorkdays(days_of(KGD))).workdays
    assert not (await other.workdays.ListFindings(findings_of())).findings
    assert await outcome(other.workdays.GetWorkday(w_pb.GetWorkdayRequest(name=name))) == "NOT_FOUND"
    record = (await served.platform.sql("SELECT grants, subject FROM audit_records ORDER BY id DESC LIMIT 1"))[0]
    assert "/units/KGD/hr" in record["grants"]


@pytest.mark.parametrize(
    ("span", "may"),
    [
        ((NOVEMBER_1, None), True),
        ((NOVEMBER_1, TODAY), True),
        ((TODAY, None), True),
        ((NOVEMBER_1, date(2026, 11, 25)), False),
        ((date(2026, 11, 27), None), False),
    ],
)
async def test_a_head_is_one_on_the_days_of_the_span_alone(served: Timekeeping, span: tuple[date, date | None], may: bool) -> None:
    await served.platform.take_bodies([kgd(headed("H1", since=span[0], until=span[1]))])
    await served.platform.take_servants([servant("H1")])
    portal = await served.portal((), "H1")
    assert await outcome(portal.workdays.ListWorkdays(days_of("servants/S1"))) == ("OK" if may else "NOT_FOUND")
    watch = portal.workdays.WatchWorkdays(w_pb.WatchWorkdaysRequest(parent=KGD, cursor="start"))
    if not may:
        assert (await refused(anext(aiter(watch)))).reason == "FORBIDDEN"
    watch.cancel()


async def test_where_a_unit_has_no_head_the_direct_supervisor_controls_it(platform: Platform) -> None:
    people = [
        post("S2", "2", above="1"),
        post("B1", "1"),
        post("C1", "3", above="1", until=date(2026, 11, 1)),
        post("D1", "2", "1", body="MF"),
    ]
    await platform.take_servants([servant("H1"), *people])
    await platform.take_bodies([kgd(revision=1)])
    platform.now = platform.now.replace(month=11, day=26)
    assert await control(platform, "B1") == Control(people=frozenset({"KGD/S2"}))
    await platform.take_bodies([kgd(headed("H1", "tax"))])
    assert await control(platform, "B1") == Control()
    await platform.take_bodies([kgd(headed("H1", "tax", own=False), revision=3)])
    assert (await control(platform, "B1")).people == {"KGD/S2"}, "a head from above leaves the direct supervisor in place"
    assert (await control(platform, "H1")).units == {"KGD/tax"}


async def test_the_wall_lets_through_what_is_controlled_alone(served: Timekeeping) -> None:
    database = served.platform.database

    async def seen(control: Control) -> dict[str, int]:
        return dict(await seen_by(database, database.app, Caller("h", "portal", "H1", control=control)))

    everything = await seen_by(database, database.worker, None)
    unit, person = await seen(Control(frozenset({"KGD/hr"}))), await seen(Control(people=frozenset({"KGD/S1"})))
    assert unit["workdays"] == everything["workdays"] - 3, "all but those of MF"
    assert (person["workdays"], person["servants"], person["badges"], person["body_states"]) == (3, 1, 1, 1)
    assert not {"devices", "passages", "parked_records", "device_days", "unit_heads"} & {*unit, *person}
    assert await seen(Control(frozenset({"KGD/tax", "MF/x"}))) == {"body_states": 2}


async def test_a_stream_ends_when_its_relationship_does(told: Platform) -> None:
    await fill(told)
    async with serving(told, Limits(grace_seconds=0.2, recheck_seconds=0.05)) as served:
        await told.take_bodies([kgd(headed("H1"))])
        await told.take_servants([servant("H1")])
        portal = await served.portal((), "H1")
        watch: Any = portal.workdays.WatchWorkdays(w_pb.WatchWorkdaysRequest(parent=KGD, cursor="start"))
        changes = aiter(watch)
        assert (await anext(changes)).workday.name.startswith("servants/S1/")
        await told.take_bodies([kgd(headed("H1", until=date(2026, 11, 25)), revision=3)])

        async def to_its_end() -> None:
            async for _ in changes:
                pass

        async with asyncio.timeout(20):
            assert (await refused(to_its_end())).reason == "FORBIDDEN"


async def test_a_head_who_left_the_body_controls_nothing_there_and_the_supervisor_does(platform: Platform) -> None:
    platform.now = platform.now.replace(month=11, day=26)
    left = servant("H1", appointment(until=date(2026, 11, 25)), appointment(date(2026, 11, 26), body="MF"))
    await platform.take_bodies([kgd(headed("H1", "tax"))])
    await platform.take_servants([left, post("S2", "2", above="1"), post("B1", "1")])
    assert await control(platform, "H1") == Control()
    assert (await control(platform, "B1")).people == {"KGD/S2"}


async def test_a_repeated_or_older_state_of_a_body_changes_no_head(platform: Platform) -> None:
    await platform.take_servants([servant("H1"), servant("H0")])
    platform.now = platform.now.replace(month=11, day=26)
    await platform.take_bodies([kgd(headed("H1"), revision=3)])
    await platform.take_bodies([kgd(headed("H0"), revision=2), kgd(headed("H1"), revision=3)])
    assert (await control(platform, "H1")).units == {"KGD/hr"}
    assert await control(platform, "H0") == Control()
