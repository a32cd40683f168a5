"""Devices with their settings in PostgreSQL."""

from collections.abc import Collection, Mapping
from typing import Any

from timetracking.devices.domain import Device, DeviceDirection, Protocol, Role, Settings, in_order_of_beginning

_DEVICES = """
SELECT d.serial, d.body, d.protocol, d.badge_system, d.revision, b.zone AS body_zone,
       s.since_event_number, s.since_wall_time, s.role, s.direction, s.premises, s.zone, s.utc_offset
FROM devices d
JOIN device_settings s ON s.device = d.serial
LEFT JOIN body_states b ON b.body = d.body
WHERE d.serial = ANY ($1::text[])
ORDER BY d.serial, s.place
"""


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
