"""Timetracking served inside a test: real gRPC, real tokens, a real database; and the requests that fill it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import grpc.aio
import pytest
from chassis.database import Database
from chassis.heads import StoredRelationships, control_projected
from chassis.messages import Messages
from chassis.requests import RequestLedger
from chassis.server import Limits
from chassis.testing.client import Refusal, channel, refusal_of
from chassis.testing.servers import served
from chassis.testing.tokens import Tokens
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2
from tartip.personal.v1 import personal_data_service_pb2_grpc as pd_grpc
from tartip.timetracking.v1 import device_service_pb2 as d_pb
from tartip.timetracking.v1 import device_service_pb2_grpc as d_grpc
from tartip.timetracking.v1 import parking_service_pb2_grpc as k_grpc
from tartip.timetracking.v1 import remote_session_service_pb2_grpc as s_grpc
from tartip.timetracking.v1 import workday_service_pb2 as w_pb
from tartip.timetracking.v1 import workday_service_pb2_grpc as w_grpc
from timetracking.server import services

from .platform import LAW, Platform
from .samples import MONDAY, TUESDAY, WEDNESDAY, appointment, at, four, month_of, office, passage, second, servant

HR = ("/state-bodies/KGD/hr-officer",)
KGD = "stateBodies/KGD"
PATIENCE_S = 20.0
GATE = f"{KGD}/devices/gate"
# A terminal that speaks HTTP, and one that is revoked; both are known by their serials alone.
TERMINAL, REVOKED = f"{KGD}/devices/terminal", f"{KGD}/devices/revoked"


@dataclass(slots=True)
class Portal:
    """A signed-in caller, with the stubs of the services."""

    devices: Any
    sessions: Any
    workdays: Any
    parking: Any
    personal: Any


@dataclass(slots=True)
class Timekeeping:
    """Served timetracking over a platform that a test may go on filling."""

    platform: Platform
    address: str
    tokens: Tokens
    stack: AsyncExitStack
    stop: asyncio.Event
    portals: dict[object, Portal] = field(default_factory=dict)

    async def portal(self, grants: Sequence[str] = (), servant: str | None = None, language: str = "kk", person: str = "") -> Portal:
        """Signs somebody in with these grants."""
        key = (*grants, servant, language, person)
        if key not in self.portals:
            token = self.tokens.mint(person or "person " + "+".join(grants) + (servant or ""), grants, servant)
            opened = await self.stack.enter_async_context(channel(self.address, token, language))
            self.portals[key] = Portal(
                d_grpc.DeviceServiceStub(opened),
                s_grpc.RemoteSessionServiceStub(opened),
                w_grpc.WorkdayServiceStub(opened),
                k_grpc.ParkingServiceStub(opened),
                pd_grpc.PersonalDataServiceStub(opened),
            )
        return self.portals[key]


async def fill(platform: Platform) -> None:
    """A week of S1 and S2 of KGD and M1 of MF: S1 was late on Tuesday, S2 was never read, the others' days are ordinary.

    It is Thursday noon; S1 holds badge 17, M1 badge 19.
    """
    platform.now = at("2026-11-26T12:00")
    await platform.take_servants([servant("S2"), servant("M1", appointment(body="MF"))])
    for id, number in (("S1", "17"), ("M1", "19")):
        await platform.badge(number, id, at("2026-11-01T00:00"))
    elsewhere = month_of("M1", since=23, plan=lambda day: office(day, body="MF"))
    await platform.take_plans([month_of("S1", since=23), month_of("S2", since=23), elsewhere])
    for serial, revoked in (("terminal", None), ("revoked", at("2026-11-20T12:00"))):
        columns = "serial, body, protocol, badge_system, revision, revoked_at"
        await platform.sql(f"INSERT INTO devices ({columns}) VALUES ($1, 'KGD', 'zkteco-adms', 'hq', 1, $2)", serial, revoked)
        await platform.sql(
            "INSERT INTO device_settings (device, place, role, direction, premises) VALUES ($1, 0, 'perimeter', 'in', 'HQ')", serial
        )
    late = [passage("2026-11-24T09:12:40"), *four(TUESDAY)[1:]]
    await platform.record([*four(MONDAY), *late, *four(WEDNESDAY), *four(TUESDAY, "19")])


@cache
def issuer() -> Tokens:
    """One issuer for all tests: making its key costs more than most of them."""
    return Tokens()


@asynccontextmanager
async def serving(platform: Platform, limits: Limits | None = None, role: str = "app") -> AsyncIterator[Timekeeping]:
    """Serves the platform's database, entered in a role."""
    entered: Database = getattr(platform.database, role)
    stop = asyncio.Event()
    rpcs = services(entered, "a page key", platform.clock, LAW, "Asia/Almaty", stop)
    ledger = RequestLedger(entered, "a page key")
    related = StoredRelationships(entered, platform.clock, control_projected("body_states", "body"))
    serving = served(rpcs, issuer(), Messages.load("timetracking"), law=LAW, ledger=ledger, relationships=related, limits=limits)
    async with serving as address, AsyncExitStack() as stack:
        yield Timekeeping(platform, address, issuer(), stack, stop)
        stop.set()


async def refused(call: Any) -> Refusal:
    """The refusal of an RPC that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value)


async def outcome(call: Any) -> str:
    """ "OK" or the reason of the refusal."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).reason
    return "OK"


async def first(stream: Any) -> Any:
    """The first message of a stream, which is then left; a stream that says nothing for long fails the test."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await anext(aiter(stream))
    finally:
        stream.cancel()


def day(value: date) -> date_pb2.Date:
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)


def instant(wall: str) -> Timestamp:
    return Timestamp(seconds=second(wall))


def settings(since: str | int | None = None, offset: int | None = None, **changed: Any) -> d_pb.DeviceSettings:
    """Settings of a perimeter device as sent at HQ; `changed` replaces fields, None takes one away."""
    fields: dict[str, Any] = {"role": d_pb.DEVICE_ROLE_PERIMETER, "direction": d_pb.DEVICE_DIRECTION_AS_SENT, "premises": "HQ"}
    fields |= {"as_sent": True} if offset is None else {"offset": Duration(seconds=offset)}
    if since is not None:
        fields["since_event_number" if isinstance(since, int) else "since_wall_time"] = since
    return d_pb.DeviceSettings(**{name: value for name, value in (fields | changed).items() if value is not None})


def new_device(id: str = "new", body: str = "KGD", request_id: str = "", **changed: Any) -> d_pb.EnrolDeviceRequest:
    fields: dict[str, Any] = {"protocol": d_pb.DEVICE_PROTOCOL_GRPC, "badge_system": "hq", "settings": [settings()]}
    made = d_pb.Device(**{name: value for name, value in (fields | changed).items() if value is not None})
    return d_pb.EnrolDeviceRequest(parent=f"stateBodies/{body}", device_id=id, device=made, request_id=request_id)


def change(name: str = GATE, etag: str = "", request_id: str = "", **changed: Any) -> d_pb.ChangeDeviceSettingsRequest:
    fields: dict[str, Any] = {"since": "2026-11-25T00:00:00", "offset": 6 * 3600}
    return d_pb.ChangeDeviceSettingsRequest(name=name, settings=settings(**(fields | changed)), etag=etag, request_id=request_id)


def bound(name: str, *cidrs: str, overlap: int = 0, etag: str = "") -> d_pb.BindDeviceRequest:
    """Asks to bind a device to networks, one of its own where none is given."""
    request = d_pb.BindDeviceRequest(name=name, networks=d_pb.DeviceNetworks(cidrs=cidrs or ["10.20.0.0/24"]), etag=etag)
    request.overlap.FromSeconds(overlap)
    return request


def new_badge(
    number: str = "20", since: str | None = "2026-11-23T00:00", until: str = "", servant: str = "S2", request_id: str = "", **changed: Any
) -> d_pb.AssignBadgeRequest:
    fields: dict[str, Any] = {"badge_system": "hq", "badge_number": number, "since": instant(since) if since else None}
    fields |= {"until": instant(until)} if until else {}
    made = d_pb.Badge(**{name: value for name, value in (fields | changed).items() if value is not None})
    return d_pb.AssignBadgeRequest(parent=f"servants/{servant}", badge=made, request_id=request_id)


def days_of(
    parent: str = KGD, since: date = MONDAY, until: date = WEDNESDAY, page_size: int = 0, page_token: str = ""
) -> w_pb.ListWorkdaysRequest:
    return w_pb.ListWorkdaysRequest(parent=parent, since=day(since), until=day(until), page_size=page_size, page_token=page_token)


def findings_of(
    parent: str = KGD,
    *kinds: w_pb.FindingKind.ValueType,
    since: date = MONDAY,
    until: date = WEDNESDAY,
    withdrawn: bool = False,
    page_size: int = 0,
    page_token: str = "",
) -> w_pb.ListFindingsRequest:
    return w_pb.ListFindingsRequest(
        parent=parent,
        since=day(since),
        until=day(until),
        kinds=kinds,
        include_withdrawn=withdrawn,
        page_size=page_size,
        page_token=page_token,
    )


def with_id(request: Any, request_id: str) -> Message:
    """The request with a request ID."""
    copy: Any = type(request)()
    copy.CopyFrom(request)
    copy.request_id = request_id
    return copy  # type: ignore[no-any-return]
