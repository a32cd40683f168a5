"""What happens now goes before what happened long ago: two topics, two batches, one answer."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from chassis.testing.waiting import until
from lawbook import load
from prometheus_client import REGISTRY
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.devices.domain import Protocol
from timetracking.devices.domain import Settings as DeviceSettings
from timetracking.gateway.batches import LATE_PASSAGES, PASSAGES, Batcher, NotTaken
from timetracking.gateway.domain import EnrolledDevice, Reading, ReceivedPassage, VerifyMethod
from timetracking.gateway.intake import Intake, bounds_by
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.gateway.settings import BatchLimits
from timetracking.workdays.domain import Direction

from ..samples import settings

RECEIVED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # 14:00 in Almaty
LIMITS = BatchLimits(passages=500, octets=10**6, linger_s=0.005, late_linger_s=0.005, waiting=1_000)


class Kafka:
    """A broker in memory with four partitions; a topic that is `shut` confirms nothing."""

    def __init__(self, *shut: str) -> None:
        self.shut = {topic: asyncio.Event() for topic in shut}
        self.sent: list[tuple[str, PassageBatch]] = []

    async def partitions(self, topic: str) -> int:
        return 4

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str], partition: int | None = None) -> int:
        if topic in self.shut:
            await self.shut[topic].wait()
        self.sent.append((topic, PassageBatch.FromString(value)))
        return len(self.sent)

    def keys(self, topic: str) -> list[str]:
        return [each.event_key for sent_to, batch in self.sent if sent_to == topic for each in batch.passages]


def gate(*given: DeviceSettings, zone: str = "") -> EnrolledDevice:
    return EnrolledDevice("gate-1", Protocol.GRPC, "hq", given or (settings(),), zone)


def read(wall: str, offset: int | None = None, key: str = "1") -> ReceivedPassage:
    raw = f"{wall} {key}"
    return ReceivedPassage(
        device="gate-1",
        event_key=key,
        wall_time=datetime.fromisoformat(f"2026-11-24T{wall}"),
        utc_offset_seconds=offset,
        badge_system="hq",
        badge_number="25",
        direction=Direction.IN,
        verify_method=VerifyMethod.CARD,
        raw=raw,
        raw_digest=sha256(raw.encode()).digest(),
        live=True,
        previous_event_number=None,
    )


def intake(kafka: Kafka, answer_within_s: float = 5) -> Intake:
    batcher = Batcher(kafka, lambda: RECEIVED, LIMITS, answer_within_s)
    return Intake(batcher, ParkingLot(kafka, answer_within_s), lambda: RECEIVED, bounds_by(load()), "Asia/Almaty")


async def lane(passage: ReceivedPassage, device: EnrolledDevice) -> str:
    kafka = Kafka()
    await intake(kafka).take(device, Reading((passage,)))
    ((topic, _),) = kafka.sent
    return topic


@pytest.mark.parametrize(
    ("passage", "device", "topic"),
    [
        (read("13:50:00"), gate(), PASSAGES),
        (read("13:49:59"), gate(), LATE_PASSAGES),
        (read("14:30:00"), gate(), PASSAGES),
        (read("12:50:00", 4 * 3600), gate(), PASSAGES),
        (read("12:49:59", 4 * 3600), gate(), LATE_PASSAGES),
        (read("12:50:00"), gate(settings(utc_offset=4 * 3600)), PASSAGES),
        (read("12:50:00", 5 * 3600), gate(settings(utc_offset=4 * 3600)), PASSAGES),
        (read("13:59:00"), gate(settings(zone="Asia/Tokyo")), LATE_PASSAGES),
        (read("12:50:00"), gate(zone="Asia/Dubai"), PASSAGES),
        (read("13:59:00"), gate(zone="Asia/Tokyo"), LATE_PASSAGES),
        (read("12:55:00", key="6"), gate(settings(), settings(utc_offset=4 * 3600, since=7)), LATE_PASSAGES),
        (read("12:55:00", key="7"), gate(settings(), settings(utc_offset=4 * 3600, since=7)), PASSAGES),
    ],
)
async def test_late_is_what_happened_over_ten_minutes_ago_by_the_devices_own_clock(
    passage: ReceivedPassage, device: EnrolledDevice, topic: str
) -> None:
    """By its time policy, else by the offset as sent, else by the zone of its body, else by that of the gateway."""
    assert await lane(passage, device) == topic


async def test_a_backlog_and_what_happens_now_are_batches_of_their_own() -> None:
    kafka = Kafka()
    before = REGISTRY.get_sample_value("tartip_gateway_late_total", {"device": "gate-1"}) or 0.0
    backlog = [read(f"0{hour}:00:00", key=f"late {hour}") for hour in range(3, 9)]
    await intake(kafka).take(gate(), Reading((backlog[0], read("13:59:00", key="now"), *backlog[1:])))
    assert kafka.keys(PASSAGES) == ["now"]
    assert kafka.keys(LATE_PASSAGES) == [f"late {hour}" for hour in range(3, 9)]
    assert len(kafka.sent) == 2
    assert (REGISTRY.get_sample_value("tartip_gateway_late_total", {"device": "gate-1"}) or 0.0) - before == 6


@pytest.mark.parametrize("held", [PASSAGES, LATE_PASSAGES])
async def test_a_device_is_answered_when_kafka_has_both(held: str) -> None:
    kafka = Kafka(held)
    reading = Reading((read("03:00:00", key="late"), read("13:59:00", key="now")))
    answering = asyncio.ensure_future(intake(kafka).take(gate(), reading))
    await until(lambda: len(kafka.sent) == 1)
    assert not answering.done()
    kafka.shut[held].set()
    await answering
    assert len(kafka.sent) == 2


@pytest.mark.parametrize("held", [PASSAGES, LATE_PASSAGES])
async def test_a_device_is_told_to_send_again_what_only_one_of_them_has(held: str) -> None:
    kafka, counted = Kafka(held), _published()
    with pytest.raises(NotTaken):
        await intake(kafka, 0.05).take(gate(), Reading((read("03:00:00", key="late"), read("13:59:00", key="now"))))
    assert [topic for topic, _ in kafka.sent] == [LATE_PASSAGES if held == PASSAGES else PASSAGES]
    assert [now - before for now, before in zip(_published(), counted, strict=True)] == [1, 1]
    kafka.shut[held].set()


def _published() -> Sequence[Any]:
    return [REGISTRY.get_sample_value(f"tartip_gateway_{name}_total", {"device": "gate-1"}) or 0.0 for name in ("published", "unanswered")]


def test_ten_minutes_are_the_lawbooks() -> None:
    assert bounds_by(load())(RECEIVED).late_after == timedelta(minutes=10)
