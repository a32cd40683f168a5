"""Passages from Kafka to the use case."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from chassis.delivery import Subscription
from chassis.metrics import counter
from chassis.parking import PARKED_RECORD
from chassis.sources import sources
from chassis.wire import YEARS
from kernel.faults import Malformed
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import VERIFY_METHOD_OTHER, VerifyMethod
from tartip.timetracking.v1.passage_service_pb2 import Passage as Sent

from timetracking.accounts.use_cases import Place
from timetracking.passages.domain import WIDEST_OFFSET_S, Passage
from timetracking.workdays.domain import Direction

TOPIC, LATE = "timetracking.passages.v1", "timetracking.late-passages.v1"
# One transaction's worth: larger groups hold their locks longer, smaller ones wait for the disk more often.
MOST = 500
# A transaction has its price whatever is in it: at ordinary traffic some thirty passages share one.
LINGER_S = 0.1
_DIRECTIONS, _METHODS = {1: Direction.IN, 2: Direction.OUT}, frozenset(VerifyMethod.values())
_TEXTS = ("device", "event_key", "badge_system", "badge_number")

STORED = counter("tartip_passages_stored_total", "passages", "Passages that were stored, each once.", ("device",))
REPEATED = counter("tartip_passages_repeated_total", "passages", "Passages that were there already and changed nothing.", ("device",))

Record = Callable[..., Awaitable[Sequence[Passage]]]


def passages(record: Record, topic: str = TOPIC) -> Subscription[PassageBatch]:
    """The subscription that records passages, late ones too; one that cannot be applied is parked alone."""

    async def apply(batches: Sequence[PassageBatch]) -> None:
        told = [told_passage(sent) for batch in batches for sent in batch.passages]
        if told:
            _count(told, await record(told, late=topic == LATE, places=_places(batches)))

    after = TOPIC if topic == LATE else None
    return Subscription(topic, PassageBatch, apply, weight=_weight, most=MOST, split=_split, linger_s=LINGER_S, after=after)


def _places(batches: Sequence[PassageBatch]) -> Sequence[Place]:
    """Where the batches lay in Kafka; nowhere, if they came from elsewhere."""
    return [
        Place(source.origin, len(batch.passages), source.whole, _record(source.headers))
        for batch, source in zip(batches, sources(), strict=False)
    ]


def _record(headers: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(headers[PARKED_RECORD]) if PARKED_RECORD in headers else None
    except ValueError:
        return None


def _count(told: Sequence[Passage], fresh: Sequence[Passage]) -> None:
    """Counts what was committed, for each device: told = stored + repeated."""
    new = Counter(each.device for each in fresh)
    for device, received in Counter(each.device for each in told).items():
        STORED.labels(device).inc(new[device])
        REPEATED.labels(device).inc(received - new[device])


def _weight(batch: PassageBatch) -> int:
    return max(1, len(batch.passages))


def _split(batch: PassageBatch) -> Sequence[PassageBatch]:
    return [PassageBatch(event_id=batch.event_id, occurred_at=batch.occurred_at, passages=[each]) for each in batch.passages]


def told_passage(sent: Sent) -> Passage:
    """A passage in the words of the domain; Malformed with the field that says nothing."""
    texts = sent.device, sent.event_key, sent.badge_system, sent.badge_number
    wrong = {name: "text without zero bytes, not empty" for name, text in zip(_TEXTS, texts, strict=True) if not text or "\0" in text}
    wall_time = _wall_time(sent.wall_time)
    received_at = _instant(sent.received_at.seconds, sent.received_at.nanos) if sent.HasField("received_at") else None
    offset = sent.utc_offset_seconds if sent.HasField("utc_offset_seconds") else None
    if wall_time is None:
        wrong["wall_time"] = "a wall time in whole seconds without an offset, like 2026-11-24T08:55:00"
    if received_at is None:
        wrong["received_at"] = "an instant that exists"
    if offset is not None and abs(offset) > WIDEST_OFFSET_S:
        wrong["utc_offset_seconds"] = "an offset that exists: at most 18 hours either way"
    if wrong or wall_time is None or received_at is None:
        raise Malformed(wrong)
    return Passage(
        device=texts[0],
        event_key=texts[1],
        wall_time=wall_time,
        utc_offset=offset,
        badge_system=texts[2],
        badge_number=texts[3],
        # An unknown value of a later version says nothing that this one could count.
        direction=_DIRECTIONS.get(sent.direction, Direction.NONE),
        verify_method=sent.verify_method if sent.verify_method in _METHODS else VERIFY_METHOD_OTHER,
        received_at=received_at,
        live=sent.live,
        previous_event_number=sent.previous_event_number if sent.HasField("previous_event_number") else None,
        raw=sent.raw.replace("\0", ""),
        raw_digest=sent.raw_digest,
    )


def _wall_time(text: str) -> datetime | None:
    try:
        wall_time = datetime.fromisoformat(text)
    except ValueError:
        return None
    # At the ends of the calendar a wall time may have no instant.
    return wall_time if wall_time.tzinfo is None and not wall_time.microsecond and wall_time.year in YEARS else None


@lru_cache(maxsize=1024)
def _instant(seconds: int, nanos: int) -> datetime | None:
    """The instant, which all passages of a request share; None where there is no such."""
    if not 0 <= nanos < 10**9:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=nanos // 1000)
    except (ValueError, OverflowError, OSError):
        return None
