"""Servicers that do as they are told, behind the real server, for the tests of what surrounds every RPC."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from chassis.access import Caller, Control
from chassis.messages import REASON_PREFIX, Messages
from chassis.server import Served, current_caller
from chassis.testing.servers import served
from chassis.testing.tokens import Tokens
from google.protobuf.descriptor import EnumDescriptor
from kernel.text import LocalizedText
from lawbook import Rule
from tartip.registry.v1 import error_reason_pb2 as registry_reasons
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import servant_service_pb2_grpc as servants_grpc
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc
from tartip.timetracking.v1 import error_reason_pb2 as timetracking_reasons
from tartip.timetracking.v1 import passage_service_pb2 as passages
from tartip.timetracking.v1 import passage_service_pb2_grpc as passages_grpc
from tartip.timetracking.v1 import workday_service_pb2 as workdays
from tartip.timetracking.v1 import workday_service_pb2_grpc as workdays_grpc

CITATION = LocalizedText("120-бұйрық, 18-тармақ", "Приказ 120, пункт 18", "Order 120, point 18")
TITLE = LocalizedText("Алты айдан аспайды", "Не более шести месяцев", "Six months at most")
Work = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class Told:
    """What the servicers do with each request, and whom they saw."""

    work: Work | None = None
    seen: list[Caller] = field(default_factory=list)

    async def do(self, request: Any) -> None:
        """Notes the caller and does the work."""
        self.seen.append(current_caller())
        if self.work is not None:
            await self.work(request)


class Bodies(bodies_grpc.StateBodyServiceServicer):
    """Unary methods."""

    def __init__(self, told: Told) -> None:
        self.told = told

    async def GetStateBody(self, request: bodies.GetStateBodyRequest, context: Any) -> bodies.StateBody:
        """Answers with the name that was asked for."""
        await self.told.do(request)
        return bodies.StateBody(name=request.name)

    async def CreateStateBody(self, request: bodies.CreateStateBodyRequest, context: Any) -> bodies.StateBody:
        """Answers with a number that grows, so that work done twice shows."""
        await self.told.do(request)
        return bodies.StateBody(name=f"stateBodies/{request.state_body_id}", etag=str(len(self.told.seen)))


class Servants(servants_grpc.ServantServiceServicer):
    """A client stream."""

    def __init__(self, told: Told) -> None:
        self.told = told

    async def ImportServants(self, request_iterator: Any, context: Any) -> servants.ImportServantsResponse:
        """Answers each row."""
        answer = servants.ImportServantsResponse()
        async for request in request_iterator:
            await self.told.do(request)
            answer.rows.add(row=request.row)
        return answer


class Passages(passages_grpc.PassageServiceServicer):
    """A stream both ways, answered by a generator."""

    def __init__(self, told: Told) -> None:
        self.told = told

    async def RecordPassages(self, request_iterator: Any, context: Any) -> AsyncIterator[passages.RecordPassagesResponse]:
        """Acknowledges each message."""
        async for request in request_iterator:
            await self.told.do(request)
            yield passages.RecordPassagesResponse(acknowledged_sequence=request.first_sequence)


class Workdays(workdays_grpc.WorkdayServiceServicer):
    """A server stream, written by a coroutine."""

    def __init__(self, told: Told) -> None:
        self.told = told

    async def WatchWorkdays(self, request: workdays.WatchWorkdaysRequest, context: Any) -> None:  # type: ignore[override]  # gRPC takes coroutines too
        """Gives two changes, then works."""
        for cursor in ("1", "2"):
            await context.write(workdays.WatchWorkdaysResponse(cursor=cursor))
        await self.told.do(request)


class Statute:
    """A law of one rule."""

    edition = "e1"

    def rule(self, rule_id: str, on: date) -> Rule:
        """Returns the rule, or KeyError where it is another."""
        return {"o120-p18": Rule("o120-p18", CITATION, TITLE, date(2023, 6, 10), None, "high", "kz/o120/p18")}[rule_id]


def registry(told: Told) -> list[Served]:
    """The services of registry."""
    unary: Any = Bodies  # the generated base is abstract in its types; what is not told here stays unimplemented
    streaming: Any = Servants
    return [
        (bodies_grpc.add_StateBodyServiceServicer_to_server, unary(told), bodies.DESCRIPTOR.services_by_name["StateBodyService"]),
        (servants_grpc.add_ServantServiceServicer_to_server, streaming(told), servants.DESCRIPTOR.services_by_name["ServantService"]),
    ]


def timetracking(told: Told) -> list[Served]:
    """The services of timetracking that stream."""
    watching: Any = Workdays
    return [
        (passages_grpc.add_PassageServiceServicer_to_server, Passages(told), passages.DESCRIPTOR.services_by_name["PassageService"]),
        (workdays_grpc.add_WorkdayServiceServicer_to_server, watching(told), workdays.DESCRIPTOR.services_by_name["WorkdayService"]),
    ]


def texts(reasons: EnumDescriptor) -> Messages:
    """The common texts, and for every other reason its name."""
    names = [value.name.removeprefix(REASON_PREFIX) for value in reasons.values]
    return Messages({name: LocalizedText(name, name, name) for name in names} | dict(Messages.load("chassis").texts))


class Nobody:
    """Records in which nobody controls anybody."""

    async def control(self, servant: str) -> Control:
        return Control()


@dataclass(frozen=True, slots=True)
class Stage:
    """Both servers, one after the other: `async with stage.registry() as address`."""

    told: Told
    tokens: Tokens

    def registry(self, **options: Any) -> AbstractAsyncContextManager[str]:
        """Serves registry."""
        reasons = texts(registry_reasons.ErrorReason.DESCRIPTOR)
        return served(registry(self.told), self.tokens, reasons, law=Statute(), relationships=Nobody(), **options)

    def timetracking(self) -> AbstractAsyncContextManager[str]:
        """Serves the streams of timetracking."""
        reasons = texts(timetracking_reasons.ErrorReason.DESCRIPTOR)
        return served(timetracking(self.told), self.tokens, reasons, law=Statute(), relationships=Nobody())


@pytest.fixture
def stage(tokens: Tokens) -> Stage:
    """Servers whose servicers do as the test tells them."""
    return Stage(Told(), tokens)
