"""Passages on their way to Kafka: grouped by partition, because Faust pays for messages and not for what is in them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from chassis.clock import Clock
from chassis.publisher import partition_of
from chassis.telemetry import carrier, tracer
from kernel.identifiers import new_id
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage

from timetracking.gateway import counters
from timetracking.gateway.settings import BatchLimits

log = structlog.get_logger("timetracking.gateway")

PASSAGES = "timetracking.passages.v1"
LATE_PASSAGES = "timetracking.late-passages.v1"
CONTENT_TYPE = "application/x-protobuf"
SCHEMA = "tartip.timetracking.v1.PassageBatch"


class NotTaken(Exception):
    """Kafka does not have what was sent, or has not said so in time: the device keeps it and sends it again."""


class Publisher(Protocol):
    """Kafka, as the gateway needs it (chassis.publisher.Publisher)."""

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str], partition: int | None = None) -> object:
        """Resolves when Kafka has the message on all replicas in sync."""
        ...

    async def partitions(self, topic: str) -> int:
        """Says how many partitions a topic has; asks Kafka once."""
        ...


def credential_key(passage: Passage) -> bytes:
    """Returns what decides the partition: all passages of a credential are in one, so that one consumer folds a day."""
    return f"{passage.badge_system}:{passage.badge_number}".encode()


def headers_of(event_id: str) -> dict[str, str]:
    """Returns the headers of a batch, with the current trace."""
    return {"event_id": event_id, "content-type": CONTENT_TYPE, "schema": SCHEMA, **carrier()}


@dataclass(slots=True)
class _Open:
    """A batch that still takes passages; `delivered` gets None, or what went wrong."""

    delivered: "asyncio.Future[Exception | None]"
    passages: list[Passage] = field(default_factory=list)
    octets: int = 0
    origins: dict[int, SpanContext] = field(default_factory=dict)


class Batcher:
    """Groups what many devices send at once into batches of one partition each, and tells each of them when Kafka has its own."""

    def __init__(self, publisher: Publisher, clock: Clock, limits: BatchLimits, answer_within_s: float) -> None:
        self._publisher = publisher
        self._clock = clock
        self._limits = limits
        self._answer_within_s = answer_within_s
        self._open: dict[tuple[str, int], _Open] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._waiting = 0

    async def submit(self, passages: Sequence[Passage], topic: str = PASSAGES) -> None:
        """Returns when Kafka has every one of the passages in the topic; raises NotTaken where it does not confirm them in time.

        After NotTaken some or all of them may be in Kafka all the same.
        """
        if not passages:
            return
        if self._waiting + len(passages) > self._limits.waiting:
            raise NotTaken("too much is waiting for Kafka")
        # From here on they are in memory: also while nobody knows yet where they belong, since Kafka is away.
        self._count_waiting(len(passages))
        try:
            async with asyncio.timeout(self._answer_within_s) as bound:
                count = await self._publisher.partitions(topic)
                places = [(topic, partition_of(credential_key(passage), count)) for passage in passages]
        except BaseException as error:  # the broker's library raises its own kinds; to the device they are all one
            self._count_waiting(-len(passages))
            if not isinstance(error, Exception):
                raise
            raise NotTaken("the partitions are not known") from error
        origin = trace.get_current_span().get_span_context()
        delivered = {self._add(place, passage, origin) for place, passage in zip(places, passages, strict=True)}
        remaining = max(0.0, (bound.when() or 0.0) - asyncio.get_running_loop().time())
        done, late = await asyncio.wait(delivered, timeout=remaining)  # unlike wait_for it leaves the shared futures alone
        failures = [failure for one in done if (failure := one.result()) is not None]
        if late or failures:
            raise NotTaken("Kafka did not confirm in time" if late else "Kafka refused") from (failures[0] if failures else None)

    async def drain(self, within_s: float) -> bool:
        """Closes all batches and waits until Kafka has them; says whether it has."""
        for topic in {topic for topic, _ in self._open}:
            self._close_all(topic)
        if not self._sending:
            return True
        _, late = await asyncio.wait(self._sending, timeout=within_s)
        return not late

    def _add(self, place: tuple[str, int], passage: Passage, origin: SpanContext) -> "asyncio.Future[Exception | None]":
        octets = passage.ByteSize() + 8  # the field's tag and length
        batch = self._open.get(place)
        if batch is not None and batch.octets + octets > self._limits.octets:
            self._close(place)
            batch = None
        if batch is None:
            loop = asyncio.get_running_loop()
            batch = self._open[place] = _Open(loop.create_future())
            # All batches of a topic leave together: Kafka and those who read are asked once for all partitions.
            if place[0] not in self._timers:
                linger_s = self._limits.late_linger_s if place[0] == LATE_PASSAGES else self._limits.linger_s
                self._timers[place[0]] = loop.call_later(linger_s, self._close_all, place[0])
        batch.passages.append(passage)
        batch.octets += octets
        if origin.is_valid:
            batch.origins[origin.span_id] = origin
        if len(batch.passages) >= self._limits.passages:
            self._close(place)
        return batch.delivered

    def _close_all(self, topic: str) -> None:
        if topic in self._timers:
            self._timers.pop(topic).cancel()
        for place in [place for place in self._open if place[0] == topic]:
            self._close(place)

    def _close(self, place: tuple[str, int]) -> None:
        batch = self._open.pop(place)
        sending = asyncio.get_running_loop().create_task(self._send(place, batch))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _send(self, place: tuple[str, int], batch: _Open) -> None:
        (topic, partition), count = place, len(batch.passages)
        outcome: Exception | None = NotTaken("the gateway ended before Kafka confirmed")
        links = [Link(origin) for origin in batch.origins.values()]
        try:
            event_id = new_id()
            value = self._written(event_id, batch)
            batch.passages.clear()  # while Kafka is away they wait as they are sent, and not twice
            counters.batch_passages.observe(count)
            with (
                counters.delivery_seconds.time(),
                tracer.start_as_current_span(
                    "publish passages",
                    context=_first(batch.origins.values()),
                    kind=SpanKind.PRODUCER,
                    links=links,
                    attributes={"messaging.destination.name": topic, "tartip.passages": count},
                    record_exception=False,  # its text may quote what was sent
                ),
            ):
                await self._publisher.send(topic, None, value, headers_of(event_id), partition)
            outcome = None
        except Exception as error:  # whatever it is, the devices are told, and none of them waits for ever
            where = {"topic": topic, "partition": partition, "passages": count}
            log.warning("passages are not in Kafka", **where, error=type(error).__name__)
            outcome = error
        finally:
            self._count_waiting(-count)
            if not batch.delivered.done():
                batch.delivered.set_result(outcome)

    def _written(self, event_id: str, batch: _Open) -> bytes:
        message = PassageBatch(event_id=event_id, passages=batch.passages)
        message.occurred_at.FromDatetime(self._clock())
        return message.SerializeToString()

    def _count_waiting(self, change: int) -> None:
        self._waiting += change
        counters.waiting.set(self._waiting)


def _first(origins: Iterable[SpanContext]) -> Context:
    """Returns the trace that a batch goes on with: its first device's; the others are linked."""
    first = next(iter(origins), None)
    return Context() if first is None else trace.set_span_in_context(trace.NonRecordingSpan(first), Context())
