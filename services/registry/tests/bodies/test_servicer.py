"""State bodies and units over real gRPC."""

from datetime import date
from typing import Any

import pytest
from chassis.testing.answers import refused
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import state_body_service_pb2 as sb

from ..serving import HR, OPERATOR, Registry, appointment, day, new_body, new_servant, new_unit, title, with_id

ID = "0197a6f2-2c1e-7a3b-8a51-0a5c1f1e0001"


async def test_a_body_comes_back_as_it_was_recorded(registry: Registry) -> None:
    operator = await registry.portal(OPERATOR)
    request = new_body("UGD", parent="stateBodies/KGD", head="servants/omarov", hr_service_body="stateBodies/KGD")
    created = await operator.bodies.CreateStateBody(request)
    expected = sb.StateBody(name="stateBodies/UGD", etag="r1")
    expected.MergeFrom(request.state_body)
    assert created == expected
    assert await operator.bodies.GetStateBody(sb.GetStateBodyRequest(name="stateBodies/UGD")) == expected


async def test_bodies_are_listed_by_name_in_pages(registry: Registry) -> None:
    operator = await registry.portal(OPERATOR)
    for id in ("b", "A1", "a2"):
        await operator.bodies.CreateStateBody(new_body(id if len(id) > 1 else "b0"))
    names, token = [], ""
    while True:
        page = await operator.bodies.ListStateBodies(sb.ListStateBodiesRequest(page_size=3, page_token=token))
        names += [body.name for body in page.state_bodies]
        token = page.next_page_token
        if not token:
            break
    assert names == ["stateBodies/A1", "stateBodies/KGD", "stateBodies/a2", "stateBodies/b0"]


async def test_a_page_token_of_another_list_is_refused(registry: Registry) -> None:
    hr = await registry.portal(HR)
    units = await hr.bodies.ListUnits(sb.ListUnitsRequest(parent="stateBodies/KGD", page_size=1))
    assert units.next_page_token
    refusal = await refused(hr.bodies.ListStateBodies(sb.ListStateBodiesRequest(page_token=units.next_page_token)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "PAGE_TOKEN")


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"zone": "Asia/Astana"}, "UNKNOWN_ZONE", "state_body.zone"),
        ({"kind": 0}, "MALFORMED", "state_body.kind"),
        ({"kind": 99}, "MALFORMED", "state_body.kind"),
        ({"parent": "bodies/KGD"}, "MALFORMED", "state_body.parent"),
        ({"region": ""}, "MALFORMED", "state_body.region"),
    ],
)
async def test_a_body_that_cannot_be_is_refused_with_the_field(registry: Registry, change: dict[str, Any], reason: str, field: str) -> None:
    operator = await registry.portal(OPERATOR, language="en")
    refusal = await refused(operator.bodies.CreateStateBody(new_body("UGD", **change)))
    assert (refusal.code, refusal.reason, set(refusal.violations)) == ("INVALID_ARGUMENT", reason, {field})
    assert refusal.domain == "registry.tartip"
    assert refusal.language == "en"


@pytest.mark.parametrize("said", ["", " ", "two\nlines", "a\x00b", "long" * 76])
async def test_a_title_that_is_no_line_in_each_language_is_refused(registry: Registry, said: str) -> None:
    operator, request = await registry.portal(OPERATOR), new_body("UGD")
    request.state_body.title.ru = said
    assert set((await refused(operator.bodies.CreateStateBody(request))).violations) == {"state_body.title.ru"}


async def test_a_body_twice_exists_already_and_a_repeated_request_does_not(registry: Registry) -> None:
    operator = await registry.portal(OPERATOR)
    first = await operator.bodies.CreateStateBody(with_id(new_body("UGD"), ID))
    assert await operator.bodies.CreateStateBody(with_id(new_body("UGD"), ID)) == first
    refusal = await refused(operator.bodies.CreateStateBody(new_body("UGD")))
    assert (refusal.code, refusal.reason, refusal.facts) == ("ALREADY_EXISTS", "ALREADY_EXISTS", {"resource": "stateBodies/UGD"})
    assert (await refused(operator.bodies.CreateStateBody(with_id(new_body("UGD2"), ID)))).reason == "REQUEST_ID_REUSED"
    assert [event.body for event in await registry.published() if isinstance(event, events_pb2.StateBodyChanged)].count("UGD") == 1


async def test_a_unit_comes_back_as_it_was_recorded(registry: Registry) -> None:
    hr = await registry.portal(HR)
    created = await hr.bodies.CreateUnit(new_unit("audit-1", above="audit"))
    name = "stateBodies/KGD/units/audit-1"
    assert created == sb.Unit(name=name, title=title("audit-1"), parent_unit="stateBodies/KGD/units/audit", etag="r1")
    assert await hr.bodies.GetUnit(sb.GetUnitRequest(name=name)) == created
    listed = await hr.bodies.ListUnits(sb.ListUnitsRequest(parent="stateBodies/KGD"))
    assert [unit.name.rpartition("/")[2] for unit in listed.units] == ["audit", "audit-1", "hr"]


async def test_a_unit_is_not_born_with_heads_nor_under_another_body(registry: Registry) -> None:
    hr = await registry.portal(HR)
    headed, strange = new_unit("new"), new_unit("new")
    headed.unit.heads.add(servant="servants/serikova", since=day(date(2026, 2, 1)))
    strange.unit.parent_unit = "stateBodies/MF/units/audit"
    assert set((await refused(hr.bodies.CreateUnit(headed))).violations) == {"unit.heads"}
    assert set((await refused(hr.bodies.CreateUnit(strange))).violations) == {"unit.parent_unit"}


def appoint(head: str = "serikova", since: date = date(2026, 2, 1), etag: str = "") -> sb.AppointUnitHeadRequest:
    return sb.AppointUnitHeadRequest(name="stateBodies/KGD/units/audit", head=f"servants/{head}", since=day(since), etag=etag)


async def test_the_head_before_ends_the_day_before_the_next(registry: Registry) -> None:
    hr = await registry.portal(HR)
    await hr.servants.CreateServant(new_servant("akhmetov", 1, appointment("18")))
    first = await hr.bodies.AppointUnitHead(appoint())
    second = await hr.bodies.AppointUnitHead(appoint("akhmetov", date(2026, 3, 1), first.etag))
    assert [head.servant for head in second.heads] == ["servants/serikova", "servants/akhmetov"]
    assert second.heads[0].until == day(date(2026, 2, 28))
    assert not second.heads[1].HasField("until")
    event = (await registry.published())[-1]
    assert isinstance(event, events_pb2.StateBodyChanged)
    assert [head.servant for head in event.units[0].heads] == ["serikova", "akhmetov"]
    stale = await refused(hr.bodies.AppointUnitHead(appoint(etag=first.etag)))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")


async def test_a_head_who_does_not_serve_that_day_is_refused_in_the_callers_language(registry: Registry) -> None:
    hr = await registry.portal(HR, language="ru")
    refusal = await refused(hr.bodies.AppointUnitHead(appoint(since=date(2026, 1, 11))))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "NOT_APPOINTED")
    assert refusal.facts == {"servant": "servants/serikova", "on": "2026-01-11"}
    assert refusal.text == "servants/serikova на 2026-01-11 не состоит на должности в этом государственном органе."


async def test_a_day_that_no_calendar_has_is_refused(registry: Registry) -> None:
    hr, request = await registry.portal(HR), appoint()
    request.since.day = 30
    assert set((await refused(hr.bodies.AppointUnitHead(request))).violations) == {"since"}


async def test_every_state_of_a_body_has_the_next_revision_in_the_order_of_publication(registry: Registry) -> None:
    hr = await registry.portal(HR)
    await hr.bodies.AppointUnitHead(appoint())
    events = [event for event in await registry.published() if isinstance(event, events_pb2.StateBodyChanged)]
    assert [event.revision for event in events] == [1, 2, 3, 4]
    assert len({event.event_id for event in events}) == len(events)
    assert ("unit.appoint-head", "stateBodies/KGD/units/audit") in await registry.records()
