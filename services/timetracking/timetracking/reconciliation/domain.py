"""Whether days are as their facts give them: differences between what is kept and what is computed anew."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DayKey = tuple[str, date]
"""(servant, date)."""

# After midnight's shifts and before the morning's rush.
AT_NIGHT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Difference:
    """A day that is kept otherwise than its facts give it: in which parts, and whether under another edition of the law."""

    day: DayKey
    body: str
    parts: tuple[str, ...]
    older_edition: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found; `waiting` days have facts that are still to be computed, and were left out."""

    days: int = 0
    waiting: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def drawn(self) -> int:
        """How many were looked for, those among them that were left out."""
        return self.days + self.waiting

    @property
    def wrong(self) -> Sequence[Difference]:
        """Those that no change of the law explains."""
        return [each for each in self.differences if not each.older_edition]

    def __add__(self, other: "Compared") -> "Compared":
        return Compared(self.days + other.days, self.waiting + other.waiting, self.differences + other.differences)


@dataclass(frozen=True, slots=True)
class Night:
    """What the comparisons of a night came to so far, chunk by chunk."""

    chunks: int = 0
    days: int = 0
    differences: int = 0


def parts(before: str, after: str) -> tuple[str, ...]:
    """The parts in which two contents differ, by name; the whole day where one of them is not there ("")."""
    if not before or not after:
        return () if before == after else ("day",)
    one, other = _said(before), _said(after)
    return tuple(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))


def _said(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {"text": text}
    return said if isinstance(said, dict) else {"text": text}


def night_of(now: datetime, zone: str) -> date:
    """The night to which an instant belongs: it begins in its small hours and lasts to the next one's."""
    return (now.astimezone(ZoneInfo(zone)) - AT_NIGHT).date()
