"""Bodies and servants as the registry tells of them: the contract understood, and what is refused by its field."""

from datetime import date
from typing import Any

import pytest
from chassis.testing.contracts import contract
from google.type.date_pb2 import Date
from kernel.days import DaySpan
from kernel.faults import Fault
from tartip.registry.v1.events_pb2 import DatedAppointment, ServantChanged, StateBodyChanged
from timetracking.people.consumer import BODIES, SERVANTS, bodies, body_told, servant_told, servants
from timetracking.people.domain import Appointment, Body, Servant


def test_the_contract_of_bodies_is_understood() -> None:
    assert body_told(contract(BODIES, StateBodyChanged)) == Body("KGD-75", "75", "Asia/Almaty", 7)


def test_the_contract_of_servants_is_understood() -> None:
    ids = [f"01987d3c-6f00-7a10-8000-00000000000{n}" for n in (1, 2, 3)]
    assert servant_told(contract(SERVANTS, ServantChanged)) == Servant(
        "serikova",
        (
            Appointment(ids[0], DaySpan(date(2024, 9, 2), date(2026, 1, 11)), "KGD-75", "audit", "main", True),
            Appointment(ids[1], DaySpan(date(2026, 1, 12)), "KGD-75", "audit", "main", True),
            Appointment(ids[2], DaySpan(date(2026, 2, 2), date(2026, 2, 27)), "KGD-75", "leaders", "acting", False),
        ),
        3,
    )


async def test_what_is_told_goes_to_the_use_case_in_its_order() -> None:
    taken: list[Any] = []

    async def take(told: Any) -> None:
        taken.append(told)

    one, other = contract(BODIES, StateBodyChanged), StateBodyChanged(body="MF", region="10", zone="Asia/Oral", revision=1)
    await bodies(take).apply([other, one])
    await servants(take, take).apply([contract(SERVANTS, ServantChanged)])
    assert [[each.revision for each in told] for told in taken] == [[1, 7], [3]]


def test_a_kind_of_a_later_version_keeps_no_time() -> None:
    message = contract(SERVANTS, ServantChanged)
    message.appointments[1].kind = 99  # type: ignore[assignment]
    told = servant_told(message)
    assert told.appointments[1].kind == "other"
    assert told.keeping_time(date(2026, 11, 24)) is None


def refused(told: Any) -> Fault:
    with pytest.raises(Fault) as fault:
        told()
    return fault.value


@pytest.mark.parametrize("zone", ["", "Asia/Astana2", "../../etc/passwd", "/etc/localtime", "Asia/Almaty\x00"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    fault: Any = refused(lambda: body_told(StateBodyChanged(body="KGD", zone=zone)))
    assert list(fault.violations) == ["zone"]


def test_a_state_without_its_key_is_refused() -> None:
    body: Any = refused(lambda: body_told(StateBodyChanged(zone="Asia/Almaty")))
    servant: Any = refused(lambda: servant_told(ServantChanged()))
    assert (list(body.violations), list(servant.violations)) == (["body"], ["servant"])


def appointed(**changed: Any) -> DatedAppointment:
    return DatedAppointment(**{"appointment": "a", "since": Date(year=2026, month=1, day=12), "body": "KGD", **changed})


@pytest.mark.parametrize(
    ("appointments", "reason", "fields"),
    [
        ([appointed(since=None)], "MALFORMED", ["appointments[0].since"]),
        ([appointed(), appointed(appointment="b", until=Date(year=2026, month=13, day=1))], "MALFORMED", ["appointments[1].until"]),
        ([appointed(), appointed()], "MALFORMED", ["appointments"]),
        ([appointed(until=Date(year=2025, month=1, day=1))], "SPAN_REVERSED", []),
    ],
)
def test_an_appointment_that_cannot_be_is_refused(appointments: list[DatedAppointment], reason: str, fields: list[str]) -> None:
    fault: Any = refused(lambda: servant_told(ServantChanged(servant="S1", appointments=appointments)))
    assert (fault.reason, list(getattr(fault, "violations", ()))) == (reason, fields)
