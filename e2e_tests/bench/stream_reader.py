"""Reads a topic of passages to its end, in a process of its own: `python -m e2e_tests.bench.stream_reader faust|plain KAFKA TOPIC PASSAGES`.

The first tenth is a run-up. Says at the end in JSON how many passages a second came after it, and the CPU time of each.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from chassis.brokers import Brokers
from chassis.process import looped
from chassis.streams import Consumer, Subscription
from confluent_kafka import Consumer as PlainConsumer
from tartip.timetracking.v1.events_pb2 import PassageBatch

FAUST, PLAIN = "faust", "plain"
RUN_UP = 0.1
AT_ONCE = 100
PATIENCE_S = 120.0


@dataclass(slots=True)
class Gauge:
    """Counts passages: time and CPU time from the end of the run-up to the last one."""

    wanted: int
    seen: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _counted_from: int = 0
    _began: tuple[float, float] = (0.0, 0.0)
    said: dict[str, float] = field(default_factory=dict)

    def count(self, passages: int) -> None:
        """Counts some that were read and decoded."""
        self.seen += passages
        if not self._counted_from and self.seen >= self.wanted * RUN_UP:
            self._counted_from, self._began = self.seen, (time.perf_counter(), time.process_time())
        if self.seen >= self.wanted:
            counted = max(1, self.seen - self._counted_from)
            seconds, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
            self.said = {"per_second": counted / max(seconds, 1e-9), "cpu_us": cpu / counted * 1e6}
            self.done.set()


async def by_faust(kafka: str, topic: str, gauge: Gauge) -> None:
    """As our processes do: handed out unacknowledged, decoded, applied in groups, acknowledged in order."""

    async def apply(batches: Sequence[PassageBatch]) -> None:
        gauge.count(sum(len(each.passages) for each in batches))

    async def park(*_: object) -> object:
        raise AssertionError("nothing here is to be parked")

    subscription = Subscription(topic, PassageBatch, apply, weight=lambda batch: len(batch.passages))
    await asyncio.wait_for(Consumer(uuid4().hex, Brokers(kafka), [subscription], park).run(gauge.done), PATIENCE_S)


def plainly(kafka: str, topic: str, gauge: Gauge) -> None:
    """As librdkafka alone does it: decoded and counted, positions committed in the background."""
    consumer = PlainConsumer({"bootstrap.servers": kafka, "group.id": uuid4().hex, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    until = time.monotonic() + PATIENCE_S
    while not gauge.done.is_set():
        if time.monotonic() > until:
            raise TimeoutError(f"{gauge.seen} of {gauge.wanted} passages came within {PATIENCE_S:.0f} s")
        for message in consumer.consume(AT_ONCE, 0.05):
            if message.error() is None:
                gauge.count(len(PassageBatch.FromString(message.value() or b"").passages))
    consumer.close()


if __name__ == "__main__":
    kind, kafka, topic, passages = sys.argv[1:]
    gauge = Gauge(int(passages))
    if kind == FAUST:
        looped(by_faust(kafka, topic, gauge))
    else:
        plainly(kafka, topic, gauge)
    print(json.dumps(gauge.said), flush=True)
