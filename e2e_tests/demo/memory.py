"""What each device remembers of its passages, in its own words, and when it sends it: with the troubles that devices have."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from .plans import ZONE
from .routine import IN, Crossing
from .world import Device, DeviceSends, Direction, Outcome, Protocol, Record

BEAT = timedelta(minutes=4)
"""Devices reach the gateway on the beat, all at once: the fewer instants, the fewer steps of the clock. It is shorter than
any tolerance of a clock (5 minutes), so that what comes on the next beat comes in time."""

_FACE, _CARD, _FACE_FAILED = 0x4B, 0x01, 0x4C
_ADMS_STATUS = {"in": 0, "out": 1}


@dataclass(frozen=True, slots=True)
class Outage:
    """A device cannot reach the gateway from one instant to another; then it sends all that it kept."""

    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A device's clock is ahead from one instant to another; where that is `corrected` later, its reads move to the true instants."""

    start: datetime
    until: datetime
    ahead: timedelta
    corrected: bool


@dataclass(frozen=True, slots=True)
class Troubles:
    """What is wrong with a device.

    `lost` gives, before the first passage from an instant on, how many events vanish with their numbers; from an instant in
    `reused` on, the first passage gets the number of the passage before it. `noise` are records that are no passages, each
    with the instant at which the device makes it. `again` repeats what was sent on a beat on a later one.
    """

    outages: tuple[Outage, ...] = ()
    clocks: tuple[WrongClock, ...] = ()
    lost: tuple[tuple[datetime, int], ...] = ()
    reused: tuple[datetime, ...] = ()
    noise: tuple[tuple[datetime, Record], ...] = ()
    again: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as a device keeps it: when it was made, and whose passage it is ("" for none).

    `read_at` is the instant of the read under the settings at the end of the week: the true one, or that of a wrong clock.
    """

    at: datetime
    record: Record
    holder: str = ""
    event_key: str = ""
    sent: str | None = None
    read_at: datetime | None = None

    def as_read(self, device: str) -> dict[str, Any]:
        """The read as `fold` has it."""
        assert self.read_at is not None
        return {"device": device, "event_key": self.event_key, "at": self.read_at.isoformat(), "direction": self.sent}


def on_beat(at: datetime) -> datetime:
    """Returns the beat at an instant, or the next one after it."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + BEAT * -(-(at - midnight) // BEAT)


def remembered(
    device: Device,
    crossings: Iterable[Crossing],
    numbers: Mapping[tuple[str, str], str],
    names: Mapping[str, str],
    troubles: Troubles,
    random: Random,
) -> list[Kept]:
    """Returns what the device keeps of these crossings, in order of time."""
    made = sorted(crossings)

    def number(crossing: Crossing) -> str:
        return numbers[device.badge_system, crossing.holder]

    if device.protocol is Protocol.ADMS:
        kept = [_line(device, each, number(each), _clock(troubles, each.at), random) for each in made]
    else:
        kept = _events(made, number, names, troubles, random)
    noise = [Kept(at, record) for at, record in troubles.noise]
    return sorted([*kept, *noise], key=lambda each: each.at)


def sendings(device: Device, kept: Sequence[Kept], troubles: Troubles) -> list[DeviceSends]:
    """Returns what the device sends and when: on the next beat, or when it can reach the gateway again; and what it repeats."""
    batches: dict[datetime, list[Record]] = defaultdict(list)
    for each in kept:
        held = next((outage for outage in troubles.outages if outage.start <= each.at < outage.until), None)
        record = each.record
        if held is not None and device.protocol is Protocol.ISAPI:
            record = replace(record, text=caught_up(record.text))
        batches[on_beat(held.until if held else each.at)].append(record)
    sent = [DeviceSends(at, device.serial, tuple(records)) for at, records in batches.items()]
    for first, later in troubles.again:
        again = batches[min(at for at in batches if at >= first)]
        if device.protocol is Protocol.ISAPI:
            passages = [each for each in again if each.outcome is Outcome.PASSAGE]
            again = [replace(each, text=caught_up(each.text), picture=False, repeats=True) for each in passages]
        sent.append(DeviceSends(on_beat(later), device.serial, tuple(again)))
    return sent


def caught_up(text: str) -> str:
    """Returns an event as the device gives it later: not happening now."""
    event = json.loads(text)
    event["AccessControllerEvent"]["currentEvent"] = False
    return _json(event)


def line(pin: str, wall: str, status: int | str, verify: int) -> str:
    """Returns a line of a terminal's attendance log."""
    return f"{pin}\t{wall}\t{status}\t{verify}\t0\t0\t0\t0\t0\t0"


def event(wall: datetime | str, number: str, sub: int, access: Mapping[str, Any]) -> str:
    """Returns an event of a controller as JSON text; `wall` is an instant, or a text that only looks like one."""
    shown = wall if isinstance(wall, str) else wall.astimezone(ZONE).isoformat(timespec="seconds")
    return _json(
        {
            "ipAddress": "10.20.0.14",
            "portNo": 80,
            "protocol": "HTTP",
            "dateTime": shown,
            "activePostCount": 1,
            "eventType": "AccessControllerEvent",
            "eventState": "active",
            "eventDescription": "Access Controller Event",
            "deviceID": "1",
            "AccessControllerEvent": {
                "deviceName": "Access Controller",
                "majorEventType": 5,
                "subEventType": sub,
                "cardReaderNo": 1,
                "doorNo": 1,
                "employeeNoString": number,
                "userType": "normal",
                "currentVerifyMode": "faceOrFpOrCardOrPw",
                "currentEvent": True,
                **access,
            },
        }
    )


def _line(device: Device, crossing: Crossing, number: str, clock: WrongClock | None, random: Random) -> Kept:
    """A terminal says 0 on every read unless it was set up to tell; it never says the offset."""
    shown = crossing.at + (clock.ahead if clock else timedelta(0))
    wall = shown.astimezone(ZONE).replace(tzinfo=None)
    status = _ADMS_STATUS[crossing.way] if device.direction is Direction.AS_SENT else 0
    text = line(number, f"{wall:%Y-%m-%d %H:%M:%S}", status, random.choice((1, 2, 15)))
    key = f"{number}|{wall.isoformat()}|{status}"
    read_at = crossing.at if clock and clock.corrected else shown
    return Kept(crossing.at, Record(text), crossing.holder, key, "out" if status else "in", read_at)


def _events(
    made: Sequence[Crossing],
    number: Callable[[Crossing], str],
    names: Mapping[str, str],
    troubles: Troubles,
    random: Random,
) -> list[Kept]:
    """A controller numbers all that it says, also of faces that it did not know, and names the number before."""
    kept: list[Kept] = []
    last = random.randrange(1_000, 9_000)
    lost, reused = list(troubles.lost), list(troubles.reused)
    for crossing in made:
        troubled = any(due and due[0] <= crossing.at for due in ([since for since, _ in lost], reused))
        if random.random() < 0.04 and not troubled:
            last += 1
            text = event(crossing.at, "", _FACE_FAILED, {"serialNo": last, "frontSerialNo": last - 1, "attendanceStatus": "undefined"})
            kept.append(Kept(crossing.at, Record(text, Outcome.IGNORED, picture=True)))
        if lost and lost[0][0] <= crossing.at:
            last += lost.pop(0)[1]
        if reused and reused[0] <= crossing.at:
            reused.pop(0)
        else:
            last += 1
        by_face = random.random() < 0.6
        said = {
            "name": names.get(crossing.holder, ""),
            "serialNo": last,
            "frontSerialNo": last - 1,
            "attendanceStatus": "checkIn" if crossing.way == IN else "checkOut",
        }
        text = event(crossing.at, number(crossing), _FACE if by_face else _CARD, said)
        kept.append(Kept(crossing.at, Record(text, picture=by_face), crossing.holder, str(last), crossing.way, crossing.at))
    return kept


def _clock(troubles: Troubles, at: datetime) -> WrongClock | None:
    return next((each for each in troubles.clocks if each.start <= at < each.until), None)


def _json(event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
