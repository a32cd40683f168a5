"""Devices, a gateway, Kafka, a recorder, a parking lot and an operator, each of which may fail at any step: a world without time."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from chassis.brokers import Brokers
from chassis.bug_limit import BugLimit
from chassis.delivery import Delivery, Received
from chassis.publisher import partition_of
from chassis.read_positions import Record
from chassis.tail import Tail
from chassis.testing.tokens import caller
from chassis.topics import parked
from lawbook import load
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.accounts import consumer as accounts
from timetracking.accounts.domain import Counts, WrittenOff
from timetracking.accounts.repository import StoredAccounts
from timetracking.accounts.use_cases import Arrivals, Done, TakeReceipts, WriteOffRecords
from timetracking.devices.domain import Protocol
from timetracking.gateway.batches import Batcher, NotTaken
from timetracking.gateway.domain import EnrolledDevice, Reading, ReceivedPassage, Unreadable, VerifyMethod
from timetracking.gateway.intake import Intake, bounds_by
from timetracking.gateway.no_passages import NoPassages
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.gateway.settings import BatchLimits
from timetracking.parking import consumer as parking
from timetracking.parking.domain import OWN, Selection
from timetracking.parking.use_cases import NoteParked, RedriveLost, RedriveParked
from timetracking.passages.consumer import LATE, TOPIC, passages
from timetracking.passages.domain import Passage
from timetracking.restoration import forget_places
from timetracking.workdays.domain import Direction

from ..platform import Platform

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ZONE = "Asia/Almaty"
PARTITIONS = 3
OPERATOR = caller("operator", ["/nation/operator"])
POISON = "13"
"""A badge at which the recorder stumbles until it is mended."""


UNREADABLE = b"\xff\xff"


class Killed(BaseException):
    """The process dies here."""


class Kafka:
    """Topics in memory. Now and then a message does not come in, or comes in and is not confirmed."""

    def __init__(self, drawn: random.Random) -> None:
        self.drawn, self.failing = drawn, 0.0
        self.topics: dict[str, list[list[Record]]] = {}

    async def partitions(self, topic: str) -> int:
        return PARTITIONS

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str], partition: int | None = None) -> int:
        if self.drawn.random() < self.failing:
            raise ConnectionError
        if partition is None:
            partition = self.drawn.randrange(PARTITIONS) if key is None else partition_of(key, PARTITIONS)
        lane = self.topics.setdefault(topic, [[] for _ in range(PARTITIONS)])[partition]
        lane.append(Record(topic, partition, len(lane), key, value, dict(headers), PARTITIONS))
        if self.drawn.random() < self.failing:
            raise ConnectionError
        return len(lane) - 1

    def of(self, *topics: str) -> list[list[Record]]:
        return [lane for topic in topics for lane in self.topics.get(topic, ())]


@dataclass(slots=True)
class World:
    """A step is one thing that somebody does; `settle` lets everyone finish."""

    platform: Platform
    drawn: random.Random
    kafka: Kafka = field(init=False)
    positions: dict[tuple[str, int], int] = field(default_factory=dict)
    seen: dict[tuple[str, int], int] = field(default_factory=dict)
    broken: bool = True
    dying: float = 0.0
    busy: bool = True

    def __post_init__(self) -> None:
        self.kafka = Kafka(self.drawn)

    def gateway(self) -> tuple[Intake, NoPassages]:
        """A gateway: a new one each time, as after a kill."""
        batcher = Batcher(self.kafka, lambda: NOW, BatchLimits(self.drawn.choice((2, 500)), 10**6, 0.0, 0.0, 10_000), 5)
        others = NoPassages(TakeReceipts(self.platform.begin), ZONE)
        return Intake(batcher, ParkingLot(self.kafka, 5), lambda: NOW, bounds_by(load()), ZONE, others.note), others

    async def send(self, *records: str) -> None:
        """A device sends records until they are taken, or gives up for now; it may have sent them before.

        "good 7", "late 7", "poison 7", "old 7" are passages; "line 7" cannot be read; "door" is no passage.
        """
        device = EnrolledDevice(f"gate-{self.drawn.randrange(2)}", Protocol.ADMS, "hq")
        told = [_passage(device.serial, each) for each in records if each.split()[0] in ("good", "late", "poison", "old")]
        lines = tuple(Unreadable(at, "time", f"{device.serial} {each}") for at, each in enumerate(records) if each.startswith("line"))
        intake, others = self.gateway()
        for _ in range(self.drawn.randrange(1, 4)):
            with suppress(NotTaken):
                await intake.take(device, Reading(tuple(told), lines, records.count("door")))
                break
        await others.write()

    async def put(self, value: bytes) -> None:
        """Something that is no gateway of ours writes into the topic."""
        with suppress(ConnectionError):
            await self.kafka.send(TOPIC, None, value, {"event_id": sha256(value).hexdigest()})

    async def record(self) -> bool:
        """A consumer takes some messages; it may die before they are acknowledged, or between two of its transactions."""
        topic = self.drawn.choice((TOPIC, LATE))
        some: list[Record] = []
        for lane in self.kafka.of(topic):
            if lane:
                some += lane[self.positions.get(lane[0].place, 0) :][: self.drawn.randrange(1, 6)]
        acknowledged: list[Record] = []
        delivery = Delivery(passages(self._stored, topic), self.kafka.send, BugLimit(share=1.0), _at_once)
        group = [delivery.read(_received(each, acknowledged)) for each in some]
        try:
            if group:
                await delivery.deliver(group)
        except Killed:
            return True
        if self.drawn.random() >= self.dying:
            for each in acknowledged:
                self.positions[each.place] = each.offset + 1
        return bool(group)

    async def _stored(self, told: Sequence[Passage], **given: Any) -> Sequence[Passage]:
        if self.broken and any(each.badge_number == POISON for each in told):
            raise KeyError(POISON)
        if self.drawn.random() < self.dying / 2:
            raise Killed
        fresh = await self.platform.store(told, **given)
        if self.drawn.random() < self.dying / 2:
            raise Killed
        return fresh

    async def look(self) -> None:
        """Both readers read on; they may begin before where they were, get some again, and die before their commit."""
        work = self.platform.begin
        for name, topics, take in (
            (parking.READER, parking.LOTS, parking.parked_records(NoteParked(work), ZONE)),
            (accounts.READER, OWN, accounts.receipts(TakeReceipts(work), ZONE)),
        ):
            tail = Tail(name, self.platform.database.worker, Brokers(""), topics, self._perhaps(take))
            for lane in self.kafka.of(*topics):
                if lane:
                    begin = self.drawn.randrange(self.seen.get(lane[0].place, 0) + 1)
                    end = self.drawn.randrange(begin, len(lane)) + 1 if self.dying and begin < len(lane) else len(lane)
                    with suppress(Killed):
                        await tail.hand_over(lane[begin:end])
                        self.seen[lane[0].place] = max(end, self.seen.get(lane[0].place, 0))

    def _perhaps(self, take: Callable[[Sequence[Record]], Awaitable[None]]) -> Callable[[Sequence[Record]], Awaitable[None]]:
        async def taken(records: Sequence[Record]) -> None:
            await take(records)
            if self.drawn.random() < self.dying:
                raise Killed

        return taken

    async def operate(self) -> int:
        """The operator sends again what can be sent, and the relay takes it to Kafka, now and then twice."""
        sent = await RedriveParked(self.platform.begin)(OPERATOR, Selection(topic=TOPIC), most=self.drawn.randrange(1, 20))
        late = await RedriveParked(self.platform.begin)(OPERATOR, Selection(topic=LATE))
        await self.relay()
        return sent.sent + late.sent

    async def relay(self) -> None:
        rows = await self.platform.sql("SELECT id, topic, payload, headers::text, partition FROM outbox ORDER BY xid, id")
        with suppress(ConnectionError):
            for row in rows:
                await self.kafka.send(row["topic"], None, row["payload"], json.loads(row["headers"]), row["partition"])
            if self.drawn.random() >= self.dying:
                await self.platform.sql("DELETE FROM outbox WHERE id = ANY ($1::bigint[])", [row["id"] for row in rows])

    async def level(self) -> None:
        """Nothing fails any more, and everyone finishes."""
        self.kafka.failing = self.dying = 0.0
        await self.relay()
        while any(self.positions.get(lane[0].place, 0) < len(lane) for lane in self.kafka.of(TOPIC, LATE) if lane):
            await self.record()
        await self.look()

    async def send_lost(self) -> int:
        """The operator sends once more what was sent again and got lost; how many that were."""
        sent, _ = await RedriveLost(self.platform.begin, self._arrivals())(OPERATOR, Selection(topic=TOPIC))
        return sent.sent

    async def write_off(self) -> Sequence[WrittenOff]:
        """The operator says that what is in flight is lost."""
        write_off = WriteOffRecords(self.platform.begin, self._arrivals(), accounts.READER)
        return (await write_off(OPERATOR, None, "Kafka was lost"))[0]

    def _arrivals(self) -> Arrivals:
        return Arrivals(self.platform.begin, self._done, self._goes_on, parking.READER)

    async def _done(self) -> Done:
        """What Kafka says of it; a good deal may happen while it is asked."""
        acknowledged = dict(self.positions)
        ends, lots = ({lane[0].place: len(lane) for lane in self.kafka.of(*topics) if lane} for topics in (OWN, parking.LOTS))
        await self._goes_on()
        return Done(acknowledged, ends, lots)

    async def _goes_on(self) -> None:
        if self.busy:
            await self.send(*(f"good {self.drawn.randrange(6)}" for _ in range(3)))
            if self.drawn.random() < 0.5:
                await self.record()
            await self.look()

    async def lose_kafka(self, *, uncounted: bool) -> Mapping[str, int]:
        """The topics are lost, with what was counted and is not recorded, and born anew; how many records of each device that was.

        With `uncounted` nobody had counted the last ones, of which some were recorded.
        """
        await self.relay()
        await self.look()
        if uncounted:
            await self.send(*(f"good {number}" for number in range(90, 110)))
            for _ in range(self.drawn.randrange(2, 14)):
                await self.record()
            await self.send("good 111", "late 112")
        lost = Counter[str]()
        for lane in self.kafka.of(TOPIC, LATE):
            for record in lane[self.positions.get(lane[0].place, 0) : self.seen.get(lane[0].place, 0)] if lane else ():
                if "parked_record" not in record.headers:
                    lost.update([""] if record.value == UNREADABLE else [each.device for each in _batch(record).passages])
        self.kafka.topics.clear()
        self.positions.clear()
        self.seen.clear()
        async with self.platform.database.worker.transaction() as transaction:
            await (await transaction.driver()).execute("DELETE FROM read_positions")
            await forget_places(transaction)
        return lost

    async def counts(self) -> dict[str, Counts]:
        async with self.platform.database.worker.transaction() as transaction:
            return dict(await StoredAccounts(transaction).page(None, 100))


def _batch(record: Record) -> PassageBatch:
    return PassageBatch.FromString(record.value or b"")


def _passage(device: str, record: str) -> ReceivedPassage:
    kind, _, number = record.partition(" ")
    wall = {"late": NOW - timedelta(days=1), "old": NOW - timedelta(days=500)}.get(kind, NOW) + timedelta(hours=5)
    return ReceivedPassage(
        device=device,
        event_key=record,
        wall_time=wall.replace(tzinfo=None),
        utc_offset_seconds=None,
        badge_system="hq",
        badge_number=POISON if kind == "poison" else number,
        direction=Direction.IN,
        verify_method=VerifyMethod.CARD,
        raw=record,
        raw_digest=sha256(record.encode()).digest(),
        live=True,
        previous_event_number=None,
    )


def _received(record: Record, acknowledged: list[Record]) -> Received:
    return Received(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        record.headers,
        lambda: True,
        lambda: acknowledged.append(record),
    )


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Truth:
    """What Kafka has from devices, read past our code."""

    received: Mapping[str, int]
    passages: Mapping[str, int]
    """Different ones that can be stored."""
    hopeless: Mapping[str, int]
    """Different records that never can be."""


def truth(kafka: Kafka) -> Truth:
    """What each device's account must come to in the end."""
    received, good, hopeless = Counter[str](), dict[str, set[str]](), dict[str, set[str]]()
    for lane in kafka.of(TOPIC, LATE, parked(TOPIC)):
        for record in lane:
            origin = record.headers.get("origin", "")
            if "parked_record" in record.headers or (origin and not origin.startswith("gateway:")):
                continue
            place = f"{record.topic}/{record.partition}/{record.offset}"
            if record.headers.get("content-type", "").startswith("text/plain"):
                found = [(origin.removeprefix("gateway:").partition("/")[0], (record.value or b"").decode(), False)]
            elif record.value == UNREADABLE:
                found = [("", place, False)]
            else:
                passed = _batch(record).passages
                found = [
                    (each.device, each.event_key or f"{place}/{at}", not origin and bool(each.event_key)) for at, each in enumerate(passed)
                ]
            for device, known_by, can_be_stored in found:
                received[device] += 1
                (good if can_be_stored else hopeless).setdefault(device, set()).add(known_by)
    return Truth(received, {device: len(each) for device, each in good.items()}, {device: len(each) for device, each in hopeless.items()})
