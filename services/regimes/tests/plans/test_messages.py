"""What is published of a plan is exactly what the consumers' tests expect."""

from dataclasses import replace
from datetime import UTC, date, datetime

from chassis.testing.contracts import contract, unset_fields
from kernel.days import Month
from lawbook import load
from regimes.assignments.domain import Remote
from regimes.plans.domain import AccountingMode, MonthPlan, Place, PlanKind, PublishedPlan, compose_month
from regimes.plans.messages import KINDS, MODES, PLACES, month_plan_changed
from tartip.regimes.v1 import events_pb2, plan_service_pb2

from ..samples import FLEXIBLE, appointment, assignment, grounds, rules, servant, shifts

LAW = load()
FRIDAY = date(2026, 12, 18)


def published() -> PublishedPlan:
    """A week with a day of each kind: office, combined, holiday, flexible, night shift, two days off."""
    given = grounds(
        servant("serikova", appointment(date(2026, 12, 14), date(2026, 12, 20))),
        [rules(grace=300)],
        [
            assignment(Remote("Алматы, үйі", frozenset({2, 3})), date(2026, 12, 15), date(2026, 12, 16), "a1", 1),
            assignment(FLEXIBLE, date(2026, 12, 17), date(2026, 12, 17), "a2", 2),
            assignment(shifts((FRIDAY, "20:00-08:00", "01:00-02:00")), FRIDAY, date(2026, 12, 19), "a3", 3),
        ],
    )
    plan = compose_month(given, Month(2026, 12), LAW)
    return PublishedPlan(plan, 4, "01987d3c-6f00-7a10-8000-000000000101", datetime(2026, 11, 22, 5, 30, tzinfo=UTC), "7d3f0c2b9a1e4f58")


def test_a_plan_is_published_as_the_contract_says() -> None:
    assert month_plan_changed(published()) == contract("regimes.plans.v1", events_pb2.MonthPlanChanged)


def test_the_contract_shows_every_field_but_the_absences_that_are_not_composed_yet() -> None:
    assert unset_fields(contract("regimes.plans.v1", events_pb2.MonthPlanChanged)) == {"days.excused"}


def test_the_contract_of_orders_shows_every_field() -> None:
    assert unset_fields(contract("regimes.orders.v1", events_pb2.OrderChanged)) == set()


def test_every_word_of_the_domain_has_its_value_in_the_contract() -> None:
    for words, numbers in ((PlanKind, KINDS), (Place, PLACES), (AccountingMode, MODES)):
        assert set(words) == numbers.keys()
        assert len(set(numbers.values())) == len(numbers)
        assert 0 not in numbers.values()
    assert plan_service_pb2.PlanKind.Name(KINDS[PlanKind.DAY_OFF]) == "PLAN_KIND_DAY_OFF"


def test_a_plan_without_a_date_is_told_too() -> None:
    told = month_plan_changed(replace(published(), plan=MonthPlan("serikova", Month(2026, 12), ())))
    assert (told.servant, told.year, told.month, list(told.days)) == ("serikova", 2026, 12, [])
