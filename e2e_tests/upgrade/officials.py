"""Integrators at work while versions change: they read, write each thing twice under one request ID, and follow the days.

They call as any client of the platform may: plain gRPC with a service config that spreads calls over all addresses, asks each whether it
serves, and makes a call again that was answered UNAVAILABLE.
"""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from kernel.identifiers import new_id as request_id
from tartip.timetracking.v1.workday_service_pb2 import GetWorkdayRequest, ListWorkdaysRequest, WatchWorkdaysRequest

from ..chaos.department import JUDGED, Department
from ..chaos.patience import until
from ..demo.calls import day
from . import founding
from .founding import STUBS
from .region import Region
from .tally import Tally

POLICY = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
# A cluster's name tells of a new process at once when an old one is gone; here its address is known, and looked at each second.
OPTIONS = [
    ("grpc.service_config", json.dumps(POLICY)),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]
AGAIN = "grpc-previous-rpc-attempts"
RETRIED = grpc.StatusCode.UNAVAILABLE
PATIENCE_S, AGAIN_AFTER_S = 30.0, 0.5
# An official does the next thing after a moment; the third servant of a round is hired.
MOMENT_S, HIRED_EVERY = 0.1, 3
LIFE_S = 12 * 3600
_DAYS = "SELECT servant, date, revision FROM workdays WHERE body = $1"


@dataclass(slots=True)
class Desk:
    """The RPCs of one service under a token, and what became of the calls."""

    channel: grpc.aio.Channel
    token: str
    stubs: dict[str, Any]
    tally: Tally = field(default_factory=Tally)
    written: Counter[str] = field(default_factory=Counter)

    async def call(self, rpc: str, request: Message) -> Any:
        """Makes a call, and again where the platform says that it is away for a moment; raises any other refusal."""
        while True:
            call = self.stubs[rpc](request, metadata=[("authorization", f"Bearer {self.token}")], timeout=PATIENCE_S)
            try:
                answer = await call
            except grpc.aio.AioRpcError as error:
                self.tally.answered(error.code().name, _again(error.initial_metadata()))
                if error.code() is not RETRIED:
                    raise
                await asyncio.sleep(AGAIN_AFTER_S)
            else:
                self.tally.answered("OK", _again(await call.initial_metadata()))
                return answer

    async def write(self, rpc: str, request: Any) -> Any:
        """Makes a call that changes something, and the same once more: the answer has to be the same."""
        request.request_id = request_id()
        first = await self.call(rpc, request)
        again = await self.call(rpc, request)
        assert again == first, f"{rpc} {request.request_id} was answered twice, and otherwise the second time: {first} {again}"
        self.written[rpc] += 1
        return first


@dataclass(slots=True)
class Officials:
    """Who works at the API of a region, on a department that is there; what they did is counted by RPC."""

    region: Region
    department: Department
    desks: dict[str, Desk]
    hired: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    rounds: Counter[str] = field(default_factory=Counter)
    resumed: Tally = field(default_factory=Tally)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    working: list["asyncio.Task[None]"] = field(default_factory=list)
    _told: deque[str] = field(default_factory=deque)
    _badgeless: deque[str] = field(default_factory=deque)

    @property
    def written(self) -> Counter[str]:
        """How often each RPC was asked to change something, a repetition not counted."""
        return sum((desk.written for desk in self.desks.values()), Counter())

    async def found(self) -> None:
        """Lets the department come into being by the API, in all three services."""
        registry, regimes, timetracking = (self.desks[each] for each in ("registry", "regimes", "timetracking"))
        await registry.write("CreateStateBody", founding.body(self.department))
        await registry.write("CreateUnit", founding.unit(self.department, founding.UNIT))
        for number, servant in enumerate(self.department.servants):
            await registry.write("CreatePosition", founding.position(self.department, servant))
            await registry.write("CreateServant", founding.servant(self.department, servant, number))
        await self.region.level()
        await regimes.write("CreateLabourOrderRules", founding.rules(self.department))
        for gate in self.department.enrolments():
            await timetracking.write("EnrolDevice", gate)
        for badge in self.department.badges():
            await timetracking.write("AssignBadge", badge)
        await self.region.level()

    async def a_round(self) -> None:
        """Returns when each of them has done something more."""
        goals = {who: self.rounds[who] + 1 for who in self.loops()}
        await until(lambda: self._whole() and all(self.rounds[who] >= goal for who, goal in goals.items()))

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Who there is, with what each does over and over."""
        return {"registry": self._record, "regimes": self._regulate, "timetracking": self._look}

    async def follow(self) -> None:
        """Follows the days of the department, from the last cursor on where the stream is cut."""
        desk, cursor = self.desks["timetracking"], "start"
        while True:
            asked = WatchWorkdaysRequest(parent=f"stateBodies/{self.department.body}", cursor=cursor)
            try:
                async for change in desk.stubs["WatchWorkdays"](asked, metadata=[("authorization", f"Bearer {desk.token}")]):
                    self.seen[change.workday.name] = max(self.seen.get(change.workday.name, 0), change.workday.revision)
                    cursor = change.cursor
                self.resumed.answered("OK")
            except grpc.aio.AioRpcError as error:
                self.resumed.answered(error.code().name)
                if error.code() is not RETRIED:
                    raise

    async def have_seen_all(self) -> bool:
        """Whether who follows days has seen each day of the department as it is now."""
        rows = await self.region.insides["timetracking"].rows(_DAYS, self.department.body)
        newest = {f"servants/{row['servant']}/workdays/{row['date']}": row["revision"] for row in rows}
        return self._whole() and all(self.seen.get(name, 0) >= revision for name, revision in newest.items())

    async def work(self, who: str) -> None:
        """Lets one of them work until there was enough."""
        while not self.enough.is_set():
            await self.loops()[who]()
            self.rounds[who] += 1
            await asyncio.sleep(MOMENT_S)

    async def _record(self) -> None:
        """The registry: a unit is recorded, and now and then somebody is hired."""
        desk, number = self.desks["registry"], self.rounds["registry"]
        recorded = await desk.write("CreateUnit", founding.unit(self.department, f"unit-{number}"))
        assert await desk.call("GetUnit", founding.get_unit(recorded.name)) == recorded
        if number % HIRED_EVERY == 0:
            servant = f"{self.department.name}-hired-{len(self.hired)}"
            await desk.write("CreatePosition", founding.position(self.department, servant))
            await desk.write("CreateServant", founding.servant(self.department, servant, self.department.people + len(self.hired)))
            self.hired.append(servant)
            self._told.append(servant)

    async def _regulate(self) -> None:
        """The regimes: plans are looked at, and whoever was hired and is known everywhere works at home from tomorrow on."""
        desk = self.desks["regimes"]
        plan = await desk.call("ListPlanDays", founding.plans(self.department.servants[self.rounds["regimes"] % self.department.people]))
        assert len(plan.days) == len(JUDGED)
        if self._told and await self._known(self._told[0]):
            servant = self._told.popleft()
            await desk.write("CreateAssignment", founding.remote(servant))
            self._badgeless.append(servant)
        if self._badgeless and await self._met(self._badgeless[0]):
            await self.desks["timetracking"].write("AssignBadge", founding.badge(self._badgeless.popleft()))

    async def _look(self) -> None:
        """Timetracking: days of the body and of one servant are looked at."""
        desk, body = self.desks["timetracking"], f"stateBodies/{self.department.body}"
        page = await desk.call("ListWorkdays", ListWorkdaysRequest(parent=body, since=day(JUDGED[0]), until=day(JUDGED[-1])))
        for workday in page.workdays[:1]:
            assert (await desk.call("GetWorkday", GetWorkdayRequest(name=workday.name))).revision >= workday.revision

    async def _met(self, servant: str) -> bool:
        """Whether timetracking knows the servant: a plan may come there before the one whose it is."""
        return bool(await self.region.insides["timetracking"].rows("SELECT FROM servants WHERE servant = $1", servant))

    async def _known(self, servant: str) -> bool:
        """Whether a plan of the servant has come to timetracking: then everybody knows who was hired."""
        return bool(await self.region.insides["timetracking"].rows("SELECT FROM plan_months WHERE servant = $1", servant))

    def _whole(self) -> bool:
        """Whether all of them work; raises what stopped one."""
        for task in self.working:
            if task.done():
                task.result()
        return True


@asynccontextmanager
async def officials(region: Region, department: Department) -> AsyncIterator[Officials]:
    """The officials at their desks; nobody works yet."""
    token = region.stage.tokens.mint("somebody", ("/nation/hr-officer", "/nation/operator"), claims={"exp": int(time.time()) + LIFE_S})
    desks = {service: _desk(region.targets(service), token, service) for service in STUBS}
    try:
        yield Officials(region, department, desks)
    finally:
        for desk in desks.values():
            await desk.channel.close(None)


@asynccontextmanager
async def at_work(them: Officials) -> AsyncIterator[None]:
    """They work for the length of the block; what becomes of their calls is counted from now on. At its end they have seen what there is."""
    for desk in them.desks.values():
        desk.tally = Tally()
    loops = [asyncio.create_task(them.work(who)) for who in them.loops()]
    them.working = [*loops, asyncio.create_task(them.follow())]
    try:
        await them.a_round()
        yield
        them.enough.set()
        await asyncio.gather(*loops)
        await them.region.level()
        await until(them.have_seen_all)
    finally:
        for task in them.working:
            task.cancel()
        await asyncio.gather(*them.working, return_exceptions=True)


def _desk(target: str, token: str, service: str) -> Desk:
    channel = grpc.aio.insecure_channel(target, options=OPTIONS)
    return Desk(channel, token, dict(_rpcs(channel, service)))


def _rpcs(channel: grpc.aio.Channel, service: str) -> Iterator[tuple[str, Any]]:
    for stub in STUBS[service]:
        yield from vars(stub(channel)).items()


def _again(metadata: Any) -> int:
    """How often gRPC had made the call before the attempt that was answered, as it tells its caller."""
    return int(dict(metadata or ()).get(AGAIN, 0))
