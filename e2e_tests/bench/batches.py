"""Prepared messages: passages of a nation as the gateway stamps and groups them, for what is measured without it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from chassis.publisher import partition_of
from confluent_kafka import Producer
from google.protobuf.timestamp_pb2 import Timestamp
from kernel.identifiers import new_id
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import DIRECTION_IN, DIRECTION_OUT, VERIFY_METHOD_CARD, Passage
from timetracking.gateway.batches import credential_key, headers_of
from timetracking.gateway.domain import digest

from .nation import FIRST_BADGE, SYSTEM, Nation, Passing

PATIENCE_S = 120.0


def passage(nation: Nation, passing: Passing) -> Passage:
    """A passage as the gateway sends it on, two seconds after it happened."""
    record, wall = nation.record(passing, 1), nation.instant(passing.at)
    badge, way = str(FIRST_BADGE + passing.servant), 0 if passing.inwards else 1
    return Passage(
        device=nation.gate_of(passing.servant),
        event_key=f"{badge}|{wall:%Y-%m-%dT%H:%M:%S}|{way}",
        wall_time=f"{wall:%Y-%m-%dT%H:%M:%S}",
        badge_system=SYSTEM,
        badge_number=badge,
        direction=DIRECTION_OUT if way else DIRECTION_IN,
        verify_method=VERIFY_METHOD_CARD,
        received_at=_stamp(wall + timedelta(seconds=2)),
        raw=record.text,
        raw_digest=digest(record.text),
        live=True,
    )


def batches(passages: Iterable[Passage], size: int, partitions: int) -> Iterator[tuple[int, PassageBatch]]:
    """Messages of so many passages, each for the partition of its credentials; the last of each partition may hold fewer."""
    open_: dict[int, list[Passage]] = {}
    for each in passages:
        place = partition_of(credential_key(each), partitions)
        held = open_.setdefault(place, [])
        held.append(each)
        if len(held) == size:
            yield place, _batch(open_.pop(place))
    for place, held in open_.items():
        yield place, _batch(held)


def publish(bootstrap: str, topic: str, messages: Sequence[tuple[int, PassageBatch]]) -> int:
    """Puts the messages into Kafka, as fast as it takes them; how many bytes they have. Blocks."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 5, "log_level": 2})
    octets = 0
    for partition, message in messages:
        value = message.SerializeToString()
        octets += len(value)
        while True:
            try:
                producer.produce(topic, value, partition=partition, headers=list(headers_of(message.event_id).items()))
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)
    if producer.flush(PATIENCE_S):
        raise TimeoutError(f"Kafka did not take all messages of {topic} within {PATIENCE_S:.0f} s")
    return octets


def _batch(passages: Sequence[Passage]) -> PassageBatch:
    return PassageBatch(event_id=new_id(), occurred_at=passages[-1].received_at, passages=passages)


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
