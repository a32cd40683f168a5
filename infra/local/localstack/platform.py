"""The whole platform on this machine: real processes, started in parallel and ready by condition, watched, ended in order."""

import asyncio
import base64
import json
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from chassis import clock as stepped
from chassis.testing.artifacts import NotToBeHad

from localstack.endpoints import REALM, Endpoints, run_folder
from localstack.folder import emptied, forgotten, held, remember, written
from localstack.log import Log
from localstack.parts import EMBEDDED, SERVICES, Part, Services, Stack, free_addresses
from localstack.postgres import ENTRANCES, data_folder
from localstack.processes import Died, Process, end
from localstack.realm import REGION, in_region, with_people

NAME, MIGRATE = "platform", " migrate"
# A busy machine starts slowly, but something becomes ready all the time; where nothing does for so long, nothing will.
PATIENCE_S = 180.0
ASK_EVERY_S = 0.1
INTERRUPTED = 130
# Postgres is left last: everybody else still writes down where they are.
DATABASE, SHARED, OURS = 0, 1, 2

T = TypeVar("T")


class NotReady(Exception):
    """The platform did not become ready; says what it waits for."""


class Platform:
    """A running platform: its addresses, its clock where that is a stepped one, and its processes."""

    def __init__(
        self,
        folder: Path,
        data: Path,
        log: Log,
        environment: Mapping[str, str],
        stack: Stack = EMBEDDED,
        services: Services = SERVICES,
    ) -> None:
        self.folder, self.log, self.stack, self.services = folder, log, stack, services
        self._data = data
        self._clock = folder / "clock"
        self._environment = {**os.environ, "TARTIP_RUN": str(folder), "TARTIP_GRACE_SECONDS": "2", **environment}
        self._addresses: dict[str, Any] = {"admin": {}}
        self._free = free_addresses()
        self._layers: tuple[list[Process], ...] = ([], [], [])
        self._waiting: dict[str, str] = {}
        self._death: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._stopping = False
        self._patience: asyncio.Timeout | None = None

    @property
    def endpoints(self) -> Endpoints:
        """Where everything is found."""
        return Endpoints(self._addresses)

    @property
    def processes(self) -> list[Process]:
        """The processes, in the order of their start."""
        return [process for layer in self._layers for process in layer]

    def step(self, to: datetime) -> None:
        """Moves the stepped clock of all processes."""
        stepped.step(self._clock, to)

    async def alive(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns what the work returns; raises Died, and cancels the work, as soon as a process has ended."""
        task = asyncio.ensure_future(work)
        first: set[asyncio.Future[Any]] = {task, self._death}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if self._death.done():
                raise Died(self._death.result())
            return task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def start(self, people: Mapping[str, str], region: str = REGION) -> None:
        """Starts everything and returns when all is ready; NotReady where nothing becomes ready for too long."""
        began = time.monotonic()
        realm = REALM
        if people or region != REGION:
            realm = self.folder / "realm.json"
            written(realm, in_region(with_people(json.loads(REALM.read_text(encoding="utf-8")), people), region))
        try:
            async with asyncio.timeout(PATIENCE_S) as self._patience, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
                postgres = group.create_task(self._postgres())
                broker = group.create_task(self._shared(self.stack.kafka))
                listening = ("--listen", next(self._free)) if self.stack.demo_issuer else ()
                issuer = group.create_task(self._shared(self.stack.issuer, *listening, "--realm", str(realm)))
                for service, parts in self.services.items():
                    group.create_task(self._service(service, parts, http, postgres, broker, issuer))
        except TimeoutError:
            waits = "; ".join(f"{name}: {why}" for name, why in self._waiting.items())
            raise NotReady(f"Nothing became ready for {PATIENCE_S:.0f} s. The platform waits for {waits}.") from None
        self._addresses |= {"kafka": broker.result(), "issuer": issuer.result(), "postgres": str(self._data / ENTRANCES)}
        written(self.folder / "endpoints.json", self._addresses)
        self._say(f"ready after {time.monotonic() - began:.1f} s: {len(self.processes)} processes")

    async def stop(self) -> None:
        """Ends all processes, those that started last first, in bounded time; a second interruption kills at once."""
        self._stopping = True
        for layer in reversed(self._layers):
            with suppress(asyncio.CancelledError):
                await end(layer)
        self._say("ended")
        self.log.close()

    async def _postgres(self) -> dict[str, dict[str, str]]:
        await self._says_ready("postgres", DATABASE, "--data", str(self._data))
        entrances: dict[str, dict[str, str]] = json.loads((self._data / ENTRANCES).read_text(encoding="utf-8"))
        return entrances

    async def _shared(self, command: str, *arguments: str) -> str:
        """Starts a part that all services use; returns its address, the third word of what it says when it is ready."""
        return (await self._says_ready(command, SHARED, *arguments)).split()[2]

    async def _says_ready(self, command: str, layer: int, *arguments: str) -> str:
        self._waiting[command] = "starting"
        process = await self._spawn(command, layer, ("localstack", command, *arguments), {})
        line = await process.line(f"{command} ready: ")
        self._ready(command)
        return line

    async def _service(
        self,
        service: str,
        parts: tuple[Part, ...],
        http: aiohttp.ClientSession,
        postgres: Awaitable[dict[str, dict[str, str]]],
        broker: Awaitable[str],
        issuer: Awaitable[str],
    ) -> None:
        """Migrates a service's database, then starts its processes, all at once."""
        entrances = (await postgres)[service]
        migrating = f"{service}{MIGRATE}"
        self._waiting[migrating] = "migrating"
        migrator = {"TARTIP_MIGRATOR_DATABASE_URL": entrances["migrator"]}
        process = await self._spawn(migrating, OURS, (service, "migrate"), migrator)
        if await asyncio.shield(process.ended) != 0:
            await asyncio.Future()  # its end is noticed where all ends are
        self._layers[OURS].remove(process)
        self._ready(migrating)
        common = {
            "TARTIP_KAFKA": await broker,
            "TARTIP_ISSUER": await issuer,
            "TARTIP_ALLOW_DEMO_ISSUER": str(self.stack.demo_issuer).lower(),
            "TARTIP_PAGE_KEY": secrets.token_urlsafe(32),
            "TARTIP_CLOCK": f"file:{self._clock}" if self._clock.exists() else "",
            **_secrets_of(service),
        }
        async with asyncio.TaskGroup() as group:
            for part in parts:
                own = {**part.told, **common, "TARTIP_DATABASE_URL": entrances[part.role], **self._listening(part)}
                group.create_task(self._part(f"{service} {part.command}", own, http))

    def _listening(self, part: Part) -> dict[str, str]:
        """Chooses where a part listens, and notes it for the endpoints."""
        chosen = {variable: next(self._free) for variable in part.listens}
        for variable, path in part.listens.items():
            place = self._addresses
            for name in path[:-1]:
                place = place.setdefault(name, {})
            place[path[-1]] = chosen[variable]
        return chosen

    async def _part(self, name: str, environment: Mapping[str, str], http: aiohttp.ClientSession) -> None:
        admin = self._addresses["admin"][name] = next(self._free)
        self._waiting[name] = "starting"
        await self._spawn(name, OURS, name.split(), {**environment, "TARTIP_ADMIN_LISTEN": admin})
        while why := await _waits(http, f"http://{admin}/ready"):
            self._waiting[name] = why
            await asyncio.sleep(ASK_EVERY_S)
        self._ready(name)

    async def _spawn(self, name: str, layer: int, arguments: tuple[str, ...] | list[str], environment: Mapping[str, str]) -> Process:
        process = await Process.start(name, arguments, {**self._environment, **environment}, self.folder, self.log.put)
        self._layers[layer].append(process)
        process.ended.add_done_callback(lambda _: self._ended(process))
        remember(self.folder, self.processes)
        return process

    def _ended(self, process: Process) -> None:
        done = process.name.endswith(MIGRATE) and process.code == 0
        if not (done or self._stopping or self._death.done()):
            self._say(f"{Died(process)}: everything is to end", "error")
            self._death.set_result(process)

    def _ready(self, name: str) -> None:
        del self._waiting[name]
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time() + PATIENCE_S)
        self._say(f"{name} is {'done' if name.endswith(MIGRATE) else 'ready'}")

    def _say(self, text: str, level: str = "info") -> None:
        self.log.put(NAME, json.dumps({"timestamp": datetime.now(UTC).isoformat(), "level": level, "message": text}))


@asynccontextmanager
async def running(
    log: Log,
    *,
    stack: Stack = EMBEDDED,
    clock: datetime | None = None,
    people: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    services: Services = SERVICES,
    region: str = REGION,
) -> AsyncIterator[Platform]:
    """Runs the platform for the length of the block, empty at first, in the folder of `localstack.endpoints.run_folder`.

    `stack` is what it stands on, fetched first where it is not yet there. `clock` is the instant at which a stepped clock stands, None is the real one. `people` are accounts beside those of the
    realm: the registry's ID of a servant by user name; `region` is that of its inspector and operator. Raises AlreadyRunning, Died, NotReady.
    """
    folder, data = run_folder().resolve(), data_folder().resolve()
    with held(folder):
        left = await asyncio.to_thread(emptied, folder, data)
        if left:
            log.put(NAME, f"{left} processes of a run that crashed are ended")
        await _fetched(stack, log)
        platform = Platform(folder, data, log, environment or {}, stack, services)
        if clock is not None:
            platform.step(clock)
        try:
            await platform.alive(platform.start(people or {}, region))
            yield platform
        finally:
            await platform.stop()
            forgotten(folder, data)


async def _fetched(stack: Stack, log: Log) -> None:
    try:
        await asyncio.to_thread(stack.fetch, lambda text: log.put(NAME, text))
    except NotToBeHad as lacking:
        raise NotReady(f"The real stack is not to be had here: {lacking}") from None


def _secrets_of(service: str) -> dict[str, str]:
    """What a service alone must know; it lives as long as the data, which go with the run."""
    if service != "registry":
        return {}
    return {"TARTIP_SENSITIVE_KEYS": f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}"}


def interruptible(main: Coroutine[Any, Any, int]) -> int:
    """Runs the coroutine; Ctrl-C, SIGTERM and a closed terminal cancel it, each time they come. Returns its exit code, or 130."""

    async def guarded() -> int:
        task = asyncio.ensure_future(main)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return INTERRUPTED

    return asyncio.run(guarded())


async def _waits(http: aiohttp.ClientSession, url: str) -> str:
    """What a process waits for, in words; empty when it is ready."""
    try:
        async with http.get(url) as answer:
            waiting = (await answer.json())["waitingFor"]
    except (aiohttp.ClientError, ConnectionError):
        return "starting"
    return ", ".join(f"{condition} {why}" for condition, why in waiting.items())
