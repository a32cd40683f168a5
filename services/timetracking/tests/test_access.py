"""Who may call what, inside and outside of their scope: every RPC of timetracking by every role that stands in a token."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from chassis.testing.answers import answered
from chassis.testing.client import Refusal, channel
from chassis.testing.matrix import WALLS, People, Someone, callers, expected
from kernel.days import DaySpan
from kernel.headships import Headship
from tartip.timetracking.v1 import device_service_pb2 as d_pb
from tartip.timetracking.v1 import parking_service_pb2 as k_pb
from tartip.timetracking.v1 import remote_session_service_pb2 as s_pb
from tartip.timetracking.v1 import workday_service_pb2 as w_pb
from tartip.timetracking.v1 import workday_service_pb2_grpc as w_grpc
from timetracking.people.domain import Body

from .parking.test_use_cases import Desk
from .platform import Platform
from .samples import appointment, servant
from .serving import (
    GATE,
    KGD,
    REVOKED,
    TERMINAL,
    Portal,
    Timekeeping,
    bound,
    change,
    days_of,
    fill,
    findings_of,
    first,
    new_badge,
    new_device,
    outcome,
    refused,
    serving,
)

# Grants by role, of the body KGD and its region, and of others.
INSIDE = {"hr-officer": "/state-bodies/KGD/hr-officer", "inspector": "/regions/75/inspector", "operator": "/regions/75/operator"}
OUTSIDE = {"hr-officer": "/state-bodies/MF/hr-officer", "inspector": "/regions/10/inspector", "operator": "/regions/10/operator"}
DAY = "servants/S1/workdays/2026-11-24"
PARKED = UUID("0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3")
DEVICES, SESSIONS = "/tartip.timetracking.v1.DeviceService", "/tartip.timetracking.v1.RemoteSessionService"
PARKING, WORKDAYS = "/tartip.timetracking.v1.ParkingService", "/tartip.timetracking.v1.WorkdayService"


@dataclass(frozen=True)
class Rpc:
    """A call about KGD, its gate and its servant S1; the number makes what it records a new one each time."""

    method: str
    call: Callable[[Portal, int], Any]
    shows: Callable[[Any], bool] = lambda answer: True
    """Whether the answer holds what was asked for."""


RPCS = [
    Rpc(f"{DEVICES}/EnrolDevice", lambda to, n: to.devices.EnrolDevice(new_device(f"new{n}"))),
    Rpc(f"{DEVICES}/GetDevice", lambda to, n: to.devices.GetDevice(d_pb.GetDeviceRequest(name=GATE))),
    Rpc(
        f"{DEVICES}/ListDevices",
        lambda to, n: to.devices.ListDevices(d_pb.ListDevicesRequest(parent=KGD)),
        lambda answer: bool(answer.devices),
    ),
    Rpc(f"{DEVICES}/GetDeviceAccount", lambda to, n: to.devices.GetDeviceAccount(d_pb.GetDeviceAccountRequest(name=GATE))),
    Rpc(f"{DEVICES}/ChangeDeviceSettings", lambda to, n: to.devices.ChangeDeviceSettings(change())),
    Rpc(f"{DEVICES}/RotateDeviceSecret", lambda to, n: to.devices.RotateDeviceSecret(d_pb.RotateDeviceSecretRequest(name=TERMINAL))),
    Rpc(f"{DEVICES}/BindDevice", lambda to, n: to.devices.BindDevice(bound(TERMINAL))),
    Rpc(f"{DEVICES}/RevokeDevice", lambda to, n: to.devices.RevokeDevice(d_pb.RevokeDeviceRequest(name=TERMINAL))),
    Rpc(f"{DEVICES}/ReinstateDevice", lambda to, n: to.devices.ReinstateDevice(d_pb.ReinstateDeviceRequest(name=REVOKED))),
    Rpc(f"{DEVICES}/AssignBadge", lambda to, n: to.devices.AssignBadge(new_badge(f"2{n}", servant="S1"))),
    Rpc(
        f"{DEVICES}/ListBadges",
        lambda to, n: to.devices.ListBadges(d_pb.ListBadgesRequest(parent="servants/S1")),
        lambda answer: bool(answer.badges),
    ),
    Rpc(
        f"{PARKING}/ListParkedRecords",
        lambda to, n: to.parking.ListParkedRecords(k_pb.ListParkedRecordsRequest()),
        lambda a: bool(a.parked_records),
    ),
    Rpc(
        f"{PARKING}/GetParkedRecord", lambda to, n: to.parking.GetParkedRecord(k_pb.GetParkedRecordRequest(name=f"parkedRecords/{PARKED}"))
    ),
    Rpc(
        f"{PARKING}/RedriveParkedRecords",
        lambda to, n: to.parking.RedriveParkedRecords(k_pb.RedriveParkedRecordsRequest(filter=k_pb.ParkedRecordFilter(reason="bug"))),
        lambda answer: bool(answer.sent),
    ),
    Rpc(
        f"{SESSIONS}/StartRemoteSession", lambda to, n: to.sessions.StartRemoteSession(s_pb.StartRemoteSessionRequest(parent="servants/S1"))
    ),
    Rpc(
        f"{SESSIONS}/EndRemoteSession",
        lambda to, n: to.sessions.EndRemoteSession(s_pb.EndRemoteSessionRequest(name="servants/S1/remoteSessions/open")),
    ),
    Rpc(f"{WORKDAYS}/ListWorkdays", lambda to, n: to.workdays.ListWorkdays(days_of("servants/S1")), lambda answer: bool(answer.workdays)),
    Rpc(f"{WORKDAYS}/GetWorkday", lambda to, n: to.workdays.GetWorkday(w_pb.GetWorkdayRequest(name=DAY))),
    Rpc(f"{WORKDAYS}/ExplainWorkday", lambda to, n: to.workdays.ExplainWorkday(w_pb.ExplainWorkdayRequest(name=DAY))),
    Rpc(
        f"{WORKDAYS}/ListFindings", lambda to, n: to.workdays.ListFindings(findings_of("servants/S1")), lambda answer: bool(answer.findings)
    ),
    Rpc(
        f"{WORKDAYS}/WatchWorkdays",
        lambda to, n: first(to.workdays.WatchWorkdays(w_pb.WatchWorkdaysRequest(parent=KGD, cursor="start"))),
    ),
]
PEOPLE = People(own="S1", other="S2", head="H1", other_head="H2")
SINCE = DaySpan(date(2026, 11, 1))


@pytest.fixture(params=WALLS, ids=list(WALLS.values()))
async def both(request: pytest.FixtureRequest, told: Platform) -> AsyncIterator[Timekeeping]:
    """What `served` holds, with heads of S1's unit and of another body's, and a parked passage of KGD's gate."""
    await fill(told)
    kgd = Body("KGD", "75", "Asia/Almaty", 2, (Headship("hr", "H1", SINCE, True),))
    await told.take_bodies([kgd, Body("MF", "10", "Asia/Almaty", 2, (Headship("x", "H2", SINCE, True),))])
    await told.take_servants([servant("H1"), servant("H2", appointment(body="MF"))])
    await Desk(told).refused(7)
    await told.sql("UPDATE parked_records SET id = $1", PARKED)
    async with serving(told, role=request.param) as timekeeping:
        yield timekeeping


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: str(rpc.method.rpartition("/")[2]))
async def test_every_caller_is_answered_as_the_matrix_says(both: Timekeeping, rpc: Rpc) -> None:
    for number, someone in enumerate(callers(PEOPLE)):
        sessions = "INSERT INTO remote_sessions VALUES ('open', 'S1', 1795650000)" if rpc.method.endswith("EndRemoteSession") else ""
        await both.platform.sql("DELETE FROM remote_sessions")
        if sessions:
            await both.platform.sql(sessions)
        portal = await both.portal(someone.grants, someone.servant)
        assert await answered(rpc.call(portal, number), rpc.shows) == expected(rpc.method, someone), str(someone)


def test_every_rpc_but_the_gateways_is_called() -> None:
    services = [service for file in (d_pb, k_pb, s_pb, w_pb) for service in file.DESCRIPTOR.services_by_name.values()]
    assert [rpc.method for rpc in RPCS] == [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]


async def test_a_list_of_a_body_shows_a_servant_nothing_of_it(served: Timekeeping) -> None:
    own = await served.portal((), "S1")
    assert await outcome(own.workdays.ListWorkdays(days_of(KGD))) == "NOT_FOUND"
    assert await outcome(own.workdays.ListFindings(findings_of(KGD))) == "NOT_FOUND"


async def test_grants_of_different_bodies_are_not_mixed(served: Timekeeping) -> None:
    """An HR officer of MF who inspects region 75 sees KGD and changes nothing of it."""
    portal = await served.portal((OUTSIDE["hr-officer"], INSIDE["inspector"]))
    assert (await portal.devices.GetDevice(d_pb.GetDeviceRequest(name=GATE))).name == GATE
    for changing in (
        portal.devices.ChangeDeviceSettings(change()),
        portal.devices.EnrolDevice(new_device()),
        portal.devices.AssignBadge(new_badge()),
        portal.devices.ListBadges(d_pb.ListBadgesRequest(parent="servants/S1")),
    ):
        assert await outcome(changing) == "NOT_FOUND"
    assert (await portal.workdays.GetWorkday(w_pb.GetWorkdayRequest(name=DAY))).body == "KGD"


async def test_the_refusal_of_what_is_hidden_is_that_of_what_is_not_there(served: Timekeeping) -> None:
    outside = await served.portal((OUTSIDE["hr-officer"],), language="en")

    async def refusals(servant: str, device: str) -> list[Refusal]:
        name = f"servants/{servant}/workdays/2026-11-24"
        calls = [
            outside.workdays.GetWorkday(w_pb.GetWorkdayRequest(name=name)),
            outside.workdays.ExplainWorkday(w_pb.ExplainWorkdayRequest(name=name)),
            outside.workdays.ListWorkdays(days_of(f"servants/{servant}")),
            outside.devices.GetDevice(d_pb.GetDeviceRequest(name=f"{KGD}/devices/{device}")),
            outside.devices.ListBadges(d_pb.ListBadgesRequest(parent=f"servants/{servant}")),
        ]
        return [await refused(call) for call in calls]

    for hidden, absent in zip(await refusals("S1", "gate"), await refusals("X1", "xxxx"), strict=True):
        assert hidden.code == absent.code == "NOT_FOUND"
        assert hidden.text.replace("S1", "X1").replace("gate", "xxxx") == absent.text


async def test_an_unsigned_call_is_unauthenticated(served: Timekeeping) -> None:
    async with channel(served.address) as opened:
        stub: Any = w_grpc.WorkdayServiceStub(opened)
        assert (await refused(stub.GetWorkday(w_pb.GetWorkdayRequest(name=DAY)))).code == "UNAUTHENTICATED"
        assert (await refused(first(stub.WatchWorkdays(w_pb.WatchWorkdaysRequest(parent=KGD))))).code == "UNAUTHENTICATED"


async def test_what_hangs_on_a_projection_that_is_behind_says_so_and_never_not_found(both: Timekeeping) -> None:
    """Whoever asks: an inspector's reach hangs on the bodies, and the days on servants and plans."""
    await both.platform.sql("DELETE FROM projection_positions")
    who = {rpc: someone for rpc in RPCS for someone in reversed(list(callers(PEOPLE))) if expected(rpc.method, someone) == "OK"}
    answers = {rpc.method: await outcome(rpc.call(await both.portal(one.grants, one.servant), 1)) for rpc, one in who.items()}
    assert answers.pop(f"{SESSIONS}/EndRemoteSession") == "NOT_FOUND", "the own session needs nobody's word"
    assert set(answers.values()) == {"PROJECTION_BEHIND"}
    for topic in ("registry.servants.v1", "regimes.plans.v1"):
        await both.platform.sql("INSERT INTO projection_positions VALUES ($1, 0, 0, 0)", topic)
    inspector = await both.portal((OUTSIDE["inspector"],))
    for rpc in RPCS:
        if expected(rpc.method, Someone("inspector@region", "outside")) == "NOT_FOUND":
            refusal = await refused(rpc.call(inspector, 1))
            assert (refusal.code, refusal.facts) == ("UNAVAILABLE", {"topic": "registry.bodies.v1"}), rpc.method
