"""Devices with their settings in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.access import Caller
from chassis.database import Transaction
from chassis.projections import require_level
from kernel.faults import Conflict, NotFound
from sqlalchemy import select

from timetracking.devices.domain import Device, DeviceDirection, Protocol, Role, Settings, in_order_of_beginning, instant_of
from timetracking.devices.tables import DeviceRow
from timetracking.names import device_name
from timetracking.people.repository import BODIES
from timetracking.people.tables import BodyRow

_DEVICES = """
SELECT d.serial, d.body, d.protocol, d.badge_system, d.revision, b.zone AS body_zone,
       s.since_event_number, s.since_wall_time, s.role, s.direction, s.premises, s.zone, s.utc_offset
FROM devices d
JOIN device_settings s ON s.device = d.serial
LEFT JOIN body_states b ON b.body = d.body
WHERE d.serial = ANY ($1::text[])
ORDER BY d.serial, s.place
"""
_ADD = """
INSERT INTO devices (serial, body, protocol, badge_system, revision) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING serial
"""
_ADD_SETTINGS = """
INSERT INTO device_settings (device, place, since_event_number, since_wall_time, role, direction, premises, zone, utc_offset)
SELECT $1, coalesce(max(place), -1) + 1, $2, $3, $4, $5, $6, $7, $8 FROM device_settings WHERE device = $1
"""
_RAISE = "UPDATE devices SET revision = $2 WHERE serial = $1"
_IS_ENROLLED = "SELECT EXISTS (SELECT FROM devices WHERE serial = $1)"


@dataclass(frozen=True, slots=True)
class StoredDevices:
    """The enrolled devices; seen by whom the body's scope lets see them."""

    transaction: Transaction

    async def get(self, body: str, serial: str, visible_to: Caller) -> Device:
        """Returns the device; NotFound if the body has none such within the caller's reach, Unavailable while that is not known."""
        await require_level(self.transaction, BODIES)
        found = await self._find(
            select(DeviceRow.serial).where(
                DeviceRow.body == body, DeviceRow.serial == serial, BodyRow.reached(DeviceRow.body, visible_to.reach)
            )
        )
        if not found:
            raise NotFound(device_name(body, serial))
        return found[0]

    async def instant(self, device: str, event_key: str, wall_time: datetime, sent_offset: int | None) -> int | None:
        """When something happened by the device's time policy; None where neither that nor the zone of its body is known."""
        found = await devices_of(await self.transaction.driver(), {device})
        if device not in found:
            return None
        known, zone = found[device]
        settings = known.settings_for(event_key, wall_time)
        if zone is None and settings.zone is None and settings.utc_offset is None and sent_offset is None:
            return None
        return instant_of(settings, wall_time, sent_offset, zone or "")[0]

    async def page(self, body: str, after: str, limit: int, visible_to: Caller) -> Sequence[Device]:
        """Returns at most `limit` devices of the body with a serial above `after`, by serial."""
        reached = BodyRow.reached(DeviceRow.body, visible_to.reach)
        query = select(DeviceRow.serial).where(DeviceRow.body == body, DeviceRow.serial > after, reached)
        return await self._find(query.order_by(DeviceRow.serial).limit(limit))

    async def add(self, device: Device) -> None:
        """Records a new device with its settings; Conflict where the serial is enrolled, at whatever body."""
        driver = await self.transaction.driver()
        row = (device.serial, device.body, device.protocol.value, device.badge_system, device.revision)
        if await driver.fetchval(_ADD, *row) is None:
            raise Conflict(device_name(device.body, device.serial))
        for settings in device.settings:
            await driver.execute(_ADD_SETTINGS, device.serial, *_columns(settings))

    async def change(self, device: Device, settings: Settings) -> None:
        """Records the device's newest settings and its revision."""
        driver = await self.transaction.driver()
        await driver.execute(_ADD_SETTINGS, device.serial, *_columns(settings))
        await driver.execute(_RAISE, device.serial, device.revision)

    async def _find(self, query: Any) -> list[Device]:
        serials = list(await self.transaction.session.scalars(query))
        found = await devices_of(await self.transaction.driver(), serials)
        return [found[serial][0] for serial in serials]


async def require_enrolled(driver: Any, serial: str) -> None:
    """Raises NotFound unless a device has this serial, of whatever body."""
    if not await driver.fetchval(_IS_ENROLLED, serial):
        raise NotFound(f"devices/{serial}")


async def devices_of(driver: Any, serials: Collection[str]) -> Mapping[str, tuple[Device, str | None]]:
    """The devices of these serials, each with the zone of its body's place where that is known."""
    rows: dict[str, list[Any]] = {}
    for row in await driver.fetch(_DEVICES, sorted(serials)):
        rows.setdefault(row["serial"], []).append(row)
    return {serial: (_device(each), each[0]["body_zone"]) for serial, each in rows.items()}


def _device(rows: list[Any]) -> Device:
    first = rows[0]
    return Device(
        serial=first["serial"],
        body=first["body"],
        protocol=Protocol(first["protocol"]),
        badge_system=first["badge_system"],
        settings=in_order_of_beginning([_settings(row) for row in rows]),
        revision=first["revision"],
    )


def _settings(row: Any) -> Settings:
    return Settings(
        role=Role(row["role"]),
        direction=DeviceDirection(row["direction"]),
        premises=row["premises"],
        zone=row["zone"],
        utc_offset=row["utc_offset"],
        since_event_number=row["since_event_number"],
        since_wall_time=row["since_wall_time"],
    )


def _columns(settings: Settings) -> tuple[Any, ...]:
    return (
        settings.since_event_number,
        settings.since_wall_time,
        settings.role.value,
        settings.direction.value,
        settings.premises,
        settings.zone,
        settings.utc_offset,
    )
