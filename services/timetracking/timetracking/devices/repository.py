"""Devices with their settings in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from chassis.access import Caller
from chassis.database import Transaction
from chassis.projections import require_level
from kernel.faults import Conflict, NotFound
from sqlalchemy import select

from timetracking.devices.domain import (
    Device,
    DeviceDirection,
    FormerProof,
    Networks,
    Proof,
    Protocol,
    Role,
    Secret,
    SerialAlone,
    Settings,
    SystemToken,
    in_order_of_beginning,
    instant_of,
)
from timetracking.devices.tables import DeviceRow
from timetracking.names import device_name
from timetracking.people.repository import BODIES
from timetracking.people.tables import BodyRow

_DEVICES = """
SELECT d.serial, d.body, d.protocol, d.badge_system, d.revision, d.revoked_at, b.zone AS body_zone,
       s.since_event_number, s.since_wall_time, s.role, s.direction, s.premises, s.zone, s.utc_offset
FROM devices d
JOIN device_settings s ON s.device = d.serial
LEFT JOIN body_states b ON b.body = d.body
WHERE d.serial = ANY ($1::text[])
ORDER BY d.serial, s.place
"""
# A device of before has no proof that was asked for; one that was asked and has none is taken for nobody.
_PROOFS = """
SELECT d.serial, d.proof_asked, p.former, p.kind, p.salt, p.digest, p.networks::text[] AS networks, p.until
FROM devices d LEFT JOIN device_proofs p ON p.device = d.serial
WHERE d.serial = ANY ($1::text[]) AND d.protocol <> 'grpc'
"""
_ADD = """
INSERT INTO devices (serial, body, protocol, badge_system, revision, proof_asked) VALUES ($1, $2, $3, $4, $5, true)
ON CONFLICT DO NOTHING RETURNING serial
"""
_ADD_SETTINGS = """
INSERT INTO device_settings (device, place, since_event_number, since_wall_time, role, direction, premises, zone, utc_offset)
SELECT $1, coalesce(max(place), -1) + 1, $2, $3, $4, $5, $6, $7, $8 FROM device_settings WHERE device = $1
"""
_RAISE = "UPDATE devices SET revision = $2 WHERE serial = $1"
_PROVE = "UPDATE devices SET revision = $2, revoked_at = $3, proof_asked = $4 WHERE serial = $1"
_ADD_PROOF = """
INSERT INTO device_proofs (device, former, kind, salt, digest, networks, until) VALUES ($1, $2, $3, $4, $5, $6::text[]::cidr[], $7)
"""
_FORGET_PROOFS = "DELETE FROM device_proofs WHERE device = $1"
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
        await self._keep_proofs(device)

    async def prove(self, device: Device) -> None:
        """Records how the device proves itself, whether it is revoked, and its revision."""
        driver = await self.transaction.driver()
        asked = not isinstance(device.proof, SerialAlone)
        await driver.execute(_PROVE, device.serial, device.revision, device.revoked_at, asked)
        await driver.execute(_FORGET_PROOFS, device.serial)
        await self._keep_proofs(device)

    async def _keep_proofs(self, device: Device) -> None:
        driver = await self.transaction.driver()
        kept = [(False, device.proof, None), *([(True, device.former.proof, device.former.until)] if device.former else [])]
        for former, proof, until in kept:
            if former or isinstance(proof, Secret | Networks):
                await driver.execute(_ADD_PROOF, device.serial, former, *_proof_columns(proof), until)

    async def change(self, device: Device, settings: Settings) -> None:
        """Records the device's newest settings and its revision."""
        driver = await self.transaction.driver()
        await driver.execute(_ADD_SETTINGS, device.serial, *_columns(settings))
        await driver.execute(_RAISE, device.serial, device.revision)

    async def _find(self, query: Any) -> list[Device]:
        serials = list(await self.transaction.session.scalars(query))
        driver = await self.transaction.driver()
        found = await devices_of(driver, serials)
        proved = await with_proofs(driver, [found[serial][0] for serial in serials])
        return list(proved)


async def require_enrolled(driver: Any, serial: str) -> None:
    """Raises NotFound unless a device has this serial, of whatever body."""
    if not await driver.fetchval(_IS_ENROLLED, serial):
        raise NotFound(f"devices/{serial}")


async def devices_of(driver: Any, serials: Collection[str]) -> Mapping[str, tuple[Device, str | None]]:
    """The devices of these serials, each with the zone of its body's place where that is known, and without their proofs."""
    rows: dict[str, list[Any]] = {}
    for row in await driver.fetch(_DEVICES, sorted(serials)):
        rows.setdefault(row["serial"], []).append(row)
    return {serial: (_device(each), each[0]["body_zone"]) for serial, each in rows.items()}


async def with_proofs(driver: Any, devices: Sequence[Device]) -> Sequence[Device]:
    """The devices with how they prove themselves, which only those who let them in and those who are shown them need to know."""
    proofs: dict[str, Proof] = {}
    former: dict[str, FormerProof] = {}
    for row in await driver.fetch(_PROOFS, sorted(each.serial for each in devices)):
        serial = row["serial"]
        proofs.setdefault(serial, SystemToken() if row["proof_asked"] else SerialAlone())
        if row["former"]:
            former[serial] = FormerProof(_proof(row), row["until"])
        elif row["kind"] is not None:
            proofs[serial] = _proof(row)
    return [replace(each, proof=proofs.get(each.serial, SystemToken()), former=former.get(each.serial)) for each in devices]


def _proof(row: Any) -> Proof:
    match row["kind"]:
        case "secret":
            return Secret(bytes(row["salt"]), bytes(row["digest"]))
        case "networks":
            return Networks(tuple(ip_network(each) for each in row["networks"]))
        case "serial":
            return SerialAlone()
    raise ValueError(f"no proof is called {row['kind']!r}")


def _proof_columns(proof: Proof) -> tuple[str, bytes | None, bytes | None, list[str] | None]:
    match proof:
        case Secret():
            return "secret", proof.salt, proof.digest, None
        case Networks():
            return "networks", None, None, [str(each) for each in proof.cidrs]
    return "serial", None, None, None


def _device(rows: list[Any]) -> Device:
    first = rows[0]
    return Device(
        serial=first["serial"],
        body=first["body"],
        protocol=Protocol(first["protocol"]),
        badge_system=first["badge_system"],
        settings=in_order_of_beginning([_settings(row) for row in rows]),
        revision=first["revision"],
        revoked_at=first["revoked_at"],
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
