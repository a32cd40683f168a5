"""Tries an image as a deployment runs it: on a real PostgreSQL, as nobody in particular, on a root that is read-only.

Each process that the local stack starts of the service is started from the image, is to become ready, to answer for its health
where it answers RPCs, and to end by itself when it is asked to.
"""

import asyncio
import base64
import json
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
from chassis import topics
from chassis.roles import Entrances, provide
from chassis.testing.broker import temporary_broker
from chassis.testing.kafka import TOPICS
from chassis.testing.ports import free_port
from chassis.testing.postgres import Postgres, temporary_postgres
from chassis.testing.tokens import Tokens
from grpc_health.v1 import health_pb2, health_pb2_grpc
from localstack.parts import SERVICES, Part
from packaging.utils import canonicalize_name

from images import inside
from images.build import Built
from images.engine import Engine
from images.plan import BUILD

USER = 10_001
AS_DEPLOYED = ("--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host")
# Of the official base everybody may write to these; on a root that is read-only nobody may.
FOR_EVERYBODY = {"/tmp/", "/var/tmp/", "/run/lock/", "/var/lock/"}
ASKED = Path(inside.__file__).read_text(encoding="utf-8")
GONE_WITHIN_S = 10.0
# A machine that does other things too starts slowly; who waits longer waits for something that does not come.
READY_WITHIN_S = 180.0
LOOK_AGAIN_S = 0.05


class Unfit(Exception):
    """An image does not do what it must; says what."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the processes of all services stand on."""

    postgres: Postgres
    kafka: str
    issuer: str


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A PostgreSQL, a Kafka in this process with the platform's topics, and an issuer, until the end of the block."""
    with temporary_postgres() as postgres, temporary_broker() as broker:
        broker.create(topic.name for topic in topics.read(TOPICS))
        async with Tokens(demo=True).serving() as issuer:
            yield Ground(postgres, broker.bootstrap, issuer)


async def tried(engine: Engine, built: Built, on: Ground) -> list[str]:
    """Tries all that an image is for; what was seen, in sentences. Raises Unfit."""
    service = built.image.service
    entrances = await provide(on.postgres.url, service, service, on.postgres.password_of)
    seen = await _looked_inside(engine, built)
    began = time.monotonic()
    await _command(engine, built, {"TARTIP_MIGRATOR_DATABASE_URL": entrances.migrator}, "python", "-m", service, "migrate")
    migrated = f"migrate: done after {time.monotonic() - began:.1f} s, as {service}_migrator"
    processes = (_Process(engine, built, part, _environment(part, on, entrances)) for part in SERVICES[service])
    return [seen, migrated, *await asyncio.gather(*(each.lives() for each in processes))]


def _environment(part: Part, on: Ground, entrances: Entrances) -> dict[str, str]:
    """What a process is told, its addresses chosen for this time."""
    return {
        "TARTIP_DATABASE_URL": getattr(entrances, part.role),
        "TARTIP_KAFKA": on.kafka,
        "TARTIP_ISSUER": on.issuer,
        "TARTIP_ALLOW_DEMO_ISSUER": "true",
        "TARTIP_PAGE_KEY": secrets.token_urlsafe(32),
        "TARTIP_SENSITIVE_KEYS": f"try:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "TARTIP_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
        **{variable: f"127.0.0.1:{free_port()}" for variable in part.listens},
    }


async def _looked_inside(engine: Engine, built: Built) -> str:
    """Looks around in a container whose root is not read-only, which shows what the image itself lets its user write."""
    options = ("--rm", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none")
    found = json.loads(await asyncio.to_thread(engine.run, "run", *options, built.names[0], "python", "-c", ASKED))
    bill = json.loads((BUILD / f"{built.image.name}.cdx.json").read_text(encoding="utf-8"))
    if wrong := wrong_inside(found, bill, f"{built.image.name}.cdx.json"):
        raise Unfit(f"{built.names[0]}: {'; '.join(wrong)}")
    may_write = ", ".join(place.rstrip("/") for place in found["may_write"]) or "nothing"
    return f"inside: user {USER}, who may write {may_write} of it; {len(found['packages'])} packages, as its bill says"


def wrong_inside(found: Mapping[str, Any], bill: Mapping[str, Any], name: str) -> list[str]:
    """What is not as it must be in an image, by what it showed of itself (`images.inside.looked_at`) and by its bill of that name."""
    billed = {canonicalize_name(each["name"]): each["version"] for each in bill["components"]}
    writable = sorted({*found["may_write"]} - FOR_EVERYBODY)
    return [
        *([f"runs as {found['user']}:{found['group']}"] if (found["user"], found["group"]) != (USER, USER) else []),
        *([f"its user may write {len(writable)} places of it, {writable[0]} the first"] if writable else []),
        *(f"holds {each}, which only serves to check or to install" for each in found["tools"]),
        *(f"{each} in it is not as its bill says" for each in sorted({each for each, _ in found["packages"].items() ^ billed.items()})),
        *([] if found["bill"] == name else [f"holds as its bill {found['bill'] or 'nothing'}"]),
    ]


async def _command(engine: Engine, built: Built, told: Mapping[str, str], *arguments: str) -> None:
    """Runs a command in the image to its end; it is told by the environment, so that no secret stands on a command line."""
    named = [f"--env={name}" for name in told]
    await asyncio.to_thread(engine.run, "run", *AS_DEPLOYED, *named, built.names[0], *arguments, environment=told)


@dataclass(frozen=True, slots=True)
class _Process:
    """A process of a service in a container."""

    engine: Engine
    built: Built
    part: Part
    told: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.built.image.service} {self.part.command}"

    async def lives(self) -> str:
        """From its start to its end; what was seen of it."""
        container, began = f"tartip-trial-{secrets.token_hex(6)}", time.monotonic()
        log = BUILD / f"{self.name.replace(' ', '-')}.log"
        with log.open("wb") as written:
            command = ("python", "-m", *self.name.split())
            named = (f"--name={container}", *(f"--env={name}" for name in self.told))
            running = await asyncio.create_subprocess_exec(
                *self.engine.command("run", *AS_DEPLOYED, *named, self.built.names[0], *command),
                env=os.environ | dict(self.told),
                stdout=written,
                stderr=written,
            )
        try:
            seen = await self._until_ready(running, log)
            ready_s, asked = time.monotonic() - began, time.monotonic()
            running.send_signal(signal.SIGTERM)  # the client hands it on
            code = await asyncio.wait_for(running.wait(), GONE_WITHIN_S)
            if code != 0:
                raise Unfit(f"{self.name} ended with {code} after SIGTERM: {_last(log)}")
            return f"{self.name}: ready after {ready_s:.1f} s{seen}; gone {time.monotonic() - asked:.1f} s after SIGTERM, with 0"
        except TimeoutError:
            raise Unfit(f"{self.name} is not gone {GONE_WITHIN_S:.0f} s after SIGTERM: {_last(log)}") from None
        finally:
            if running.returncode is None:
                await asyncio.to_thread(self.engine.run, "rm", "--force", container)
                await running.wait()

    async def _until_ready(self, running: asyncio.subprocess.Process, log: Path) -> str:
        deadline = time.monotonic() + READY_WITHIN_S
        async with aiohttp.ClientSession() as http:
            while not await self._is_ready(http):
                if running.returncode is not None or time.monotonic() > deadline:
                    raise Unfit(f"{self.name} does not become ready: {_last(log)}")
                await asyncio.sleep(LOOK_AGAIN_S)
        if "TARTIP_LISTEN" not in self.told:
            return ""
        async with grpc.aio.insecure_channel(self.told["TARTIP_LISTEN"]) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=READY_WITHIN_S)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unfit(f"{self.name} says of its health {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}")
        return ", its health over gRPC SERVING"

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"http://{self.told['TARTIP_ADMIN_LISTEN']}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


def _last(log: Path) -> str:
    """What a process said last."""
    return log.read_text(encoding="utf-8", errors="replace")[-3000:] or "it said nothing"
