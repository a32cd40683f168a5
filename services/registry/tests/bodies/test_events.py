"""What is published of a body is exactly what the consumers' tests expect."""

from dataclasses import replace
from datetime import UTC, date, datetime

from chassis.testing.contracts import contract, unset_fields
from kernel.days import DaySpan
from kernel.holds import Hold
from registry.bodies.domain import BodyState, Headship, HrMember, StateBodyKind
from registry.bodies.events import message
from tartip.registry.v1 import events_pb2

from ..samples import body, unit

AT = datetime(2026, 1, 12, 4, 30, tzinfo=UTC)
STATE = BodyState(
    replace(body("KGD-75", parent="KGD", head="omarov", hr_service_body="KGD"), kind=StateBodyKind.TERRITORIAL, revision=7),
    (
        replace(
            unit("audit", "KGD-75"),
            heads=(
                Headship("akhmetov", DaySpan(date(2024, 9, 2), date(2026, 1, 11))),
                Headship("serikova", DaySpan(date(2026, 1, 12))),
            ),
        ),
        unit("audit-1", "KGD-75", parent_unit="audit"),
        unit("hr", "KGD-75", hr_service=True),
    ),
    (HrMember("iskakova", DaySpan(date(2025, 3, 3))), HrMember("nurlanov", DaySpan(date(2025, 3, 3), date(2025, 12, 31)))),
    (
        Hold("0198f1c2-0000-7000-8000-000000000001", DaySpan(date(2026, 1, 12), date(2026, 2, 6))),
        Hold("0198f1c2-0000-7000-8000-000000000002", DaySpan(date(2026, 1, 19), date(2026, 1, 30))),
    ),
)


def test_a_body_is_published_as_the_contract_says() -> None:
    assert message(STATE, AT) == contract("registry.bodies.v1", events_pb2.StateBodyChanged)


def test_the_contract_shows_every_field() -> None:
    assert unset_fields(contract("registry.bodies.v1", events_pb2.StateBodyChanged)) == set()


def test_the_event_id_is_that_of_the_state() -> None:
    next_state = replace(STATE, body=replace(STATE.body, revision=8))
    assert message(STATE, AT).event_id == message(STATE, datetime(2027, 1, 1, tzinfo=UTC)).event_id != message(next_state, AT).event_id
