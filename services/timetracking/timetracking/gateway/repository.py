"""The allow-list from the database, with a short memory: a turnstile at nine o'clock asks for one device again and again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from chassis.database import Database
from kernel.faults import Unavailable

from timetracking.devices.domain import Device
from timetracking.devices.repository import devices_of
from timetracking.gateway.domain import EnrolledDevice

# A device that is enrolled now is let in a second later.
REMEMBERED_S = 1.0
# Strangers may knock with as many serials as they like: beyond this the memory begins anew.
MOST_REMEMBERED = 10_000

log = structlog.get_logger("timetracking.gateway")


@dataclass(frozen=True, slots=True)
class _Remembered:
    device: EnrolledDevice | None
    at: float


class StoredAllowList:
    """The devices in the database.

    A known device is let in while the database is away too: nobody is taken off the list, and Kafka keeps what it sends.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.monotonic) -> None:
        self._database, self._now = database, now
        self._memory: dict[str, _Remembered] = {}

    async def find(self, serial: str) -> EnrolledDevice | None:
        """Returns the device of that serial, or None where none is enrolled; raises Unavailable where it cannot tell."""
        held = self._memory.get(serial)
        if held is not None and self._now() - held.at < REMEMBERED_S:
            return held.device
        asked_at = self._now()
        try:
            async with self._database.transaction() as transaction:
                found = await devices_of(await transaction.driver(), {serial})
        except Unavailable:
            if held is None or held.device is None:
                raise
            log.warning("the database is away: a known device is let in", device=serial)
            return held.device
        if len(self._memory) >= MOST_REMEMBERED:
            self._memory = {known: each for known, each in self._memory.items() if each.device is not None}
        enrolled = _enrolled(*found[serial]) if serial in found else None
        self._memory[serial] = _Remembered(enrolled, asked_at)
        return enrolled


def _enrolled(device: Device, zone: str | None) -> EnrolledDevice:
    return EnrolledDevice(device.serial, device.protocol, device.badge_system, device.settings, zone or "")
