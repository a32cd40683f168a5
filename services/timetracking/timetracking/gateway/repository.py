"""The allow-list from the database, with a short memory: a turnstile at nine o'clock asks for one device again and again."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import structlog
from chassis.database import Database
from kernel.faults import Unavailable

from timetracking.devices.domain import Device
from timetracking.devices.repository import devices_of, with_proofs
from timetracking.gateway.domain import EnrolledDevice

# A device that is enrolled now is let in a second later.
REMEMBERED_S = 1.0
# So long a known device waits for the database's word: its line has some ten seconds for everything.
KNOWN_WAITS_S = 2.0
# Strangers may knock with as many serials as they like: beyond this the memory begins anew.
MOST_REMEMBERED = 10_000

log = structlog.get_logger("timetracking.gateway")


@dataclass(frozen=True, slots=True)
class _Remembered:
    device: EnrolledDevice | None
    at: float


class StoredAllowList:
    """The devices in the database.

    A known device is let in while the database is away too, and Kafka keeps what it sends. Whoever is taken off the list, or
    gets another proof, is so for the gateway when its memory ends, or when the gateway reaches the database again.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.monotonic) -> None:
        self._database, self._now = database, now
        self._memory: dict[str, _Remembered] = {}
        self._wanted: dict[str, asyncio.Future[EnrolledDevice | Exception | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, serial: str) -> EnrolledDevice | None:
        """Returns the device of that serial, or None where none is enrolled; raises Unavailable where it cannot tell."""
        held = self._memory.get(serial)
        if held is not None and self._now() - held.at < REMEMBERED_S:
            return held.device
        asked_at, known = self._now(), held.device if held is not None else None
        found: EnrolledDevice | Exception | None
        try:
            async with asyncio.timeout(KNOWN_WAITS_S if known is not None else None):
                found = await asyncio.shield(self._found(serial))
        except TimeoutError:
            found = Unavailable()
        if isinstance(found, Unavailable) and known is not None:
            log.warning("the database is away: a known device is let in", device=serial)
            return known
        if isinstance(found, Exception):
            raise found
        if len(self._memory) >= MOST_REMEMBERED:
            self._memory = {known: each for known, each in self._memory.items() if each.device is not None}
        self._memory[serial] = _Remembered(found, asked_at)
        return found

    def knows(self, serial: str) -> bool:
        """Says whether a device of that serial was found of late, without asking anybody."""
        held = self._memory.get(serial)
        return held is not None and held.device is not None

    def _found(self, serial: str) -> "asyncio.Future[EnrolledDevice | Exception | None]":
        """What the database will say of a serial: whoever asks while it is being asked is asked for in the next question, with all others."""
        if serial not in self._wanted:
            self._wanted[serial] = asyncio.get_running_loop().create_future()
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
        return self._wanted[serial]

    async def _ask(self) -> None:
        while self._wanted:
            wanted, self._wanted = self._wanted, {}
            found = await self._told(wanted)
            for serial, answer in wanted.items():
                answer.set_result(found[serial])

    async def _told(self, serials: Collection[str]) -> Mapping[str, EnrolledDevice | Exception | None]:
        """What the database says of each; one that cannot be read takes no other with it."""
        try:
            async with self._database.transaction(beyond_reach=True) as transaction:
                driver = await transaction.driver()
                found = await devices_of(driver, serials)
                proved = {each.serial: each for each in await with_proofs(driver, [device for device, _ in found.values()])}
            return {serial: _enrolled(proved[serial], found[serial][1]) if serial in found else None for serial in serials}
        except Exception as error:  # whoever asked raises it
            if len(serials) == 1 or isinstance(error, Unavailable):
                return dict.fromkeys(serials, error)
            alone = [await self._told([serial]) for serial in serials]
            return {serial: each for one in alone for serial, each in one.items()}


def _enrolled(device: Device, zone: str | None) -> EnrolledDevice:
    return EnrolledDevice(
        serial=device.serial,
        protocol=device.protocol,
        badge_system=device.badge_system,
        settings=device.settings,
        zone=zone or "",
        proof=device.proof,
        former=device.former,
        revoked=device.revoked_at is not None,
    )
