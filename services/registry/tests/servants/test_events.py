"""What is published of a servant is exactly what the consumers' tests expect, and never the IIN."""

from dataclasses import replace
from datetime import UTC, date, datetime

from chassis.testing.contracts import contract, unset_fields
from kernel.days import DaySpan
from registry.servants.domain import Appointment, AppointmentKind, Servant
from registry.servants.events import message
from tartip.registry.v1 import events_pb2

from ..samples import iin, position, terms

AT = datetime(2026, 1, 12, 4, 30, tzinfo=UTC)
POST = replace(position("17", "audit", "KGD-75", above="16", hazardous=True), hours_set_by_regulation=True)
SERVANT = Servant(
    "serikova",
    iin(),
    "Серікова А.",
    (
        Appointment(
            "01987d3c-6f00-7a10-8000-000000000001",
            POST,
            replace(terms(body="KGD-75"), span=DaySpan(date(2024, 9, 2), date(2026, 1, 11)), rate_percent=50),
        ),
        Appointment("01987d3c-6f00-7a10-8000-000000000002", POST, terms(body="KGD-75")),
        Appointment(
            "01987d3c-6f00-7a10-8000-000000000003",
            position("1", "leaders", "KGD-75"),
            terms(date(2026, 2, 2), date(2026, 2, 27), "1", "KGD-75", AppointmentKind.ACTING),
        ),
    ),
    revision=3,
)


def test_a_servant_is_published_as_the_contract_says() -> None:
    assert message(SERVANT, AT) == contract("registry.servants.v1", events_pb2.ServantChanged)


def test_the_contract_shows_every_field_but_the_assessment_that_the_registry_does_not_make() -> None:
    example = contract("registry.servants.v1", events_pb2.ServantChanged)
    assert unset_fields(example) == {"appointments.suitability"}


def test_no_event_carries_the_iin() -> None:
    assert iin().digits.encode() not in message(SERVANT, AT).SerializeToString()


def test_the_event_id_is_that_of_the_state() -> None:
    other = message(replace(SERVANT, revision=4), AT).event_id
    assert message(SERVANT, AT).event_id == message(SERVANT, datetime(2027, 1, 1, tzinfo=UTC)).event_id != other
