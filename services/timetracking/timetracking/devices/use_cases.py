"""What is done with devices, and the ports that it needs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from secrets import token_bytes, token_urlsafe
from typing import Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.faults import Stale

from timetracking.devices.domain import Device, Networks, Secret, Settings
from timetracking.names import device_name
from timetracking.people.domain import Body

# The Labour Code's duty to record working time is what devices and badges are there for.
GROUND = "lc-79"

SECRET_OCTETS, SALT_OCTETS = 32, 16

Clock = Callable[[], datetime]


class Bodies(Protocol):
    """The bodies that the registry told of."""

    async def get(self, body: str, visible_to: Caller) -> Body:
        """Returns the body; NotFound if there is none within the caller's reach, Unavailable while it may still be told of."""


class Devices(Protocol):
    """The enrolled devices."""

    async def get(self, body: str, serial: str, visible_to: Caller) -> Device:
        """Returns the device; NotFound if the body has none such within the caller's reach, Unavailable while that is not known."""

    async def page(self, body: str, after: str, limit: int, visible_to: Caller) -> Sequence[Device]:
        """Returns at most `limit` devices of the body with a serial above `after`, by serial."""

    async def add(self, device: Device) -> None:
        """Records a new device; Conflict where the serial is enrolled, at whatever body."""

    async def change(self, device: Device, settings: Settings) -> None:
        """Records the device's newest settings and its revision."""

    async def prove(self, device: Device) -> None:
        """Records how the device proves itself, whether it is revoked, and its revision."""


class DueDays(Protocol):
    """The days that are to be computed anew."""

    async def ask_device(self, device: str, since: date) -> None:
        """Asks for the days of everyone who was read at the device on a date as sent or later."""


class Work(Recording, Protocol):
    """One transaction over devices."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def due(self) -> DueDays: ...

    async def lock_settings(self) -> None:
        """Waits until nobody derives instants, and holds everyone who wants to."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device, and its secret where it has just been made: shown now or never."""

    device: Device
    secret: str | None = field(default=None, repr=False)


def kept_of(secret: str) -> Secret:
    """What is kept of a secret, under a salt made for it."""
    return Secret.of(secret, token_bytes(SALT_OCTETS))


@dataclass(frozen=True, slots=True)
class EnrolDevice:
    """An HR officer puts a device on the list of those whose passages are taken."""

    begin: Begin

    async def __call__(self, caller: Caller, device: Device, *, with_secret: bool = False) -> Enrolled:
        """Returns the device, with its secret where it is to get one; refuses NOT_FOUND (the body), ALREADY_EXISTS, MALFORMED, PROJECTION_BEHIND."""
        secret = token_urlsafe(SECRET_OCTETS) if with_secret else None
        if secret is not None:
            device = replace(device, proof=kept_of(secret))
        device = device.enrolled()
        async with self.begin(caller) as work:
            await work.bodies.get(device.body, visible_to=caller)
            await work.lock_settings()
            await work.devices.add(device)
            # What the device sent before it was enrolled was kept, and counts from now on.
            await work.due.ask_device(device.serial, date.min)
            work.record("device.enrol", device_name(device.body, device.serial), GROUND, after=device)
        return Enrolled(device, secret)


@dataclass(frozen=True, slots=True)
class ChangeDeviceSettings:
    """An HR officer says how a device's passages are to be read from a point on, which may lie in the past.

    The days of its reads become due in the same transaction; the job `due days` computes them a moment later.
    """

    begin: Begin

    async def __call__(self, caller: Caller, body: str, serial: str, settings: Settings, etag: str) -> Device:
        """Returns the device; refuses NOT_FOUND, STALE_ETAG (no check where `etag` is empty), MALFORMED, PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            await work.devices.get(body, serial, visible_to=caller)
            # Whoever records passages meanwhile would count with the settings of before, unseen by us.
            await work.lock_settings()
            before = await work.devices.get(body, serial, visible_to=caller)
            if etag and etag != before.etag:
                raise Stale(device_name(body, serial))
            device = before.changed(settings)
            await work.devices.change(device, settings)
            await work.due.ask_device(serial, settings.since_wall_time.date() if settings.since_wall_time else date.min)
            work.record("device.change-settings", device_name(body, serial), GROUND, before=before, after=device)
        return device


@dataclass(frozen=True, slots=True)
class RotateDeviceSecret:
    """An HR officer gives a device a new secret; what proved it before is taken for the overlap."""

    begin: Begin
    clock: Clock

    async def __call__(self, caller: Caller, body: str, serial: str, overlap: timedelta, etag: str) -> Enrolled:
        """Returns the device with its secret; refuses NOT_FOUND, STALE_ETAG, MALFORMED, DEVICE_REVOKED, PROJECTION_BEHIND."""
        secret = token_urlsafe(SECRET_OCTETS)
        kept, now = kept_of(secret), self.clock()

        def rotated(device: Device) -> Device:
            return device.proved_by(kept, now, overlap)

        device = await _changed(self.begin, caller, body, serial, etag, "device.rotate-secret", rotated)
        return Enrolled(device, secret)


@dataclass(frozen=True, slots=True)
class BindDevice:
    """An HR officer binds a device to networks; what proved it before is taken for the overlap."""

    begin: Begin
    clock: Clock

    async def __call__(self, caller: Caller, body: str, serial: str, networks: Networks, overlap: timedelta, etag: str) -> Device:
        """Returns the device; refuses NOT_FOUND, STALE_ETAG, MALFORMED, DEVICE_REVOKED, PROJECTION_BEHIND."""
        now = self.clock()

        def bound(device: Device) -> Device:
            return device.proved_by(networks, now, overlap)

        return await _changed(self.begin, caller, body, serial, etag, "device.bind", bound)


@dataclass(frozen=True, slots=True)
class RevokeDevice:
    """An HR officer takes a device off the list: a second later nothing more of it is taken. What was acknowledged counts."""

    begin: Begin
    clock: Clock

    async def __call__(self, caller: Caller, body: str, serial: str, etag: str) -> Device:
        """Returns the device; refuses NOT_FOUND, STALE_ETAG, DEVICE_REVOKED, PROJECTION_BEHIND."""
        now = self.clock()
        return await _changed(self.begin, caller, body, serial, etag, "device.revoke", lambda device: device.revoked(now))


@dataclass(frozen=True, slots=True)
class ReinstateDevice:
    """An HR officer puts a revoked device back: it proves itself as before, and what it kept meanwhile is taken."""

    begin: Begin

    async def __call__(self, caller: Caller, body: str, serial: str, etag: str) -> Device:
        """Returns the device; refuses NOT_FOUND, STALE_ETAG, DEVICE_NOT_REVOKED, PROJECTION_BEHIND."""
        return await _changed(self.begin, caller, body, serial, etag, "device.reinstate", Device.reinstated)


async def _changed(
    begin: Begin, caller: Caller, body: str, serial: str, etag: str, action: str, change: Callable[[Device], Device]
) -> Device:
    """Changes who is taken for the device; no instant and no day follows from that."""
    async with begin(caller) as work:
        await work.devices.get(body, serial, visible_to=caller)
        await work.lock_settings()  # as whoever changes a device: revisions are raised one after the other
        before = await work.devices.get(body, serial, visible_to=caller)
        if etag and etag != before.etag:
            raise Stale(device_name(body, serial))
        device = change(before)
        await work.devices.prove(device)
        work.record(action, device_name(body, serial), GROUND, before=before, after=device)
    return device


@dataclass(frozen=True, slots=True)
class GetDevice:
    """Shows a device with its dated settings."""

    begin: Begin

    async def __call__(self, caller: Caller, body: str, serial: str) -> Device:
        """Returns the device; refuses NOT_FOUND, PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            return await work.devices.get(body, serial, visible_to=caller)


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Shows the devices of a body."""

    begin: Begin

    async def __call__(self, caller: Caller, body: str, after: str, limit: int) -> Sequence[Device]:
        """Returns at most `limit` devices above `after`, by serial; refuses NOT_FOUND (the body), PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            return await work.devices.page(body, after, limit, visible_to=caller)
