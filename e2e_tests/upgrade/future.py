"""What a later version may publish: fields and values that the code of today does not know."""

from collections.abc import Iterator

from chassis.publisher import Outgoing
from google.protobuf.message import Message
from google.type.date_pb2 import Date
from tartip.regimes.v1 import events_pb2 as regimes
from tartip.regimes.v1 import plan_service_pb2 as plan
from tartip.registry.v1 import events_pb2 as registry

# Field 2047, four bytes long: no message of ours goes so far.
LATER_FIELD = b"\xfa\x7f\x05later"
LATER = 99
SERVANT, PLANNED = "later-1", "later-2"


def messages() -> Iterator[Outgoing]:
    """A body, a servant and a plan as a later version would tell of them."""
    yield _later("registry.bodies.v1", "LATER", registry.StateBodyChanged(event_id="later-1", revision=1, body="LATER", zone="Asia/Almaty"))
    held = registry.DatedAppointment(
        appointment="later", body="LATER", unit="unit", keeps_time=True, since=Date(year=2026, month=11, day=23)
    )
    held.kind = held.suitability = LATER  # type: ignore[assignment]
    yield _later(
        "registry.servants.v1", SERVANT, registry.ServantChanged(event_id="later-2", revision=1, servant=SERVANT, appointments=[held])
    )
    day = plan.PlanDay(date=Date(year=2026, month=11, day=25), zone="Asia/Almaty", body="LATER", unit="unit")
    day.kind = day.accounting_mode = LATER  # type: ignore[assignment]
    month = regimes.MonthPlanChanged(event_id="later-3", revision=1, servant=PLANNED, year=2026, month=11, days=[day], edition="later")
    yield _later("regimes.plans.v1", f"{PLANNED}/2026-11", month)


def _later(topic: str, key: str, value: Message) -> Outgoing:
    return Outgoing(topic, key.encode(), value.SerializeToString() + LATER_FIELD, {"event_id": f"later of {topic}"})
