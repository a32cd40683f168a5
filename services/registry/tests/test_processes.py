"""The processes as an operator starts them: migrate, serve, work, republish."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chassis.client import channel
from chassis.roles import provide
from chassis.testing.broker import Broker
from chassis.testing.postgres import Postgres
from chassis.testing.tokens import Tokens
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from registry.__main__ import main
from tartip.registry.v1 import events_pb2, state_body_service_pb2_grpc

from .serving import OPERATOR, new_body

WITHIN_S = 60


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


async def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Runs a command to its end: exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry", *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def running(environment: dict[str, str], name: str, log: Path) -> AsyncIterator[str]:
    """A process of the registry, from ready to ended; gives the address of its RPCs."""
    admin, listen = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    own = environment | {"TARTIP_LISTEN": listen, "TARTIP_ADMIN_LISTEN": admin}
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "registry", name, env=own, stdout=written, stderr=written)
        try:
            await asyncio.wait_for(_ready(f"http://{admin}/ready", process, log), WITHIN_S)
            yield listen
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            ended = await asyncio.wait_for(process.wait(), WITHIN_S)
        assert ended == 0, said(log)


def said(log: Path) -> str:
    return log.read_text(encoding="utf-8")


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, said(log)
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


def received(bootstrap: str, topic: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Reads the topic from its beginning until there is enough."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": os.urandom(4).hex()})
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


@pytest.fixture
async def environment(postgres: Postgres, broker: Broker) -> dict[str, str]:
    """What the processes are told: an empty database, the broker, an issuer."""
    name = f"registry_{os.urandom(4).hex()}"
    urls = await provide(postgres.url, "registry", name, postgres.password_of)
    broker.create(["registry.bodies.v1", "registry.servants.v1"])
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("TARTIP_")},
        "TARTIP_DATABASE_URL": urls.app,
        "TARTIP_MIGRATOR_DATABASE_URL": urls.migrator,
        "WORKER_URL": urls.worker,
        "TARTIP_KAFKA": broker.bootstrap,
        "TARTIP_PAGE_KEY": "a page key",
        "TARTIP_ALLOW_DEMO_ISSUER": "true",
    }


async def test_a_recorded_body_reaches_kafka_and_may_be_sent_again(environment: dict[str, str], broker: Broker, tmp_path: Path) -> None:
    tokens = Tokens(demo=True)
    assert await command(environment, "migrate") == (0, "")
    assert await command(environment, "migrate") == (0, "")
    async with (
        tokens.serving() as issuer,
        running(environment | {"TARTIP_ISSUER": issuer}, "serve", tmp_path / "serve.log") as address,
        running(environment | {"TARTIP_DATABASE_URL": environment["WORKER_URL"]}, "work", tmp_path / "work.log"),
        channel(address, tokens.mint("operator", OPERATOR)) as opened,
    ):
        stub: Any = state_body_service_pb2_grpc.StateBodyServiceStub(opened)
        await stub.CreateStateBody(new_body("PROC"))
        (first,) = await asyncio.to_thread(received, broker.bootstrap, "registry.bodies.v1", lambda found: len(found) == 1)
        assert first.key() == b"PROC"
        event = events_pb2.StateBodyChanged.FromString(first.value())
        assert (event.body, event.revision) == ("PROC", 1)
        assert dict(first.headers())["schema"] == b"tartip.registry.v1.StateBodyChanged"
        said = await command(environment, "republish", "--topic", "registry.bodies.v1")
        assert said == (0, "1 states of registry.bodies.v1 will be published again\n")
        again = await asyncio.to_thread(received, broker.bootstrap, "registry.bodies.v1", lambda found: len(found) == 2)
        assert [message.value() for message in again] == [first.value()] * 2


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["serve"], "TARTIP_ISSUER"),
        (["work"], "TARTIP_KAFKA"),
        (["migrate"], "TARTIP_MIGRATOR_DATABASE_URL"),
        (["republish", "--topic", "registry.bodies.v1"], "TARTIP_DATABASE_URL"),
    ],
)
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], missing: str
) -> None:
    for name in ("DATABASE_URL", "MIGRATOR_DATABASE_URL", "KAFKA", "ISSUER", "LISTEN", "ADMIN_LISTEN", "PAGE_KEY"):
        monkeypatch.setenv(f"TARTIP_{name}", "given")
    monkeypatch.delenv(missing)
    assert main(arguments) == 2
    assert f"{missing}: is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--topic", "regimes.plans.v1"], ["--topic", "registry.bodies.v1", "--since", "2026-01-12T09:00:00"], []]
)
def test_a_topic_of_others_or_an_instant_without_offset_is_not_republished(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["republish", *arguments])
    assert ended.value.code == 2
