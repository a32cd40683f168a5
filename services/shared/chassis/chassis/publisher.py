"""The way into Kafka: a thin awaitable wrapper over librdkafka's producer.

`AIOProducer` of the library refuses headers and costs a second an awaited send; here the deliveries of a burst come back
to the loop together.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from kernel.faults import Unavailable

from chassis.brokers import Brokers
from chassis.metrics import gauge
from chassis.settings import SettingsError

# After this a message that Kafka has not confirmed is given back to the sender, who still has it.
GIVE_UP_AFTER_MS = 30_000
# Messages on their way at once, and their kilobytes; a sender waits when there are more.
MOST_ON_THE_WAY = 100_000
MOST_KILOBYTES = 131_072
CLOSED_WITHIN_S = 10.0
# librdkafka's "no partition named": its partitioner chooses.
ANYWHERE = -1

PUBLISHED = gauge(
    "tartip_published_offset",
    "offset",
    "The offset after the last message that Kafka confirmed: a consumer whose position is there has applied it.",
    ("topic", "partition"),
)

# At the start: so long a broker may take to let us in, and so long one question lasts.
LET_IN_WITHIN_S = 10.0
ASKED_FOR_S = 0.5

_Delivery = tuple["asyncio.Future[int]", KafkaError | None, tuple[str, int], int]


class PublisherBroken(Exception):
    """librdkafka gave up for good: nothing can be sent by this process any more, only by another one."""


class NotPublished(Unavailable):
    """Kafka has not confirmed the message; it may be there all the same, so sending again may double it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message: `partition` None follows the key (without one: anywhere); `value` None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]
    partition: int | None = None


class Publisher:
    """Sends messages and knows when Kafka has them: all in-sync replicas, without doubles of its own."""

    def __init__(self, brokers: Brokers, give_up_after_ms: int = GIVE_UP_AFTER_MS, most_on_the_way: int = MOST_ON_THE_WAY) -> None:
        self._producer = Producer(
            {
                **brokers.librdkafka(),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",  # what Java and Faust do; the library's own default disagrees
                "linger.ms": 2,  # a burst travels together, a lone message hardly waits
                "delivery.timeout.ms": give_up_after_ms,
                "queue.buffering.max.messages": most_on_the_way,
                "queue.buffering.max.kbytes": MOST_KILOBYTES,
                "log_level": 3,
            },
            logger=logging.getLogger("chassis.publisher"),
        )
        self._room = asyncio.Event()
        self._broken = asyncio.Event()
        self._partitions: dict[str, int] = {}
        self._asking: dict[str, asyncio.Task[int]] = {}
        self._delivered: list[_Delivery] = []
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="tartip-publisher", daemon=True)
        self._poller.start()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Mapping[str, str],
        partition: int | None = None,
    ) -> int:
        """Publishes one message; resolves to its offset when Kafka has it.

        Raises `NotPublished`; a message that can never be sent raises KafkaException. Many at once: `send_all`.
        """
        return await (await self._on_its_way(Outgoing(topic, key, value, headers, partition)))

    async def send_all(self, messages: Iterable[Outgoing]) -> list[int]:
        """Publishes the messages in their order; resolves to their offsets when Kafka has them all.

        Raises the first failure; the others may be there all the same.
        """
        return await asyncio.gather(*[await self._on_its_way(message) for message in messages])

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has, as Kafka says; asked once, by one of all who want to know.

        Each question takes a thread for seconds while Kafka is away, and others need threads too.
        """
        if topic not in self._partitions:
            if topic not in self._asking:
                self._asking[topic] = asyncio.create_task(asyncio.to_thread(self._ask, topic))
                self._asking[topic].add_done_callback(lambda asked: self._answered(topic, asked))
            self._partitions[topic] = await asyncio.shield(self._asking[topic])
        return self._partitions[topic]

    def forget(self) -> None:
        """Lets go of what still waits to be sent; its senders are told NotPublished. What is on the wire may arrive."""
        self._producer.purge(in_flight=False)

    async def unbroken(self) -> None:
        """Waits as long as messages can be sent; raises PublisherBroken once none ever can. It runs beside the work."""
        await self._broken.wait()
        raise PublisherBroken

    async def close(self) -> None:
        """Lets what is on its way arrive, for at most ten seconds, and ends."""
        await asyncio.to_thread(self._producer.flush, CLOSED_WITHIN_S)
        self._closing.set()
        await asyncio.to_thread(self._poller.join)

    async def _on_its_way(self, message: Outgoing) -> "asyncio.Future[int]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()

        def delivered(error: KafkaError | None, report: Any) -> None:
            self._confirm(loop, (future, error, (report.topic(), report.partition()), -1 if error else report.offset()))

        while not self._produced(message, delivered):
            self._room.clear()
            await self._room.wait()
        return future

    def _produced(self, message: Outgoing, delivered: Any) -> bool:
        partition = ANYWHERE if message.partition is None else message.partition
        headers: list[tuple[str, str | bytes | None]] = list(message.headers.items())
        try:
            self._producer.produce(message.topic, message.value, message.key, partition, on_delivery=delivered, headers=headers)
        except BufferError:
            return False  # what is on its way has to leave first
        except KafkaException as error:
            self._look(error.args[0])
            raise
        return True

    def _look(self, error: KafkaError) -> None:
        if error.fatal():
            self._broken.set()

    def _answered(self, topic: str, asked: "asyncio.Task[int]") -> None:
        del self._asking[topic]
        if not asked.cancelled():
            asked.exception()  # whoever asked may have left meanwhile

    def _ask(self, topic: str) -> int:
        try:
            found = self._producer.list_topics(topic, timeout=5).topics[topic]
        except KafkaException as error:
            raise Unavailable() from error
        if found.error is not None or not found.partitions:
            raise Unavailable() from KafkaException(found.error)
        return len(found.partitions)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)

    def _confirm(self, loop: asyncio.AbstractEventLoop, delivery: _Delivery) -> None:
        """Called in the poller's thread for each message; wakes the loop once for a whole burst."""
        with self._guard:
            self._delivered.append(delivery)
            first = len(self._delivered) == 1
        if first and not loop.is_closed():
            loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        with self._guard:
            deliveries, self._delivered = self._delivered, []
        self._room.set()
        newest = {place: offset for _, error, place, offset in deliveries if error is None}
        for (topic, partition), offset in newest.items():
            PUBLISHED.labels(topic, str(partition)).set(offset + 1)
        for future, error, _, offset in deliveries:
            if future.done():
                continue
            if error is None:
                future.set_result(offset)
            else:
                self._look(error)
                future.set_exception(_failure(error))


def let_in(brokers: Brokers) -> None:
    """Asks to be let in, so that nobody waits for ever at a door that does not open. A Kafka that is away is waited for later.

    Raises SettingsError, with the variables, where no broker lets us in and one is not whom we trust, or does not trust us.
    """
    heard = list[KafkaError]()
    asking = Producer({**brokers.librdkafka(), "error_cb": heard.append, "log_level": 0})
    deadline = time.monotonic() + LET_IN_WITHIN_S
    while time.monotonic() < deadline and not any(error.code() == KafkaError._ALL_BROKERS_DOWN for error in heard):
        try:
            asking.list_topics(timeout=ASKED_FOR_S)
            return
        except KafkaException:
            asking.poll(0)
    for error in heard:
        if variables := _wrong(error):
            raise SettingsError(f"{variables}: Kafka at {brokers.servers} and we do not come together: {error.str()}")


def _wrong(error: KafkaError) -> str:
    """The variables that keep us out, "" where it is not they. A broker refuses our certificate after its handshake, in words alone."""
    if error.code() == KafkaError._AUTHENTICATION:
        return "TARTIP_KAFKA_USER, TARTIP_KAFKA_PASSWORD, TARTIP_KAFKA_MECHANISM"
    of_tls = error.code() == KafkaError._SSL or "SSL alert" in error.str()
    return "TARTIP_KAFKA_CA, TARTIP_KAFKA_CERTIFICATE, TARTIP_KAFKA_KEY" if of_tls else ""


def _failure(error: KafkaError) -> Exception:
    cause = KafkaException(error)
    if error.fatal() or error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._INVALID_ARG):
        return cause
    failed = NotPublished()
    failed.__cause__ = cause
    return failed


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key (32 bits, signed, as in Java)."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    mixed = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        mixed = mixed * multiplier & mask ^ word
    if whole < len(key):
        mixed = (mixed ^ int.from_bytes(key[whole:], "little")) * multiplier & mask
    mixed = (mixed ^ mixed >> 13) * multiplier & mask
    mixed ^= mixed >> 15
    return mixed - (1 << 32) if mixed & 0x80000000 else mixed


def partition_of(key: bytes, partitions: int) -> int:
    """The partition in which Kafka's clients put a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
