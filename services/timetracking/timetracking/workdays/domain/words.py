"""The words of a working day: what goes into it, and everything it says.

All instants are whole seconds since 1970 (UTC) as ints, all lengths are seconds. What every computation makes anew is a
named tuple, which is made in a third of the time of a frozen dataclass. Source: the platform's contract of the
working day (docs/fold.md), Order 120 points 9 and 20, Order 121 points 3 and 4, Labour Code articles 71, 79 and 83.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from kernel.intervals import Span

from timetracking.workdays.domain.plan import Plan


class Direction(IntEnum):
    """The way a read goes; the values are its order inside one second: no direction, then in, then out."""

    NONE = 0
    IN = 1
    OUT = 2


class OrderKind(StrEnum):
    """What an order asks for; an off-hours engagement (Order 120, point 11) counts as overtime."""

    OVERTIME = "overtime"
    REST_DAY = "rest_day"


class State(StrEnum):
    """How far a day is."""

    WAITING = "waiting"
    IN_PROGRESS = "in_progress"
    COMPUTED = "computed"


class Became(StrEnum):
    """What became of a read."""

    COUNTED = "counted"
    DOUBLE_READ = "double_read"
    INTERNAL = "internal"
    VOID = "void"


class FindingKind(StrEnum):
    """What a day shows."""

    LATE = "late"
    EARLY_LEAVE = "early_leave"
    LEFT_DURING_DAY = "left_during_day"
    ABSENT = "absent"
    MISSING_ENTRY = "missing_entry"
    MISSING_EXIT = "missing_exit"
    OVERNIGHT_STAY = "overnight_stay"
    REMOTE_WITHOUT_SESSION = "remote_without_session"
    SESSION_IN_OFFICE_INTERVAL = "session_in_office_interval"
    MISSING_END_OF_SESSION = "missing_end_of_session"
    DAILY_LIMIT = "daily_limit"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The lawbook's values that a day is computed with, as they hold on its date."""

    day_border: int
    """Seconds after midnight at which a day ends that nothing holds open."""
    border_margin: int
    """Seconds that a border keeps from a duty."""
    double_read_window: int
    """A read this close after another one of its direction repeats it."""
    longest_stay: int
    """A stay over a border lasts at most this long …"""
    stay_beyond_duty: int
    """… or the entry date's duty and this, if that is more."""
    rest_between_days: int
    daily_limit: int
    night: Span
    """Seconds after midnight of its begin and its end, the end on the next morning."""


@dataclass(frozen=True, slots=True)
class Order:
    """Work that was ordered outside the plan, for the date whose duty it extends."""

    date: date
    kind: OrderKind
    start: int
    end: int
    breaks: tuple[Span, ...] = ()


class Read(NamedTuple):
    """A passage as a computation sees it, with its own direction: the device's, what was sent, or none."""

    at: int
    device: str
    event_key: str
    direction: Direction
    perimeter: bool = True
    sent: Direction = Direction.NONE
    """The direction as sent: two facts that differ in it alone stay two, whatever the device makes of it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of remote work; `end` is None where it was not recorded."""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Added:
    """An entry or an exit that a person added with a reason."""

    at: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class AddedStay:
    """A whole stay that a person added with a reason."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Void:
    """A read that a person took out with a reason."""

    device: str
    event_key: str


Correction = Added | AddedStay | Void


@dataclass(frozen=True, slots=True)
class Facts:
    """All that concerns one servant and some dates with their neighbours. Sets in meaning: order and repetition say nothing.

    Plans and orders are wanted from three dates before the first date asked for to three after the last, everything else from
    two days before to two days after; what is not there is taken as not having happened.
    """

    plans: Mapping[date, Plan]
    orders: tuple[Order, ...] = ()
    reads: tuple[Read, ...] = ()
    sessions: tuple[Session, ...] = ()
    corrections: tuple[Correction, ...] = ()


T = TypeVar("T", bound=tuple[Any, ...])


def named(kind: type[T], rows: Iterable[tuple[Any, ...]]) -> tuple[T, ...]:
    """Rows as named tuples of a kind, whose fields they have in order: many at once are made in less time than one by one."""
    return tuple(map(partial(tuple.__new__, kind), rows))


class Stay(NamedTuple):
    """Presence at a perimeter, known or assumed."""

    start: int
    end: int
    assumed: bool


class Finding(NamedTuple):
    """Something the day shows; it changes nobody's rights until a person decides."""

    kind: FindingKind
    first: int
    seconds: int
    rule: str


class Seconds(NamedTuple):
    """The figures of a day."""

    worked: int = 0
    assumed: int = 0
    overtime: int = 0
    rest_day: int = 0
    outside_hours: int = 0
    remote_outside_hours: int = 0
    gap: int = 0
    night: int = 0
    holiday: int = 0
    late: int = 0
    early: int = 0
    left: int = 0
    absent: int = 0
    excused: int = 0
    known: int = 0


ReadOutcome = tuple[Read, Became]
"""A read of the day's window and what became of it."""


class WorkdayContent(NamedTuple):
    """Everything a day says. Equal sets of facts give equal contents, whatever their order and repetition."""

    date: date
    state: State
    window: Span
    seconds: Seconds
    stays: tuple[Stay, ...]
    reads: tuple[ReadOutcome, ...]
    findings: tuple[Finding, ...]
    superseded: tuple[Added, ...] = ()
    sessions: tuple[Stay, ...] = ()
    """Sessions of remote work inside the window."""
    work: Span | None = None
    """From the first to the last second that was worked or ordered."""
    crosses: bool = False
    """A stay goes on over the end of the window."""
