"""The real stack's parts as commands of their own, and what is put onto servers that somebody else started."""

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from chassis.testing.artifacts import Say
from chassis.testing.kafka import TOPICS, Kafka, KafkaAt, installed
from chassis.testing.postgres import Postgres
from chassis.testing.real_stack import had
from chassis.topics import read
from localstack.postgres import SERVICES

WITHIN_S = 180
NAMES = {topic.name for topic in read(TOPICS)}


def localstack(*words: str) -> list[str]:
    return [sys.executable, "-m", "localstack", *words]


def test_kafka_has_the_topics_of_the_platform_and_is_named_where_it_ends_by_itself(tmp_path: Path, say: Say) -> None:
    had(lambda: installed(say))
    with subprocess.Popen(localstack("kafka", "--data", str(tmp_path / "data")), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("kafka ready: 127.0.0.1:"), ready + process.stdout.read()
        assert {name for name, _ in KafkaAt(ready.split()[2]).partitions()} == NAMES
        [broker] = psutil.Process(process.pid).children()
        broker.kill()
        assert process.wait(WITHIN_S) == 1
        assert "kafka ended by itself. It said last" in process.stdout.read()


def test_topics_are_created_on_a_kafka_that_somebody_else_started(real_kafka: Kafka) -> None:
    real_kafka.delete(NAMES)
    for _ in range(2):
        done = subprocess.run(localstack("topics", "--kafka", real_kafka.bootstrap), capture_output=True, text=True, check=True)
        assert f"{len(NAMES)} topics are there" in done.stdout
    assert {name for name, _ in real_kafka.partitions()} >= NAMES
    real_kafka.delete(NAMES)


def test_a_kafka_that_is_not_there_is_named() -> None:
    done = subprocess.run(localstack("topics", "--kafka", "127.0.0.1:1", "--within", "1"), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "There is no Kafka at 127.0.0.1:1" in done.stderr


@pytest.mark.usefixtures("run_folder")
async def test_databases_are_created_on_a_postgres_that_somebody_else_started(killable_postgres: Postgres, tmp_path: Path) -> None:
    out = tmp_path / "entrances.json"
    for _ in range(2):
        await asyncio.to_thread(subprocess.run, localstack("databases", killable_postgres.url, "--out", str(out)), check=True)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    urls = json.loads(out.read_text())
    assert set(urls) == set(SERVICES)
    for roles in urls.values():
        for url in roles.values():
            await (await asyncpg.connect(url)).close()
