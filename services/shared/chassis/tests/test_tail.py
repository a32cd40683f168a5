"""Topics read from beside: each message counts once, whatever dies between its effect and the next look."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from chassis import tail
from chassis.brokers import Brokers
from chassis.database import Database
from chassis.positions import Partition
from chassis.publisher import Outgoing, Publisher
from chassis.read_positions import Record, unread
from chassis.tail import Tail
from chassis.testing.bare import change
from chassis.testing.cluster import Cluster
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.kafka import Kafka
from chassis.testing.waiting import until

numbers = itertools.count(1)
FIRST = Record("t", 0, 0, None, b"a", {})


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


@pytest.fixture
def topic(cluster: Cluster) -> str:
    name = f"bare.tailed-{next(numbers)}.v1"
    cluster.create([name])
    return name


class Counting:
    """Counts each message in the database, under its value; fails as often as it is told to, after its write."""

    def __init__(self, database: Database, failures: int = 0) -> None:
        self.database, self.failures = database, failures
        self.taken: list[str] = []

    async def __call__(self, records: Sequence[Record]) -> None:
        words = [(each.value or b"").decode() for each in records]
        async with self.database.transaction() as transaction:
            for word in words:
                await change(transaction, word)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("killed before the commit")
        self.taken += words
        assert all(each.partitions == 4 for each in records if each.topic.startswith("bare."))


@asynccontextmanager
async def reading(tail: Tail) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(tail.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def send(publisher: Publisher, topic: str, *words: str) -> None:
    await publisher.send_all(Outgoing(topic, None, word.encode(), {"event_id": word}, number % 4) for number, word in enumerate(words))


async def counted(fresh: FreshDatabase) -> dict[str, int]:
    return {row["key"]: row["revision"] for row in await fresh.rows("SELECT key, revision FROM states")}


async def test_each_message_counts_once_over_failures_and_restarts(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, topic: str
) -> None:
    words = [f"w{number}" for number in range(40)]
    await send(publisher, topic, *words[:20])
    failing = Counting(fresh.worker, failures=2)
    async with reading(Tail("counts", fresh.worker, cluster.brokers, [topic], failing)):
        await until(lambda: len(failing.taken) == 20)
    await send(publisher, topic, *words[20:])
    later = Counting(fresh.worker)
    async with reading(Tail("counts", fresh.worker, cluster.brokers, [topic], later)):
        await until(lambda: len(later.taken) == 20)
    assert sorted(later.taken) == sorted(words[20:])
    assert await counted(fresh) == dict.fromkeys(words, 1)


async def test_it_says_that_all_was_taken_once_it_was_and_not_while_something_fails(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, topic: str
) -> None:
    taker, complete = Counting(fresh.worker, failures=1), list[int]()

    async def told(_: float) -> None:
        complete.append(len(taker.taken))

    await send(publisher, topic, "a", "b", "c", "d", "e")
    async with reading(Tail("counts", fresh.worker, cluster.brokers, [topic], taker, complete=told)):
        await until(lambda: len(complete) > 1)
    assert set(complete) == {5}


async def test_while_the_broker_is_away_nothing_is_said_to_be_taken(
    fresh: FreshDatabase, killable_kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "AWAY_AFTER_S", 2.0)
    killable_kafka.create(["bare.away.v1"])
    complete = list[float]()

    async def told(at: float) -> None:
        complete.append(at)

    reader = Tail("counts", fresh.worker, killable_kafka.brokers, ["bare.away.v1"], Counting(fresh.worker), complete=told)
    async with reading(reader):
        await until(lambda: complete)
        killable_kafka.kill()
        killed = time.time() + 1  # an answer may be on its way to us
        await until(lambda: not reader.ready)
        assert max(complete) < killed
        await asyncio.to_thread(killable_kafka.start)
        await until(lambda: max(complete) > killed)
    assert not reader.ready


async def test_another_reader_reads_everything_for_itself(fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, topic: str) -> None:
    await send(publisher, topic, "a", "b")
    first, second = Counting(fresh.worker), Counting(fresh.worker)
    for name, taken in (("first", first), ("second", second)):
        async with reading(Tail(name, fresh.worker, cluster.brokers, [topic], taken)):
            await until(lambda: len(taken.taken) == 2)  # noqa: B023
    assert sorted(first.taken) == sorted(second.taken) == ["a", "b"]


async def test_of_two_readers_of_one_name_each_message_is_had_by_one(fresh: FreshDatabase) -> None:
    records = [Record("t", number % 3, number // 3, None, f"w{number}".encode(), {}) for number in range(30)]
    takers = [Counting(fresh.worker), Counting(fresh.app)]
    tails = [Tail("counts", each.database, Brokers(""), ["t"], each) for each in takers]
    await asyncio.gather(*(tail.hand_over(records) for tail in tails))
    assert sorted(len(each.taken) for each in takers) == [0, 30]
    assert await counted(fresh) == {f"w{number}": 1 for number in range(30)}


async def test_a_topic_that_was_born_anew_is_read_from_its_beginning(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, topic: str
) -> None:
    async with fresh.worker.transaction() as transaction:
        assert await unread(transaction, "counts", [Record(topic, 0, 99, None, b"before", {})])
    await send(publisher, topic, "a", "b")
    taker, told = Counting(fresh.worker), list[Partition]()

    async def born_anew(place: Partition) -> None:
        told.append(place)

    async with reading(Tail("counts", fresh.worker, cluster.brokers, [topic], taker, born_anew)):
        await until(lambda: len(taker.taken) == 2)
    assert await counted(fresh) == {"a": 1, "b": 1}
    assert told == [(topic, 0)]


async def test_a_topic_that_is_not_there_yet_is_waited_for(fresh: FreshDatabase, cluster: Cluster, publisher: Publisher) -> None:
    topic, taker = f"bare.tailed-{next(numbers)}.v1", Counting(fresh.worker)
    tail = Tail("counts", fresh.worker, cluster.brokers, [topic], taker)
    async with reading(tail):
        cluster.create([topic])
        await send(publisher, topic, "a")
        await until(lambda: taker.taken == ["a"])
        await until(lambda: tail.ready)


async def test_what_was_rolled_back_was_not_had(fresh: FreshDatabase) -> None:
    async def fail() -> None:
        async with fresh.worker.transaction() as transaction:
            assert await unread(transaction, "counts", [FIRST]) == [FIRST]
            raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await fail()
