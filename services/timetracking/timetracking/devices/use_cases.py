"""What is done with devices, and the ports that it needs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from chassis.access import Caller
from kernel.faults import Stale

from timetracking.devices.domain import Device, Settings
from timetracking.names import device_name
from timetracking.people.domain import Body

# The Labour Code's duty to record working time is what devices and badges are there for.
GROUND = "lc-79"


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


class DueDays(Protocol):
    """The days that are to be computed anew."""

    async def ask_device(self, device: str, since: date) -> None:
        """Asks for the days of everyone who was read at the device on a date as sent or later."""


class Work(Protocol):
    """One transaction over devices."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def due(self) -> DueDays: ...

    async def lock_settings(self) -> None:
        """Waits until nobody derives instants, and holds everyone who wants to."""

    def record(
        self, action: str, resource: str, rule: str | None = None, before: object | None = None, after: object | None = None
    ) -> None:
        """Writes the audit record of what was done to `resource`, on the ground of `rule`."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class EnrolDevice:
    """An HR officer puts a device on the list of those whose passages are taken."""

    begin: Begin

    async def __call__(self, caller: Caller, device: Device) -> Device:
        """Returns the device; refuses NOT_FOUND (the body), ALREADY_EXISTS, MALFORMED, PROJECTION_BEHIND."""
        device = device.checked()
        async with self.begin(caller) as work:
            await work.bodies.get(device.body, visible_to=caller)
            await work.lock_settings()
            await work.devices.add(device)
            # What the device sent before it was enrolled was kept, and counts from now on.
            await work.due.ask_device(device.serial, date.min)
            work.record("device.enrol", device_name(device.body, device.serial), GROUND, after=device)
        return device


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
