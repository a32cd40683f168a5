"""Timetracking's processes at work for a nation: what its gates send goes through the gateway, Kafka, the consumer and PostgreSQL.

The clock is a stepped one, so that a day's passages come as if they happened now.
"""

import asyncio
import os
import secrets
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from chassis.clock import step, stepped
from chassis.database import Database
from chassis.testing.kafka import TOPICS, Kafka
from chassis.testing.tokens import Tokens
from chassis.topics import read
from lawbook import load
from localstack.parts import free_addresses
from localstack.processes import Process
from timetracking.device_findings.use_cases import LookAtDevices
from timetracking.unit_of_work import begin

from ..demo.devices import SimulatedDevice, simulated
from ..demo.level import Metrics
from ..demo.level import read as read_metrics
from ..demo.world import Record
from .nation import ZONE, Nation
from .neighbours import cpu_seconds
from .stand import LOOK_AGAIN_S, READY_WITHIN_S, SERVICE, Ground, Stand, met, module

# Devices that have something on the line at once.
AT_ONCE = 96
PATIENCE_S = 600.0
# What is still to be done: passages whose days are not computed, days and devices' dates that wait, events that wait.
_LEFT = """
SELECT EXISTS (SELECT FROM due_reads) AS reads, EXISTS (SELECT FROM due_days) AS days, EXISTS (SELECT FROM due_device_days) AS dates,
       EXISTS (SELECT FROM outbox) AS events
"""
# Asked of the database: a process would write down all that it counts, gate by gate.
_RECORDED = "SELECT coalesce(sum(received), 0) FROM device_days"
# Looking costs those who are looked at.
WATCHED_EVERY_S = 0.25
# What devices show is still to be looked at: dates on which more was stored since, and what somebody asked for.
_UNLOOKED = "SELECT (SELECT count(*) FROM device_days WHERE stored <> looked_at_stored) + (SELECT count(*) FROM due_looks)"


class TooLong(Exception):
    """Something that a bench waits for does not come; says what."""


@dataclass(slots=True)
class Platform:
    """The processes by name, and what they stand on."""

    nation: Nation
    ground: Ground
    kafka: Kafka
    owner: Any
    http: aiohttp.ClientSession
    clock: Path
    gateway: str
    rpcs: str
    tokens: Tokens
    looks: LookAtDevices
    admin: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    _looks_cpu: float = 0.0
    _devices: dict[str, SimulatedDevice] = field(default_factory=dict)
    _lines: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def step(self, to: datetime) -> None:
        """Moves the clock of all processes."""
        step(self.clock, to)

    async def send(self, sent: Mapping[str, list[Record]]) -> int:
        """Lets each gate send its records; returns when the gateway has taken them all: how many they were."""
        line = asyncio.Semaphore(AT_ONCE)

        async def one(gate: str, records: list[Record]) -> None:
            device = self._device(gate)
            device.waiting.extend(records)
            async with self._lines[gate], line:
                await device.send(())  # what came while the line was busy goes with it

        await asyncio.gather(*(one(gate, records) for gate, records in sent.items()))
        return sum(map(len, sent.values()))

    def _device(self, gate: str) -> SimulatedDevice:
        """The gate with its memory and its line."""
        if gate not in self._devices:
            self._devices[gate] = simulated(self.nation.gates[gate], self.http, self.gateway)
        return self._devices[gate]

    async def metrics(self, process: str) -> Metrics:
        """What a process says of itself now."""
        async with self.http.get(f"http://{self.admin[process]}/metrics") as answer:
            return read_metrics(await answer.text())

    async def recorded(self) -> int:
        """How many passages have been recorded, repeated ones too."""
        return int(await self.owner.fetchval(_RECORDED))

    async def all_done(self, recorded: int) -> float:
        """Waits until so many passages are recorded, their days computed, their devices looked at, and all events published.

        The instant at which that was seen. A device that was busy is looked at by the worker minutes later: here the looks that
        are left are made at once, one after the other, and what follows from them is waited for.
        """
        until = time.monotonic() + PATIENCE_S
        await self.computed(recorded)
        while time.monotonic() < until:
            left, before = await self.unlooked(), time.process_time()
            while left and time.monotonic() < until and await self.looks():
                pass
            self._looks_cpu += time.process_time() - before
            seen = await self.computed(recorded)  # after the last look: it may have made days due
            if not left and not await self.unlooked():
                return seen
        raise TooLong(f"after {PATIENCE_S:.0f} s: {await self.unlooked()} dates of devices are not looked at")

    async def unlooked(self) -> int:
        """How many dates of devices are still to be looked at."""
        return int(await self.owner.fetchval(_UNLOOKED))

    async def computed(self, recorded: int) -> float:
        """Waits until so many passages are recorded, their days computed and the events published; the instant at which that was seen."""
        until, missing, left = time.monotonic() + PATIENCE_S, recorded, dict[str, bool]()
        while time.monotonic() < until:
            missing = missing and max(0, recorded - await self.recorded())
            left = dict(await self.owner.fetchrow(_LEFT))
            if not missing and not any(left.values()):
                return time.perf_counter()
            await asyncio.sleep(WATCHED_EVERY_S)
        raise TooLong(f"after {PATIENCE_S:.0f} s: {missing} passages to be recorded; left: {left}")

    def cpu(self) -> dict[str, float]:
        """The CPU seconds of each sort of process so far; "looks" are those that `all_done` made, "devices" the rest of the bench itself."""
        spent = defaultdict[str, float](float)
        for name, process in self.processes.items():
            spent[_kind(name)] += cpu_seconds(process.pid)
        servers = {"postgres": cpu_seconds(self.ground.postgres.pid), "kafka": cpu_seconds(self.kafka.pid)}
        own = {"looks": self._looks_cpu, "devices": time.process_time() - self._looks_cpu}
        return {**spent, **servers, **own}


@asynccontextmanager
async def platform(
    stand: Stand,
    nation: Nation,
    *,
    serve: bool = False,
    past: Callable[[Ground], Awaitable[None]] | None = None,
    alone: bool = False,
    consumers: int = 1,
) -> AsyncIterator[Platform]:
    """Settles the nation, with its past where it has one, and starts gateway, consumers and worker, and with `serve` what answers RPCs.

    With `alone` it has a PostgreSQL of its own. The first consumer is "consume", the second "consume-2".
    """
    async with AsyncExitStack() as stack:
        kafka = await stand.kafka(stack)
        await asyncio.to_thread(kafka.create, [each.name for each in read(TOPICS)])
        ground = await stand.ground(await stand.another(stack) if alone else None)
        owner = await stack.enter_async_context(ground.owner())
        await nation.settle(owner)
        if past is not None:
            await past(ground)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-bench-")))
        tokens = Tokens(demo=True)
        issuer = await stack.enter_async_context(tokens.serving())
        # Each gate has a line of its own.
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        free = free_addresses()
        database = Database(ground.urls.worker, name="bench")
        stack.push_async_callback(database.close)
        clock = folder / "clock"
        look = LookAtDevices(begin(database, load(), partial(stepped, clock), ZONE.key), load(), partial(stepped, clock))
        made = Platform(nation, ground, kafka, owner, http, clock, next(free), next(free), tokens, look)
        made.step(nation.instant(0))
        told = {
            "TARTIP_KAFKA": kafka.bootstrap,
            "TARTIP_ISSUER": issuer,
            "TARTIP_ALLOW_DEMO_ISSUER": "true",
            "TARTIP_CLOCK": f"file:{made.clock}",
            "TARTIP_PAGE_KEY": secrets.token_hex(8),
            "TARTIP_GATEWAY_LISTEN": made.gateway,
            **({"TARTIP_RECONCILE_DAYS": "0"} if past is not None else {}),  # what was made up is not as its facts give it
            "TARTIP_MIGRATOR_DATABASE_URL": ground.urls.migrator,
        }
        consuming = ("consume", *(f"consume-{number}" for number in range(2, consumers + 1)))
        for name in ("gateway", *consuming, "work", *(("serve",) if serve else ())):
            made.admin[name] = next(free)
            own = {
                "TARTIP_LISTEN": made.rpcs if name == "serve" else next(free),
                "TARTIP_ADMIN_LISTEN": made.admin[name],
                "TARTIP_DATABASE_URL": ground.urls.app if name in ("gateway", "serve") else ground.urls.worker,
            }
            process = await stack.enter_async_context(module(SERVICE, _kind(name), environment={**os.environ, **told, **own}))
            made.processes[name] = process
        await asyncio.gather(*(met(made.processes[name], _ready(made, name)) for name in made.processes))
        stand.say(f"{len(made.processes)} processes are ready for {nation.servants:,} servants")
        yield made


def _kind(process: str) -> str:
    """Of which sort a process is: "consume" for "consume-2"."""
    return process.partition("-")[0]


async def _ready(made: Platform, name: str) -> None:
    until = time.monotonic() + READY_WITHIN_S
    why = "starting"
    while time.monotonic() < until:
        try:
            async with made.http.get(f"http://{made.admin[name]}/ready") as answer:
                if answer.status == 200:
                    return
                why = await answer.text()
        except (aiohttp.ClientError, ConnectionError):
            pass
        await asyncio.sleep(LOOK_AGAIN_S)
    raise TooLong(f"{name} is not ready: {why}")
