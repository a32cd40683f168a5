"""The limits that follow from protected facts, without saying from which (Labour Code, articles 69, 76, 77 and 85).

Others than the person and the HR service see these alone. Equal limits are equal answers, whatever they follow from: days are joined
where nothing that is shown changes between them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

from kernel.days import months_after
from lawbook import Lawbook

from registry.protected.domain import DISABILITY_GROUPS, Content, RestrictedWork

NORMAL_WEEK, REDUCED_WEEK, MEDICAL_BAR = "working-time/normal-week", "working-time/reduced-week", "protected/medical-bar"
BY_GROUP: Mapping[RestrictedWork, str] = {work: f"protected/{work.value}" for work in RestrictedWork}
PARAMETERS = (NORMAL_WEEK, REDUCED_WEEK, MEDICAL_BAR, *BY_GROUP.values())
# The rule of law behind each limit: the article as a whole, since its paragraph would name the group.
RULES: Mapping[RestrictedWork, str] = {
    RestrictedWork.NIGHT: "lc-76",
    RestrictedWork.OVERTIME: "lc-77",
    RestrictedWork.REST_DAY: "lc-85",
}
RULE_OF_WEEK = "lc-69"
MONTHS_A_YEAR = 12
DAY = timedelta(days=1)


class Limit(IntEnum):
    """What may be asked of a servant; of several the strictest counts. `FREE` is what holds for everybody."""

    FREE = 0
    BY_CONSENT = 1
    BARRED = 2


LIMITS: Mapping[str, Limit] = {"by-consent": Limit.BY_CONSENT, "barred": Limit.BARRED}


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be asked of a servant on a day: work beyond the ordinary, and the hours of a week."""

    night: Limit
    overtime: Limit
    rest_day: Limit
    weekly_hours: int

    def of(self, work: RestrictedWork) -> Limit:
        """The limit of one kind of work."""
        return dict(zip(RestrictedWork, (self.night, self.overtime, self.rest_day), strict=True))[work]


@dataclass(frozen=True, slots=True)
class DatedLimits:
    """Limits, the span of days on which they hold, and the rules of law that set those that do not hold for everybody."""

    since: date
    until: date
    limits: Limits
    rules: tuple[str, ...]


def dated_limits(facts: Collection[Content], law: Lawbook, since: date, until: date) -> tuple[DatedLimits, ...]:
    """Returns the limits of each day from `since` to `until`, in spans as long as they can be; NotInForce before the law began."""
    starts = sorted({since, *(start for start in _starts(facts, law) if since < start <= until)})
    found: list[DatedLimits] = []
    for start, following in zip(starts, [*starts[1:], until + DAY], strict=True):
        limits = limits_on(facts, law, start)
        rules = _rules(limits, law, start)
        if found and (found[-1].limits, found[-1].rules) == (limits, rules):
            start = found.pop().since
        found.append(DatedLimits(start, following - DAY, limits, rules))
    return tuple(found)


def limits_on(facts: Collection[Content], law: Lawbook, on: date) -> Limits:
    """Returns the limits of a day: those of the group that is protected most."""
    holding = [fact for fact in facts if fact.span.holds(on)]
    groups = {_group(fact) for fact in holding}
    hours = {int(value) for group, value in law.require(REDUCED_WEEK, on).value.items() if group in groups}
    night, overtime, rest_day = (_strictest(holding, law, work, on) for work in RestrictedWork)
    return Limits(night, overtime, rest_day, min(hours | {int(law.require(NORMAL_WEEK, on).value)}))


def _strictest(facts: Collection[Content], law: Lawbook, work: RestrictedWork, on: date) -> Limit:
    table, medical = law.require(BY_GROUP[work], on).value, law.require(MEDICAL_BAR, on).value
    limits = [
        LIMITS[table[group]["limit"]] for fact in facts for group in [_group(fact)] if group in table and _young(fact, table[group], on)
    ]
    return max((Limit.FREE, *limits, *(LIMITS[medical[work.value]] for fact in facts if work in fact.barred)))


def _group(fact: Content) -> str:
    """The group of the Code's tables to which a fact makes a servant belong: two of disability are one there."""
    return fact.kind.value if fact.group is None else DISABILITY_GROUPS[fact.group]


def _young(fact: Content, entry: Mapping[str, Any], on: date) -> bool:
    """Whether the child, where the fact is of one, has not reached the age up to which the law protects."""
    return fact.child_born is None or on < _of_age(fact.child_born, entry)


def _of_age(born: date, entry: Mapping[str, Any]) -> date:
    return months_after(born, MONTHS_A_YEAR * int(entry["under"]))


def _starts(facts: Collection[Content], law: Lawbook) -> Iterator[date]:
    """The days on which something may change: a fact begins or has ended, a child has reached an age, the law is another."""
    for parameter in PARAMETERS:
        yield from (provision.since for provision in law.parameter(parameter).provisions)
    tables = [provision.value for parameter in BY_GROUP.values() for provision in law.parameter(parameter).provisions]
    for fact in facts:
        yield fact.span.since
        if fact.span.until is not None:
            yield fact.span.until + DAY
        if fact.child_born is not None:
            yield from (_of_age(fact.child_born, table[_group(fact)]) for table in tables if _group(fact) in table)


def _rules(limits: Limits, law: Lawbook, on: date) -> tuple[str, ...]:
    works = tuple(RULES[work] for work in RestrictedWork if limits.of(work) is not Limit.FREE)
    reduced = limits.weekly_hours < int(law.require(NORMAL_WEEK, on).value)
    return (*works, RULE_OF_WEEK) if reduced else works
