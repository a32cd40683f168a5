"""People go in and out while faults happen: the gates send what they recorded, and again what nobody has answered.

What is on the line is counted where it is sent: a request whose answer has not come, a passage of a stream that is not
acknowledged.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
import grpc
from chassis.testing.client import channel
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub

from ..demo.devices import SimulatedDevice, simulated
from .department import Crossing, Department, Gate
from .patience import PATIENCE_S, until

# People pass a gate a few at a time, and a moment later the next ones.
AT_ONCE, MOMENT_S = 5, 0.3
# A gate gives up waiting for an answer after so long, as terminals do, and tries again until it is taken.
ANSWERED_WITHIN_S = 15.0
TRIES, AGAIN_AFTER_S = 100_000, 0.2
# Passages of one request, as the contract says.
PASSAGES_MOST = 1_000
# So many are taken before a fault: everything flows.
FLOWS = 50

Token = Callable[[], Awaitable[str]]


class _Cut(Exception):
    """A stream ended before it acknowledged everything."""


class Line:
    """The requests on the way to the gateway whose answers have not come."""

    def __init__(self) -> None:
        self.requests = 0

    def tracing(self) -> aiohttp.TraceConfig:
        """What a session counts them by."""
        traced = aiohttp.TraceConfig()
        traced.on_request_headers_sent.append(self._sent)
        traced.on_request_end.append(self._ended)
        traced.on_request_exception.append(self._ended)
        return traced

    async def _sent(self, _: aiohttp.ClientSession, request: SimpleNamespace, *__: Any) -> None:
        request.sent = True
        self.requests += 1

    async def _ended(self, _: aiohttp.ClientSession, request: SimpleNamespace, *__: Any) -> None:
        if getattr(request, "sent", False):
            request.sent = False
            self.requests -= 1


@dataclass(slots=True)
class StreamDevice:
    """A system that sends passages over our own protocol, and sends again from the first that was not acknowledged."""

    target: str
    token: Token
    waiting: deque[Passage] = field(default_factory=deque)
    acknowledged: int = 0
    in_flight: int = 0

    async def send(self, passages: Sequence[Passage]) -> None:
        """Returns when all of it is acknowledged, however often the stream is cut."""
        self.waiting.extend(passages)
        while self.waiting:
            try:
                await self.stream()
            except (grpc.RpcError, TimeoutError, _Cut):
                await asyncio.sleep(AGAIN_AFTER_S)
            finally:
                self.in_flight = 0

    async def stream(self) -> None:
        """Sends all that waits on one stream; _Cut where it ends before all of that is acknowledged."""
        async with channel(self.target, self.token) as opened, asyncio.timeout(ANSWERED_WITHIN_S):
            stub: Any = PassageServiceStub(opened)
            left = len(self.waiting)
            async for answer in stub.RecordPassages(self._requests()):
                assert not answer.refused, answer.refused
                taken = answer.acknowledged_sequence - self.acknowledged
                for _ in range(taken):
                    self.waiting.popleft()
                self.acknowledged, self.in_flight, left = answer.acknowledged_sequence, self.in_flight - taken, left - taken
            if left:
                raise _Cut

    def _requests(self) -> Iterator[RecordPassagesRequest]:
        """What waits now, as it is sent."""
        waiting, first = list(self.waiting), self.acknowledged + 1
        for begin in range(0, len(waiting), PASSAGES_MOST):
            some = waiting[begin : begin + PASSAGES_MOST]
            self.in_flight += len(some)
            yield RecordPassagesRequest(first_sequence=first + begin, passages=some)


@dataclass(slots=True)
class Traffic:
    """What the gates of a department send; it ends as soon as `enough` is set and all is taken."""

    department: Department
    line: Line
    vendors: dict[Gate, SimulatedDevice] = field(default_factory=dict)
    systems: dict[Gate, StreamDevice] = field(default_factory=dict)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    passing: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        """Requests and passages that were sent and are not answered."""
        return self.line.requests + sum(each.in_flight for each in self.systems.values())

    @property
    def acknowledged(self) -> int:
        """Records that the gateway said it has taken."""
        return sum(each.acknowledged for each in self.vendors.values()) + sum(each.acknowledged for each in self.systems.values())

    async def send(self, gate: Gate, crossings: Sequence[Crossing]) -> None:
        """Lets the gate send them; returns when they are taken."""
        if gate in self.systems:
            await self.systems[gate].send([each.passage() for each in crossings])
        else:
            await self.vendors[gate].send([each.record() for each in crossings])

    async def more(self, count: int = FLOWS) -> None:
        """Returns when so many more records are taken than now."""
        goal = self.acknowledged + count
        await until(lambda: self._whole() and self.acknowledged >= goal)

    async def on_the_line(self) -> None:
        """Returns at a moment at which something is sent and not answered."""
        await until(lambda: self._whole() and self.in_flight > 0)

    async def go_on(self, gate: Gate) -> None:
        """Lets people pass the gate until there were enough."""
        while not self.enough.is_set():
            await self.send(gate, self.department.crossings(gate, AT_ONCE))
            await asyncio.sleep(MOMENT_S)

    def _whole(self) -> bool:
        """Whether all gates work; raises what stopped one."""
        for task in self.passing:
            if task.done():
                task.result()
        return True


@asynccontextmanager
async def connected(department: Department, gateway: str, rpcs: str, token: Token) -> AsyncIterator[Traffic]:
    """The gates of the department with their lines to the gateway's HTTP and gRPC ("host:port"); nobody passes yet."""
    line = Line()
    timeout = aiohttp.ClientTimeout(total=ANSWERED_WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[line.tracing()]) as http:
        traffic = Traffic(department, line)
        for gate in department.gates:
            device = gate.device(department.body)
            if device is None:
                traffic.systems[gate] = StreamDevice(rpcs, token)
            else:
                traffic.vendors[gate] = simulated(device, http, gateway)
                traffic.vendors[gate].tries, traffic.vendors[gate].pause_s = TRIES, AGAIN_AFTER_S
        yield traffic


@asynccontextmanager
async def flowing(department: Department, gateway: str, rpcs: str, token: Token) -> AsyncIterator[Traffic]:
    """People pass all gates for the length of the block; at its end everything that was recorded is taken."""
    async with connected(department, gateway, rpcs, token) as traffic:
        traffic.passing = [asyncio.create_task(traffic.go_on(gate)) for gate in department.gates]
        try:
            await traffic.more()
            yield traffic
            traffic.enough.set()
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*traffic.passing)
        finally:
            for task in traffic.passing:
                task.cancel()
            await asyncio.gather(*traffic.passing, return_exceptions=True)
