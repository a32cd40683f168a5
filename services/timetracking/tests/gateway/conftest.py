"""What the gateway's tests share: replays of devices, and the devices themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from chassis.clock import Clock
from chassis.messages import Messages
from chassis.publisher import Publisher
from chassis.testing.broker import Broker
from chassis.testing.tokens import Tokens
from chassis.topics import parked
from confluent_kafka import Consumer, TopicPartition
from kernel.text import LocalizedText
from lawbook import load
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage
from timetracking.devices.domain import Networks, Protocol
from timetracking.gateway.admission import NoteRefused
from timetracking.gateway.batches import LATE_PASSAGES, PASSAGES
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.door import Gateway
from timetracking.gateway.settings import GatewaySettings


@pytest.fixture(scope="session")
def replay() -> Callable[[str], bytes]:
    """Reads a replay by its file name."""
    folder = Path(__file__).parent / "replays"
    return lambda name: (folder / name).read_bytes()


@pytest.fixture(scope="session")
def terminal() -> EnrolledDevice:
    """A ZKTeco terminal."""
    return EnrolledDevice("gate-1", Protocol.ADMS, "hq")


@pytest.fixture(scope="session")
def camera() -> EnrolledDevice:
    """A Hikvision face terminal."""
    return EnrolledDevice("north-2", Protocol.ISAPI, "hq")


@pytest.fixture(scope="session")
def multipart() -> Callable[..., tuple[str, bytes]]:
    """Writes a body of several parts as terminals do: an event, then pictures; returns its content type and its bytes."""

    def written(
        event: bytes, *pictures: bytes, subtype: str = "form-data", line_end: bytes = b"\r\n", closed: bool = True
    ) -> tuple[str, bytes]:
        mark = "MIME_boundary"
        pieces = [
            b'Content-Disposition: form-data; name="event_log"',
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(event),
            b"",
            event,
        ]
        body = b"--" + mark.encode() + line_end + line_end.join(pieces) + line_end
        for picture in pictures:
            pieces = [
                b'Content-Disposition: form-data; name="Picture"; filename="Picture.jpg"',
                b"Content-Type: image/jpeg",
                b"",
                picture,
            ]
            body += b"--" + mark.encode() + line_end + line_end.join(pieces) + line_end
        return f"multipart/{subtype}; boundary={mark}", body + (b"--" + mark.encode() + b"--" + line_end if closed else b"")

    return written


RECEIVED = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
"""When the tests' gateway receives everything."""


LOOPBACK = Networks((ip_network("127.0.0.0/8"),))


class Enrolled(dict[str, EnrolledDevice]):
    """An allow-list in memory; `away` makes it fail as its database would."""

    away: Exception | None = None

    async def find(self, serial: str) -> EnrolledDevice | None:
        if self.away is not None:
            raise self.away
        return self.get(serial)

    def knows(self, serial: str) -> bool:
        return serial in self


@dataclass(frozen=True, slots=True)
class Published:
    """A message that lies in Kafka."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]

    @property
    def batch(self) -> PassageBatch:
        return PassageBatch.FromString(self.value)


class Tap:
    """What comes into Kafka after the tap was opened."""

    def __init__(self, broker: Broker) -> None:
        topics = [PASSAGES, LATE_PASSAGES, parked(PASSAGES)]
        broker.create(topics)
        self._reader = Consumer(
            {
                "bootstrap.servers": broker.bootstrap,
                "group.id": "tap",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,  # questions about ends wait behind fetches on one connection
                "log_level": 3,
            }
        )
        self._read = {place: self._end(place) for place in broker.partitions() if place[0] in topics}
        self._reader.assign([TopicPartition(*place, offset) for place, offset in self._read.items()])

    async def new(self) -> list[Published]:
        """Everything that came since it was last asked, up to the present ends: what was acknowledged must be there."""
        return await asyncio.to_thread(self._new)

    async def passages(self) -> list[Passage]:
        """The new passages; nothing may have been parked meanwhile."""
        found = await self.new()
        assert {one.topic for one in found} <= {PASSAGES, LATE_PASSAGES}
        return [passage for one in found for passage in one.batch.passages]

    def close(self) -> None:
        self._reader.close()

    def _end(self, place: tuple[str, int]) -> int:
        _, end = self._reader.get_watermark_offsets(TopicPartition(*place), timeout=10)
        return int(end)

    def _new(self) -> list[Published]:
        found: list[Published] = []
        ends = {place: self._end(place) for place in self._read}
        while self._read != ends:
            message = self._reader.poll(10)
            assert message is not None, "Kafka does not hand out what it holds"
            assert message.error() is None, message.error()
            found.append(_published(message))
            self._read[found[-1].topic, found[-1].partition] = (message.offset() or 0) + 1
        return found


def _published(message: Any) -> Published:
    headers = {name: value.decode() for name, value in message.headers() or ()}
    return Published(message.topic(), message.partition(), message.key(), message.value(), headers)


@pytest.fixture(scope="session", autouse=True)
def _traces() -> None:
    """Trace IDs are made, as in a process of the platform; nothing is recorded."""
    trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))


@pytest.fixture
def tap(broker: Broker) -> Iterator[Tap]:
    """What comes into Kafka during a test."""
    opened = Tap(broker)
    yield opened
    opened.close()


@pytest_asyncio.fixture(scope="session")
async def publisher(broker: Broker) -> AsyncIterator[Publisher]:
    """A publisher to the in-process broker."""
    opened = Publisher(broker.brokers)
    yield opened
    await opened.close()


@pytest.fixture
def devices() -> Enrolled:
    """The allow-list: a terminal of each kind."""
    return Enrolled(
        {
            "gate-1": EnrolledDevice("gate-1", Protocol.ADMS, "hq", proof=LOOPBACK),
            "north-2": EnrolledDevice("north-2", Protocol.ISAPI, "hq", proof=LOOPBACK),
            "stream-3": EnrolledDevice("stream-3", Protocol.GRPC, "hq"),
            "other-4": EnrolledDevice("other-4", Protocol.GRPC, "elsewhere"),
        }
    )


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """An issuer."""
    return Tokens()


class Texts(dict[str, LocalizedText]):
    """A text for every reason, so that the gateway can be tested apart from the service's own texts."""

    def __contains__(self, reason: object) -> bool:
        return True

    def get(self, reason: str, default: object = None) -> LocalizedText:
        return LocalizedText(reason, reason, reason)


Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def start(publisher: Publisher, devices: Enrolled, tokens: Tokens) -> Start:
    """Starts gateways on loopback: `async with start(gateway_body_octets=…) as gateway`."""

    @asynccontextmanager
    async def started(
        to: Publisher | None = None, clock: Clock = lambda: RECEIVED, note_refused: NoteRefused = lambda *_: None, **changes: object
    ) -> AsyncIterator[Gateway]:
        given: dict[str, Any] = {
            "database_url": "",
            "migrator_database_url": "",
            "kafka": "",
            "issuer": "",
            "listen": "127.0.0.1:0",
            "admin_listen": "127.0.0.1:0",
            "page_key": "",
            "gateway_listen": "127.0.0.1:0",
        }
        settings = GatewaySettings(**given | changes)
        async with tokens.verifier().running() as verifier:
            made = Gateway(settings, to or publisher, devices, clock, load(), verifier, Messages(Texts()), note_refused=note_refused)
            async with made.running():
                yield made

    return started


@pytest_asyncio.fixture
async def gateway(start: Start) -> AsyncIterator[Gateway]:
    """A gateway on loopback."""
    async with start() as started:
        yield started


@pytest_asyncio.fixture
async def http(gateway: Gateway) -> AsyncIterator[ClientSession]:
    """A device's HTTP client of that gateway."""
    async with ClientSession(f"http://127.0.0.1:{gateway.http_port}") as session:
        yield session
