"""The paper form of `fold`: what a document may hold, and how it is refused.

Unknown fields, missing required ones, overlaps inside a date, two different rows with one key and impossible dates are
refused with their path: `servants[3].reads[17].at`. Exact repetitions in any list are harmless.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
RFC_3339 = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt]({CLOCK}:[0-5][0-9])(?:\.[0-9]+)?([Zz]|[+-]{CLOCK})")
PLAIN_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WALL_TIME = re.compile(CLOCK)
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2999, 12, 31)  # what clocks of all systems can count, with room for neighbours
WIDEST_MARGIN = 1_000_000_000  # seconds, thirty years: a border that it has moved is still an instant that a clock can show
EPOCH, SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
DAYS_OFF = frozenset({"day_off", "public_holiday"})


class Refused(ValueError):
    """A document that is not a fold document; `path` says where, the text what would be right."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}" if path else what)
        self.path = path


def parsed(content: bytes) -> Any:
    """The JSON value of a file; raises `Refused` where it is none, or none that all readers would read alike."""
    if content.startswith(b"\xef\xbb\xbf"):
        raise Refused("", "the file begins with a byte order mark; JSON is UTF-8 without one")
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_names_once, parse_constant=_no_number)
    except RecursionError as error:
        raise Refused("", "the JSON is nested too deeply") from error
    except Refused:
        raise
    except ValueError as error:  # no UTF-8, no JSON, or a number with thousands of digits
        raise Refused("", f"not JSON in UTF-8: {error}") from error


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no name stands twice: of two values one would silently win."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refused("", f"the name {name!r} stands twice in one object")
        found[name] = value
    return found


def _no_number(name: str) -> None:
    raise Refused("", f"not JSON: {name} is no number")


def _wrong(what: str, *place: str | int) -> PydanticCustomError:
    """What is wrong at a place inside the value that is being checked."""
    return PydanticCustomError("wrong", "{what}", {"what": what, "place": place})


def _instant_text(value: Any) -> int:
    """Whole seconds since 1970, cut: fractions of a second say nothing."""
    found = RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("an instant is RFC 3339 with an offset, like 2026-11-24T08:55:00+05:00")
    day, clock, _, offset, _ = found.groups()
    try:
        moment = (datetime.fromisoformat(f"{day}T{clock}{offset.upper()}") - EPOCH) // SECOND
    except ValueError as error:
        raise ValueError(f"there is no instant {value}: {error}") from error
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"an instant lies between {FIRST_DAY} and {LAST_DAY}")
    return moment


EARLIEST, LATEST = ((datetime.combine(day, datetime.min.time(), UTC) - EPOCH) // SECOND for day in (FIRST_DAY, LAST_DAY))


def _date_text(value: Any) -> date:
    if not isinstance(value, str) or not PLAIN_DATE.fullmatch(value):
        raise ValueError("a date is YYYY-MM-DD")
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"there is no date {value}: {error}") from error
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"a date lies between {FIRST_DAY} and {LAST_DAY}")
    return day


def _wall_time(value: str) -> str:
    if not WALL_TIME.fullmatch(value):
        raise ValueError("a wall time is HH:MM")
    return value


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("a text holds no halves of letters (lone surrogates)") from error
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no such zone in the tz database: {value[:40]!r}") from error
    return value


Instant = Annotated[int, BeforeValidator(_instant_text)]
Day = Annotated[date, BeforeValidator(_date_text)]
WallTime = Annotated[StrictStr, AfterValidator(_wall_time)]
Length = Annotated[StrictInt, Field(ge=0)]
Text = Annotated[StrictStr, AfterValidator(_text)]
Name = Annotated[Text, Field(min_length=1)]

Item = TypeVar("Item")


class _Paper(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Paper):
    """A half-open span of instants."""

    start: Instant
    end: Instant

    def model_post_init(self, _: Any) -> None:
        if self.end < self.start:
            raise _wrong("is before the start", "end")


SomeSpan = TypeVar("SomeSpan", bound=Span)


def _apart(spans: tuple[SomeSpan, ...]) -> tuple[SomeSpan, ...]:
    """Refuses two different spans of which one begins inside the other; the same row again is harmless."""
    ordered = sorted({span: place for place, span in reversed([*enumerate(spans)])}.items(), key=lambda each: (each[0].start, each[0].end))
    for (earlier, one), (later, other) in pairwise(ordered):
        if later.start < earlier.end:
            raise _wrong(f"overlaps another row of the list, number {min(one, other)}", max(one, other))
    return spans


class Interval(Span):
    """A planned interval."""

    place: Literal["office", "remote", "way"]


class Excused(Span):
    """A span in which the servant was rightly away."""

    reason: Text


class PlanRow(_Paper):
    """What the servant was to do on a date."""

    date: Day
    kind: Literal["office", "remote", "combined", "flexible", "shift", "sliding", "summarised", "day_off", "public_holiday"]
    intervals: Annotated[tuple[Interval, ...], AfterValidator(_apart)] = ()
    breaks: Annotated[tuple[Span, ...], AfterValidator(_apart)] = ()
    core: Span | None = None
    excused: tuple[Excused, ...] = ()
    holiday: StrictBool = False
    grace: Length = 0

    def model_post_init(self, _: Any) -> None:
        if "intervals" not in self.model_fields_set and self.kind not in DAYS_OFF:
            raise _wrong("is missing; only a day off or a public holiday has no intervals", "intervals")


class OrderRow(Span):
    """Work ordered for a date."""

    date: Day
    kind: Literal["overtime", "rest_day"]
    breaks: Annotated[tuple[Span, ...], AfterValidator(_apart)] = ()


class ReadRow(_Paper):
    """A read of the servant's badge."""

    device: Name
    event_key: Text
    at: Instant
    direction: Literal["in", "out", None]


class SessionRow(_Paper):
    """A session of remote work; no end where none was recorded."""

    start: Instant
    end: Instant | None

    def model_post_init(self, _: Any) -> None:
        if self.end is not None and self.end < self.start:
            raise _wrong("is before the start", "end")


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
    event_key: Text


CorrectionRow = Annotated[AddedCorrection | StayCorrection | VoidCorrection, Field(discriminator="kind")]


class Device(_Paper):
    """A reader."""

    device: Name
    role: Literal["perimeter", "internal"]
    direction: Literal["in", "out", "as_sent", "alternating"]
    premises: Text


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
    border_margin: Length = Field(0, alias="border-margin", le=WIDEST_MARGIN)
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
    asked = _checked(Document, document)
    _checked(Parameters, asked.parameters, "parameters")
    if asked.until < asked.since:
        raise Refused("until", f"{asked.until} is before since, {asked.since}")
    _one_row_a_key("devices", asked.devices, lambda each: each.device, lambda each: each)
    _one_row_a_key("servants", asked.servants, lambda each: each.servant, lambda each: each.canonical())
    for index, servant in enumerate(asked.servants):
        path = f"servants[{index}]"
        _one_row_a_key(f"{path}.plans", servant.plans, lambda each: each.date, _canonical_plan)
        _orders_apart(f"{path}.orders", servant.orders)
    return asked


Checked = TypeVar("Checked", bound=_Paper)
NO_KIND = frozenset({"union_tag_not_found", "union_tag_invalid"})


def _checked(form: type[Checked], given: Any, *where: str) -> Checked:
    try:
        return form.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ("kind",) if first["type"] in NO_KIND else first.get("ctx", {}).get("place", ())
        location = (*where, *first["loc"], *place)
        raise Refused(_path(location, given), _what(first)) from error


def _what(error: ErrorDetails) -> str:
    """What is wrong, in words for the one who wrote the document."""
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return "is missing"
        case "extra_forbidden":
            return "is not a known field"
        case "union_tag_invalid":
            return f"is none of {error['ctx']['expected_tags']}"
        case "literal_error":
            return f"should be {error['ctx']['expected'].replace('None', 'null')}"
        case _:
            return error["msg"].removeprefix("Value error, ")


def _canonical_plan(row: PlanRow) -> Any:
    sets = (frozenset(row.intervals), frozenset(row.breaks), frozenset(row.excused))
    return row.date, row.kind, *sets, row.core, row.holiday, row.grace


def _one_row_a_key(path: str, rows: Sequence[Item], key: Callable[[Item], Any], content: Callable[[Item], Any]) -> None:
    seen: dict[Any, Any] = {}
    for index, row in enumerate(rows):
        if seen.setdefault(key(row), content(row)) != content(row):
            raise Refused(f"{path}[{index}]", f"another row of {key(row)} says something else")


def _canonical_order(row: OrderRow) -> Any:
    return row.date, row.kind, row.start, row.end, frozenset(row.breaks)


def _orders_apart(path: str, orders: Sequence[OrderRow]) -> None:
    """Refuses two orders of one date of which one begins inside the other, whatever their kinds."""
    rows: dict[Any, int] = {}
    for index, order in enumerate(orders):
        rows.setdefault(_canonical_order(order), index)
    ordered = sorted(rows.values(), key=lambda index: (orders[index].date, orders[index].start, orders[index].end))
    for one, other in pairwise(ordered):
        if orders[one].date == orders[other].date and orders[other].start < orders[one].end:
            raise Refused(f"{path}[{max(one, other)}]", f"overlaps another order of {orders[one].date}, number {min(one, other)}")


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
