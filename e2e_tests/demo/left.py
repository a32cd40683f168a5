"""What a week leaves behind outside of the databases: logs, traces, metrics and messages. None of it may name a person."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import aiohttp
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from .world import World

# Where the platform tells the display name, for those who show people.
NAMES_TOLD = "registry.servants.v1"
WAITS_S = 10.0


async def left(folder: Path, admin: Mapping[str, str], kafka: str, http: aiohttp.ClientSession) -> Mapping[str, bytes]:
    """Everything by where it lies: each file of logs and traces, the metrics of each process, the messages of each topic."""
    found = _files(folder)
    for name, address in admin.items():
        async with http.get(f"http://{address}/metrics") as answer:
            found[f"metrics of {name}"] = await answer.read()
    return found | await asyncio.to_thread(_messages, kafka)


def _files(folder: Path) -> dict[str, bytes]:
    return {f"file {path.relative_to(folder)}": path.read_bytes() for path in (*folder.glob("logs/*"), *folder.glob("*.jsonl"))}


def _messages(kafka: str) -> dict[str, bytes]:
    """The keys, headers and values of all messages, topic by topic."""
    reader = Consumer({"bootstrap.servers": kafka, "group.id": "left", "enable.auto.commit": False})
    try:
        topics = [topic for topic in reader.list_topics(timeout=WAITS_S).topics.values() if not topic.topic.startswith("__")]
        found = {topic.topic: bytearray() for topic in topics}
        partitions = [TopicPartition(topic.topic, number, OFFSET_BEGINNING) for topic in topics for number in topic.partitions]
        _read(reader, partitions, found)
    finally:
        reader.close()
    return {f"topic {name}": bytes(kept) for name, kept in found.items()}


def _read(reader: Consumer, partitions: Sequence[TopicPartition], into: Mapping[str, bytearray]) -> None:
    """Reads the partitions from their beginning to where they end now, all beside one another."""
    ends = {}
    for each in partitions:
        first, end = reader.get_watermark_offsets(each, timeout=WAITS_S)
        if first < end:
            ends[each.topic, each.partition] = end
    reader.assign([each for each in partitions if (each.topic, each.partition) in ends])
    while ends:
        messages = reader.consume(1_000, WAITS_S)
        if not messages:
            raise TimeoutError(f"nothing more came of {sorted(ends)}")
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
            into[str(message.topic())] += b"\n".join((message.key() or b"", message.value() or b"", repr(message.headers()).encode(), b""))
        # A compacted partition ends with whatever lies there last.
        for each in reader.position([TopicPartition(*key) for key in ends]):
            if each.offset >= ends[each.topic, each.partition]:
                del ends[each.topic, each.partition]


def persons(world: World) -> Iterator[tuple[str, Sequence[bytes]]]:
    """What names each person, in every form that text may have it: the number, the name, the family name."""
    for servant in world.servants:
        for word in (servant.iin, servant.display_name, max(servant.display_name.split(), key=len)):
            escaped = json.dumps(word)[1:-1]
            yield word, (word.encode(), escaped.encode(), escaped.replace("\\u", "\\\\u").encode())


def named(world: World, found: Mapping[str, bytes]) -> Mapping[str, set[str]]:
    """Which persons are named where."""
    told: dict[str, set[str]] = {}
    for word, forms in persons(world):
        for where, content in found.items():
            if any(form in content for form in forms):
                told.setdefault(where, set()).add(word)
    return told
