"""Writers at once: nobody is doubled, and the newest state is published last."""

import asyncio
from datetime import date, timedelta
from typing import Any

from grpc.aio import AioRpcError
from registry.republish import republish
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb

from .serving import HR, NOW, OPERATOR, Registry, appointment, day, new_body, new_position, new_servant, new_unit


async def reason(call: Any) -> str:
    try:
        await call
    except AioRpcError as error:
        return str(error.code().name)
    return "OK"


async def test_one_number_recorded_in_two_bodies_at_once_is_recorded_once(registry: Registry) -> None:
    operator, kgd, ugd = (
        await registry.portal(OPERATOR),
        await registry.portal(HR),
        await registry.portal(("/state-bodies/UGD/hr-officer",)),
    )
    await operator.bodies.CreateStateBody(new_body("UGD"))
    await ugd.bodies.CreateUnit(new_unit("audit", "UGD"))
    await ugd.servants.CreatePosition(new_position("17", "audit", "UGD"))
    for number in range(1, 6):
        answers = await asyncio.gather(
            reason(kgd.servants.CreateServant(new_servant(f"k{number}", number))),
            reason(ugd.servants.CreateServant(new_servant(f"u{number}", number, appointment(body="UGD")))),
        )
        assert sorted(answers) == ["FAILED_PRECONDITION", "OK"]


async def test_of_overlapping_appointments_at_once_one_is_made(registry: Registry) -> None:
    hr = await registry.portal(HR)
    second = [
        hr.servants.CreateAppointment(
            sv.CreateAppointmentRequest(
                parent="servants/serikova",
                appointment=appointment("18", date(2026, 3, 1) + timedelta(days=number), kind=sv.APPOINTMENT_KIND_SECONDMENT),
            )
        )
        for number in range(4)
    ]
    assert sorted(await asyncio.gather(*map(reason, second))) == ["FAILED_PRECONDITION"] * 3 + ["OK"]


async def test_the_newest_state_of_a_body_is_published_last(registry: Registry) -> None:
    hr = await registry.portal(HR)
    await asyncio.gather(*(hr.bodies.CreateUnit(new_unit(f"u{number}")) for number in range(10)))
    events = [event for event in await registry.published() if isinstance(event, events_pb2.StateBodyChanged)]
    revisions = [event.revision for event in events]
    assert revisions == sorted(revisions)
    assert len(events[-1].units) == 12


async def test_what_is_republished_is_the_newest_state_with_its_revision_event_and_instant(registry: Registry) -> None:
    hr = await registry.portal(HR)
    since = day(date(2026, 2, 1))
    await hr.bodies.AppointUnitHead(sb.AppointUnitHeadRequest(name="stateBodies/KGD/units/audit", head="servants/serikova", since=since))
    await hr.servants.CreateServant(new_servant("akhmetov", 1, appointment("18")))
    before = await registry.published()
    newest = {type(event): event for event in before}
    later = lambda: NOW + timedelta(days=9)  # noqa: E731
    assert await republish(registry.database.worker, later, "registry.bodies.v1") == 1
    assert await republish(registry.database.worker, later, "registry.servants.v1") == 2
    again = (await registry.published())[len(before) :]
    assert again[0] == newest[events_pb2.StateBodyChanged]
    assert [event.servant for event in again[1:] if isinstance(event, events_pb2.ServantChanged)] == ["akhmetov", "serikova"]
    assert again[1] == newest[events_pb2.ServantChanged]


async def test_only_states_since_an_instant_are_republished(registry: Registry) -> None:
    database, clock = registry.database.worker, lambda: NOW
    assert await republish(database, clock, "registry.servants.v1", NOW) == 1
    assert await republish(database, clock, "registry.servants.v1", NOW + timedelta(seconds=1)) == 0
