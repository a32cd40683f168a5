import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from chassis.brokers import Brokers
from chassis.publisher import NotPublished, Outgoing, Publisher
from chassis.testing.kafka import TOPICS
from chassis.topics import read

WITHIN_S = 30


@contextmanager
def running(*more: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "localstack", "broker", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("broker ready: 127.0.0.1:")
            yield process, ready.split()[2]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(WITHIN_S)


async def test_every_topic_of_the_platform_is_there() -> None:
    with running() as (process, bootstrap):
        publisher = Publisher(Brokers(bootstrap))
        for topic in read(TOPICS):
            assert await publisher.partitions(topic.name) == 4
        await publisher.close()
    assert process.returncode == 0


async def test_it_stops_with_a_named_error_before_anything_is_dropped() -> None:
    topic, kilobyte = "timetracking.passages.v1", bytes(1_000)
    with running() as (process, bootstrap):
        publisher = Publisher(Brokers(bootstrap), give_up_after_ms=2_000)
        await publisher.send_all(Outgoing(topic, None, kilobyte, {}, partition=1) for _ in range(3_500))
        assert process.poll() is None
        with pytest.raises(NotPublished):
            await send_on(publisher, Outgoing(topic, None, kilobyte, {}, partition=1), most=1_500)
        assert process.wait(WITHIN_S) == 3
        assert process.stderr is not None
        assert f"BrokerFull: {topic}/1 holds" in process.stderr.read()
        await publisher.close()


async def send_on(publisher: Publisher, message: Outgoing, most: int) -> None:
    """One by one, as devices do: up to what the broker would have dropped."""
    for _ in range(most):
        await publisher.send(message.topic, message.key, message.value, message.headers, message.partition)
