"""Which reads belong to which date, which of them count, and which stays cross a border."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .document import Document, Read, Servant
from .fields import Span

DAY = timedelta(days=1)
LONGEST_STAY_BEYOND_DUTY = 4 * 3600


def civil(zone: ZoneInfo, day: date, wall_time: str) -> int:
    """The instant of a wall time; of one that occurs twice, the first."""
    return int(datetime.fromisoformat(f"{day.isoformat()}T{wall_time}").replace(tzinfo=zone, fold=0).timestamp())


def order_of_text(value: str) -> tuple[int, int, bytes]:
    """ASCII digits only are a number, numbers before text, equal numbers by their bytes, text as bytes."""
    if value and all(letter in "0123456789" for letter in value):
        return (0, int(value), value.encode())
    return (1, 0, value.encode())


def total_order(read: Read) -> tuple[object, ...]:
    own, sent = ((None, "in", "out").index(direction) for direction in (read.direction, read.sent))
    return (read.at, order_of_text(read.device), order_of_text(read.event_key), own, sent)


@dataclass(slots=True)
class Group:
    """Reads that count once: at the first instant, with the direction that any of them carries."""

    reads: list[Read]

    @property
    def at(self) -> int:
        return self.reads[0].at

    @property
    def direction(self) -> str | None:
        return next((read.direction for read in self.reads if read.direction is not None), None)

    def takes(self, read: Read, double_read_window: int) -> bool:
        near = read.at - self.reads[-1].at <= double_read_window
        contradicts = self.direction is not None and read.direction is not None and read.direction != self.direction
        return near and not contradicts


@dataclass(slots=True)
class Windows:
    """The windows of one servant. What was found once is remembered; it cannot change."""

    document: Document
    servant: Servant
    borders: dict[date, int] = field(default_factory=dict)
    groups: dict[date, list[Group]] = field(default_factory=dict)

    def border_after(self, day: date) -> int:
        if day not in self.borders:
            self.borders[day] = self._border_after(day)
        return self.borders[day]

    def _border_after(self, day: date) -> int:
        rules, duty = self.document.rules, self.servant.duty
        ends = [each.end for each in (duty(day - DAY), duty(day)) if each is not None]
        starts = [each.start for each in (duty(day + DAY), duty(day + 2 * DAY)) if each is not None]
        low = max(ends) + rules.border_margin if ends else None
        high = min(starts) - rules.border_margin if starts else None
        if low is not None and high is not None and low > high:
            return (low + high) // 2
        border = civil(self.document.zone, day + DAY, rules.day_border)
        if low is not None:
            border = max(border, low)
        if high is not None:
            border = min(border, high)
        return border

    def window(self, day: date) -> Span:
        return Span(self.border_after(day - DAY), self.border_after(day))

    def reads(self, day: date) -> list[Read]:
        """Every read of the window, voided and internal ones too, in the total order."""
        window = self.window(day)
        return sorted((read for read in self.servant.reads if window.holds(read.at)), key=total_order)

    def voided(self, read: Read) -> bool:
        return any(
            correction.kind == "void" and (correction.device, correction.event_key) == (read.device, read.event_key)
            for correction in self.servant.corrections
        )

    def counted(self, day: date) -> list[Group]:
        """The counted reads of the window."""
        if day not in self.groups:
            self.groups[day] = self._counted(day)
        return self.groups[day]

    def _counted(self, day: date) -> list[Group]:
        groups: list[Group] = []
        for read in self.reads(day):
            if self.voided(read) or read.internal:
                continue
            if groups and groups[-1].takes(read, self.document.rules.double_read_window):
                groups[-1].reads.append(read)
            else:
                groups.append(Group([read]))
        return groups

    def what_became(self, day: date) -> list[tuple[Read, str]]:
        firsts = {id(group.reads[0]) for group in self.counted(day)}

        def became(read: Read) -> str:
            if self.voided(read):
                return "void"
            if read.internal:
                return "internal"
            return "counted" if id(read) in firsts else "double_read"

        return [(read, became(read)) for read in self.reads(day)]

    def crosses_after(self, day: date) -> bool:
        """Whether a stay crosses the border between a date and the next one."""
        before, after = self.counted(day), self.counted(day + DAY)
        if not before or not after:
            return False
        entry, leaving = before[-1], after[0]
        if entry.direction != "in" or leaving.direction != "out":
            return False
        rules, own, following = self.document.rules, self.servant.duty(day), self.servant.duty(day + DAY)
        longest = rules.longest_stay
        if own is not None:
            longest = max(longest, own.end - own.start + LONGEST_STAY_BEYOND_DUTY)
        if leaving.at - entry.at > longest:
            return False
        if following is None:
            return True
        latest = following.start if own is None else max(following.start, own.end + rules.border_margin)
        return leaving.at <= latest


def civil_cuts(zone: ZoneInfo, reach: Span, wall_times: Iterable[str]) -> set[int]:
    """The instants inside `reach` at which the civil clock shows one of the wall times, or jumps."""
    cuts: set[int] = set()
    day = datetime.fromtimestamp(reach.start, zone).date() - DAY
    while civil(zone, day, "00:00") <= reach.end:
        for wall_time in wall_times:
            moment = datetime.fromisoformat(f"{day.isoformat()}T{wall_time}")
            cuts |= {int(moment.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}
        day += DAY
    for hour in range(reach.start, reach.end, 3600):
        if offset(zone, hour) != offset(zone, hour + 3600):
            cuts.add(next(second for second in range(hour, hour + 3601) if offset(zone, second) != offset(zone, hour)))
    return {cut for cut in cuts if reach.start < cut < reach.end}


def offset(zone: ZoneInfo, second: int) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()
