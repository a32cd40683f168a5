"""The processes of a service inside a test, as an operator starts them: commands to their end, and those that run."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from chassis.roles import Entrances, provide
from chassis.testing.orphans import die_with_parent
from chassis.testing.ports import free_port
from chassis.testing.postgres import Postgres

# A loaded machine may take long to import; who waits longer waits for something that does not come.
WITHIN_S = 120.0
LOOK_AGAIN_S = 0.05


async def command(package: str, environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Runs `python -m package` to its end: exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", package, *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    finally:
        await _killed(process)
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def running(package: str, environments: Mapping[str, Mapping[str, str]], folder: Path) -> AsyncIterator[dict[str, str]]:
    """Processes of the service, each with its environment, started side by side: from all ready to all ended, as SIGTERM asks.

    Gives the address of each one's RPCs; their logs lie in the folder.
    """
    async with AsyncExitStack() as stack:
        started = {name: await _started(package, name, told, folder / f"{name}.log", stack) for name, told in environments.items()}
        await asyncio.gather(*(asyncio.wait_for(each.ready(), WITHIN_S) for each in started.values()))
        yield {name: each.listen for name, each in started.items()}
        for each in started.values():
            each.process.send_signal(signal.SIGTERM)
        for each in started.values():
            assert await asyncio.wait_for(each.process.wait(), WITHIN_S) == 0, each.said()


def received(kafka: str, topic: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Reads the topic from its beginning until there is enough."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": secrets.token_hex(4)})
    partitions = consumer.list_topics(topic, timeout=WITHIN_S).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    messages: list[Any] = []
    try:
        while not enough(messages):
            message = consumer.poll(WITHIN_S)
            assert message is not None, f"only {len(messages)} messages on {topic}"
            if message.error() is None:
                messages.append(message)
    finally:
        consumer.close()
    return messages


async def environment_of(package: str, postgres: Postgres, kafka: str) -> tuple[dict[str, str], Entrances]:
    """What the processes of a service are told: an empty database of its own, Kafka, any issuer; and the database's entrances."""
    urls = await provide(postgres.url, package, f"{package}_{secrets.token_hex(4)}", postgres.password_of)
    told = {
        "TARTIP_DATABASE_URL": urls.app,
        "TARTIP_MIGRATOR_DATABASE_URL": urls.migrator,
        "TARTIP_KAFKA": kafka,
        "TARTIP_PAGE_KEY": "a page key",
        "TARTIP_ALLOW_DEMO_ISSUER": "true",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("TARTIP_")} | told, urls


@dataclass(frozen=True, slots=True)
class _Started:
    process: asyncio.subprocess.Process
    admin: str
    listen: str
    log: Path

    async def ready(self) -> None:
        async with aiohttp.ClientSession() as session:
            while not await self._is_ready(session):
                assert self.process.returncode is None, self.said()
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"http://{self.admin}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")


async def _started(package: str, name: str, told: Mapping[str, str], log: Path, stack: AsyncExitStack) -> _Started:
    admin, listen = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", package, name),
            env={**told, "TARTIP_LISTEN": listen, "TARTIP_ADMIN_LISTEN": admin},
            stdout=written,
            stderr=written,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    stack.push_async_callback(_killed, process)
    return _Started(process, admin, listen, log)


async def _killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
