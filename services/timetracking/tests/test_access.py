"""Who may call what, inside and outside of their scope: every RPC of timetracking by every role that stands in a token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from chassis.client import Refusal, channel
from google.protobuf.descriptor import MethodDescriptor
from tartip.access.v1 import access_pb2
from tartip.timetracking.v1 import device_service_pb2 as d_pb
from tartip.timetracking.v1 import passage_service_pb2 as p_pb
from tartip.timetracking.v1 import remote_session_service_pb2 as s_pb
from tartip.timetracking.v1 import workday_service_pb2 as w_pb
from tartip.timetracking.v1 import workday_service_pb2_grpc as w_grpc

from .serving import (
    GATE,
    HR,
    KGD,
    REVOKED,
    TERMINAL,
    Portal,
    Timekeeping,
    bound,
    change,
    days_of,
    findings_of,
    first,
    new_badge,
    new_device,
    outcome,
    refused,
)

# Grants by role, inside: the body KGD, its region 75, the nation; outside: another body, another region.
INSIDE = {
    "hr-officer": "/state-bodies/KGD/hr-officer",
    "inspector": "/regions/75/inspector",
    "national inspector": "/nation/inspector",
    "integrator": "/state-bodies/KGD/integrator",
    "regional integrator": "/regions/75/integrator",
    "auditor": "/state-bodies/KGD/auditor",
    "operator": "/regions/75/operator",
    "device-gateway": "/systems/hq/device-gateway",
}
OUTSIDE = {
    "hr-officer": "/state-bodies/MF/hr-officer",
    "inspector": "/regions/10/inspector",
    "integrator": "/regions/10/integrator",
    "auditor": "/regions/10/auditor",
    "operator": "/regions/10/operator",
    "device-gateway": "/systems/elsewhere/device-gateway",
}
INSPECTORS = frozenset({"inspector", "national inspector"})
INTEGRATORS = frozenset({"integrator", "regional integrator"})
OFFICER = frozenset({"hr-officer"})
OF_DEVICES = OFFICER | INSPECTORS | INTEGRATORS | {"operator"}
READERS = OFFICER | INSPECTORS | INTEGRATORS
DAY = "servants/S1/workdays/2026-11-24"


@dataclass(frozen=True)
class Rpc:
    """A call that succeeds for `roles` inside their scope and is NOT_FOUND outside; all other roles are FORBIDDEN."""

    name: str
    roles: frozenset[str]
    call: Callable[[Portal], Any]
    own: bool = False
    """Whether a servant may, for the own record."""


RPCS = [
    Rpc("EnrolDevice", OFFICER, lambda to: to.devices.EnrolDevice(new_device())),
    Rpc("GetDevice", OF_DEVICES, lambda to: to.devices.GetDevice(d_pb.GetDeviceRequest(name=GATE))),
    Rpc("ListDevices", OF_DEVICES, lambda to: to.devices.ListDevices(d_pb.ListDevicesRequest(parent=KGD))),
    Rpc("GetDeviceAccount", OF_DEVICES, lambda to: to.devices.GetDeviceAccount(d_pb.GetDeviceAccountRequest(name=GATE))),
    Rpc("ChangeDeviceSettings", OFFICER, lambda to: to.devices.ChangeDeviceSettings(change())),
    Rpc("RotateDeviceSecret", OFFICER, lambda to: to.devices.RotateDeviceSecret(d_pb.RotateDeviceSecretRequest(name=TERMINAL))),
    Rpc("BindDevice", OFFICER, lambda to: to.devices.BindDevice(bound(TERMINAL))),
    Rpc("RevokeDevice", OFFICER, lambda to: to.devices.RevokeDevice(d_pb.RevokeDeviceRequest(name=TERMINAL))),
    Rpc("ReinstateDevice", OFFICER, lambda to: to.devices.ReinstateDevice(d_pb.ReinstateDeviceRequest(name=REVOKED))),
    Rpc("AssignBadge", OFFICER, lambda to: to.devices.AssignBadge(new_badge(servant="S1"))),
    Rpc("ListBadges", OFFICER, lambda to: to.devices.ListBadges(d_pb.ListBadgesRequest(parent="servants/S1")), own=True),
    Rpc(
        "StartRemoteSession",
        frozenset(),
        lambda to: to.sessions.StartRemoteSession(s_pb.StartRemoteSessionRequest(parent="servants/S1")),
        own=True,
    ),
    Rpc(
        "EndRemoteSession",
        frozenset(),
        lambda to: to.sessions.EndRemoteSession(s_pb.EndRemoteSessionRequest(name="servants/S1/remoteSessions/open")),
        own=True,
    ),
    Rpc("ListWorkdays", READERS, lambda to: to.workdays.ListWorkdays(days_of("servants/S1")), own=True),
    Rpc("GetWorkday", READERS, lambda to: to.workdays.GetWorkday(w_pb.GetWorkdayRequest(name=DAY)), own=True),
    Rpc("ExplainWorkday", OFFICER | INSPECTORS, lambda to: to.workdays.ExplainWorkday(w_pb.ExplainWorkdayRequest(name=DAY)), own=True),
    Rpc("ListFindings", READERS, lambda to: to.workdays.ListFindings(findings_of("servants/S1")), own=True),
    Rpc("WatchWorkdays", READERS, lambda to: first(to.workdays.WatchWorkdays(w_pb.WatchWorkdaysRequest(parent=KGD, cursor="start")))),
]


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: str(rpc.name))
async def test_only_the_named_roles_may_and_only_within_their_scope(served: Timekeeping, rpc: Rpc) -> None:
    await served.platform.sql("INSERT INTO remote_sessions VALUES ('open', 'S1', 1795650000) ON CONFLICT DO NOTHING")
    if rpc.name == "StartRemoteSession":
        await served.platform.sql("DELETE FROM remote_sessions")
    for role, grant in OUTSIDE.items():
        expected = "NOT_FOUND" if role in rpc.roles else "FORBIDDEN"
        assert await outcome(rpc.call(await served.portal((grant,)))) == expected, f"{role} outside"
    assert await outcome(rpc.call(await served.portal((), "S2"))) == ("NOT_FOUND" if rpc.own else "FORBIDDEN"), "another servant"
    assert await outcome(rpc.call(await served.portal())) == ("FORBIDDEN"), "nobody"
    for role, grant in INSIDE.items():
        expected = "OK" if role in rpc.roles else "FORBIDDEN"
        assert await outcome(rpc.call(await served.portal((grant,)))) == expected, f"{role} inside"
        if rpc.name == "AssignBadge":
            await served.platform.sql("DELETE FROM badges WHERE badge_number = '20'")
    assert await outcome(rpc.call(await served.portal((), "S1"))) == ("OK" if rpc.own else "FORBIDDEN"), "the servant"


def test_every_rpc_is_tried() -> None:
    files = (d_pb.DESCRIPTOR, s_pb.DESCRIPTOR, w_pb.DESCRIPTOR)
    methods: list[MethodDescriptor] = [method for file in files for service in file.services_by_name.values() for method in service.methods]
    assert {method.name for method in methods} == {rpc.name for rpc in RPCS}
    for rpc in RPCS:
        declared = next(method for method in methods if method.name == rpc.name).GetOptions().Extensions[access_pb2.access].grants
        roles = {role.replace("national ", "").replace("regional ", "") for role in rpc.roles}
        assert set(declared) == roles | ({"servant"} if rpc.own else set()), rpc.name
    assert [method.name for method in p_pb.DESCRIPTOR.services_by_name["PassageService"].methods] == ["RecordPassages"], "of the gateway"


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


async def test_what_hangs_on_a_projection_that_is_behind_says_so_and_never_not_found(served: Timekeeping) -> None:
    """Whoever asks: an inspector's reach hangs on the bodies, and the days on servants and plans."""
    await served.platform.sql("DELETE FROM projection_positions")
    answers = {}
    for rpc in RPCS:
        portal = await served.portal(HR) if "hr-officer" in rpc.roles else await served.portal((), "S1")
        answers[rpc.name] = await outcome(rpc.call(portal))
    assert answers.pop("EndRemoteSession") == "NOT_FOUND", "the own session needs nobody's word"
    assert set(answers.values()) == {"PROJECTION_BEHIND"}
    for topic in ("registry.servants.v1", "regimes.plans.v1"):
        await served.platform.sql("INSERT INTO projection_positions VALUES ($1, 0, 0, 0)", topic)
    inspector = await served.portal((OUTSIDE["inspector"],))
    for rpc in RPCS:
        if "inspector" in rpc.roles:
            refusal = await refused(rpc.call(inspector))
            assert (refusal.code, refusal.facts) == ("UNAVAILABLE", {"topic": "registry.bodies.v1"}), rpc.name
