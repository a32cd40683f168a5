"""The law as people read it."""

import json
from datetime import date

import pytest
from chassis.testing.answers import refused
from tartip.regimes.v1 import labour_order_rules_service_pb2 as rules_pb
from tartip.regimes.v1 import law_service_pb2 as pb

from ..serving import LAW, Regimes, day

ON = date(2026, 11, 24)
READER = ("/state-bodies/KGD/hr-officer",)


@pytest.mark.parametrize(
    ("parameter", "value", "unit"),
    [
        ("working-time/normal-week", "40", "hours/week"),
        ("working-day/day-border", '"04:00"', None),
        ("working-time/night", '["22:00","06:00"]', None),
    ],
)
async def test_a_provision_says_value_source_and_certainty(regimes: Regimes, parameter: str, value: str, unit: str | None) -> None:
    portal = await regimes.portal(READER)
    provision = await portal.law.GetProvision(pb.GetProvisionRequest(name=f"provisions/{parameter}", on=day(ON)))
    assert (provision.name, provision.value_json) == (f"provisions/{parameter}", value)
    assert unit is None or provision.unit == unit
    assert provision.source
    assert provision.confidence in ("high", "medium", "low")
    for text in (provision.title, provision.citation):
        assert all((text.kk, text.ru, text.en))


async def test_an_unknown_parameter_and_a_day_before_the_law_are_told_apart(regimes: Regimes) -> None:
    portal = await regimes.portal(READER)
    unknown = await refused(portal.law.GetProvision(pb.GetProvisionRequest(name="provisions/no/such", on=day(ON))))
    assert (unknown.code, unknown.facts) == ("NOT_FOUND", {"resource": "provisions/no/such"})
    early = pb.GetProvisionRequest(name="provisions/working-time/normal-week", on=day(date(1991, 1, 1)))
    before = await refused(portal.law.GetProvision(early))
    assert (before.reason, before.facts) == ("NOT_IN_FORCE", {"parameter": "working-time/normal-week", "on": "1991-01-01"})


async def test_all_provisions_are_listed_by_id_page_by_page(regimes: Regimes) -> None:
    portal, token, names = await regimes.portal(READER), "", []
    while True:
        page = await portal.law.ListProvisions(pb.ListProvisionsRequest(on=day(ON), page_size=20, page_token=token))
        assert page.edition == LAW.edition
        names += [provision.name for provision in page.provisions]
        assert all(json.loads(provision.value_json) is not None for provision in page.provisions)
        if not (token := page.next_page_token):
            break
    assert names == [f"provisions/{parameter}" for parameter in LAW.parameters()]
    nothing = await portal.law.ListProvisions(pb.ListProvisionsRequest(on=day(date(1991, 1, 1))))
    assert list(nothing.provisions) == []


@pytest.mark.parametrize(("week", "days", "hours"), [(rules_pb.WEEK_TYPE_FIVE_DAY, 248, 1984), (rules_pb.WEEK_TYPE_SIX_DAY, 300, 2000)])
async def test_the_calendar_of_2024_has_the_published_balance(
    regimes: Regimes, week: rules_pb.WeekType.ValueType, days: int, hours: int
) -> None:
    portal = await regimes.portal(READER)
    calendar = await portal.law.GetProductionCalendar(pb.GetProductionCalendarRequest(year=2024, week_type=week))
    assert (calendar.working_days, calendar.hours, len(calendar.days)) == (days, hours, 366)
    assert [(each.date.month, each.date.day) for each in calendar.days if each.public_holiday][-1] == (12, 16)


async def test_the_calendar_of_2026_has_two_versions(regimes: Regimes) -> None:
    portal = await regimes.portal(READER)
    request = pb.GetProductionCalendarRequest(year=2026, week_type=rules_pb.WEEK_TYPE_FIVE_DAY)
    assert (await portal.law.GetProductionCalendar(request)).working_days == 247
    request.as_known_on.CopyFrom(day(date(2026, 1, 15)))
    assert (await portal.law.GetProductionCalendar(request)).working_days == 246


async def test_what_the_calendar_does_not_know_is_refused(regimes: Regimes) -> None:
    portal = await regimes.portal(READER)
    five, none = rules_pb.WEEK_TYPE_FIVE_DAY, rules_pb.WEEK_TYPE_UNSPECIFIED
    for year, week, reason in ((1991, five, "NOT_IN_FORCE"), (2026, none, "MALFORMED"), (0, five, "MALFORMED")):
        request = pb.GetProductionCalendarRequest(year=year, week_type=week)
        assert (await refused(portal.law.GetProductionCalendar(request))).reason == reason
