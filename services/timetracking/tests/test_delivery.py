"""From Kafka to kept days: bad input is parked by name, and never stops the good input beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest_asyncio
from chassis.publisher import Publisher
from chassis.streams import Consumer, Subscription
from chassis.testing.cluster import Cluster
from chassis.testing.contracts import contract
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.waiting import until
from chassis.topics import parked
from google.protobuf.message import Message
from tartip.regimes.v1.events_pb2 import MonthPlanChanged, OrderChanged
from tartip.registry.v1.events_pb2 import ServantChanged, StateBodyChanged
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage as Sent
from timetracking.passages.consumer import passages
from timetracking.passages.domain import Passage
from timetracking.people.consumer import bodies, servants
from timetracking.plans.consumer import orders, plans

from .platform import Platform
from .samples import TUESDAY, at, four, passage

PATIENCE_S = 30.0


def message(each: Passage) -> Sent:
    """A passage as the gateway sends it."""
    sent = Sent(
        device=each.device,
        event_key=each.event_key,
        wall_time=each.wall_time.isoformat(),
        utc_offset_seconds=each.utc_offset,
        badge_system=each.badge_system,
        badge_number=each.badge_number,
        direction=int(each.direction),  # type: ignore[arg-type]
        raw=each.raw,
        raw_digest=each.raw_digest,
        live=each.live,
    )
    sent.received_at.FromDatetime(each.received_at)
    return sent


@dataclass(frozen=True, slots=True)
class Stream:
    """Timetracking's consumer at work on topics of its own."""

    platform: Platform
    cluster: Cluster
    publisher: Publisher
    consumer: Consumer
    prefix: str
    sent: dict[str, int] = field(default_factory=dict)

    async def send(self, topic: str, *values: Message | bytes) -> None:
        """Sends messages, and returns when all that was sent is applied or parked."""
        for value in values:
            data = value if isinstance(value, bytes) else value.SerializeToString()
            await self.publisher.send(self.prefix + topic, b"k", data, {"event_id": str(uuid4())}, 0)
            self.sent[topic] = self.sent.get(topic, 0) + 1

        async def applied() -> bool:
            return self.consumer.positions.get((self.prefix + topic, 0), 0) >= self.sent[topic]

        await until(applied, PATIENCE_S)

    async def parked(self, topic: str) -> list[tuple[str, str, bytes]]:
        """Reason, place in its message, and bytes of everything that was parked."""
        found = []
        for each in await asyncio.to_thread(self.cluster.read, parked(self.prefix + topic)):
            headers = {name: value.decode() for name, value in each.headers()}
            found.append((headers["reason"], headers["origin"].rpartition("/")[2], each.value()))
        return found


@pytest_asyncio.fixture(scope="module")
async def publisher(cluster: Cluster) -> AsyncIterator[Publisher]:
    opened = Publisher(cluster.brokers)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def stream(cluster: Cluster, publisher: Publisher, emptied: MakeDatabase) -> AsyncIterator[Stream]:
    """One consumer of everything that timetracking follows; a device "gate" and badges 17 and 18 are known."""
    platform = Platform(await emptied("timetracking"))
    await platform.device("gate")
    for number, id in (("17", "S1"), ("18", "serikova")):
        await platform.badge(number, id)
    prefix = f"t{uuid4().hex}."
    subscriptions: Sequence[Subscription[Any]] = [
        passages(platform.record),
        bodies(platform.take_bodies),
        servants(platform.take_servants, platform.erase_servants),
        plans(platform.take_plans, platform.forget_plans),
        orders(platform.take_orders),
    ]
    renamed = [Subscription(prefix + it.topic, it.message, it.apply, it.weight, it.most, it.split) for it in subscriptions]
    cluster.create(topic for it in renamed for topic in (it.topic, parked(it.topic)))
    consumer = Consumer(prefix, cluster.brokers, renamed, publisher.send, session_timeout_s=3.0, commit_interval_s=0.2, grace_s=1.0)
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))

    async def ready() -> bool:
        return consumer.ready or running.done()

    try:
        await until(ready, PATIENCE_S)
        yield Stream(platform, cluster, publisher, consumer, prefix)
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await running


async def test_bad_input_is_parked_by_name_and_the_rest_becomes_days(stream: Stream) -> None:
    """One consumer for both: to start one takes seconds."""
    await _passages_beside_bad_ones(stream)
    await _states_beside_bad_ones(stream)


async def _passages_beside_bad_ones(stream: Stream) -> None:
    platform = stream.platform
    good = [message(each) for each in four(TUESDAY)]
    bad = [message(passage("2026-11-24T10:00:00")) for _ in range(4)]
    bad[0].badge_number = ""
    bad[1].event_key = "zero\x00byte"
    bad[2].wall_time = "30 February"
    bad[3].ClearField("received_at")
    old = message(passage("1970-01-01T00:00:00", received=at("2026-11-24T08:55")))
    batches = [[good[0], old, good[1]], [], [*bad, good[2]], [good[3]]]
    await stream.send("timetracking.passages.v1", b"\xff\xff", *(PassageBatch(passages=each) for each in batches))
    assert (await platform.days())[TUESDAY].content.seconds.known == (8 * 60 + 15) * 60
    assert [row["n"] for row in await platform.sql("SELECT count(*) AS n FROM passages")] == [4]
    found = await stream.parked("timetracking.passages.v1")
    assert sorted((reason, index) for reason, index, _ in found) == [
        ("IMPOSSIBLE_TIME", "1"),
        ("MALFORMED", "0"),
        ("MALFORMED", "1"),
        ("MALFORMED", "2"),
        ("MALFORMED", "3"),
        ("unreadable", "0"),
    ]
    assert [PassageBatch.FromString(value).passages for reason, _, value in found if reason == "IMPOSSIBLE_TIME"] == [[old]]


async def _states_beside_bad_ones(stream: Stream) -> None:
    """What the contracts tell becomes a planned day, whichever of it comes first."""
    platform = stream.platform
    plan, order = contract("regimes.plans.v1", MonthPlanChanged), contract("regimes.orders.v1", OrderChanged)
    body, servant = contract("registry.bodies.v1", StateBodyChanged), contract("registry.servants.v1", ServantChanged)
    nowhere = MonthPlanChanged(servant="S1", year=2026, month=12, revision=9, days=plan.days)
    nowhere.days[0].zone = "Asia/Nowhere"
    walls = [("2026-12-14T08:55:00", "in"), ("2026-12-14T13:02:00", "out"), ("2026-12-14T14:25:00", "in"), ("2026-12-14T18:33:00", "out")]
    await asyncio.gather(
        stream.send("timetracking.passages.v1", PassageBatch(passages=[message(passage(wall, way, "18")) for wall, way in walls])),
        stream.send("regimes.plans.v1", nowhere, b"\xff", plan),
        stream.send("regimes.orders.v1", OrderChanged(order="x", servant="serikova"), order),
        stream.send("registry.servants.v1", ServantChanged(), servant),
        stream.send("registry.bodies.v1", StateBodyChanged(body="MF", zone="Mars/Olympus"), body),
    )
    await platform.do_what_is_due()
    day = (await platform.days("serikova"))[at(walls[0][0]).date()]
    assert (day.content.seconds.worked, day.placement.body, day.placement.unit) == (8 * 3600, "KGD", "audit-1")
    assert [row["id"] for row in await platform.sql("SELECT id FROM orders")] == [order.order]
    reasons = {
        topic: [reason for reason, _, _ in await stream.parked(topic)]
        for topic in ("registry.bodies.v1", "registry.servants.v1", "regimes.orders.v1")
    }
    assert set(map(tuple, reasons.values())) == {("MALFORMED",)}
    assert sorted(reason for reason, _, _ in await stream.parked("regimes.plans.v1")) == ["MALFORMED", "unreadable"]
