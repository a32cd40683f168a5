"""Plans as people ask for them."""

from datetime import date

from chassis.testing.answers import refused
from tartip.regimes.v1 import plan_service_pb2 as pb

from ..serving import HR, REMOTE, Regimes, day, new_assignment, new_rules


def ask(since: date, until: date, servant: str = "serikova") -> pb.ListPlanDaysRequest:
    return pb.ListPlanDaysRequest(parent=f"servants/{servant}", since=day(since), until=day(until))


async def test_a_span_has_a_row_for_every_date(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    await hr.rules.CreateLabourOrderRules(new_rules())
    await hr.assignments.CreateAssignment(new_assignment(date(2026, 12, 15), date(2026, 12, 15), remote=REMOTE))
    days = (await hr.plans.ListPlanDays(ask(date(2026, 12, 14), date(2026, 12, 20)))).days
    assert [each.date.day for each in days] == list(range(14, 21))
    assert [pb.PlanKind.Name(each.kind).removeprefix("PLAN_KIND_") for each in days] == [
        "OFFICE",
        "REMOTE",
        "PUBLIC_HOLIDAY",
        "OFFICE",
        "OFFICE",
        "DAY_OFF",
        "DAY_OFF",
    ]
    assert [each.public_holiday for each in days] == [False, False, True, False, False, False, False]


async def test_what_is_answered_is_what_is_published(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    await hr.rules.CreateLabourOrderRules(new_rules())
    november, december = await regimes.composed()
    answer = await hr.plans.ListPlanDays(ask(date(2026, 11, 1), date(2026, 12, 31)))
    assert list(answer.days) == [*november.days, *december.days]


async def test_bad_spans_are_refused(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    assert (await refused(hr.plans.ListPlanDays(ask(date(2026, 11, 2), date(2026, 11, 1))))).reason == "SPAN_REVERSED"
    assert list((await refused(hr.plans.ListPlanDays(ask(date(2026, 11, 2), date(2028, 1, 1))))).violations) == ["until"]
    assert list((await refused(hr.plans.ListPlanDays(pb.ListPlanDaysRequest(parent="servants/serikova")))).violations) == ["since"]


async def test_while_servants_may_still_be_told_of_the_call_is_to_be_repeated(regimes: Regimes) -> None:
    await regimes.database.rows("UPDATE projection_positions SET start_offset = 5 WHERE topic = 'registry.servants.v1'")
    refusal = await refused((await regimes.portal(HR)).plans.ListPlanDays(ask(date(2026, 11, 2), date(2026, 11, 3), "x")))
    assert (refusal.code, refusal.reason, refusal.facts) == ("UNAVAILABLE", "PROJECTION_BEHIND", {"topic": "registry.servants.v1"})
    assert refusal.retry_after_s is not None
