"""The week is lived: the clock goes from one instant at which something happens to the next, and stands still meanwhile.

On each of them devices wait until Kafka has what they send, and people for their answers. Before a longer pause, and
wherever something must be seen by now, the clock stands until the whole platform is level. So nothing that the platform
says depends on how fast this machine is.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from tartip.timetracking.v1 import device_service_pb2 as devices
from tartip.timetracking.v1 import remote_session_service_pb2 as sessions

from .calls import HR, Desks, all_of
from .devices import SimulatedDevice
from .level import Levels
from .setup import badge_request
from .world import BadgeAssigned, DeviceSends, Event, SessionEnds, SessionStarts, SettingsChanged, World

MORNING = time(4, 8)
"""Behind the border of an ordinary night: the clock stands here on each date, also where nothing happens."""
PAUSE = timedelta(minutes=30)
"""After a crowd at the gates the platform is waited for; within one the devices' own waiting for Kafka is enough."""
ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Progress:
    """How far the week is."""

    at: datetime
    events: int = 0
    records: int = 0


@dataclass(slots=True)
class Week:
    """The week of a world. `step` moves the clock; `level` is awaited whenever all is level, before the clock moves on."""

    world: World
    desks: Desks
    levels: Levels
    devices: Mapping[str, SimulatedDevice]
    step: Callable[[datetime], None]
    level: Callable[[Progress], Awaitable[None]]
    _open: dict[str, str] = field(default_factory=dict)

    async def live(self) -> None:
        """Lives the week to its end."""
        progress = Progress(self.world.begin)
        await all_of(device.greet() for device in self.devices.values())
        happening = {at: list(events) for at, events in groupby(self.world.events, key=lambda event: event.at)}
        stops = self.stops()
        instants = sorted(happening.keys() | stops)
        for at, after in zip(instants, [*instants[1:], None], strict=True):
            self.step(at)
            events = happening.get(at, [])
            await self._happen(events)
            progress.at = at
            progress.events += len(events)
            progress.records += sum(len(each.records) for each in events if isinstance(each, DeviceSends))
            if at in stops or after is None or after - at > PAUSE:
                await self.levels.reached(at)
                await self.level(progress)

    def stops(self) -> set[datetime]:
        """The instants at which all must be level whatever happens: of each date, those by which something must be seen, the end."""
        world, zone = self.world, ZoneInfo(self.world.body.zone)
        days = [world.begin.astimezone(zone).date() + ONE_DAY * number for number in range((world.end - world.begin).days + 2)]
        daily = {datetime.combine(each, MORNING, zone) for each in days}
        promised = {each.seen_by for each in world.truth.findings if each.seen_by is not None}
        return {at for at in daily | promised if world.begin < at < world.end} | {world.end}

    async def _happen(self, events: Sequence[Event]) -> None:
        """Does all that happens at one instant, at once; only what concerns one device goes in its order."""
        sent: dict[str, list[DeviceSends]] = {}
        changed: dict[str, list[SettingsChanged]] = {}
        work: list[Coroutine[Any, Any, Any]] = []
        for event in events:
            match event:
                case DeviceSends():
                    sent.setdefault(event.device, []).append(event)
                case SessionStarts():
                    work.append(self._start(event))
                case SessionEnds():
                    work.append(self._end(event))
                case BadgeAssigned():
                    work.append(self._assign(event))
                case SettingsChanged():
                    changed.setdefault(event.device, []).append(event)
        work += [self._send(device, batches) for device, batches in sent.items()]
        work += [self._change(device, changes) for device, changes in changed.items()]
        await all_of(work)

    async def _send(self, serial: str, batches: Sequence[DeviceSends]) -> None:
        for batch in batches:
            await self.devices[serial].send(batch.records)

    async def _start(self, event: SessionStarts) -> None:
        desk = await self.desks.of(event.servant)
        request = sessions.StartRemoteSessionRequest(parent=f"servants/{event.servant}")
        self._open[event.servant] = (await desk.sessions.StartRemoteSession(request)).name

    async def _end(self, event: SessionEnds) -> None:
        desk = await self.desks.of(event.servant)
        name = self._open.pop(event.servant)
        await desk.sessions.EndRemoteSession(sessions.EndRemoteSessionRequest(name=name))

    async def _assign(self, event: BadgeAssigned) -> None:
        await (await self.desks.of(HR)).devices.AssignBadge(badge_request(event.badge))

    async def _change(self, serial: str, changes: Sequence[SettingsChanged]) -> None:
        """Only the time policy changes: where the device stands and what its reads say of the direction stays."""
        desk = await self.desks.of(HR)
        device = await desk.devices.GetDevice(devices.GetDeviceRequest(name=f"stateBodies/{self.world.body.id}/devices/{serial}"))
        for change in changes:
            settings = devices.DeviceSettings()
            settings.CopyFrom(device.settings[-1])
            settings.since_wall_time = change.since_wall_time.replace(tzinfo=None).isoformat()
            settings.offset.FromTimedelta(change.offset)
            request = devices.ChangeDeviceSettingsRequest(name=device.name, settings=settings, etag=device.etag)
            device = await desk.devices.ChangeDeviceSettings(request)
