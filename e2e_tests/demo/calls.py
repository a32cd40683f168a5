"""Calling the platform as its users do: by gRPC with a token of one's own, by its metrics as operators do."""

import asyncio
import time as real_time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import uuid4

import grpc
from chassis.client import channel, refusal_of
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, timeofday_pb2
from localstack.endpoints import Endpoints
from localstack.token import token_for
from tartip.law.v1 import law_pb2
from tartip.regimes.v1 import assignment_service_pb2_grpc, labour_order_rules_service_pb2_grpc
from tartip.registry.v1 import servant_service_pb2_grpc, state_body_service_pb2_grpc
from tartip.timetracking.v1 import device_service_pb2_grpc, remote_session_service_pb2_grpc, workday_service_pb2_grpc

from .world import Text

HR, OPERATOR = "hr-officer", "operator"
RENEWED_AFTER_S = 200.0  # a token lives 300 s
AT_ONCE = 8
"""Calls on their way at once: two cores answer no faster with more."""
TRIES = 8
"""How often a call is made while the platform says that it is away for a moment; each has an ID that makes a repetition harmless."""


@dataclass(slots=True)
class _SignIn:
    """One's token, renewed before it ends; those who ask meanwhile wait for the one renewal."""

    who: str
    issuer: str
    _token: str = ""
    _until: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self) -> str:
        async with self._lock:
            if real_time.monotonic() >= self._until:
                self._token = await token_for(self.who, self.issuer)
                self._until = real_time.monotonic() + RENEWED_AFTER_S
        return self._token


@dataclass(frozen=True, slots=True)
class _Patient:
    """A stub whose calls wait, as they are told to, while something is away."""

    stub: Any

    def __getattr__(self, method: str) -> Callable[[Any], Awaitable[Any]]:
        async def call(request: Any) -> Any:
            for left in reversed(range(TRIES)):
                try:
                    return await getattr(self.stub, method)(request)
                except grpc.RpcError as error:
                    refusal = refusal_of(error)
                    if refusal.code != "UNAVAILABLE" or not left:
                        raise
                    await asyncio.sleep(refusal.retry_after_s or 1.0)
            raise AssertionError

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
            sign_in = _SignIn(who, self._endpoints.issuer)
            registry, regimes, timetracking = [
                await self._stack.enter_async_context(channel(self._endpoints.grpc(f"tartip.{service}.v1", ""), sign_in, "en"))
                for service in ("registry", "regimes", "timetracking")
            ]
            self._open[who] = Desk(
                bodies=_Patient(state_body_service_pb2_grpc.StateBodyServiceStub(registry)),
                servants=_Patient(servant_service_pb2_grpc.ServantServiceStub(registry)),
                rules=_Patient(labour_order_rules_service_pb2_grpc.LabourOrderRulesServiceStub(regimes)),
                assignments=_Patient(assignment_service_pb2_grpc.AssignmentServiceStub(regimes)),
                devices=_Patient(device_service_pb2_grpc.DeviceServiceStub(timetracking)),
                sessions=_Patient(remote_session_service_pb2_grpc.RemoteSessionServiceStub(timetracking)),
                workdays=_Patient(workday_service_pb2_grpc.WorkdayServiceStub(timetracking)),
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


async def pages(call: Callable[[Any], Awaitable[Any]], request: Any, rows: str) -> list[Any]:
    """Asks for all pages of a list; returns the rows of all answers."""
    found: list[Any] = []
    while True:
        answer = await call(request)
        found += getattr(answer, rows)
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def request_id() -> str:
    """A UUID that makes a repetition harmless."""
    return str(uuid4())


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
