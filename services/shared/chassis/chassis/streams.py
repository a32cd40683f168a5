"""Kafka's topics to use cases, through Faust, in the one safe shape.

Faust acknowledges what it hands out unless told otherwise, and loses what a handler raised at. So the streams here
are `noack`, one agent a topic puts messages into a bounded lane and does nothing else, and our own worker takes
groups from the lane, applies them and acknowledges each message in order after the commit. An acknowledgement out of
order would let Faust commit past work still in flight; nothing here runs a topic's groups side by side.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import faust
import faust.streams
import structlog
from faust.auth import SASLCredentials
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Transport
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from mode import CrashingSupervisor
from mode.threads import WorkerThread
from mode.utils.queues import ThrowableQueue

from chassis.brokers import Brokers
from chassis.bug_limit import BugLimit, TooManyBugs
from chassis.clock import Clock, real_clock
from chassis.delivery import Delivery, Letter, Received, Subscription, describe
from chassis.lane import Lane
from chassis.parking import Park
from chassis.positions import Extent, Partition, Positions
from chassis.quiet_logs import quieten
from chassis.stream_metrics import BUFFERED
from chassis.supervision import give_way, unless
from chassis.survey import patient_survey

__all__ = ["BugLimit", "Consumer", "StreamBroken", "Subscription", "TooManyBugs"]

log = structlog.get_logger(__name__)

# aiokafka leaves the group when nothing is fetched for so long; a held worker fetches nothing and must keep its place.
_LONGEST_HOLD_S = 24 * 60 * 60.0
# What of a topic waits in memory: a few seconds of work, large messages or small, since Faust wakes a second later whenever
# its buffer was full. Where much waits behind us, it stays in Kafka.
BUFFERED_BYTES = 32 << 20
# A message costs memory beside its bytes.
_MESSAGE_BYTES = 1024
# Of a partition at once: two of the largest batches that the gateway makes; 24 partitions bring 12 MB.
_FETCHED_BYTES = 512 << 10
# Messages on their way into the buffers at once: they still come when a buffer is full.
_FETCHED_MESSAGES = 64
# What of a topic is read and waits for its transaction: as much as one may hold, but no more than this of large messages.
_GATHERED_BYTES = 4 << 20
_LOOK_EVERY_S = 0.5
# How long the broker may keep an answer back when it has nothing. What was fetched and not handed out yet is not asked for again,
# the answer for all else is waited for first, and Faust lets the broker keep that for a second and a half: so long a topic of which
# much comes would wait, again and again, for those of which nothing does.
_ANSWERED_WITHIN_MS = 200


class StreamBroken(Exception):
    """Faust stopped by itself; the process ends, and what was not acknowledged comes again."""


def _credentials(brokers: Brokers) -> Any:
    """How a client of Faust comes in; None in clear."""
    if not brokers.user:
        return brokers.context()
    return SASLCredentials(username=brokers.user, password=brokers.password, mechanism=brokers.mechanism, ssl_context=brokers.context())


class _Buffer(ThrowableQueue[Any]):
    """What Faust has fetched of a topic: bounded by bytes, of which a batch has a thousand times as many as a plan.

    Faust asks how full its queue is by `qsize`; here that counts bytes, and so does the largest size it is given.
    """

    def _init(self, maxsize: int) -> None:
        self._held = 0
        super()._init(maxsize)

    def _put(self, item: Any) -> None:
        self._held += _size(item)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self._held -= _size(item)
        return item

    def clear(self) -> None:
        self._held = 0
        super().clear()

    def qsize(self) -> int:
        return self._held


class _Thread(AIOKafkaConsumerThread):
    """Faust's thread of the consumer, which does not wait long for an empty answer."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        made: Any = super()._create_worker_consumer(transport)
        made._fetch_max_wait_ms = _ANSWERED_WITHIN_MS  # Faust has no setting for it
        return made


class _Consumer(KafkaConsumer):
    """Faust's consumer, with that thread."""

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    """Faust's way to Kafka, with that consumer."""

    Consumer = _Consumer


class _App(faust.App):
    """Faust with buffers that count bytes, with that transport, and without a folder: there are no tables to keep in one."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        self._buffers: list[_Buffer] = []
        super().__init__(*given, **settings)

    @property
    def buffered(self) -> int:
        """The bytes that wait in all buffers."""
        return sum(each.qsize() for each in self._buffers)

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Whoever is killed would leave them behind."""

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> _Buffer:
        made = _Buffer(maxsize or 0, flow_control=self.flow_control, clear_on_resume=clear_on_resume)
        self._buffers.append(made)
        return made


class _Line:
    """One subscription at work: its messages wait in the lane, and its worker delivers them."""

    def __init__(self, subscription: Subscription[Any], park: Park, limit: BugLimit, clock: Clock) -> None:
        self.subscription = subscription
        self.lane: Lane[Letter[Any]] = Lane(subscription.most, subscription.linger_s)
        self.delivery: Delivery[Any] = Delivery(subscription, park, limit, now=clock)

    async def work(self, busy: Callable[[], bool]) -> None:
        """Delivers group after group until the lane is closed; gives way while those are busy who go first."""
        while group := await self.lane.gather():
            began = time.monotonic()
            current = [letter for letter in group if letter.received.current()]
            if current:
                await self.delivery.deliver(current)
            await give_way(began, lambda: busy() and not self.lane.closed)


class Consumer:
    """A member of the consumer group `name`, with one worker a subscription.

    `park` takes topic, key, value and headers and resolves when the broker has them. `session_timeout_s` is how long
    the group waits for a member that vanished; `grace_s` how long a group of messages may still take at the end;
    `longest_rebalance_s` how long we wait for partitions, since a client that lost its coordinator for good waits for
    ever and says nothing; `farewell_s` how long a broker that is away may keep us from leaving; `buffered_bytes` how
    much of a topic may wait in memory. `clock` says when something was parked.
    """

    def __init__(
        self,
        name: str,
        brokers: Brokers,
        subscriptions: Sequence[Subscription[Any]],
        park: Park,
        *,
        session_timeout_s: float = 20.0,
        commit_interval_s: float = 1.0,
        grace_s: float = 5.0,
        longest_rebalance_s: float = 120.0,
        farewell_s: float = 5.0,
        buffered_bytes: int = BUFFERED_BYTES,
        limit: BugLimit | None = None,
        clock: Clock = real_clock,
    ) -> None:
        if getattr(faust.streams, "_CStreamIterator", None) is None:
            # Faust's iterator in plain Python acknowledges the messages that it skips in a rebalance.
            raise StreamBroken("Faust's compiled stream iterator is missing: the plain one loses messages")
        self._name = name
        self._brokers = brokers
        self._lines = [_Line(each, park, limit or BugLimit(), clock) for each in subscriptions]
        self._session_timeout_s = session_timeout_s
        self._commit_interval_s = commit_interval_s
        self._grace_s = grace_s
        self._longest_rebalance_s = longest_rebalance_s
        self._farewell_s = farewell_s
        self._buffered_bytes = buffered_bytes
        self._positions = Positions()
        self._app: _App | None = None

    @property
    def positions(self) -> Mapping[Partition, int]:
        """The next offset to apply by (topic, partition): everything below was applied and committed to the database."""
        return self._positions.next_offsets

    @property
    def buffered(self) -> int:
        """The bytes that were fetched and wait in memory."""
        return self._app.buffered if self._app is not None else 0

    @property
    def ready(self) -> bool:
        """Whether partitions are assigned and nothing is waited for."""
        return self._app is not None and self._positions.known and not any(line.delivery.holding for line in self._lines)

    def pressed(self, topic: str) -> bool:
        """Whether as many messages of a topic come as are applied, or more."""
        return any(line.lane.pressed for line in self._lines if line.subscription.topic == topic)

    def _busy(self, topic: str | None) -> Callable[[], bool]:
        """Whether as much of a topic comes as is applied, or more messages of it are known to wait than come at once."""
        return lambda: topic is not None and (self.pressed(topic) or self._positions.behind(topic) > _FETCHED_MESSAGES)

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop` is set; raises what stopped it otherwise (TooManyBugs, StreamBroken).

        At the end the group in work may finish within the grace; what is not acknowledged comes again.
        """
        quieten()
        stopping = asyncio.create_task(stop.wait())
        try:
            if await unless(stop, self._survey()) is None:
                return
            async with self._faust() as followed:
                workers = [asyncio.create_task(line.work(self._busy(line.subscription.after))) for line in self._lines]
                await asyncio.wait({stopping, *followed, *workers}, return_when=asyncio.FIRST_COMPLETED)
                await self._finish(workers)
            for task in (*workers, *followed):
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            stopping.cancel()

    async def _survey(self) -> Mapping[Partition, Extent]:
        return await patient_survey(self._brokers, self._name, [line.subscription.topic for line in self._lines])

    @asynccontextmanager
    async def _faust(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Faust at work inside our loop; the tasks given end only by an error."""
        app = self._app = self._made()
        surveys: set[asyncio.Task[None]] = set()

        async def assigned(_app: Any, /, *given: Any, **_rest: Any) -> None:
            partitions = frozenset((each.topic, each.partition) for each in given[0])
            self._positions.assign(partitions)
            task = asyncio.create_task(self._look(partitions))
            surveys.add(task)
            task.add_done_callback(surveys.discard)

        app.on_partitions_assigned.connect(assigned)
        followed = [asyncio.create_task(each) for each in (_follow(app), self._watch(app))]
        try:
            yield followed
        finally:
            self._app = None
            for task in (*followed, *surveys):
                task.cancel()
            await asyncio.gather(*followed, *surveys, return_exceptions=True)
            await _farewell(app, self._farewell_s)

    async def _look(self, partitions: frozenset[Partition]) -> None:
        self._positions.look(partitions, await self._survey())

    async def _watch(self, app: faust.App) -> None:
        """Measures how far behind we are; ends with StreamBroken when no partitions come."""
        settled = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            BUFFERED.set(self.buffered)
            if self._positions.known and not app.rebalancing:
                settled = time.monotonic()
                for partition in self._positions.next_offsets:
                    end = app.consumer.highwater(faust.types.TP(*partition))
                    if end is not None:
                        self._positions.end(partition, end)
            elif time.monotonic() - settled > self._longest_rebalance_s:
                raise StreamBroken(f"no partitions for {self._longest_rebalance_s:.0f} s")

    async def _finish(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Lets each worker finish its group, unless it waits for something that is away."""
        for line, worker in zip(self._lines, workers, strict=True):
            line.lane.close()
            if line.delivery.holding:
                worker.cancel()
        await asyncio.wait(workers, timeout=self._grace_s)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _made(self) -> _App:
        app = _App(
            self._name,
            broker=[f"kafka://{server}" for server in self._brokers.servers.split(",")],
            broker_credentials=_credentials(self._brokers),
            autodiscover=False,
            loop=asyncio.get_running_loop(),
            store="memory://",
            key_serializer="raw",
            value_serializer="raw",
            topic_allow_declare=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            broker_commit_interval=self._commit_interval_s,
            broker_session_timeout=self._session_timeout_s,
            broker_heartbeat_interval=self._session_timeout_s / 5,
            broker_max_poll_interval=_LONGEST_HOLD_S,
            consumer_max_fetch_size=_FETCHED_BYTES,
            broker_max_poll_records=_FETCHED_MESSAGES,
            stream_buffer_maxsize=self._buffered_bytes,
            stream_wait_empty=False,
            stream_processing_timeout=_LONGEST_HOLD_S,
            web_enabled=False,
        )
        for line in self._lines:
            self._listen(app, line)
        return app

    def _listen(self, app: faust.App, line: _Line) -> None:
        topic = app.topic(line.subscription.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

        @app.agent(topic, name=f"{self._name}:{line.subscription.topic}", concurrency=1, supervisor_strategy=CrashingSupervisor)
        async def collect(stream: Any) -> None:
            only_the_first = set[faust.types.TP]()
            async for event in stream.noack().events():
                await _tell_of_a_hole(app, event.message, only_the_first)
                letter = line.delivery.read(self._received(app, event))
                await line.lane.put(letter, max(letter.weight, _size(event) * line.subscription.most // _GATHERED_BYTES))

    def _received(self, app: faust.App, event: Any) -> Received:
        message = event.message

        def current() -> bool:
            # Whatever is unacknowledged when a rebalance begins comes again. Acknowledged while it lasts, it would be
            # committed behind the join on the same connection, under the old generation, and cost us our membership.
            return not app.rebalancing and bool(message.generation_id == app.consumer_generation_id)

        def acknowledge() -> None:
            if current():
                event.ack()
                self._positions.applied((message.topic, message.partition), message.offset)

        headers = {name: bytes(value).decode("utf-8", "replace") for name, value in (message.headers or ()) if value is not None}
        return Received(message.topic, message.partition, message.offset, message.key, message.value, headers, current, acknowledge)


async def _tell_of_a_hole(app: faust.App, message: Any, only_the_first: set[faust.types.TP]) -> None:
    """Tells Faust of offsets that compaction left empty behind the first message of a partition; of other holes it knows.

    It takes offset 0, when that was read last, for nothing read yet, and would never commit again: a region's first consumer of a
    compacted topic would count as behind until it is started anew.
    """
    if message.tp in only_the_first and message.offset > 1:
        consumer: Any = app.consumer
        await consumer._add_gap(message.tp, 1, message.offset - 1)
    only_the_first.discard(message.tp)
    if message.offset == 0:
        only_the_first.add(message.tp)


def _size(event: Any) -> int:
    """What a message that waits takes of memory."""
    message = event.message
    return _MESSAGE_BYTES + len(message.key or b"") + len(message.value or b"")


async def _follow(app: faust.App) -> None:
    await app.start()
    await app.wait_until_stopped()
    raise StreamBroken("Faust stopped") from app.crash_reason


async def _farewell(app: faust.App, farewell_s: float) -> None:
    """Stops Faust. With the broker away its thread never ends by itself and blocks us, so that thread's loop is then ended."""
    impatience = threading.Timer(farewell_s, _end_threads, [app])
    impatience.daemon = True
    impatience.start()
    try:
        await asyncio.wait_for(app.stop(), 2 * farewell_s)
    except Exception as error:
        log.warning("left without a farewell", error=describe(error))
    finally:
        impatience.cancel()


def _end_threads(app: faust.App) -> None:
    log.warning("the broker does not answer: left without a farewell")
    for thread in threading.enumerate():
        if isinstance(thread, WorkerThread) and getattr(thread.service, "app", None) is app:
            thread.service.thread_loop.call_soon_threadsafe(thread.service.thread_loop.stop)
