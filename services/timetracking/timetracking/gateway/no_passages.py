"""Records that are nobody's passage, for the accounts of their devices: counted here, and written down now and then.

Kafka never has them, so what was counted in the last seconds before a gateway is killed is not written down. It is missing
from what was received as well, so that an account closes all the same.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from chassis.delivery import describe

from timetracking.accounts.domain import DeviceDate, Receipts
from timetracking.gateway.bookkeeping import Book

log = structlog.get_logger("timetracking.gateway")

TakeReceipts = Callable[[Mapping[DeviceDate, Receipts]], Awaitable[None]]


class NoPassages(Book):
    """The counts that are not written down yet, by device and civil date of the receipt."""

    def __init__(self, take: TakeReceipts, zone: str) -> None:
        self._take, self._zone = take, ZoneInfo(zone)
        self._counts: Counter[DeviceDate] = Counter()

    def note(self, device: str, records: int, received_at: datetime) -> None:
        """Counts records of a device."""
        if records:
            self._counts[device, received_at.astimezone(self._zone).date()] += records

    async def write(self) -> None:
        """Writes down what was counted; where that fails, it waits for the next time: devices are answered without it."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._take({key: Receipts(received=count, no_passages=count) for key, count in counts.items()})
        except Exception as error:
            self._counts.update(counts)
            log.warning("counts of records that are no passages wait", error=describe(error))
