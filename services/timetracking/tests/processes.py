"""Timetracking's four processes in a test, and what stands around them: registry and regimes, devices, somebody who steps the clock."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession
from chassis.clock import step
from chassis.publisher import PUBLISHED, Publisher
from chassis.roles import Entrances
from chassis.testing.broker import Broker
from chassis.testing.client import channel
from chassis.testing.orphans import die_with_parent
from chassis.testing.ports import free_port
from chassis.testing.postgres import Postgres
from chassis.testing.processes import WITHIN_S, environment_of
from chassis.testing.tokens import Tokens
from chassis.testing.waiting import until
from chassis.topics import read
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

TOPICS = Path(__file__).resolve().parents[3] / "infra" / "kafka" / "topics.yaml"
HR = ("/state-bodies/KGD/hr-officer",)
POSITION, PUBLISHED_OFFSET = "tartip_stream_position", "tartip_published_offset"
LEVEL_CLOCK, LEVEL_REAL = "tartip_jobs_level_clock_seconds", "tartip_jobs_level_real_seconds"

Values = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Process:
    """A process of timetracking: its log, and where it answers operators, callers and devices."""

    process: asyncio.subprocess.Process
    log: Path
    admin: str
    listen: str
    devices: str

    async def ready(self) -> None:
        """Returns when it says that it is ready."""

        async def is_ready() -> bool:
            assert self.process.returncode is None, self.said()
            try:
                async with ClientSession() as session, session.get(f"http://{self.admin}/ready") as answer:
                    return answer.status == 200
            except ClientError:
                return False

        await until(is_ready, WITHIN_S)

    async def metric(self, name: str) -> Values:
        """The values of a metric by topic and partition, both "" where it has no such labels."""
        async with ClientSession() as session, session.get(f"http://{self.admin}/metrics") as answer:
            return _values(text_string_to_metric_families(await answer.text()), name)

    async def ended(self) -> float:
        """Asks it to stop and waits for its end; how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), WITHIN_S)
        assert self.process.returncode == 0, self.said()
        return time.monotonic() - began

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8")


@dataclass(slots=True)
class Deployment:
    """Timetracking between a database, a broker and an issuer of its own; the test is everything else."""

    environment: dict[str, str]
    urls: Entrances
    folder: Path
    publisher: Publisher
    tokens: Tokens
    stack: AsyncExitStack
    processes: dict[str, Process] = field(default_factory=dict)

    async def start(self, *names: str) -> None:
        """Starts processes side by side and returns when all are ready."""
        for name in names:
            self.processes[name] = await self._start(name)
        await asyncio.gather(*(self.processes[name].ready() for name in names))

    async def tell(self, topic: str, key: str, message: Any) -> None:
        """Another service tells of something."""
        await self.publisher.send(topic, key.encode(), message.SerializeToString(), {"event_id": message.event_id})

    async def step(self, to: datetime) -> None:
        """Moves the clock and waits until everything is level."""
        step(self.folder / "clock", to)
        await self.level(to)

    async def level(self, at: datetime) -> None:
        """Returns when everything that was told and sent is applied, and everything that is due at this instant is done and in Kafka.

        A look begins with where the consumer is. If it is still there after the jobs have found nothing more to do, and if
        that is where the topics end, nothing was on its way meanwhile.
        """

        async def is_level() -> bool:
            since, before = time.time(), await self.processes["consume"].metric(POSITION)
            await until(lambda: self._worked(since, at), WITHIN_S)
            after, ends = await self.processes["consume"].metric(POSITION), await self._ends()
            return before == after and all(after[place] >= end for place, end in ends.items() if place in after)

        await until(is_level, WITHIN_S)

    async def rpc(self, stub: Callable[..., Any], process: str = "serve", grants: Sequence[str] = HR) -> Any:
        """The stub of a service, for a signed-in caller."""
        token = self.tokens.mint("person " + "+".join(grants), grants)
        return stub(await self.stack.enter_async_context(channel(self.processes[process].listen, token, "ru")))

    async def _worked(self, since: float, at: datetime) -> bool:
        """Whether what was committed by `since` is worked on, as it is due `at` an instant, and in Kafka."""
        work, nowhere = self.processes["work"], ("", "")
        clock, real = await work.metric(LEVEL_CLOCK), await work.metric(LEVEL_REAL)
        return clock.get(nowhere, 0.0) >= at.timestamp() and real.get(nowhere, 0.0) >= since

    async def _ends(self) -> Values:
        """Where each partition ends that the test or a device wrote into."""
        own, devices = _values(REGISTRY.collect(), PUBLISHED_OFFSET), await self.processes["gateway"].metric(PUBLISHED_OFFSET)
        return {place: max(own.get(place, 0.0), devices.get(place, 0.0)) for place in own.keys() | devices.keys()}

    async def _start(self, name: str) -> Process:
        admin, listen, devices = (f"127.0.0.1:{free_port()}" for _ in range(3))
        own = {
            **self.environment,
            "TARTIP_DATABASE_URL": self.urls.worker if name in ("consume", "work") else self.urls.app,
            "TARTIP_ADMIN_LISTEN": admin,
            "TARTIP_LISTEN": listen,
            "TARTIP_GATEWAY_LISTEN": devices,
        }
        log = self.folder / f"{name}.log"
        with log.open("wb") as written:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "timetracking", name),
                env=own,
                stdout=written,
                stderr=written,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self.stack.push_async_callback(_killed, process)
        return Process(process, log, admin, listen, devices)


@asynccontextmanager
async def deployment(postgres: Postgres, broker: Broker, folder: Path, at: datetime) -> AsyncIterator[Deployment]:
    """An empty database, all topics, an issuer and a clock that stands at an instant; nothing is running yet."""
    tokens = Tokens(demo=True)
    broker.create(topic.name for topic in read(TOPICS))
    PUBLISHED.clear()  # other tests of this run told other brokers of the same topics
    step(folder / "clock", at)
    environment, urls = await environment_of("timetracking", postgres, broker.bootstrap)
    async with AsyncExitStack() as stack, tokens.serving() as issuer:
        told = environment | {
            "TARTIP_ISSUER": issuer,
            "TARTIP_CLOCK": f"file:{folder / 'clock'}",
            "TARTIP_TRACES": f"file:{folder / 'traces.jsonl'}",
        }
        publisher = Publisher(broker.brokers)
        stack.push_async_callback(publisher.close)
        yield Deployment(told, urls, folder, publisher, tokens, stack)


def _values(families: Iterable[Any], name: str) -> Values:
    samples = [each for family in families for each in family.samples if each.name == name]
    return {(each.labels.get("topic", ""), each.labels.get("partition", "")): each.value for each in samples}


async def _killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
