"""The paper form of `fold`: what a document may hold, and how it is refused.

Unknown fields, missing required ones, overlaps inside a date, two different rows with one key and impossible dates are
refused with their path: `servants[3].reads[17].at`. Exact repetitions in any list are harmless.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
PLAIN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
WALL_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2999, 12, 31)  # what clocks of all systems can count, with room for neighbours
DAYS_OFF = frozenset({"day_off", "public_holiday"})


class Refused(ValueError):
    """A document that is not a fold document; `path` says where, the text what would be right."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}" if path else what)
        self.path = path


def no_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no name stands twice: of two values one would silently win."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("", f"a name stands twice in one object: {sorted(name for name, _ in pairs)}")
    return found


def instant(moment: datetime) -> int:
    """Whole seconds since 1970, cut."""
    return int(moment.timestamp() // 1)


def _instant_text(value: Any) -> datetime:
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("an instant is RFC 3339 with an offset, like 2026-11-24T08:55:00+05:00")
    # Python's reader knows at most microseconds, and instants are cut to seconds anyway.
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper()))
    if not FIRST_DAY.year <= moment.year <= LAST_DAY.year:
        raise ValueError(f"an instant lies between {FIRST_DAY} and {LAST_DAY}")
    return moment


def _date_text(value: Any) -> date:
    if not isinstance(value, str) or not PLAIN_DATE.fullmatch(value):
        raise ValueError("a date is YYYY-MM-DD")
    day = date.fromisoformat(value)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"a date lies between {FIRST_DAY} and {LAST_DAY}")
    return day


def _wall_time(value: str) -> str:
    if not WALL_TIME.fullmatch(value):
        raise ValueError("a wall time is HH:MM")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no such zone in the tz database: {value!r}") from error
    return value


Instant = Annotated[datetime, BeforeValidator(_instant_text)]
Day = Annotated[date, BeforeValidator(_date_text)]
WallTime = Annotated[StrictStr, AfterValidator(_wall_time)]
Length = Annotated[StrictInt, Field(ge=0)]
Name = Annotated[StrictStr, Field(min_length=1)]

Item = TypeVar("Item")


def _once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))


class _Paper(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Paper):
    """A half-open span of instants."""

    start: Instant
    end: Instant

    def model_post_init(self, _: Any) -> None:
        if self.end < self.start:
            raise ValueError("a span does not end before it starts")


def _apart(spans: Iterable[Span]) -> None:
    ordered = sorted(set(spans), key=lambda each: (each.start, each.end))
    for earlier, later in pairwise(ordered):
        if later.start < earlier.end:
            raise ValueError(f"overlap: {earlier.start.isoformat()} to {earlier.end.isoformat()} and from {later.start.isoformat()}")


def _disjoint(spans: tuple[Item, ...]) -> tuple[Item, ...]:
    _apart(spans)  # type: ignore[arg-type]
    return _once(spans)


class Interval(Span):
    """A planned interval."""

    place: Literal["office", "remote", "way"]


class Excused(Span):
    """A span in which the servant was rightly away."""

    reason: StrictStr


class PlanRow(_Paper):
    """What the servant was to do on a date."""

    date: Day
    kind: Literal["office", "remote", "combined", "flexible", "shift", "sliding", "summarised", "day_off", "public_holiday"]
    intervals: Annotated[tuple[Interval, ...], AfterValidator(_disjoint)] | None = None
    breaks: Annotated[tuple[Span, ...], AfterValidator(_disjoint)] = ()
    core: Span | None = None
    excused: tuple[Excused, ...] = ()
    holiday: StrictBool = False
    grace: Length = 0

    def model_post_init(self, _: Any) -> None:
        if self.intervals is None and self.kind not in DAYS_OFF:
            raise ValueError("intervals are missing; only a day off or a public holiday has none")


class OrderRow(_Paper):
    """Work ordered for a date."""

    date: Day
    kind: Literal["overtime", "rest_day"]
    start: Instant
    end: Instant
    breaks: Annotated[tuple[Span, ...], AfterValidator(_disjoint)] = ()

    def model_post_init(self, _: Any) -> None:
        if self.end < self.start:
            raise ValueError("an order does not end before it starts")


class ReadRow(_Paper):
    """A read of the servant's badge."""

    device: Name
    event_key: StrictStr
    at: Instant
    direction: Literal["in", "out"] | None


class SessionRow(_Paper):
    """A session of remote work; no end where none was recorded."""

    start: Instant
    end: Instant | None

    def model_post_init(self, _: Any) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError("a session does not end before it starts")


class AddedCorrection(_Paper):
    """An entry or exit that a person added."""

    kind: Literal["entry", "exit"]
    at: Instant


class StayCorrection(Span):
    """A stay that a person added."""

    kind: Literal["stay"]


class VoidCorrection(_Paper):
    """A read that a person took out."""

    kind: Literal["void"]
    device: Name
    event_key: StrictStr


CorrectionRow = Annotated[AddedCorrection | StayCorrection | VoidCorrection, Field(discriminator="kind")]


class Device(_Paper):
    """A reader."""

    device: Name
    role: Literal["perimeter", "internal"]
    direction: Literal["in", "out", "as_sent", "alternating"]
    premises: StrictStr


class Servant(_Paper):
    """One servant's plans and facts."""

    servant: Name
    plans: tuple[PlanRow, ...]
    orders: tuple[OrderRow, ...] = ()
    reads: tuple[ReadRow, ...]
    sessions: tuple[SessionRow, ...] = ()
    corrections: tuple[CorrectionRow, ...] = ()

    def canonical(self) -> tuple[Any, ...]:
        """Equal for two servants that hold the same sets."""
        return (
            self.servant,
            frozenset(_canonical_plan(each) for each in self.plans),
            frozenset(_canonical_order(each) for each in self.orders),
            *(frozenset(getattr(self, name)) for name in ("reads", "sessions", "corrections")),
        )


class Parameters(_Paper):
    """Values that stand in for the lawbook's."""

    # The defaults are never read: what is not given comes from the lawbook.
    day_border: WallTime = Field("", alias="day-border")
    border_margin: Length = Field(0, alias="border-margin")
    double_read_window: Length = Field(0, alias="double-read-window")
    longest_stay: Length = Field(0, alias="longest-stay")
    rest_between_days: Length = Field(0, alias="rest-between-days")
    daily_limit: Length = Field(0, alias="daily-limit")
    night: tuple[WallTime, WallTime] = ("", "")


class Document(_Paper):
    """A whole document."""

    zone: Annotated[StrictStr, AfterValidator(_zone)]
    since: Day
    until: Day
    now: Instant
    parameters: dict[str, Any] = {}
    devices: tuple[Device, ...]
    servants: tuple[Servant, ...]

    def unique_servants(self) -> list[tuple[str, Servant]]:
        """Each servant once, with the path of the first row."""
        found: dict[str, tuple[str, Servant]] = {}
        for index, each in enumerate(self.servants):
            found.setdefault(each.servant, (f"servants[{index}]", each))
        return list(found.values())


def read(document: Any) -> Document:
    """The document, checked; raises `Refused`."""
    if not isinstance(document, dict):
        raise Refused("", "a fold document is a JSON object")
    try:
        asked = Document.model_validate(document)
        Parameters.model_validate(asked.parameters)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        location = first["loc"] if isinstance(error.title, str) and error.title != "Parameters" else ("parameters", *first["loc"])
        raise Refused(_path(location, document), first["msg"].removeprefix("Value error, ")) from error
    if asked.until < asked.since:
        raise Refused("until", f"{asked.until} is before since, {asked.since}")
    _one_row_a_key("devices", asked.devices, lambda each: each.device, lambda each: each)
    _one_row_a_key("servants", asked.servants, lambda each: each.servant, lambda each: each.canonical())
    for index, servant in enumerate(asked.servants):
        path = f"servants[{index}]"
        _one_row_a_key(f"{path}.plans", servant.plans, lambda each: each.date, _canonical_plan)
        _orders_apart(f"{path}.orders", servant.orders)
    return asked


def _canonical_plan(row: PlanRow) -> Any:
    sets = (frozenset(row.intervals or ()), frozenset(row.breaks), frozenset(row.excused))
    return row.date, row.kind, *sets, row.core, row.holiday, row.grace


def _one_row_a_key(path: str, rows: Sequence[Item], key: Callable[[Item], Any], content: Callable[[Item], Any]) -> None:
    seen: dict[Any, Any] = {}
    for index, row in enumerate(rows):
        if seen.setdefault(key(row), content(row)) != content(row):
            raise Refused(f"{path}[{index}]", f"another row of {key(row)} says something else")


def _canonical_order(row: OrderRow) -> Any:
    return row.date, row.kind, row.start, row.end, frozenset(row.breaks)


def _orders_apart(path: str, orders: Sequence[OrderRow]) -> None:
    seen: list[OrderRow] = []
    for index, order in enumerate(orders):
        for other in seen:
            same = _canonical_order(other) == _canonical_order(order)
            if other.date == order.date and not same and other.start < order.end and order.start < other.end:
                raise Refused(f"{path}[{index}]", f"overlaps another order of {order.date}")
        seen.append(order)


def _path(location: Sequence[int | str], document: Any) -> str:
    """`servants[3].reads[17].at`; tags of alternatives, which are not in the document, are left out."""
    path, here = "", document
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
            here = here[part] if isinstance(here, list) and part < len(here) else None
        elif isinstance(here, dict) and here.get("kind") == part and part not in here:
            continue
        else:
            path += f".{part}" if path else part
            here = here.get(part) if isinstance(here, dict) else None
    return path
