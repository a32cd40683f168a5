"""A consumer on a broker: nothing is lost, whatever happens to it. These tests stand between us and an upgrade of Faust."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.protocol.fetch import FetchRequest
from chassis import supervision
from chassis.brokers import Brokers
from chassis.bug_limit import BugLimit
from chassis.publisher import Publisher
from chassis.streams import Consumer, StreamBroken, Subscription, TooManyBugs
from chassis.survey import survey
from chassis.testing.broker import Broker
from chassis.testing.cluster import Cluster
from chassis.testing.kafka import Kafka
from chassis.testing.waiting import until as met
from google.protobuf.struct_pb2 import ListValue, Value
from kernel.faults import WrongState
from opentelemetry import trace

WORKER = Path(__file__).with_name("stream_worker.py")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# A machine that runs other tests too is slow; whoever waits longer waits for something that does not come.
PATIENCE_S = 120.0
# A transaction takes as long; what arrives meanwhile is written together.
WORK_S = 0.005
NEVER = -1

Apply = Callable[[Sequence[ListValue]], Awaitable[None]]


def batch(*words: str) -> ListValue:
    return ListValue(values=[Value(string_value=word) for word in words])


def words_of(messages: Iterable[ListValue]) -> list[str]:
    return [value.string_value for message in messages for value in message.values]


async def until(condition: Callable[[], Awaitable[object] | object], patience_s: float = PATIENCE_S) -> None:
    await met(condition, patience_s)


async def to_its_end(consumer: Consumer) -> None:
    """Runs the consumer until it ends by itself."""
    async with asyncio.timeout(PATIENCE_S):
        await consumer.run(asyncio.Event())


class Place:
    """A fresh topic and a fresh group on the broker, and what a use case there was given."""

    def __init__(self, bootstrap: str, publisher: Publisher) -> None:
        self.bootstrap, self.brokers = bootstrap, Brokers(bootstrap)
        self.publisher = publisher
        self.topic = f"tests.t{uuid4().hex}.v1"
        self.group = f"tests-{uuid4().hex}"
        self.groups: list[list[str]] = []
        self.tries = 0
        self.trouble: Callable[[list[str]], Exception | None] = lambda _: None

    @property
    def words(self) -> list[str]:
        return [word for group in self.groups for word in group]

    async def apply(self, messages: Sequence[ListValue]) -> None:
        self.tries += 1
        if (error := self.trouble(words_of(messages))) is not None:
            raise error
        await asyncio.sleep(WORK_S)
        self.groups.append(words_of(messages))

    async def send(self, *messages: ListValue | bytes, key: str | None = None) -> None:
        values = [message.SerializeToString() if isinstance(message, ListValue) else message for message in messages]
        headers = {"traceparent": TRACEPARENT, "event_id": "0192"}
        await asyncio.gather(*(self.publisher.send(self.topic, key.encode() if key else None, value, headers) for value in values))

    @property
    def subscription(self) -> Subscription[ListValue]:
        return self.subscribed(self.apply)

    def subscribed(self, apply: Apply) -> Subscription[ListValue]:
        return Subscription(
            self.topic,
            ListValue,
            apply,
            weight=lambda message: len(message.values),
            split=lambda message: [ListValue(values=[value]) for value in message.values],
        )

    def consumer(self, apply: Apply | None = None, *others: Subscription[ListValue], **more: Any) -> Consumer:
        return self.consuming_of(self.subscribed(apply or self.apply), *others, **more)

    def consuming_of(self, *subscriptions: Subscription[ListValue], **more: Any) -> Consumer:
        more = {"session_timeout_s": 3.0, "commit_interval_s": 0.2, "grace_s": 1.0, "farewell_s": 1.0, **more}
        return Consumer(self.group, self.brokers, subscriptions, self.publisher.send, **more)

    @asynccontextmanager
    async def consuming(self, consumer: Consumer) -> AsyncIterator[asyncio.Task[None]]:
        stop = asyncio.Event()
        running = asyncio.create_task(consumer.run(stop))
        try:
            yield running
        finally:
            stop.set()
            async with asyncio.timeout(PATIENCE_S):
                await running

    async def committed(self) -> int:
        """How many messages of the topic the group has done with."""
        return sum(extent.start for extent in (await survey(self.brokers, self.group, [self.topic])).values())

    async def until_committed(self, count: int) -> None:
        async def all_of_them() -> bool:
            return await self.committed() >= count

        await until(all_of_them)

    async def parked(self, count: int) -> list[tuple[bytes | None, bytes, dict[str, str]]]:
        """The records of the parking lot, as soon as there are so many."""
        from aiokafka import AIOKafkaConsumer

        reader = AIOKafkaConsumer(f"{self.topic}.parked", bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await reader.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                records = [await reader.getone() for _ in range(count)]
        finally:
            await reader.stop()
        return [(each.key, each.value, {name: value.decode() for name, value in each.headers}) for each in records]


@pytest.fixture(scope="module")
async def publisher(cluster: Cluster) -> AsyncIterator[Publisher]:
    publisher = Publisher(cluster.brokers)
    yield publisher
    await publisher.close()


@pytest.fixture
def place(cluster: Cluster, publisher: Publisher) -> Place:
    place = Place(cluster.bootstrap, publisher)
    cluster.create([place.topic, f"{place.topic}.parked"])
    return place


@pytest.fixture(scope="module")
async def places(cluster: Cluster, publisher: Publisher) -> AsyncIterator[Iterator[Place]]:
    """Places that one consumer serves together, a fresh one a test; starting a consumer for each would take seconds."""
    made = [Place(cluster.bootstrap, publisher) for _ in range(5)]
    for place in made:
        place.group = made[0].group
        cluster.create([place.topic, f"{place.topic}.parked"])
    consumer = made[0].consumer(None, *(place.subscription for place in made[1:]))
    async with made[0].consuming(consumer):
        await until(lambda: consumer.ready)
        yield iter(made)


@pytest.fixture
def served(places: Iterator[Place]) -> Place:
    return next(places)


async def test_a_consumer_keeps_no_folder_that_a_killed_one_would_leave(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    consumer = place.consumer()
    async with place.consuming(consumer):
        await until(lambda: consumer.ready)
        assert os.listdir(tmp_path) == []


async def test_what_was_parked_says_when_by_the_clock_of_its_consumer(place: Place) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    place.trouble = lambda words: WrongState("NO") if words else None
    await place.send(batch("bad"))
    async with place.consuming(place.consumer(clock=lambda: at)):
        ((_, _, headers),) = await place.parked(1)
    assert (headers["first_failed_at"], headers["parked_at"]) == (at.isoformat(), at.isoformat())


async def test_many_small_messages_are_applied_together_in_their_order(served: Place) -> None:
    await served.send(*(batch(str(number)) for number in range(400)), key="one partition")
    await until(lambda: len(served.words) >= 400)
    await served.until_committed(400)
    assert served.words == [str(number) for number in range(400)]
    assert len(served.groups) < 200, "less than two at a time; on a machine that is busy otherwise three or four are"


async def test_a_raising_handler_loses_nothing(served: Place) -> None:
    served.trouble = lambda words: KeyError("a bug") if served.tries < 4 or "77" in words else None
    await served.send(*(batch(str(number)) for number in range(200)))
    await until(lambda: len(set(served.words)) >= 199)
    [(_, value, headers)] = await served.parked(1)
    await served.until_committed(200)
    assert set(served.words) == {str(number) for number in range(200)} - {"77"}
    assert (ListValue.FromString(value), headers["reason"]) == (batch("77"), "bug")


async def test_an_unreadable_message_is_parked_and_the_rest_goes_on(served: Place) -> None:
    await served.send(batch("a"), b"\xff\xff", batch("b"), key="k")
    await until(lambda: len(served.words) == 2)
    [(key, value, headers)] = await served.parked(1)
    await served.until_committed(3)
    assert (key, value, headers["reason"]) == (b"k", b"\xff\xff", "unreadable")
    assert served.words == ["a", "b"]


async def test_one_bad_piece_of_a_batch_is_parked_alone_with_its_origin_and_trace(served: Place) -> None:
    seen: set[str] = set()

    def trouble(words: list[str]) -> Exception | None:
        seen.add(trace.format_trace_id(trace.get_current_span().get_span_context().trace_id))
        return WrongState("DAY_CLOSED") if "bad" in words else None

    served.trouble = trouble
    await served.send(batch("a", "b"), batch("c", "bad", "d"), key="k")
    await until(lambda: len(served.words) == 4)
    [(key, value, headers)] = await served.parked(1)
    await served.until_committed(2)
    assert (key, ListValue.FromString(value)) == (b"k", batch("bad"))
    topic, _, place_in_batch = headers["origin"].split("/", 2)
    assert (topic, place_in_batch) == (served.topic, "1/1")
    assert {name: headers[name] for name in ("reason", "error", "traceparent", "event_id")} == {
        "reason": "DAY_CLOSED",
        "error": "DAY_CLOSED",
        "traceparent": TRACEPARENT,
        "event_id": "0192",
    }
    assert int(headers["attempts"]) > 1
    assert headers["first_failed_at"].endswith("+00:00")
    assert seen == {TRACEPARENT.split("-")[1]}


async def test_what_was_away_and_comes_back_is_gone_on_with_in_place(served: Place) -> None:
    served.trouble = lambda _: ConnectionRefusedError() if served.tries < 5 else None
    await served.send(*(batch(str(number)) for number in range(50)), key="one partition")
    await until(lambda: len(served.words) >= 50)
    await served.until_committed(50)
    assert served.words == [str(number) for number in range(50)]


async def test_while_something_is_away_nothing_is_acknowledged_and_all_comes_again(place: Place) -> None:
    await place.send(*(batch(str(number)) for number in range(50)))
    tries = 0

    async def away(_: Sequence[ListValue]) -> None:
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError

    holding = place.consumer(away)
    async with place.consuming(holding):
        await until(lambda: tries >= 4)
        assert not holding.ready
    assert await place.committed() == 0

    consumer = place.consumer()
    async with place.consuming(consumer):
        await until(lambda: len(place.words) >= 50)
        await until(lambda: consumer.ready)
    assert sorted(place.words) == sorted(str(number) for number in range(50))
    assert await place.committed() == 50


async def test_of_a_backlog_of_large_messages_little_waits_in_memory(place: Place) -> None:
    bound, large, count = 256 << 10, "x" * (32 << 10), 100
    waited = [0]

    async def apply(messages: Sequence[ListValue]) -> None:
        waited.append(consumer.buffered)
        await place.apply(messages)

    await place.send(*(batch(str(number), large) for number in range(count)))
    one_by_one = replace(place.subscribed(apply), most=1)
    consumer = place.consuming_of(one_by_one, buffered_bytes=bound)
    async with place.consuming(consumer):
        await until(lambda: len(place.words) == 2 * count)
        await place.until_committed(count)
    assert {str(number) for number in range(count)} < set(place.words)
    assert bound / 2 < max(waited) < bound + 2 * len(large)


async def test_no_empty_answer_is_waited_for_long(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = set[int]()
    real = FetchRequest.__init__

    def seen(request: Any, max_wait_ms: int, *rest: Any, **named: Any) -> None:
        asked.add(max_wait_ms)
        real(request, max_wait_ms, *rest, **named)

    monkeypatch.setattr(FetchRequest, "__init__", seen)
    await place.send(batch("a"))
    async with place.consuming(place.consumer()):
        await until(lambda: place.words == ["a"])
    assert asked
    assert max(asked) <= 200


async def test_a_program_that_fails_at_everything_stops_and_leaves_the_topic_as_it_is(place: Place) -> None:
    async def broken(_: Sequence[ListValue]) -> None:
        raise AttributeError

    await place.send(batch(*(str(number) for number in range(100))))
    with pytest.raises(TooManyBugs):
        await to_its_end(place.consumer(broken, limit=BugLimit(at_least=20)))
    assert await place.committed() == 0


async def test_a_consumer_whose_stream_breaks_ends_with_an_error(place: Place) -> None:
    def weigh(_: ListValue) -> int:
        raise AttributeError

    await place.send(batch("a"))
    consumer = Consumer(place.group, place.brokers, [Subscription(place.topic, ListValue, place.apply, weigh)], place.publisher.send)
    with pytest.raises(StreamBroken):
        await to_its_end(consumer)
    assert await place.committed() == 0


async def test_a_position_is_what_is_applied_also_after_a_restart(place: Place) -> None:
    await place.send(*(batch(str(number)) for number in range(10)))
    go = asyncio.Event()

    async def apply(messages: Sequence[ListValue]) -> None:
        await go.wait()
        await place.apply(messages)

    consumer = place.consumer(apply)
    async with place.consuming(consumer):
        await until(lambda: consumer.ready)
        assert sum(consumer.positions.values()) == 0
        go.set()
        await until(lambda: sum(consumer.positions.values()) == 10)

    again = place.consumer()
    async with place.consuming(again):
        await until(lambda: again.ready)
        assert sum(again.positions.values()) == 10
    assert len(place.words) == 10


async def test_a_hole_that_compaction_left_behind_the_first_message_does_not_end_the_commits(real_kafka: Kafka) -> None:
    publisher = Publisher(real_kafka.brokers)
    place = Place(real_kafka.bootstrap, publisher)
    real_kafka.create([place.topic], {"cleanup.policy": "compact", "segment.ms": "50", "min.cleanable.dirty.ratio": "0.01"})

    async def send(key: bytes) -> None:
        await publisher.send(place.topic, key, batch(key.decode()).SerializeToString(), {}, 0)

    async def cleaned() -> bool:
        await send(b"changes")
        first, following, *_ = await asyncio.to_thread(real_kafka.read, place.topic)
        return bool(first.offset() == 0 and following.offset() > 2)

    for key in (b"stays", b"changes"):
        await send(key)
    await until(cleaned)
    end = real_kafka.extents(place.topic)[0][1]
    consumer = place.consumer()
    async with place.consuming(consumer):
        await until(lambda: consumer.ready)
        await place.until_committed(end)
    assert place.words[:2] == ["stays", "changes"]
    await publisher.close()


async def test_while_one_topic_is_behind_another_gives_way_to_it(place: Place, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """After its first group the second one rests, as long as the first topic has more to do than comes at once."""
    monkeypatch.setattr(supervision, "REST", 10**6)
    monkeypatch.setattr(supervision, "LONGEST_REST_S", PATIENCE_S)
    second = Place(place.bootstrap, place.publisher)
    cluster.create([second.topic])
    go = asyncio.Event()

    async def apply(messages: Sequence[ListValue]) -> None:
        await go.wait()
        await place.apply(messages)

    await place.send(*(batch(str(number)) for number in range(100)))
    consumer = place.consumer(apply, replace(second.subscription, after=place.topic))
    async with place.consuming(consumer):
        await until(lambda: consumer.ready)
        await second.send(batch("a"))
        await until(lambda: second.words == ["a"])
        await second.send(batch("b"))
        await until(lambda: consumer._positions.behind(second.topic) == 1)
        assert second.words == ["a"]
        go.set()
        await until(lambda: second.words == ["a", "b"])


async def test_a_topic_that_is_not_there_yet_is_waited_for(publisher: Publisher) -> None:
    place = Place("127.0.0.1:1", publisher)
    consumer = place.consumer()
    async with place.consuming(consumer) as running:
        await asyncio.sleep(0)
        assert not running.done()
        assert not consumer.ready


async def kept_running(make: Callable[[], Consumer], stop: asyncio.Event) -> None:
    """As a runner does: a consumer that breaks is started anew.

    The in-process broker refuses a member's SyncGroup that comes after the leader's, which aiokafka does not survive.
    """
    while not stop.is_set():
        with suppress(StreamBroken):
            await make().run(stop)


async def test_a_rebalance_under_load_loses_nothing(place: Place) -> None:
    others: list[str] = []
    applied: set[str] = set()
    sent = 0
    over, first_stop, second_stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def room_for_more() -> bool:
        """Some messages always wait, and never so many that catching up with them is what the test measures."""
        return over.is_set() or sent - len(applied) < 1000

    async def apply_here(messages: Sequence[ListValue]) -> None:
        await place.apply(messages)
        applied.update(words_of(messages))

    async def apply_elsewhere(messages: Sequence[ListValue]) -> None:
        await asyncio.sleep(WORK_S)
        others.extend(words_of(messages))
        applied.update(words_of(messages))

    async def load() -> None:
        nonlocal sent
        while not over.is_set():
            await until(room_for_more)
            await place.send(*(batch(str(sent + number)) for number in range(20)))
            sent += 20

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load())
        tasks.create_task(kept_running(lambda: place.consumer(apply_here, longest_rebalance_s=6), first_stop))
        await until(lambda: len(place.words) > 100)
        tasks.create_task(kept_running(lambda: place.consumer(apply_elsewhere, longest_rebalance_s=6), second_stop))
        before = len(place.words)
        await until(lambda: len(others) > 100 and len(place.words) > before + 100, PATIENCE_S)
        first_stop.set()
        before = len(others)
        await until(lambda: len(others) > before + 500)
        over.set()
        await until(lambda: len(applied) >= sent)
        await place.until_committed(sent)  # what was applied while the partitions were handed on comes again
        second_stop.set()
    assert applied == {str(number) for number in range(sent)}
    assert await place.committed() == sent


class Worker:
    """The consumer in a process of its own."""

    def __init__(self, place: Place, file: Path) -> None:
        self.place = place
        self.file = file
        with closing(sqlite3.connect(file)) as database:
            database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE stored (word TEXT PRIMARY KEY); CREATE TABLE seen (word TEXT);")

    @asynccontextmanager
    async def running(self, stuck_after: int = NEVER) -> AsyncIterator[asyncio.subprocess.Process]:
        arguments = [str(WORKER), self.place.bootstrap, self.place.group, self.place.topic, str(self.file), str(stuck_after)]
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def words(self, table: str = "stored") -> list[str]:
        with closing(sqlite3.connect(self.file)) as database:
            return [word for (word,) in database.execute(f"SELECT word FROM {table}")]


async def said(process: asyncio.subprocess.Process, word: str, times: int = 1) -> None:
    """Waits until the process printed the word so often."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(times):
            while (line := await process.stdout.readline()).decode().strip() != word:
                assert line, "the process ended"


@pytest.fixture
def worker(place: Place, tmp_path: Path) -> Worker:
    return Worker(place, tmp_path / "stored.sqlite")


async def test_kill_9_in_the_middle_of_a_transaction_loses_and_doubles_nothing(place: Place, worker: Worker) -> None:
    expected = {f"{number}{half}" for number in range(1500) for half in "ab"}
    await place.send(*(batch(f"{number}a", f"{number}b") for number in range(1500)))
    for groups in (3, 40):
        async with worker.running(stuck_after=groups) as process:
            await said(process, "stuck")
            stored = len(worker.words())
            assert 0 < stored < len(expected)
            # Once Kafka has the offsets of what is stored, it also has whatever was acknowledged too early.
            await place.until_committed(stored // 2)
            process.send_signal(signal.SIGKILL)
    async with worker.running():
        await until(lambda: set(worker.words()) >= expected)
        await place.until_committed(1500)
    assert set(worker.words()) == set(worker.words("seen")) == expected


async def test_sigterm_ends_a_consumer_in_bounded_time_and_its_unacknowledged_message_comes_again(place: Place, worker: Worker) -> None:
    await place.send(batch("a"))
    async with worker.running(stuck_after=0) as process:
        await said(process, "stuck")
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
        took_s = time.monotonic() - asked
    assert took_s < 20
    assert worker.words() == []
    async with worker.running() as process:
        await said(process, "applied")
    assert worker.words() == ["a"]


async def test_sigterm_ends_a_consumer_whose_broker_is_away(tmp_path: Path) -> None:
    broker = Broker()
    publisher = Publisher(broker.brokers)
    place = Place(broker.bootstrap, publisher)
    broker.create([place.topic])
    worker = Worker(place, tmp_path / "stored.sqlite")
    await place.send(batch("a"))
    async with worker.running() as process:
        await said(process, "applied")
        await publisher.close()
        broker.stop()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
    assert worker.words() == ["a"]
