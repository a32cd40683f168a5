"""What HR officers do with civil servants, and who sees what of them."""

from datetime import date

import pytest
from chassis.access import Caller
from chassis.testing.tokens import caller
from kernel.faults import Conflict, Fault, Malformed, NotFound, WrongState
from registry.bodies.domain import BodyState
from registry.servants.domain import AppointmentKind, NewServant, Servant
from registry.servants.roster import Outcome
from registry.servants.use_cases import (
    CreateAppointment,
    CreateServant,
    EndAppointment,
    GetServant,
    ImportServants,
    ListServants,
    Taken,
)

from ..fakes import Memory
from ..samples import body, iin, person, position, terms, unit

KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
BOTH = caller("hr", ["/state-bodies/KGD/hr-officer", "/state-bodies/MF/hr-officer"])
MARCH = date(2026, 3, 1)


@pytest.fixture
async def registry() -> Memory:
    """The bodies KGD (region 75) and MF (region 10) with positions 17 (audit) and 18 (hr), and Serikova in KGD's audit unit."""
    memory = Memory()
    for owner in (body("KGD"), body("MF", region="10")):
        memory.tables.bodies[owner.id] = owner
        for part in (unit("audit", owner.id), unit("hr", owner.id, hr_service=True)):
            memory.tables.units[owner.id, part.id] = part
        for post in (position("17", "audit", owner.id), position("18", "hr", owner.id)):
            memory.tables.positions[owner.id, post.id] = post
    await CreateServant(memory.begin)(KGD, person())
    memory.published.clear()
    memory.records.clear()
    return memory


def bodies(memory: Memory) -> list[str]:
    return [state.body.id for state in memory.published if isinstance(state, BodyState)]


async def test_a_recorded_servant_is_published_and_written_down(registry: Memory) -> None:
    created = await CreateServant(registry.begin)(KGD, person("akhmetov", 1))
    assert created.revision == 1
    assert registry.published == [created]
    assert [(record.action, record.resource, record.rule) for record in registry.records] == [
        ("servant.create", "servants/akhmetov", "o15-p4-4")
    ]


async def test_an_officer_appoints_to_positions_of_the_own_body_only(registry: Memory) -> None:
    with pytest.raises(NotFound) as refused:
        await CreateServant(registry.begin)(MF, person("akhmetov", 1))
    assert refused.value.resource == "stateBodies/KGD/positions/17"


async def test_a_person_known_to_another_body_is_a_transfer_case(registry: Memory) -> None:
    with pytest.raises(WrongState) as refused:
        await CreateServant(registry.begin)(MF, person("newcomer", 0, terms(body="MF")))
    assert refused.value.reason == "IIN_KNOWN_ELSEWHERE"
    assert refused.value.facts == {}


async def test_an_appointment_raises_the_revision_and_is_published(registry: Memory) -> None:
    servant, appointment = await CreateAppointment(registry.begin)(
        KGD, "serikova", terms(MARCH, position="18", kind=AppointmentKind.ACTING)
    )
    assert servant.revision == 2
    assert appointment in servant.appointments
    assert registry.published == [servant]
    assert [record.action for record in registry.records] == ["appointment.create"]


async def test_a_secondment_needs_an_officer_of_both_bodies(registry: Memory) -> None:
    secondment = terms(MARCH, body="MF", kind=AppointmentKind.SECONDMENT)
    for who in (KGD, MF):
        with pytest.raises(NotFound):
            await CreateAppointment(registry.begin)(who, "serikova", secondment)
    servant, _ = await CreateAppointment(registry.begin)(BOTH, "serikova", secondment)
    assert servant.bodies == {"KGD", "MF"}
    assert (await GetServant(registry.begin)(MF, "serikova")).iin == iin(0)


async def test_an_overlap_is_refused_and_changes_nothing(registry: Memory) -> None:
    before = registry.tables.servants["serikova"]
    with pytest.raises(WrongState) as refused:
        await CreateAppointment(registry.begin)(KGD, "serikova", terms(MARCH, position="18"))
    assert refused.value.reason == "APPOINTMENTS_OVERLAP"
    assert registry.tables.servants["serikova"] == before
    assert registry.published == []


async def test_the_body_is_published_when_the_members_of_its_hr_service_change(registry: Memory) -> None:
    await CreateAppointment(registry.begin)(KGD, "serikova", terms(MARCH, position="18", kind=AppointmentKind.ACTING))
    assert bodies(registry) == []
    servant, member = await CreateAppointment(registry.begin)(KGD, "serikova", terms(MARCH, position="18", kind=AppointmentKind.TEMPORARY))
    assert bodies(registry) == ["KGD"]
    await EndAppointment(registry.begin)(KGD, "serikova", member.id, date(2026, 3, 31))
    assert bodies(registry) == ["KGD", "KGD"]
    await EndAppointment(registry.begin)(KGD, "serikova", servant.appointments[0].id, date(2026, 4, 30))
    assert bodies(registry) == ["KGD", "KGD"]


async def test_ending_an_appointment_publishes_the_servant_once(registry: Memory) -> None:
    id = registry.tables.servants["serikova"].appointments[0].id
    servant, ended = await EndAppointment(registry.begin)(KGD, "serikova", id, MARCH, seen="r1")
    assert ended.terms.span.until == MARCH
    assert registry.published == [servant]
    assert [(record.action, record.before != record.after) for record in registry.records] == [("appointment.end", True)]
    assert (await EndAppointment(registry.begin)(KGD, "serikova", id, MARCH))[0] == servant
    assert registry.published == [servant]


async def test_an_officer_ends_appointments_of_the_own_body_only(registry: Memory) -> None:
    secondment = terms(MARCH, body="MF", kind=AppointmentKind.SECONDMENT)
    await CreateAppointment(registry.begin)(BOTH, "serikova", secondment)
    id = registry.tables.servants["serikova"].appointments[0].id
    with pytest.raises(NotFound) as refused:
        await EndAppointment(registry.begin)(MF, "serikova", id, MARCH)
    assert refused.value.resource == f"servants/serikova/appointments/{id}"


@pytest.mark.parametrize(
    ("who", "sees_iin"),
    [
        (KGD, True),
        (caller("serikova", servant="serikova"), True),
        (caller("inspector", ["/regions/75/inspector"]), False),
        (caller("portal", ["/nation/integrator"]), False),
        (caller("mixed", ["/state-bodies/MF/hr-officer", "/regions/75/inspector"]), False),
        (caller("mixed", ["/state-bodies/KGD/inspector"], servant="another"), False),
    ],
    ids=["own hr officer", "own", "inspector", "integrator", "hr officer of another body who inspects", "inspector of the body"],
)
async def test_the_iin_is_shown_to_the_own_hr_officer_and_to_the_person_alone(registry: Memory, who: Caller, sees_iin: bool) -> None:
    assert ((await GetServant(registry.begin)(who, "serikova")).iin is not None) == sees_iin


@pytest.mark.parametrize(
    "who",
    [MF, caller("inspector", ["/regions/10/inspector"]), caller("a", servant="another"), caller("nobody")],
    ids=["hr officer of another body", "inspector of another region", "another servant", "nobody"],
)
async def test_a_servant_out_of_reach_is_not_found(registry: Memory, who: Caller) -> None:
    with pytest.raises(NotFound):
        await GetServant(registry.begin)(who, "serikova")
    with pytest.raises(NotFound):
        await ListServants(registry.begin)(who, "KGD", "", 10)
    assert registry.records == []


async def test_every_reading_of_a_personal_file_is_written_down(registry: Memory) -> None:
    await GetServant(registry.begin)(KGD, "serikova")
    await ListServants(registry.begin)(KGD, "KGD", "", 10)
    assert [(record.resource, record.rule) for record in registry.records] == [
        ("servants/serikova", "o15-p4-5"),
        ("stateBodies/KGD/servants", "o15-p4-5"),
    ]


async def test_a_list_withholds_the_iin_from_inspectors(registry: Memory) -> None:
    (seen,) = await ListServants(registry.begin)(caller("inspector", ["/nation/inspector"]), "KGD", "", 10)
    assert seen.iin is None


def outcomes(answers: object) -> list[str]:
    assert isinstance(answers, list)
    return [answer.outcome if isinstance(answer, Taken) else answer.reason for answer in answers]


async def test_each_row_is_answered_in_its_place_and_a_bad_one_stops_no_other(registry: Memory) -> None:
    rows: list[NewServant | Fault] = [
        person("akhmetov", 1),
        Malformed({"servant.iin": "12 digits"}),
        person("akhmetov", 1),
        person("serikova", 0, terms(until=MARCH)),
        person("other", 1),
        person("lost", 2, terms(position="none")),
        person("last", 3),
    ]
    answers = await ImportServants(registry.begin)(KGD, rows)
    assert outcomes(answers) == [
        Outcome.CREATED,
        "MALFORMED",
        Outcome.UNCHANGED,
        Outcome.UPDATED,
        "ALREADY_EXISTS",
        "NOT_FOUND",
        Outcome.CREATED,
    ]
    assert sorted(registry.tables.servants) == ["akhmetov", "last", "serikova"]


async def test_a_servant_is_published_once_however_many_rows_speak_of_them(registry: Memory) -> None:
    rows: list[NewServant | Fault] = [
        person("a", 1),
        person("a", 1, terms(until=MARCH)),
        person("a", 1, terms(position="18", kind=AppointmentKind.TEMPORARY)),
    ]
    await ImportServants(registry.begin)(KGD, rows)
    published = [state for state in registry.published if isinstance(state, Servant)]
    assert [(state.id, state.revision, len(state.appointments)) for state in published] == [("a", 1, 2)]
    assert bodies(registry) == ["KGD"]
    assert [record.action for record in registry.records] == ["servant.import"]


async def test_a_repeated_import_publishes_and_records_nothing(registry: Memory) -> None:
    rows: list[NewServant | Fault] = [person("a", 1), person("b", 2)]
    await ImportServants(registry.begin)(KGD, rows)
    registry.published.clear()
    registry.records.clear()
    assert outcomes(await ImportServants(registry.begin)(KGD, rows)) == [Outcome.UNCHANGED] * 2
    assert registry.published == []
    assert registry.records == []


async def test_an_import_reaches_the_own_body_only(registry: Memory) -> None:
    rows: list[NewServant | Fault] = [person("serikova", 0, terms(body="MF")), person("a", 1), person("b", 2, terms(body="MF"))]
    answers = await ImportServants(registry.begin)(MF, rows)
    assert outcomes(answers) == ["IIN_KNOWN_ELSEWHERE", "NOT_FOUND", Outcome.CREATED]


async def test_an_id_of_another_person_is_a_conflict(registry: Memory) -> None:
    with pytest.raises(Conflict):
        await CreateServant(registry.begin)(KGD, person("serikova", 5))
