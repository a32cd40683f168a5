"""Labour-order rules as HR officers record them."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from chassis.testing.answers import refused
from google.protobuf.duration_pb2 import Duration
from google.type import timeofday_pb2
from kernel.days import Month
from tartip.regimes.v1 import labour_order_rules_service_pb2 as pb

from ..serving import HR, LAW, Regimes, clock, month_of, new_rules

NAME = "stateBodies/KGD/labourOrderRules/2024"


async def test_rules_are_read_as_they_were_recorded(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    request = new_rules(unit="audit", week_type=pb.WEEK_TYPE_SIX_DAY, end=clock("17:30"), sixth_day_end=clock("15:30"))
    made = await hr.rules.CreateLabourOrderRules(request)
    expected = pb.LabourOrderRules()
    expected.CopyFrom(request.labour_order_rules)
    expected.name, expected.etag = NAME, made.etag
    assert made == expected
    assert made.etag
    assert await hr.rules.GetLabourOrderRules(pb.GetLabourOrderRulesRequest(name=NAME)) == made


async def test_recorded_rules_become_plans_of_the_bodys_people(regimes: Regimes) -> None:
    assert await regimes.composed() == []
    await (await regimes.portal(HR)).rules.CreateLabourOrderRules(new_rules(since=date(2026, 11, 16)))
    november, december = await regimes.composed()
    assert (month_of(november), month_of(december)) == (Month(2026, 11), Month(2026, 12))
    assert [each.date.day for each in november.days] == list(range(16, 31))
    assert november.edition == LAW.edition
    assert (november.days[0].grace.seconds, november.days[0].norm.seconds) == (300, 28800)


async def test_a_list_is_paged_and_its_tokens_are_ones_own(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    for number, id in enumerate("cab"):
        await hr.rules.CreateLabourOrderRules(new_rules(id, date(2024, 1, 1 + number)))
    first = await hr.rules.ListLabourOrderRules(pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD", page_size=2))
    assert [each.name[-1] for each in first.labour_order_rules] == ["a", "b"]
    following = pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD", page_size=2, page_token=first.next_page_token)
    rest = await hr.rules.ListLabourOrderRules(following)
    assert ([each.name[-1] for each in rest.labour_order_rules], rest.next_page_token) == (["c"], "")
    other = await regimes.portal(("/nation/inspector",))
    assert (await refused(other.rules.ListLabourOrderRules(following))).reason == "PAGE_TOKEN"


@pytest.mark.parametrize(
    ("changed", "reason", "rule", "facts"),
    [
        ({"end": clock("18:31")}, "DAILY_LIMIT", "lc-71", {"seconds": "28860", "limitSeconds": "28800"}),
        (
            {"week_type": pb.WEEK_TYPE_SIX_DAY, "sixth_day_end": clock("18:30")},
            "WEEKLY_LIMIT",
            "lc-68",
            {"seconds": "172800", "limitSeconds": "144000"},
        ),
        (
            {"break_start": None, "break_end": None, "end": clock("17:00")},
            "BREAK_TOO_SHORT",
            "lc-81",
            {"seconds": "0", "limitSeconds": "1800"},
        ),
    ],
)
async def test_a_refusal_by_law_names_the_article_in_the_callers_language(
    regimes: Regimes, changed: dict[str, Any], reason: str, rule: str, facts: dict[str, str]
) -> None:
    for language in ("kk", "ru", "en"):
        hr = await regimes.portal(HR, language=language)
        refusal = await refused(hr.rules.CreateLabourOrderRules(new_rules(**changed)))
        assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", reason, facts)
        assert refusal.basis is not None
        assert (refusal.basis.rule, refusal.basis.edition) == (rule, LAW.edition)
        assert refusal.language == language
        assert all(value in refusal.text for value in facts.values())


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (new_rules("not an id"), ["labour_order_rules_id"]),
        (new_rules(unit="no unit!"), ["labour_order_rules.unit"]),
        (new_rules(week_type=pb.WEEK_TYPE_UNSPECIFIED), ["labour_order_rules.week_type"]),
        (new_rules(since=date(2024, 1, 1), grace=Duration(nanos=1)), ["labour_order_rules.grace"]),
        (new_rules(break_end=None), ["labour_order_rules.break_end"]),
        (new_rules(start=timeofday_pb2.TimeOfDay(hours=24)), ["labour_order_rules.start"]),
        (new_rules(start=timeofday_pb2.TimeOfDay(hours=9, nanos=5)), ["labour_order_rules.start"]),
        (new_rules(premises="a" * 301), ["labour_order_rules.premises"]),
        (new_rules(act="№ 1\nof everything"), ["labour_order_rules.act"]),
        (new_rules(act="№\0"), ["labour_order_rules.act"]),
        (new_rules(grace=Duration(seconds=10**11)), ["labour_order_rules.grace"]),
        (new_rules(premises="", act=""), ["labour_order_rules.premises", "labour_order_rules.act"]),
        (pb.CreateLabourOrderRulesRequest(parent="KGD", labour_order_rules_id="x"), ["labour_order_rules.week_type"]),
    ],
)
async def test_malformed_rules_are_refused_by_the_field(
    regimes: Regimes, request_: pb.CreateLabourOrderRulesRequest, fields: list[str]
) -> None:
    refusal = await refused((await regimes.portal(HR)).rules.CreateLabourOrderRules(request_))
    assert (refusal.code, refusal.reason, list(refusal.violations)) == ("INVALID_ARGUMENT", "MALFORMED", fields)


async def test_rules_of_one_day_and_one_id_are_recorded_once(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    await hr.rules.CreateLabourOrderRules(new_rules())
    again = await refused(hr.rules.CreateLabourOrderRules(new_rules(since=date(2025, 1, 1))))
    assert (again.code, again.reason, again.facts) == ("ALREADY_EXISTS", "ALREADY_EXISTS", {"resource": NAME})
    other = await refused(hr.rules.CreateLabourOrderRules(new_rules("other")))
    assert (other.reason, other.facts) == ("RULES_EXIST", {"since": "2024-01-01", "resource": NAME})


async def test_the_same_request_twice_is_done_once(regimes: Regimes) -> None:
    hr, request_id = await regimes.portal(HR), str(uuid4())
    first = await hr.rules.CreateLabourOrderRules(new_rules(request_id=request_id))
    assert await hr.rules.CreateLabourOrderRules(new_rules(request_id=request_id)) == first
    reused = await refused(hr.rules.CreateLabourOrderRules(new_rules("other", request_id=request_id)))
    assert reused.reason == "REQUEST_ID_REUSED"
    rows = await regimes.database.rows("SELECT action, resource, rule, after_digest FROM audit_records")
    assert [(row["action"], row["resource"], row["rule"]) for row in rows] == [("labour-order-rules.create", NAME, "o121-p4")]
    assert rows[0]["after_digest"]
