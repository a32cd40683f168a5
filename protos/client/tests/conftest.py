"""The client against a real server on loopback, whose servicers do as the test tells them; each test by threads and by asyncio."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, closing
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import grpc
import pytest
import tartip_client
from chassis.access import Control
from chassis.messages import REASON_PREFIX, Messages
from chassis.server import Limits
from chassis.testing.servers import served
from chassis.testing.tokens import Tokens
from google.protobuf.descriptor import EnumDescriptor
from kernel.text import LocalizedText
from tartip.registry.v1 import error_reason_pb2 as registry_reasons
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc
from tartip.timetracking.v1 import error_reason_pb2 as timetracking_reasons
from tartip.timetracking.v1 import passage_service_pb2 as passages
from tartip.timetracking.v1 import passage_service_pb2_grpc as passages_grpc
from tartip.timetracking.v1 import workday_service_pb2 as workdays
from tartip.timetracking.v1 import workday_service_pb2_grpc as workdays_grpc
from tartip_client import ClientSecret, Policy, TokenSource, aio, blocking
from tartip_client.tokens import ASKED_AGAIN_AFTER_S

QUICK = Policy(first_wait_s=0.001, longest_wait_s=0.002)
"""As patient as any, without its waits."""
GRANTS = ("/state-bodies/KGD/hr-officer", "/regions/75/operator", "/systems/hq/device-gateway")
Work = Callable[[Any], Awaitable[None]]


async def nothing(_: Any) -> None:
    """Answers at once."""


@dataclass(slots=True)
class Told:
    """What the servicers do before they answer, and the requests that they saw with the language of each."""

    work: Work = nothing
    asked: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    pages: int = 3

    async def do(self, request: Any, context: Any) -> None:
        """Notes the request and does the work."""
        self.asked.append(request)
        self.metadata.append({name: value for name, value in context.invocation_metadata() if isinstance(value, str)})
        await self.work(request)


class Bodies(bodies_grpc.StateBodyServiceServicer):
    """Single calls."""

    def __init__(self, told: Told) -> None:
        self.told = told

    async def GetStateBody(self, request: Any, context: Any) -> bodies.StateBody:
        """Answers with the name that was asked for."""
        await self.told.do(request, context)
        return bodies.StateBody(name=request.name)

    async def CreateStateBody(self, request: Any, context: Any) -> bodies.StateBody:
        """Answers with a number that grows, so that work done twice shows."""
        await self.told.do(request, context)
        return bodies.StateBody(name=f"stateBodies/{request.state_body_id}", etag=str(len(self.told.asked)))

    async def ListStateBodies(self, request: Any, context: Any) -> bodies.ListStateBodiesResponse:
        """Answers page by page."""
        await self.told.do(request, context)
        page = int(request.page_token or 1)
        answer = bodies.ListStateBodiesResponse(next_page_token=str(page + 1) if page < self.told.pages else "")
        answer.state_bodies.add(name=f"stateBodies/B{page}")
        return answer


class Streams(workdays_grpc.WorkdayServiceServicer, passages_grpc.PassageServiceServicer):
    """Changes of days, and passages; what becomes of them the test says."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.follow: Callable[[Any, Any], AsyncIterator[Any]] = none
        self.record: Callable[[Any], AsyncIterator[Any]] = acknowledged

    async def WatchWorkdays(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """Follows as it was told."""
        await self.told.do(request, context)
        async for change in self.follow(request, context):
            yield change

    async def RecordPassages(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        """Acknowledges as it was told."""
        async for request in request_iterator:
            await self.told.do(request, context)
            async for answer in self.record(request):
                yield answer


async def none(request: Any, context: Any) -> AsyncIterator[Any]:
    """No change."""
    for each in list[Any]():
        yield each


async def acknowledged(request: Any) -> AsyncIterator[Any]:
    """All of it."""
    yield passages.RecordPassagesResponse(acknowledged_sequence=request.first_sequence + len(request.passages) - 1)


class Nobody:
    """Records in which nobody controls anybody."""

    async def control(self, servant: str) -> Control:
        """Nobody's."""
        return Control()


def texts(reasons: EnumDescriptor) -> Messages:
    """The common texts, and for every other reason its name."""
    names = [value.name.removeprefix(REASON_PREFIX) for value in reasons.values]
    return Messages({name: LocalizedText(name, name, name) for name in names} | dict(Messages.load("chassis").texts))


@dataclass(frozen=True, slots=True)
class Stage:
    """Servers of two services: `async with stage.registry() as address`."""

    told: Told
    streams: Streams
    tokens: Tokens

    def registry(self, **options: Any) -> AbstractAsyncContextManager[str]:
        """Serves bodies."""
        made: Any = Bodies  # the generated base is abstract in its types
        service = bodies.DESCRIPTOR.services_by_name["StateBodyService"]
        given = [(bodies_grpc.add_StateBodyServiceServicer_to_server, made(self.told), service)]
        return served(given, self.tokens, texts(registry_reasons.ErrorReason.DESCRIPTOR), relationships=Nobody(), **options)

    def timetracking(self) -> AbstractAsyncContextManager[str]:
        """Serves the streams."""
        given: Any = [
            (passages_grpc.add_PassageServiceServicer_to_server, self.streams, passages.DESCRIPTOR.services_by_name["PassageService"]),
            (workdays_grpc.add_WorkdayServiceServicer_to_server, self.streams, workdays.DESCRIPTOR.services_by_name["WorkdayService"]),
        ]
        limits = Limits(grace_seconds=0.2)
        reasons = texts(timetracking_reasons.ErrorReason.DESCRIPTOR)
        return served(given, self.tokens, reasons, relationships=Nobody(), limits=limits)


@pytest.fixture
def stage(tokens: Tokens) -> Stage:
    """Servers whose servicers do as the test tells them."""
    told = Told()
    made: Any = Streams
    return Stage(told, made(told), tokens)


@pytest.fixture
def token(tokens: Tokens) -> str:
    """A token with every grant of the tests."""
    return tokens.mint("anna", GRANTS)


def sign_in(given: list[str | Exception]) -> TokenSource:
    """A sign-in that gives these tokens, or fails so, in turn; between two looks at its clock passes more than anybody waits to ask again."""

    def fetch(url: str, form: Any) -> dict[str, Any]:
        if form is None:
            return {"issuer": "https://issuer.test", "token_endpoint": "https://issuer.test/token"}
        answer = given.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"access_token": answer, "expires_in": 10**6}

    clock = count(step=2 * ASKED_AGAIN_AFTER_S).__next__
    return TokenSource("https://issuer.test", ClientSecret("portal", "s"), fetch=fetch, clock=clock)


class Blocking:
    """Calls as a script makes them, in a thread."""

    async def call(self, address: str, tokens: TokenSource | str, method: str, request: Any, policy: Policy = QUICK, **options: Any) -> Any:
        """Makes a single call."""

        def made() -> Any:
            with blocking.channel(address, tokens, tls=None, policy=policy, language="en") as opened:
                return getattr(bodies_grpc.StateBodyServiceStub(opened), method)(request, **options)

        return await asyncio.to_thread(made)

    async def pages(self, address: str, tokens: str, request: Any) -> list[Any]:
        """Asks for all pages."""

        def made() -> list[Any]:
            with blocking.channel(address, tokens, tls=None) as opened:
                return list(tartip_client.pages(bodies_grpc.StateBodyServiceStub(opened).ListStateBodies, request))

        return await asyncio.to_thread(made)

    async def watched(self, address: str, tokens: TokenSource | str, request: Any, count: int, policy: Policy = QUICK) -> list[Any]:
        """Follows until there were so many changes."""

        def made() -> list[Any]:
            with blocking.channel(address, tokens, tls=None) as opened:
                changes: Iterator[Any] = tartip_client.watch(workdays_grpc.WorkdayServiceStub(opened), request, policy)
                with closing(changes):  # type: ignore[type-var]  # it is a generator
                    return list(islice(changes, count))

        return await asyncio.to_thread(made)

    async def sent(self, address: str, tokens: TokenSource | str, given: list[Any], policy: Policy = QUICK) -> list[Any]:
        """Sends passages."""

        def made() -> list[Any]:
            with blocking.channel(address, tokens, tls=None) as opened:
                return list(tartip_client.send_passages(passages_grpc.PassageServiceStub(opened), given, policy))

        return await asyncio.to_thread(made)


class Awaited:
    """Calls as a service makes them, by asyncio."""

    async def call(self, address: str, tokens: TokenSource | str, method: str, request: Any, policy: Policy = QUICK, **options: Any) -> Any:
        """Makes a single call."""
        async with aio.channel(address, tokens, tls=None, policy=policy, language="en") as opened:
            return await getattr(bodies_grpc.StateBodyServiceStub(opened), method)(request, **options)

    async def pages(self, address: str, tokens: str, request: Any) -> list[Any]:
        """Asks for all pages."""
        async with aio.channel(address, tokens, tls=None) as opened:
            stub: Any = bodies_grpc.StateBodyServiceStub(opened)
            return [page async for page in aio.pages(stub.ListStateBodies, request)]

    async def watched(self, address: str, tokens: TokenSource | str, request: Any, count: int, policy: Policy = QUICK) -> list[Any]:
        """Follows until there were so many changes."""
        async with aio.channel(address, tokens, tls=None) as opened:
            changes: Any = aio.watch(workdays_grpc.WorkdayServiceStub(opened), request, policy)
            async with aclosing(changes):
                return [await anext(changes) for _ in range(count)]

    async def sent(self, address: str, tokens: TokenSource | str, given: list[Any], policy: Policy = QUICK) -> list[Any]:
        """Sends passages."""
        async with aio.channel(address, tokens, tls=None) as opened:
            return list(await aio.send_passages(passages_grpc.PassageServiceStub(opened), given, policy))


Client = Blocking | Awaited


@pytest.fixture(params=[Blocking, Awaited], ids=["blocking", "asyncio"])
def client(request: pytest.FixtureRequest) -> Client:
    """The client, by threads and by asyncio."""
    made: Client = request.param()
    return made


def code(error: grpc.RpcError) -> str:
    """The name of an error's code."""
    spoken: Any = error
    return str(spoken.code().name)
