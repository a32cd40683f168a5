"""What the devices sent, read back from the bytes on the line, and what it shows of the devices: a second look at the truth.

It reads the records as a gateway would and knows the rules of device findings, each said once and plainly; the generator
does not use it. So a fault that the generator plants by mistake is seen here.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .world import BadgeAssigned, Device, DeviceSends, ExpectedFinding, Outcome, Protocol, Role, Rules, SettingsChanged, World

TOLERANCE = timedelta(seconds=300)
SILENT_AFTER = timedelta(hours=4)
ZONE = ZoneInfo("Asia/Almaty")


@dataclass(frozen=True, slots=True)
class WireRead:
    """A passage as it came: `before` is the number that the device gave to the event before, with numbers of no passages skipped."""

    device: str
    key: str
    wall: datetime
    at: datetime
    received: datetime
    badge: tuple[str, str]
    direction: str
    live: bool
    before: int | None = None

    @property
    def number(self) -> int | None:
        """Its event number, where the device numbers."""
        return int(self.key) if self.key.isdigit() else None


def reads_of(world: World, until: datetime) -> list[WireRead]:
    """Returns the passages that had come by an instant, each once, under the settings of that instant, in order of receipt."""
    settings: dict[str, list[SettingsChanged]] = defaultdict(list)
    for event in world.events:
        if isinstance(event, SettingsChanged) and event.at <= until:
            settings[event.device].append(event)
    reads: dict[tuple[object, ...], WireRead] = {}
    skipped: dict[str, dict[int, int]] = defaultdict(dict)
    for event in world.events:
        if isinstance(event, DeviceSends) and event.at <= until:
            device = world.device(event.device)
            for record in event.records:
                if record.outcome is Outcome.PASSAGE:
                    read = _read(device, record.text, event.at, settings[event.device], skipped[event.device])
                    reads.setdefault((read.device, read.key, read.wall, read.badge, read.direction), read)
                elif record.outcome is Outcome.IGNORED:
                    access = json.loads(record.text)["AccessControllerEvent"]
                    skipped[event.device][access["serialNo"]] = access["frontSerialNo"]
    return list(reads.values())


def _read(device: Device, text: str, received: datetime, settings: Sequence[SettingsChanged], skipped: dict[int, int]) -> WireRead:
    if device.protocol is Protocol.ADMS:
        pin, shown, status, _ = text.split("\t")[:4]
        wall = datetime.fromisoformat(shown)
        key, badge, direction = f"{pin}|{wall.isoformat()}|{status}", (device.badge_system, pin), "in" if status == "0" else "out"
        begun = sorted((each for each in settings if each.since_wall_time <= wall), key=lambda each: each.since_wall_time)
        at = wall.replace(tzinfo=ZONE) - (begun[-1].offset - timedelta(hours=5) if begun else timedelta(0))
        return WireRead(device.serial, key, wall, at, received, badge, direction, live=True)
    event = json.loads(text)
    access: dict[str, Any] = event["AccessControllerEvent"]
    at = datetime.fromisoformat(event["dateTime"])
    direction = {"checkIn": "in", "checkOut": "out"}[access["attendanceStatus"]]
    before = access["frontSerialNo"]
    while before in skipped:
        before = skipped[before]
    badge = device.badge_system, access["employeeNoString"]
    key, live = str(access["serialNo"]), access["currentEvent"]
    return WireRead(device.serial, key, at.replace(tzinfo=None), at, received, badge, direction, live, before)


def holders(world: World, until: datetime) -> dict[tuple[str, str], str]:
    """Returns who holds which badge by an instant. All of the demo's badges begin before their first read."""
    given = [*world.badges, *(each.badge for each in world.events if isinstance(each, BadgeAssigned) and each.at <= until)]
    return {(badge.system, badge.number): badge.servant for badge in given}


def findings_of_devices(world: World, until: datetime) -> set[ExpectedFinding]:
    """Returns the findings of devices that stand at an instant; of a silence `seconds` is left out."""
    reads, known = reads_of(world, until), holders(world, until)
    found: set[ExpectedFinding] = set()
    for device in world.devices:
        own = [each for each in reads if each.device == device.serial]
        found |= _clock(own) | _missing_numbers(own) | _reused(own) | _strangers(own, known)
        if device.role is Role.PERIMETER and own:
            found |= _silences(world, device, own, until)
    return found


def _by_date(reads: Iterable[WireRead]) -> dict[date, list[WireRead]]:
    dates: dict[date, list[WireRead]] = defaultdict(list)
    for each in sorted(reads, key=lambda read: read.at):
        dates[each.wall.date()].append(each)
    return dates


def _clock(reads: Sequence[WireRead]) -> set[ExpectedFinding]:
    """Ahead: a read before its receipt by more than the tolerance. Behind: live reads that lag alike while time goes on."""
    off = {each: each.at - each.received for each in reads if each.at - each.received > TOLERANCE}
    run: list[WireRead] = []
    for each in [*(read for read in reads if read.live), None]:
        if each is not None and each.received - each.at > TOLERANCE:
            run.append(each)
            continue
        if run:
            least = min(slow.received - slow.at for slow in run)
            alike = [slow for slow in run if slow.received - slow.at <= least + TOLERANCE]
            if max(slow.received for slow in alike) - min(slow.received for slow in alike) > TOLERANCE:
                off |= dict.fromkeys(run, least)
            run = []
    return {
        ExpectedFinding("device_clock", on, device=some[0].device, first=some[0].at, seconds=_whole(max(off[each] for each in some)))
        for on, some in _by_date(off).items()
    }


def _missing_numbers(reads: Sequence[WireRead]) -> set[ExpectedFinding]:
    found = set()
    numbered = {each.number: each for each in reads if each.number is not None}
    for number, each in numbered.items():
        if each.before is not None and each.before < number and each.before not in numbered:
            smaller = [known for known in numbered if known < each.before]
            if smaller:
                last = max(smaller)
                on, first = each.wall.date(), numbered[last].at
                found.add(ExpectedFinding("device_missing_numbers", on, device=each.device, first=first, seconds=each.before - last))
    return found


def _reused(reads: Sequence[WireRead]) -> set[ExpectedFinding]:
    keys: dict[str, list[WireRead]] = defaultdict(list)
    for each in reads:
        keys[each.key].append(each)
    return {
        ExpectedFinding("event_number_reused", first.wall.date(), device=first.device, first=first.at, seconds=len(some))
        for some in keys.values()
        if len(some) > 1
        for first in [min(some, key=lambda each: each.at)]
    }


def _strangers(reads: Sequence[WireRead], known: dict[tuple[str, str], str]) -> set[ExpectedFinding]:
    badges: dict[tuple[str, str], list[WireRead]] = defaultdict(list)
    for each in reads:
        if each.badge not in known:
            badges[each.badge].append(each)
    return {
        ExpectedFinding("unknown_badge", on, device=some[0].device, badge=":".join(badge), first=some[0].at, seconds=len(some))
        for badge, own in badges.items()
        for on, some in _by_date(own).items()
    }


def _silences(world: World, device: Device, reads: Sequence[WireRead], until: datetime) -> set[ExpectedFinding]:
    """Between two reads more than four hours in which at least half of the people of the premises were at work, in whole minutes."""
    working = _working_minutes(world, device.premises)
    full_hour = until.replace(minute=0, second=0, microsecond=0)
    ats = sorted(each.at for each in reads)
    found = set()
    for one, other in zip(ats, [*ats[1:], full_hour], strict=True):
        between = working[bisect_right(working, one) : bisect_left(working, other)]
        if len(between) * timedelta(minutes=1) > SILENT_AFTER:
            found.add(ExpectedFinding("device_silent", between[0].date(), device=device.serial, first=between[0]))
    return found


def _working_minutes(world: World, premises: str) -> list[datetime]:
    """The minutes at which at least half of the most people at once are planned at the premises; flexible and shift people are few."""
    rules = {each.unit: each for each in world.rules}
    own = [servant for servant in world.servants if _rules(world, rules, servant.unit).premises == premises and servant.pattern == "office"]
    counts: dict[int, int] = defaultdict(int)
    for servant in own:
        each = _rules(world, rules, servant.unit)
        for minute in (*_minutes(each.start, each.break_start), *_minutes(each.break_end, each.end)):
            counts[minute] += 1
    busy = sorted(minute for minute, many in counts.items() if 2 * many >= max(counts.values()))
    days = [world.first + timedelta(days=number) for number in range(5) if world.first + timedelta(days=number) != date(2026, 12, 16)]
    return [datetime.combine(day, time(0), ZONE) + timedelta(minutes=minute) for day in days for minute in busy]


def _rules(world: World, rules: dict[str, Rules], unit: str) -> Rules:
    parents = {each.id: each.parent for each in world.units}
    while unit and unit not in rules:
        unit = parents[unit]
    return rules[unit]


def _minutes(start: time, end: time) -> range:
    return range(start.hour * 60 + start.minute, end.hour * 60 + end.minute)


def _whole(length: timedelta) -> int:
    return int(length.total_seconds())
