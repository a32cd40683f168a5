"""Faults, each brought about in the middle of work: something is on its way when it happens, or it would show nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from .patience import until
from .stage import Stage
from .traffic import Traffic

Fault = Callable[[Stage, Traffic], Awaitable[None]]

WHO_NEEDS_THE_DATABASE = ("serve", "consume", "work")
AWAY_S = 30.0
PASSAGES = ("timetracking.passages.v1", "timetracking.late-passages.v1")


async def gateway_killed(stage: Stage, traffic: Traffic) -> None:
    """The gateway is killed with requests on the line, and started again."""
    await traffic.on_the_line()
    stage.kill("gateway")
    assert traffic.in_flight > 0
    await stage.start("gateway")


async def consumer_killed(stage: Stage, traffic: Traffic) -> None:
    """The consumer is killed in the middle of a transaction that records passages, and started again.

    Before that it commits to Kafka whatever it has acknowledged, be it too early.
    """
    async with stage.inside.stopping_at("device_days"):
        await until(lambda: stage.inside.stopped("consume"))
        await stage.publish(stage.again(traffic.department))
        await until(lambda: stage.applied("registry.bodies.v1"))
        await until(lambda: stage.inside.stopped("consume"))
        stage.kill("consume")
        assert not await stage.applied(*PASSAGES)
    await stage.start("consume")


async def computing_killed(stage: Stage, traffic: Traffic) -> None:
    """The consumer is killed when passages are recorded and their days are not; the next one computes them."""
    async with stage.inside.stopping_at("workday_versions"):
        await until(lambda: stage.inside.stopped("consume"))
        stage.kill("consume")
        assert await stage.inside.count("due_reads") > 0
    await stage.gone("consume")
    assert await stage.inside.count("due_reads") > 0
    await stage.start("consume")


async def relay_killed_before_kafka_confirms(stage: Stage, traffic: Traffic) -> None:
    """The relay is killed when it has sent events and Kafka has not said that it has them; another one begins again."""
    async with stage.inside.stopping_at("workday_versions"):
        await until(lambda: stage.inside.stopped("consume"))
        stage.kafka.pause()
    try:
        await until(stage.inside.publishing)
        stage.kill("work")
        assert await stage.inside.count("outbox") > 0
    finally:
        stage.kafka.resume()
    await stage.start("work")


async def relay_killed_before_it_deletes(stage: Stage, traffic: Traffic) -> None:
    """The relay is killed when Kafka has its events and the outbox has them still; another one publishes them again."""
    async with stage.inside.stopping_deletions("outbox"):
        await until(lambda: stage.inside.deleting("outbox"))
        stage.kill("work")
        assert await stage.inside.count("outbox") > 0
        await stage.inside.cut("work")
    await stage.start("work")


async def broker_killed(stage: Stage, traffic: Traffic) -> None:
    """Kafka is killed with requests on the line, and started again."""
    await traffic.on_the_line()
    stage.kafka.kill()
    assert traffic.in_flight > 0
    await asyncio.to_thread(stage.kafka.start)


async def broker_restarted(stage: Stage, traffic: Traffic) -> None:
    """Kafka is asked to end with requests on the line, and started again."""
    await traffic.on_the_line()
    stopping = asyncio.create_task(asyncio.to_thread(stage.kafka.stop))
    assert traffic.in_flight > 0
    await stopping
    await asyncio.to_thread(stage.kafka.start)


async def database_killed(stage: Stage, traffic: Traffic) -> None:
    """PostgreSQL is killed in the middle of a transaction that records passages, and started again."""
    async with stage.inside.stopping_at("device_days"):
        await until(lambda: stage.inside.stopped("consume"))
        stage.postgres.kill()
    await asyncio.to_thread(stage.postgres.start)
    await stage.all_ready()


async def database_away(stage: Stage, traffic: Traffic) -> None:
    """PostgreSQL is away for half a minute: who needs it says so, and the gateway goes on taking what its gates send."""
    await traffic.on_the_line()
    began = time.monotonic()
    await asyncio.to_thread(stage.postgres.stop)
    await asyncio.gather(*(stage.ready(name, yes=False) for name in WHO_NEEDS_THE_DATABASE))
    await traffic.more()
    assert not await stage.applied(*PASSAGES)
    await until(lambda: time.monotonic() - began >= AWAY_S)
    await asyncio.to_thread(stage.postgres.start)
    await stage.all_ready()


async def database_hangs(stage: Stage, traffic: Traffic) -> None:
    """PostgreSQL stands still with all its connections open, in the middle of transactions: that is noticed, and gone on from."""
    async with stage.inside.stopping_at("device_days"):
        await until(lambda: stage.inside.stopped("consume"))
        stage.postgres.pause()
    try:
        await asyncio.gather(*(stage.ready(name, yes=False) for name in WHO_NEEDS_THE_DATABASE))
        await traffic.more()
    finally:
        stage.postgres.resume()
    await stage.all_ready()


async def second_consumer_leaves(stage: Stage, traffic: Traffic) -> None:
    """A second consumer joins under load, takes its part, and leaves as it is asked to."""
    await stage.start("consume-2")
    await until(lambda: stage.recorded_by("consume-2"))
    await traffic.on_the_line()
    await stage.leave("consume-2")
    await until(lambda: stage.reads_all("consume"))


async def second_consumer_killed(stage: Stage, traffic: Traffic) -> None:
    """A second consumer joins under load, takes its part, and is killed; the first one takes over."""
    await stage.start("consume-2")
    await until(lambda: stage.recorded_by("consume-2"))
    await traffic.on_the_line()
    stage.kill("consume-2")
    assert traffic.in_flight > 0
    await stage.gone("consume-2")
    await until(lambda: stage.reads_all("consume"))


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *(gateway_killed, consumer_killed, computing_killed, relay_killed_before_kafka_confirms, relay_killed_before_it_deletes),
        *(broker_killed, broker_restarted, database_killed, database_away, database_hangs),
        *(second_consumer_leaves, second_consumer_killed),
    )
}
