"""The plans that the demo states by its own rules are those that regimes composes from the same acts."""

from datetime import date, datetime
from functools import cache
from typing import Any

from kernel.days import DaySpan
from lawbook import load
from regimes.assignments import domain as regimes
from regimes.people import domain as registry
from regimes.plans.domain import Grounds, PlanDay, compose
from regimes.rules.domain import LabourOrderRules, WeekType
from regimes.wall_clock import ClockSpan, Span

from .generate import world
from .plans import KNOWN_UNTIL
from .world import Assignment, Flexible, Remote, Servant, World

lived = cache(world)


def grounds(of: World, servant: Servant) -> Grounds:
    units = tuple(registry.Unit(each.id, each.parent) for each in of.units)
    appointment = registry.Appointment("a-1", DaySpan(servant.since, None), of.body.id, servant.unit, registry.AppointmentKind.MAIN)
    own = [each for each in of.assignments if each.servant == servant.id]
    return Grounds(
        servant=registry.Servant(servant.id, (appointment,)),
        bodies={of.body.id: registry.Body(of.body.id, of.body.region, of.body.zone, units)},
        rules=tuple(
            LabourOrderRules(
                each.id, of.body.id, each.unit, each.since, WeekType.FIVE_DAY, each.start, each.end,
                ClockSpan(each.break_start, each.break_end), None, int(each.grace.total_seconds()), each.premises, each.act,
            )
            for each in of.rules
        ),
        assignments=tuple(
            regimes.Assignment(each.id, each.servant, each.since, each.until, each.act, regime(each), order)
            for order, each in enumerate(own)
        ),
    )  # fmt: skip


def regime(of: Assignment) -> regimes.Regime:
    match of.regime:
        case Remote() as remote:
            return regimes.Remote(remote.place, frozenset(remote.weekdays))
        case Flexible() as flexible:
            return regimes.Flexible(
                ClockSpan(flexible.start, flexible.end),
                ClockSpan(flexible.core_start, flexible.core_end),
                ClockSpan(flexible.break_start, flexible.break_end),
            )
        case shifts:
            made = (
                regimes.Shift(each.date, ClockSpan(each.start, each.end), ClockSpan(each.break_start, each.break_end))
                for each in shifts.shifts
            )
            return regimes.ShiftSchedule(tuple(made))


def composed(day: PlanDay) -> dict[str, Any]:
    def span(each: Span) -> tuple[datetime, datetime]:
        return each.start, each.end

    return {
        "date": day.date,
        "kind": day.kind.value,
        "intervals": [(*span(each.span), each.place.value) for each in day.intervals],
        "breaks": [span(each) for each in day.breaks],
        "core": span(day.core) if day.core else None,
        "holiday": day.public_holiday,
        "grace": day.grace,
    }


def stated(row: dict[str, Any]) -> dict[str, Any]:
    def span(each: dict[str, str]) -> tuple[datetime, datetime]:
        return datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"])

    assert row["excused"] == []
    return {
        "date": date.fromisoformat(row["date"]),
        "kind": row["kind"],
        "intervals": [(*span(each), each["place"]) for each in row["intervals"]],
        "breaks": [span(each) for each in row["breaks"]],
        "core": span(row["core"]) if row["core"] else None,
        "holiday": row["holiday"],
        "grace": row["grace"],
    }


def test_every_stated_plan_is_the_composed_one() -> None:
    of, law = lived(1), load()
    for truth, servant in zip(of.truth.document["servants"], of.servants, strict=True):
        days = compose(grounds(of, servant), of.first, KNOWN_UNTIL, law)
        assert [composed(day) for day in days] == [stated(row) for row in truth["plans"]]


def test_the_law_allows_all_rules_and_regimes() -> None:
    of, law = lived(1), load()
    for servant in of.servants:
        own = grounds(of, servant)
        for place, each in enumerate(own.assignments):
            each.check(own.servant, own.bodies, own.assignments[:place], law)
    for rules in grounds(of, of.servants[0]).rules:
        rules.check(law)
