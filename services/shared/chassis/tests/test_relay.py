import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import pytest
import sqlalchemy as sa
from chassis.database import Database
from chassis.outbox import OutboxRow
from chassis.publisher import NotPublished, Outgoing, Publisher, partition_of
from chassis.relay import BATCH_BYTES, Relay, Sender
from chassis.tables import outbox
from chassis.testing.bare import change
from chassis.testing.broker import Broker
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value

WITHIN_S = 30.0
numbers = itertools.count(1)


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


@pytest.fixture
async def publisher(broker: Broker) -> AsyncIterator[Publisher]:
    made = Publisher(broker.brokers)
    yield made
    await made.close()


@pytest.fixture
def topic() -> str:
    return f"bare.relayed-{next(numbers)}.v1"


async def test_what_was_committed_arrives_once_in_order_with_its_headers(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    for first in range(0, 30, 10):
        await write(fresh.app, topic, range(first, first + 10))
    async with relaying(fresh, publisher):
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == list(range(30))
    headers = dict(broker.read(topic)[0].headers())
    assert headers["schema"] == b"google.protobuf.Int64Value"
    assert headers["event_id"]


async def test_a_message_without_a_key_goes_again_where_it_went_before(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    async with fresh.app.transaction() as tx:
        for number in (3, 1, 2):
            tx.publish_again(OutboxRow(topic, "", bytes([number]), {"event_id": f"e{number}", "attempts": "2"}, number))
        tx.publish_again(OutboxRow(topic, "KGD", b"by its key", {}))
    async with relaying(fresh, publisher):
        await until(lambda: empty(fresh.app))
    found = {message.value(): (message.partition(), message.key(), dict(message.headers() or ())) for message in broker.read(topic)}
    for number in (1, 2, 3):
        assert found[bytes([number])] == (number, None, {"event_id": f"e{number}".encode(), "attempts": b"2"})
    assert found[b"by its key"][:2] == (partition_of(b"KGD", 4), b"KGD")


async def test_nothing_is_skipped_when_an_older_transaction_commits_last(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    async with relaying(fresh, publisher) as relay:
        async with fresh.app.transaction() as older:
            older.publish(topic, "k", Int64Value(value=1))
            await older.flush()
            await write(fresh.worker, topic, [2])
            # The relay has looked twice since the younger row was there, and has left it.
            await looked(relay)
            assert arrived(broker, topic) == []
            assert await waiting(fresh.app) == 1
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == [1, 2]


async def test_order_is_that_of_transactions_and_not_of_rows(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    async with fresh.app.transaction() as older:
        await change(older, "k")  # its number is drawn here
        await write(fresh.worker, topic, [2])
        older.publish(topic, "k", Int64Value(value=1))
    async with relaying(fresh, publisher):
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == [1, 2]


async def test_transactions_are_ordered_as_numbers(fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str) -> None:
    await write(fresh.app, topic, range(4))
    for number, xid in enumerate(("9", "10", "99", "100")):
        payload = Int64Value(value=number).SerializeToString().hex()
        await fresh.rows(f"UPDATE outbox SET xid = '{xid}' WHERE payload = '\\x{payload}'")
    async with relaying(fresh, publisher, batch=3):
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == [0, 1, 2, 3]


async def test_a_batch_holds_so_many_bytes_and_at_least_one_row(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    async with fresh.app.transaction() as tx:
        tx.publish(topic, "k", None)
        for length in (10, 500, 10, 10, 10):
            tx.publish(topic, "k", BytesValue(value=bytes(length)))
    counted = Counts(publisher)
    async with relaying(fresh, counted, batch_bytes=30):
        await until(lambda: empty(fresh.app))
    assert [len(BytesValue.FromString(message.value() or b"").value) for message in broker.read(topic)] == [0, 10, 500, 10, 10, 10]
    assert counted.batches == [3, 3]


async def test_a_tombstone_behind_what_does_not_fit_waits_with_it(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    async with fresh.app.transaction() as tx:
        for length in (40, 50):
            tx.publish(topic, "k", BytesValue(value=bytes(length)))
        tx.publish(topic, "k", None)
    async with relaying(fresh, publisher, batch_bytes=30):
        await until(lambda: empty(fresh.app))
    assert [len(BytesValue.FromString(message.value() or b"").value) for message in broker.read(topic)] == [40, 50, 0]


async def test_a_stop_leaves_nothing_behind_that_could_be_sent_later(
    fresh: FreshDatabase, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.relay.GRACE_S", 0.01)
    await write(fresh.app, topic, range(5))
    silent, stop = NeverArrives(), asyncio.Event()
    task = asyncio.create_task(Relay(fresh.worker, silent).run(stop))
    await silent.reached.wait()
    stop.set()
    await task
    assert silent.forgotten
    assert await waiting(fresh.app) == 5


async def test_a_relay_that_loses_its_lock_leaves_nothing_behind_that_could_be_sent_later(fresh: FreshDatabase, topic: str) -> None:
    await write(fresh.app, topic, range(5))
    silent, stop = NeverArrives(), asyncio.Event()
    task = asyncio.create_task(Relay(fresh.worker, silent).run(stop))
    await silent.reached.wait()
    await end_sessions_holding_the_lock(fresh)
    await until(lambda: silent.forgotten)
    stop.set()
    await task
    assert await waiting(fresh.app) == 5


async def test_only_what_was_sent_is_deleted(fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str) -> None:
    await write(fresh.app, topic, range(5))
    async with relaying(fresh, publisher, batch=2):
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == list(range(5))


async def test_a_relay_killed_before_it_deletes_doubles_and_loses_nothing(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    await write(fresh.app, topic, range(5))
    killed = DiesAfterSending(publisher)
    with pytest.raises(Died):
        await Relay(fresh.worker, killed).run(asyncio.Event())
    assert arrived(broker, topic) == list(range(5))
    assert await waiting(fresh.app) == 5
    async with relaying(fresh, publisher):
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == [*range(5), *range(5)]


async def test_a_relay_cancelled_while_it_waits_for_kafka_leaves_its_rows(fresh: FreshDatabase, topic: str) -> None:
    await write(fresh.app, topic, range(5))
    silent = NeverArrives()
    task = asyncio.create_task(Relay(fresh.worker, silent).run(asyncio.Event()))
    await silent.reached.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await waiting(fresh.app) == 5


async def test_the_standby_takes_over_when_the_active_one_dies(
    fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str
) -> None:
    async with relaying(fresh, publisher) as first, relaying(fresh, publisher) as second:
        await until(lambda: either(first, second))
        active, standby = (first, second) if first.active else (second, first)
        await write(fresh.app, topic, [1])
        await until(lambda: empty(fresh.app))
        assert (standby.active, standby.ready) == (False, True)
        await end_sessions_holding_the_lock(fresh)
        await until(lambda: either(standby))
        await until(lambda: both_known(active, standby))
        await until(lambda: active.ready)
        await write(fresh.app, topic, [2])
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == [1, 2]


async def test_a_broker_that_is_away_is_waited_for(fresh: FreshDatabase, broker: Broker, publisher: Publisher, topic: str) -> None:
    await write(fresh.app, topic, range(3))
    flaky = FailsFirst(publisher, times=2)
    async with relaying(fresh, flaky):
        await until(lambda: empty(fresh.app))
    assert arrived(broker, topic) == [0, 1, 2]
    assert flaky.times == 0


async def test_under_steady_traffic_it_is_drained_with_what_it_took(
    fresh: FreshDatabase, publisher: Publisher, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.relay.TOGETHER_S", 3600)
    await write(fresh.app, topic, [1])
    async with relaying(fresh, publisher) as relay:
        await until(lambda: relay.drained_at > 0)


async def test_it_is_drained_only_when_nothing_at_all_is_left(fresh: FreshDatabase, publisher: Publisher, topic: str) -> None:
    async with relaying(fresh, publisher) as relay:
        async with fresh.app.transaction() as older:
            await change(older, "k")
            await write(fresh.worker, topic, [1])
            written = time.time()
            await looked(relay)
            assert await waiting(fresh.app) == 1
            assert relay.drained_at < written
        await until(lambda: reached(relay, written))
    assert await waiting(fresh.app) == 0


class Died(Exception):
    """Stands for SIGKILL at that point."""


class DiesAfterSending:
    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher

    async def send_all(self, messages: Iterable[Outgoing]) -> object:
        await self.publisher.send_all(messages)
        raise Died

    def forget(self) -> None:
        self.publisher.forget()


class Counts:
    def __init__(self, publisher: Publisher) -> None:
        self.publisher, self.batches = publisher, list[int]()

    async def send_all(self, messages: Iterable[Outgoing]) -> object:
        batch = list(messages)
        self.batches.append(len(batch))
        return await self.publisher.send_all(batch)

    def forget(self) -> None:
        self.publisher.forget()


class NeverArrives:
    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.forgotten = False

    async def send_all(self, messages: Iterable[Outgoing]) -> object:
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    def forget(self) -> None:
        self.forgotten = True


class FailsFirst:
    def __init__(self, publisher: Publisher, times: int) -> None:
        self.publisher, self.times = publisher, times

    async def send_all(self, messages: Iterable[Outgoing]) -> object:
        if self.times:
            self.times -= 1
            raise NotPublished
        return await self.publisher.send_all(messages)

    def forget(self) -> None:
        self.publisher.forget()


@asynccontextmanager
async def relaying(fresh: FreshDatabase, publisher: Sender, batch: int = 100, batch_bytes: int = BATCH_BYTES) -> AsyncIterator[Relay]:
    stop = asyncio.Event()
    relay = Relay(fresh.worker, publisher, poll_s=0.01, standby_s=0.02, batch=batch, batch_bytes=batch_bytes)
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await asyncio.wait_for(task, WITHIN_S)


async def write(database: Database, topic: str, values: Iterable[int]) -> None:
    async with database.transaction() as tx:
        for value in values:
            tx.publish(topic, "k", Int64Value(value=value))


def arrived(broker: Broker, topic: str) -> list[int]:
    return [Int64Value.FromString(message.value()).value for message in broker.read(topic)]


async def waiting(database: Database) -> int:
    async with database.transaction() as tx:
        return (await tx.connection.execute(sa.select(sa.func.count()).select_from(outbox))).scalar_one()


async def empty(database: Database) -> bool:
    return await waiting(database) == 0


async def looked(relay: Relay) -> None:
    """Waits until the relay has polled twice from now on."""
    seen = relay.polls
    await until(lambda: polled(relay, seen + 2))


async def polled(relay: Relay, times: int) -> bool:
    return relay.polls >= times


async def either(*relays: Relay) -> bool:
    return any(relay.active for relay in relays)


async def both_known(former: Relay, present: Relay) -> bool:
    return present.active and not former.active


async def reached(relay: Relay, instant: float) -> bool:
    return relay.drained_at >= instant


async def end_sessions_holding_the_lock(fresh: FreshDatabase) -> None:
    async with fresh.worker.transaction() as tx:
        await tx.connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            )
        )
