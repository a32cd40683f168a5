"""Positions, servants and appointments over real gRPC."""

from datetime import date

from chassis.testing.answers import refused
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import servant_service_pb2 as sv

from ..samples import iin
from ..serving import HR, NOW, OPERATOR, Registry, appointment, day, new_body, new_position, new_servant, new_unit, with_id

ID = "0197a6f2-2c1e-7a3b-8a51-0a5c1f1e0002"
MARCH = date(2026, 3, 1)


async def test_a_position_comes_back_as_it_was_recorded(registry: Registry) -> None:
    hr, request = await registry.portal(HR), new_position("19", "audit", above="17")
    request.position.hazardous = request.position.hours_set_by_regulation = True
    created = await hr.servants.CreatePosition(request)
    expected = sv.Position(name="stateBodies/KGD/positions/19", etag="r1")
    expected.MergeFrom(request.position)
    assert created == expected
    assert await hr.servants.GetPosition(sv.GetPositionRequest(name=expected.name)) == expected
    listed = await hr.servants.ListPositions(sv.ListPositionsRequest(parent="stateBodies/KGD", page_size=2))
    assert [position.name.rpartition("/")[2] for position in listed.positions] == ["17", "18"]
    listed = await hr.servants.ListPositions(
        sv.ListPositionsRequest(parent="stateBodies/KGD", page_size=2, page_token=listed.next_page_token)
    )
    assert [position.name.rpartition("/")[2] for position in listed.positions] == ["19"]
    assert listed.next_page_token == ""


async def test_a_servant_comes_back_as_recorded(registry: Registry) -> None:
    hr, request = await registry.portal(HR), new_servant("akhmetov", 1)
    created = await hr.servants.CreateServant(request)
    assert created.name == "servants/akhmetov"
    assert created.iin == iin(1).digits
    (held,) = created.appointments
    assert held.name.startswith("servants/akhmetov/appointments/")
    expected = sv.Appointment(name=held.name, etag="r1")
    expected.MergeFrom(request.servant.appointments[0])
    assert held == expected
    assert await hr.servants.GetServant(sv.GetServantRequest(name="servants/akhmetov")) == created


async def test_a_servant_without_an_id_is_given_one(registry: Registry) -> None:
    hr = await registry.portal(HR)
    created = await hr.servants.CreateServant(new_servant("", 1))
    assert len(created.name.removeprefix("servants/")) == 36


async def test_a_servant_is_published_whole_and_without_the_iin(registry: Registry) -> None:
    (event,) = (event for event in await registry.published() if isinstance(event, events_pb2.ServantChanged))
    assert (event.servant, event.revision, event.occurred_at.ToDatetime()) == ("serikova", 1, NOW.replace(tzinfo=None))
    (held,) = event.appointments
    assert (held.body, held.unit, held.position, held.keeps_time, held.rate_percent) == ("KGD", "audit", "17", True, 100)
    for row in await registry.database.rows("SELECT payload, headers::text AS headers FROM outbox"):
        assert iin(0).digits.encode() not in row["payload"] + row["headers"].encode()


async def test_a_wrong_check_digit_is_refused_without_showing_the_number(registry: Registry) -> None:
    hr, request = await registry.portal(HR, language="en"), new_servant("akhmetov", 1)
    wrong = request.servant.iin[:-1] + str((int(request.servant.iin[-1]) + 1) % 10)
    request.servant.iin = wrong
    refusal = await refused(hr.servants.CreateServant(request))
    assert (refusal.code, refusal.reason, set(refusal.violations)) == ("INVALID_ARGUMENT", "IIN_CHECKSUM", {"servant.iin"})
    assert wrong not in f"{refusal}"


async def test_an_appointment_that_overlaps_is_refused_with_both_spans(registry: Registry) -> None:
    hr = await registry.portal(HR, language="en")
    await hr.servants.CreateServant(new_servant("akhmetov", 1, appointment(until=date(2026, 6, 30))))
    request = sv.CreateAppointmentRequest(parent="servants/akhmetov", appointment=appointment("18", MARCH))
    refusal = await refused(hr.servants.CreateAppointment(request))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "APPOINTMENTS_OVERLAP")
    assert refusal.facts == {"since": "2026-01-12", "until": "2026-06-30", "otherSince": "2026-03-01", "otherUntil": ""}


async def test_an_appointment_is_made_once_for_a_request_and_ended_on_the_state_seen(registry: Registry) -> None:
    hr = await registry.portal(HR)
    acting = appointment("18", MARCH, kind=sv.APPOINTMENT_KIND_ACTING)
    request = with_id(sv.CreateAppointmentRequest(parent="servants/serikova", appointment=acting), ID)
    made = await hr.servants.CreateAppointment(request)
    assert await hr.servants.CreateAppointment(request) == made
    ending = sv.EndAppointmentRequest(name=made.name, until=day(date(2026, 3, 31)), etag=made.etag)
    ended = await hr.servants.EndAppointment(ending)
    assert ended.until == day(date(2026, 3, 31))
    assert ended.etag != made.etag
    assert (await refused(hr.servants.EndAppointment(ending))).reason == "STALE_ETAG"
    reversed_ = sv.EndAppointmentRequest(name=made.name, until=day(date(2026, 2, 1)))
    assert (await refused(hr.servants.EndAppointment(reversed_))).reason == "SPAN_REVERSED"
    revisions = [event.revision for event in await registry.published() if isinstance(event, events_pb2.ServantChanged)]
    assert revisions == [1, 2, 3]


async def test_names_and_days_that_cannot_be_are_malformed(registry: Registry) -> None:
    hr = await registry.portal(HR)
    strange = new_position("19", "audit")
    strange.position.unit = "stateBodies/MF/units/audit"
    undated, unkind = appointment(), appointment(kind=sv.APPOINTMENT_KIND_UNSPECIFIED)
    undated.ClearField("since")
    for call, field in (
        (hr.servants.GetServant(sv.GetServantRequest(name="servants/")), "name"),
        (hr.servants.GetServant(sv.GetServantRequest(name="servants/a\x00b")), "name"),
        (hr.servants.ListServants(sv.ListServantsRequest(parent="KGD")), "parent"),
        (hr.servants.CreatePosition(strange), "position.unit"),
        (hr.servants.CreateServant(new_servant("akhmetov", 1, undated)), "servant.appointments[0].since"),
        (hr.servants.CreateServant(new_servant("akhmetov", 1, unkind)), "servant.appointments[0].kind"),
        (hr.servants.EndAppointment(sv.EndAppointmentRequest(name="servants/a/appointments/1")), "name"),
        (hr.servants.CreateServant(with_id(new_servant("akhmetov", 1), "not a uuid")), "request_id"),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason, set(refusal.violations)) == ("INVALID_ARGUMENT", "MALFORMED", {field})


async def test_servants_are_listed_by_id_with_those_who_left(registry: Registry) -> None:
    hr = await registry.portal(HR)
    await hr.servants.CreateServant(new_servant("akhmetov", 1, appointment(until=date(2026, 1, 31))))
    listed = await hr.servants.ListServants(sv.ListServantsRequest(parent="stateBodies/KGD"))
    assert [servant.name for servant in listed.servants] == ["servants/akhmetov", "servants/serikova"]


async def test_readings_of_personal_files_stand_in_the_audit(registry: Registry) -> None:
    hr = await registry.portal(HR)
    await hr.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))
    assert (await registry.records())[-1] == ("servant.read", "servants/serikova")


async def test_a_person_known_to_another_body_is_a_transfer_case_that_names_nobody(registry: Registry) -> None:
    operator, other = await registry.portal(OPERATOR), await registry.portal(("/state-bodies/UGD/hr-officer",), language="ru")
    await operator.bodies.CreateStateBody(new_body("UGD"))
    await other.bodies.CreateUnit(new_unit("audit", "UGD"))
    await other.servants.CreatePosition(new_position("17", "audit", "UGD"))
    refusal = await refused(other.servants.CreateServant(new_servant("newcomer", 0, appointment(body="UGD"))))
    assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", "IIN_KNOWN_ELSEWHERE", {})
    assert "serikova" not in f"{refusal}"
