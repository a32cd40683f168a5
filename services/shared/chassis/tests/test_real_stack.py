"""Kafka and PostgreSQL as tests kill them: what was acknowledged is there when they come back."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
import pytest
from chassis.publisher import Outgoing, Publisher
from chassis.testing import artifacts
from chassis.testing.artifacts import NotToBeHad
from chassis.testing.daemons import Daemon, NotStarted
from chassis.testing.kafka import Kafka
from chassis.testing.postgres import Postgres
from chassis.testing.real_stack import REQUIRED, had
from chassis.testing.waiting import until
from confluent_kafka.admin import ConfigResource, ResourceType


def fresh() -> str:
    return f"tests.t{uuid4().hex}.v1"


def settings_of(kafka: Kafka, topic: str) -> dict[str, str]:
    [found] = kafka.handle.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in found.result().items()}


async def send(publisher: Publisher, topic: str, count: int) -> None:
    await publisher.send_all(Outgoing(topic, str(number).encode(), bytes(100), {}) for number in range(count))


def test_a_topic_of_the_platform_is_born_as_its_file_says(real_kafka: Kafka) -> None:
    plans, passages, ours = "regimes.plans.v1", "timetracking.passages.v1.parked", fresh()
    real_kafka.create([plans, passages])
    real_kafka.create([plans, ours], {"retention.ms": "60000"})
    count = [sum(name == topic for topic, _ in real_kafka.partitions()) for name in (plans, passages, ours)]
    assert count == [24, 24, 4]
    assert settings_of(real_kafka, plans)["cleanup.policy"] == "compact"
    assert settings_of(real_kafka, passages)["retention.ms"] == str(180 * 24 * 3600 * 1000)
    assert settings_of(real_kafka, ours)["retention.ms"] == "60000"


def test_a_topic_that_nobody_created_does_not_come_about(real_kafka: Kafka) -> None:
    topic = fresh()
    assert real_kafka.extents(topic) == {}
    assert topic not in {name for name, _ in real_kafka.partitions()}


async def test_a_compacted_topic_keeps_the_newest_of_each_key(real_kafka: Kafka) -> None:
    topic = fresh()
    # Days become moments: the next segment is begun at once, and an old one is cleaned without a wait.
    real_kafka.create([topic], {"cleanup.policy": "compact", "segment.ms": "50", "min.cleanable.dirty.ratio": "0.01"})
    publisher = Publisher(real_kafka.brokers)
    for _ in range(3):
        await send(publisher, topic, 20)

    async def only_the_newest() -> bool:
        # The newest segment is never cleaned, and a message begins the next one.
        await publisher.send_all(Outgoing(topic, b"another", b"", {}, partition=number) for number in range(4))
        keys = [message.key() for message in await asyncio.to_thread(real_kafka.read, topic)]
        return all(keys.count(str(number).encode()) == 1 for number in range(20))

    await until(only_the_newest)
    await publisher.close()


async def test_a_killed_broker_has_everything_that_it_acknowledged(killable_kafka: Kafka) -> None:
    topic = fresh()
    killable_kafka.create([topic])
    publisher = Publisher(killable_kafka.brokers)
    await send(publisher, topic, 1_000)
    killable_kafka.kill()
    assert not killable_kafka.running
    sending = asyncio.create_task(send(publisher, topic, 10))
    await asyncio.to_thread(killable_kafka.start)
    await sending
    assert len(await asyncio.to_thread(killable_kafka.read, topic)) == 1_010
    killable_kafka.pause()
    sending = asyncio.create_task(send(publisher, topic, 10))
    assert await asyncio.wait([sending], timeout=0.5) == (set(), {sending})
    killable_kafka.resume()
    await sending
    await publisher.close()


async def test_a_killed_database_has_everything_that_it_committed(killable_postgres: Postgres) -> None:
    session = await asyncpg.connect(killable_postgres.url)
    await session.execute("CREATE TABLE kept (number int); INSERT INTO kept VALUES (7)")
    children = psutil.Process(killable_postgres.pid).children(recursive=True)
    killable_postgres.kill()
    assert not any(child.is_running() for child in children)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)):
        await session.fetchval("SELECT 1")
    await asyncio.to_thread(killable_postgres.start)
    session = await asyncpg.connect(killable_postgres.url)
    assert await session.fetchval("SELECT number FROM kept") == 7
    killable_postgres.pause()
    asking = asyncio.create_task(session.fetchval("SELECT number FROM kept"))
    assert await asyncio.wait([asking], timeout=0.5) == (set(), {asking})
    killable_postgres.resume()
    assert await asking == 7
    await session.close()


def test_a_server_that_ends_by_itself_says_what_it_said_last(tmp_path: Path) -> None:
    daemon = Daemon("server", tmp_path / "log")
    daemon.spawn(["sh", "-c", "echo this is why; exit 3"], tmp_path)
    with pytest.raises(NotStarted, match=r"server ended(.|\n)*this is why"):
        daemon.until(lambda: False)


def test_a_machine_without_java_skips_by_name_and_fails_where_the_real_stack_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no java on the PATH: install Java 17 or newer"):
        had(artifacts.java)
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match=f"{REQUIRED} is set, and there is no java"):
        had(artifacts.java)


def test_what_maven_brings_is_held_to_its_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "infra" / "server"
    named.mkdir(parents=True)
    (named / "pom.xml").write_text("<project/>")
    (named / "sha256sums").write_text(f"{'0' * 64}  server.jar\n")
    monkeypatch.setattr(artifacts, "NAMED", tmp_path / "infra")
    monkeypatch.setattr(artifacts, "FETCHED", tmp_path / "build")
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(
        '#!/bin/sh\nfor word; do case $word in -Dgathered=*) into=${word#*=};; esac; done\nmkdir -p "$into"; echo x > "$into/server.jar"\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/usr/bin:/bin")
    said: list[str] = []
    with pytest.raises(NotToBeHad, match=r"something else than .*sha256sums names: server\.jar"):
        artifacts.fetched("server", said.append)
    [told] = said
    assert told.startswith("server: Maven fetches what infra/server/pom.xml names, once")
