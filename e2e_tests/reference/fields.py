"""Rows, lists and single values of a document, each checked and each refused with its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

REQUIRED = object()

INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WALL_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """The document is refused: `path` says where, `why` says what is wrong there."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Seconds from `start` up to, and without, `end`."""

    start: int
    end: int

    def holds(self, second: int) -> bool:
        return self.start <= second < self.end


def row(raw: object, path: str, **fields: Any) -> dict[str, Any]:
    """The fields of an object: each known one is `REQUIRED` or has the value it takes when it is left out."""
    if not isinstance(raw, dict):
        raise Refused(path, "is not an object")
    prefix = f"{path}." if path else ""
    for name in raw:
        if name not in fields:
            raise Refused(f"{prefix}{name}", "is not a known field")
    for name, default in fields.items():
        if default is REQUIRED and name not in raw:
            raise Refused(f"{prefix}{name}", "is missing")
    return {name: raw.get(name, default) for name, default in fields.items()}


def items(raw: object, path: str) -> Iterator[tuple[object, str]]:
    if not isinstance(raw, list):
        raise Refused(path, "is not a list")
    return ((value, f"{path}[{index}]") for index, value in enumerate(raw))


Key = TypeVar("Key")
Row = TypeVar("Row")


def keep(rows: dict[Key, Row], key: Key, value: Row, path: str) -> None:
    """Keeps a row under its key. The same row again is harmless; another one is refused."""
    if rows.setdefault(key, value) != value:
        raise Refused(path, f"differs from another row with the key {key}")


def refuse_overlaps(spans: Sequence[tuple[Span, str]]) -> None:
    """Refuses two spans that share a second; touching ones do not."""
    for index, (one, _) in enumerate(spans):
        for other, path in spans[index + 1 :]:
            if max(one.start, other.start) < min(one.end, other.end):
                raise Refused(path, "overlaps another one of the same date")


def ordered(fields: dict[str, Any], path: str) -> Span:
    span = Span(instant(fields["start"], f"{path}.start"), instant(fields["end"], f"{path}.end"))
    if span.end < span.start:
        raise Refused(f"{path}.end", "is before the start")
    return span


def instant(raw: object, path: str) -> int:
    """An RFC 3339 instant, cut to a whole second."""
    if not isinstance(raw, str) or not INSTANT.fullmatch(raw):
        raise Refused(path, "is not an RFC 3339 instant with an offset")
    whole = re.sub(r"\.[0-9]+", "", raw.upper())
    try:
        return (datetime.fromisoformat(whole) - EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError) as error:
        raise Refused(path, "is an impossible instant") from error


def civil_date(raw: object, path: str) -> date:
    if not isinstance(raw, str) or not DATE.fullmatch(raw):
        raise Refused(path, "is not a date")
    try:
        return date.fromisoformat(raw)
    except ValueError as error:
        raise Refused(path, "is an impossible date") from error


def wall_time(raw: object, path: str) -> str:
    if not isinstance(raw, str) or not WALL_TIME.fullmatch(raw):
        raise Refused(path, "is not a wall time like 04:00")
    return raw


def read_zone(raw: object) -> ZoneInfo:
    try:
        return ZoneInfo(text(raw, "zone"))
    except (ValueError, OSError, KeyError) as error:
        raise Refused("zone", "is not a time zone") from error


def seconds(raw: object, path: str) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise Refused(path, "is not a number of whole seconds")
    return raw


def text(raw: object, path: str) -> str:
    if not isinstance(raw, str):
        raise Refused(path, "is not a text")
    return raw


def one_of(raw: object, path: str, *known: str) -> str:
    if not isinstance(raw, str) or raw not in known:
        raise Refused(path, f"is none of {', '.join(known)}")
    return raw
