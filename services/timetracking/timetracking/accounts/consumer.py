"""What devices sent, counted from the topics of passages beside those who record them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from chassis.parking import PARKED_RECORD
from chassis.read_positions import Record
from google.protobuf.message import DecodeError
from tartip.timetracking.v1.events_pb2 import PassageBatch

from timetracking.accounts.domain import NAMELESS, UNDATED, DeviceDate, Receipts
from timetracking.accounts.messages import accounted

READER = "accounts"

TakeReceipts = Callable[[Mapping[DeviceDate, Receipts]], Awaitable[None]]


def receipts(take: TakeReceipts, default_zone: str) -> Callable[[Sequence[Record]], Awaitable[None]]:
    """What is done with messages of passages: they are counted as received."""
    zone = ZoneInfo(default_zone)

    async def count(records: Sequence[Record]) -> None:
        await take(received(records, zone))

    return count


def received(records: Sequence[Record], zone: ZoneInfo) -> Mapping[DeviceDate, Receipts]:
    """How many records the messages hold; what was sent again from the parking lot was received when it came first."""
    counts: Counter[DeviceDate] = Counter()
    for record in records:
        if PARKED_RECORD in record.headers:
            continue
        try:
            batch = PassageBatch.FromString(record.value or b"")
        except DecodeError:
            counts[NAMELESS, UNDATED] += 1
            continue
        counts.update(accounted(batch, passage, zone) for passage in batch.passages)
    return {key: Receipts(received=count) for key, count in counts.items()}
