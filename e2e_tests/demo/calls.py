"""Calling the platform as its users do: by gRPC with a token of one's own, by its metrics as operators do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, timeofday_pb2
from localstack.endpoints import Endpoints
from localstack.token import sign_in
from tartip.law.v1 import law_pb2
from tartip.regimes.v1 import assignment_service_pb2_grpc, labour_order_rules_service_pb2_grpc
from tartip.registry.v1 import servant_service_pb2_grpc, state_body_service_pb2_grpc
from tartip.timetracking.v1 import device_service_pb2_grpc, remote_session_service_pb2_grpc, workday_service_pb2_grpc
from tartip_client import Policy
from tartip_client.aio import channel

from .world import Text

HR, OPERATOR = "hr-officer", "operator"
AT_ONCE = 8
"""Calls on their way at once: two cores answer no faster with more."""
PATIENCE = Policy(deadline_s=120.0)
"""The platform may say that it is away for a moment, on a machine where all of it starts at once."""


@dataclass(frozen=True, slots=True)
class _Unhurried:
    """A stub whose calls begin when they are awaited; gRPC's begin when they are made, however many there are."""

    stub: Any

    def __getattr__(self, method: str) -> Callable[[Any], Awaitable[Any]]:
        async def call(request: Any) -> Any:
            return await getattr(self.stub, method)(request)

        return call


@dataclass(slots=True)
class Desk:
    """Somebody's desk: the stubs of all services, signed in as one person."""

    bodies: Any
    servants: Any
    rules: Any
    assignments: Any
    devices: Any
    sessions: Any
    workdays: Any


class Desks:
    """The desks of everybody who calls, opened as they are needed."""

    def __init__(self, endpoints: Endpoints, stack: AsyncExitStack) -> None:
        self._endpoints, self._stack = endpoints, stack
        self._open: dict[str, Desk] = {}

    async def of(self, who: str) -> Desk:
        """Returns the desk of a person of the realm."""
        if who not in self._open:
            tokens = sign_in(who, self._endpoints.issuer)
            registry, regimes, timetracking = [
                await self._stack.enter_async_context(
                    channel(self._endpoints.grpc(f"tartip.{service}.v1", ""), tokens, tls=None, language="en", policy=PATIENCE)
                )
                for service in ("registry", "regimes", "timetracking")
            ]
            self._open[who] = Desk(
                bodies=_Unhurried(state_body_service_pb2_grpc.StateBodyServiceStub(registry)),
                servants=_Unhurried(servant_service_pb2_grpc.ServantServiceStub(registry)),
                rules=_Unhurried(labour_order_rules_service_pb2_grpc.LabourOrderRulesServiceStub(regimes)),
                assignments=_Unhurried(assignment_service_pb2_grpc.AssignmentServiceStub(regimes)),
                devices=_Unhurried(device_service_pb2_grpc.DeviceServiceStub(timetracking)),
                sessions=_Unhurried(remote_session_service_pb2_grpc.RemoteSessionServiceStub(timetracking)),
                workdays=_Unhurried(workday_service_pb2_grpc.WorkdayServiceStub(timetracking)),
            )
        return self._open[who]


@asynccontextmanager
async def desks(endpoints: Endpoints) -> AsyncIterator[Desks]:
    """Opens desks for the length of the block."""
    async with AsyncExitStack() as stack:
        yield Desks(endpoints, stack)


async def all_of(calls: Iterable[Awaitable[Any]], at_once: int = AT_ONCE, done: Callable[[], None] = lambda: None) -> list[Any]:
    """Makes the calls, so many at once; returns the answers in order, raises the first error."""
    room = asyncio.Semaphore(at_once)

    async def one(call: Awaitable[Any]) -> Any:
        async with room:
            answer = await call
        done()
        return answer

    tasks = [asyncio.ensure_future(one(call)) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def text(value: Text) -> law_pb2.LocalizedText:
    """A text in three languages."""
    return law_pb2.LocalizedText(kk=value.kk, ru=value.ru, en=value.en)


def day(value: date) -> date_pb2.Date:
    """A date."""
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)


def day_of(value: date_pb2.Date) -> date:
    """A date, read."""
    return date(value.year, value.month, value.day)


def clock_time(value: time) -> timeofday_pb2.TimeOfDay:
    """A time of the clock on the wall."""
    return timeofday_pb2.TimeOfDay(hours=value.hour, minutes=value.minute, seconds=value.second)


def instant(value: datetime) -> Timestamp:
    """An instant."""
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp
