"""Parameters of the law: numbers, sets and tables whose values are dated."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from kernel.faults import Fault
from kernel.text import LocalizedText

from lawbook.reader import LawUnreadable
from lawbook.source import LOWERED, Act, Confidence, check_fields, confidence_of, text_of


class NotInForce(Fault):
    """The law has no value of this parameter on that date; `since` is that of the first one, where there is one."""

    def __init__(self, parameter: str, on: date, since: date | None = None) -> None:
        super().__init__("NOT_IN_FORCE", {"parameter": parameter, "on": on}, on=on)
        self.since = since


@dataclass(frozen=True, slots=True)
class Provision:
    """The value of a parameter and the span of dates for which the law sets it (`until` is None while it goes on).

    `value` is a whole number, a word (decimals and wall times are words), a truth value, a tuple or a mapping of these,
    in `unit`. `confidence` is that of the date asked for: one step lower once the source has ended without a successor.
    """

    parameter: str
    value: Any  # its type follows from the parameter; the callers know it, and a union would make each of them guess
    unit: str
    since: date
    until: date | None
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter with its provisions in the order of their dates; `checked_on` is when a person last compared it with the text."""

    id: str
    title: LocalizedText
    unit: str
    checked_on: date
    provisions: tuple[Provision, ...]
    _changes: tuple[date, ...]
    _answers: tuple[Provision, ...]

    def on(self, day: date) -> Provision:
        """Returns the provision that holds on `day`; NotInForce before the first."""
        at = bisect_right(self._changes, day)
        if at == 0:
            raise NotInForce(self.id, day, self._changes[0])
        return self._answers[at - 1]


def parameter_of(data: Mapping[str, Any], acts: Mapping[str, Act], where: str) -> Parameter:
    """Returns the parameter that a file describes; its sources' acts stand in `acts` by the sources' IDs."""
    check_fields(data, {"id", "title", "unit", "values", "checked_on"}, set(), where)
    if not data["values"]:
        raise LawUnreadable(f"{where}: has no value")
    changes = sorted(data["values"])
    provisions = []
    for since, following in pairwise([*changes, None]):
        entry = data["values"][since]
        check_fields(entry, {"value", "source", "confidence"}, set(), f"{where}: {since}")
        provisions.append(
            Provision(
                parameter=data["id"],
                value=_frozen(entry["value"]),
                unit=data["unit"],
                since=since,
                until=following and following - timedelta(days=1),
                source=entry["source"],
                confidence=confidence_of(entry["confidence"], f"{where}: {since}"),
            )
        )
    answers = [answer for provision in provisions for answer in _with_lowered(provision, acts[provision.source])]
    return Parameter(
        id=data["id"],
        title=text_of(data["title"], f"{where}: title"),
        unit=data["unit"],
        checked_on=data["checked_on"],
        provisions=tuple(provisions),
        _changes=tuple(since for since, _ in answers),
        _answers=tuple(answer for _, answer in answers),
    )


def _with_lowered(provision: Provision, act: Act) -> list[tuple[date, Provision]]:
    """The provision from its first day, and again, less certain, from the day after its act ended within its span."""
    ended = act.in_force.until
    if ended is None or (provision.until is not None and provision.until <= ended):
        return [(provision.since, provision)]
    lowered = Provision(
        provision.parameter,
        provision.value,
        provision.unit,
        provision.since,
        provision.until,
        provision.source,
        LOWERED[provision.confidence],
    )
    first_without = ended + timedelta(days=1)
    if first_without <= provision.since:
        return [(provision.since, lowered)]
    return [(provision.since, provision), (first_without, lowered)]


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
