"""What is done with everything that a device sends, whatever its protocol: into Kafka, or into the parking lot, or counted."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from chassis.clock import Clock
from google.protobuf.timestamp_pb2 import Timestamp
from lawbook import Lawbook
from tartip.timetracking.v1 import passage_service_pb2
from tartip.timetracking.v1.passage_service_pb2 import Passage

from timetracking.gateway import counters
from timetracking.gateway.batches import LATE_PASSAGES, PASSAGES, Batcher
from timetracking.gateway.domain import Bounds, EnrolledDevice, Reading, ReceivedPassage
from timetracking.gateway.event_numbers import SkippedNumbers
from timetracking.gateway.parking_lot import ParkingLot

log = structlog.get_logger("timetracking.gateway")


# Device, how many records, when they came.
NoteNoPassages = Callable[[str, int, datetime], None]


def bounds_by(law: Lawbook) -> Callable[[datetime], Bounds]:
    """Returns the bounds of wall times as a function of the instant of receipt, under the law of that day."""

    def bounds(received_at: datetime) -> Bounds:
        on = received_at.date()
        return Bounds(
            oldest=timedelta(days=law.require("passages/oldest", on).value),
            ahead=timedelta(days=law.require("passages/ahead", on).value),
            late_after=timedelta(seconds=law.require("passages/late-after", on).value),
        )

    return bounds


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a reading: `impossible` are the indices of passages that were parked for their wall time."""

    received_at: datetime
    impossible: tuple[int, ...]


class Intake:
    """The one way from a device into Kafka: what it returns for is in Kafka, what it raises NotTaken for is to be sent again."""

    def __init__(
        self,
        batcher: Batcher,
        parking_lot: ParkingLot,
        clock: Clock,
        bounds: Callable[[datetime], Bounds],
        default_zone: str,
        no_passages: NoteNoPassages = lambda *_: None,
    ) -> None:
        self._batcher = batcher
        self._parking_lot = parking_lot
        self._clock = clock
        self._bounds = bounds
        self._default_zone = default_zone
        self._no_passages = no_passages
        self._numbers = SkippedNumbers()

    async def take(self, device: EnrolledDevice, reading: Reading) -> Taken:
        """Returns when Kafka has all of it: the passages, and in the parking lot what cannot go on; raises NotTaken otherwise."""
        began, outcome = time.perf_counter(), "not-taken"
        try:
            taken = await self._take(device, reading)
            outcome = "taken"
            return taken
        finally:
            counters.acknowledge_seconds.labels(outcome).observe(time.perf_counter() - began)

    async def _take(self, device: EnrolledDevice, reading: Reading) -> Taken:
        received_at = self._clock()
        bounds = self._bounds(received_at)
        stamp = Timestamp()
        stamp.FromDatetime(received_at)
        self._numbers.note(device.serial, reading.skipped_numbers)
        live: list[Passage] = []
        late: list[Passage] = []
        impossible: list[tuple[int, Passage]] = []
        for index, passage in enumerate(reading.passages):
            message = self._message(passage, stamp)
            if not bounds.hold(passage.wall_time, passage.utc_offset_seconds, received_at):
                impossible.append((index, message))
            elif bounds.late(device.instant(passage, self._default_zone), received_at):
                late.append(message)
            else:
                live.append(message)
        counters.received.labels(device.serial).inc(reading.records - reading.ignored)
        self.ignore(device, reading.ignored, received_at)
        outcomes = await asyncio.gather(
            self._publish(device, live, PASSAGES),
            self._publish(device, late, LATE_PASSAGES),
            self._parking_lot.park_impossible(device, impossible, received_at),
            self._parking_lot.park_unreadable(device, reading.unreadable, received_at),
            return_exceptions=True,  # each part is counted by its own outcome, whatever becomes of the others
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        if impossible or reading.unreadable:
            log.warning("records are parked", device=device.serial, malformed=len(reading.unreadable), impossible_time=len(impossible))
        return Taken(received_at, tuple(index for index, _ in impossible))

    def ignore(self, device: EnrolledDevice, records: int, received_at: datetime) -> None:
        """Counts records that are no passages: they are taken so that the device goes on, and not kept."""
        counters.received.labels(device.serial).inc(records)
        counters.ignored.labels(device.serial).inc(records)
        self._no_passages(device.serial, records, received_at)

    async def _publish(self, device: EnrolledDevice, passages: list[Passage], topic: str) -> None:
        try:
            await self._batcher.submit(passages, topic)
        except Exception:  # whatever it is, they are counted, so that the numbers add up
            counters.unanswered.labels(device.serial).inc(len(passages))
            raise
        counters.published.labels(device.serial).inc(len(passages))
        if topic == LATE_PASSAGES:
            counters.late.labels(device.serial).inc(len(passages))

    def _message(self, passage: ReceivedPassage, received_at: Timestamp) -> Passage:
        return Passage(
            device=passage.device,
            event_key=passage.event_key,
            wall_time=passage.wall_time.isoformat(),
            utc_offset_seconds=passage.utc_offset_seconds,
            badge_system=passage.badge_system,
            badge_number=passage.badge_number,
            direction=passage_service_pb2.Direction.ValueType(passage.direction),
            verify_method=passage_service_pb2.VerifyMethod.ValueType(passage.verify_method),
            raw=passage.raw,
            raw_digest=passage.raw_digest,
            received_at=received_at,
            live=passage.live,
            previous_event_number=self._numbers.nearest(passage.device, passage.previous_event_number),
        )
