"""Whoever controls people's working time sees who they are, without their numbers (Order 120, point 10)."""

from datetime import date

import pytest
from chassis.access import Control
from chassis.heads import StoredRelationships
from chassis.testing.answers import outcome, refused
from registry.relationships import CONTROL
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb

from .serving import HR, NOW, Registry, appointment, day, new_position, new_servant, new_unit

KGD = "stateBodies/KGD"
BEFORE = date(2026, 1, 20)


@pytest.fixture
async def staffed(registry: Registry) -> Registry:
    """Audit has the sub-unit field; anna heads audit, bek serves in field under the position 30, serikova in audit, daria in hr under 17."""
    hr = await registry.portal(HR)
    await hr.bodies.CreateUnit(new_unit("field", above="audit"))
    for position, unit, above in (("20", "audit", ""), ("21", "field", "20"), ("22", "hr", "18")):
        await hr.servants.CreatePosition(new_position(position, unit, above=above))
    for servant, number, position in (("anna1", 1, "20"), ("bek01", 2, "21"), ("daria", 3, "22"), ("chief", 4, "18")):
        await hr.servants.CreateServant(new_servant(servant, number, appointment(position)))
    await hr.bodies.AppointUnitHead(sb.AppointUnitHeadRequest(name=f"{KGD}/units/audit", head="servants/anna1", since=day(BEFORE)))
    return registry


async def control(registry: Registry, servant: str) -> Control:
    return await StoredRelationships(registry.database.app, lambda: NOW, CONTROL).control(servant)


async def test_a_head_controls_the_unit_and_those_beneath_and_a_supervisor_the_people_of_a_unit_without_a_head(staffed: Registry) -> None:
    assert await control(staffed, "anna1") == Control(units=frozenset({"KGD/audit", "KGD/field"}), people=frozenset({"KGD/bek01"}))
    assert await control(staffed, "chief") == Control(people=frozenset({"KGD/daria"}))
    assert await control(staffed, "serikova") == Control(people=frozenset({"KGD/chief"})), "18 is supervised by 17, and hr has no head"
    assert await control(staffed, "bek01") == Control()
    hr = await staffed.portal(HR)
    await hr.bodies.AppointUnitHead(sb.AppointUnitHeadRequest(name=f"{KGD}/units/hr", head="servants/chief", since=day(BEFORE)))
    assert await control(staffed, "chief") == Control(units=frozenset({"KGD/hr"}))
    assert await control(staffed, "serikova") == Control()


async def test_a_head_sees_the_people_of_the_unit_without_their_numbers_and_nobody_else(staffed: Registry) -> None:
    head = await staffed.portal((), "anna1")
    listed = (await head.servants.ListServants(sv.ListServantsRequest(parent=KGD))).servants
    assert [each.name for each in listed] == [f"servants/{id}" for id in ("anna1", "bek01", "serikova")]
    assert not [each.name for each in listed if each.iin]
    assert not (await head.servants.GetServant(sv.GetServantRequest(name="servants/bek01"))).iin
    assert await outcome(head.servants.GetServant(sv.GetServantRequest(name="servants/daria"))) == "NOT_FOUND"
    assert (await refused(head.servants.ListPositions(sv.ListPositionsRequest(parent=KGD)))).reason == "FORBIDDEN"


async def test_a_head_who_left_the_body_reaches_nobody(staffed: Registry) -> None:
    hr = await staffed.portal(HR)
    anna = await hr.servants.GetServant(sv.GetServantRequest(name="servants/anna1"))
    await hr.servants.EndAppointment(sv.EndAppointmentRequest(name=anna.appointments[0].name, until=day(date(2026, 2, 1))))
    assert await control(staffed, "anna1") == Control()


async def test_a_headship_that_ended_reaches_nobody(staffed: Registry) -> None:
    hr = await staffed.portal(HR)
    await hr.bodies.AppointUnitHead(
        sb.AppointUnitHeadRequest(name=f"{KGD}/units/audit", head="servants/serikova", since=day(date(2026, 2, 2)))
    )
    assert (await control(staffed, "anna1")).units == frozenset()
    assert (await control(staffed, "serikova")).units == {"KGD/audit", "KGD/field"}
