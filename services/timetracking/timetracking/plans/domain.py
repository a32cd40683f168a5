"""Plans and orders as regimes tells of them, in the words of the working day."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from kernel.days import Month

from timetracking.workdays.domain import Order, Place, Plan, PlanKind, PlannedInterval


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """A date's plan with what the day is filed under: body, unit, zone, premises, act."""

    plan: Plan
    body: str
    unit: str
    zone: str
    details: "PlanDetails"


@dataclass(frozen=True, slots=True)
class PlanDetails:
    """What a plan says beside what a day is computed from. `norm` is in seconds."""

    premises: tuple[str, ...]
    """Of each interval, in their order; empty where it is not at a body's premises."""
    reasons: tuple[str, ...]
    """Of each excused interval, in their order."""
    norm: int
    accounting_mode: str
    accounting_since: date | None
    accounting_until: date | None
    act: str


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """The plan of a servant for a month: every date on which an appointment keeps time."""

    servant: str
    month: Month
    days: tuple[PlannedDay, ...]
    revision: int
    edition: str


@dataclass(frozen=True, slots=True)
class OrderTold:
    """An order as it stands; one that was cancelled counts for nothing."""

    order: str
    servant: str
    content: Order
    in_force: bool
    revision: int


def written(day: PlannedDay) -> str:
    """A plan as text: people with equal plans have equal texts, so that a text is read once."""
    plan, details = day.plan, day.details
    content = {
        "kind": plan.kind,
        "intervals": [
            [each.start, each.end, each.place, premises] for each, premises in zip(plan.intervals, details.premises, strict=True)
        ],
        "breaks": plan.breaks,
        "core": plan.core,
        "excused": [[*span, reason] for span, reason in zip(plan.excused, details.reasons, strict=True)],
        "holiday": plan.holiday,
        "grace": plan.grace,
        "norm": details.norm,
        "accounting": [details.accounting_mode, _iso(details.accounting_since), _iso(details.accounting_until)],
        "act": details.act,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=65_536)
def read_plan(day: date, text: str) -> tuple[Plan, PlanDetails]:
    """What `written` wrote."""
    content: Mapping[str, Any] = json.loads(text)
    plan = Plan(
        date=day,
        kind=PlanKind(content["kind"]),
        intervals=tuple(PlannedInterval(start, end, Place(place)) for start, end, place, _ in content["intervals"]),
        breaks=tuple((start, end) for start, end in content["breaks"]),
        core=(content["core"][0], content["core"][1]) if content["core"] else None,
        excused=tuple((start, end) for start, end, _ in content["excused"]),
        holiday=content["holiday"],
        grace=content["grace"],
    )
    mode, since, until = content["accounting"]
    details = PlanDetails(
        premises=tuple(premises for *_, premises in content["intervals"]),
        reasons=tuple(reason for *_, reason in content["excused"]),
        norm=content["norm"],
        accounting_mode=mode,
        accounting_since=date.fromisoformat(since) if since else None,
        accounting_until=date.fromisoformat(until) if until else None,
        act=content["act"],
    )
    return plan, details


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
