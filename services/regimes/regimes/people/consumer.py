"""What the registry tells of bodies and servants, from Kafka into the projection."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chassis.heads import headships_told
from chassis.personal_data.holds import holds_told
from chassis.streams import Subscription
from chassis.wire import day
from kernel.days import DaySpan
from kernel.faults import Malformed
from tartip.registry.v1 import events_pb2 as pb
from tartip.registry.v1 import servant_service_pb2

from regimes.people.domain import Appointment, AppointmentKind, Body, Servant, Unit
from regimes.people.use_cases import STATES_A_TRANSACTION, Begin, EraseServants, TakeBodies, TakeServants
from regimes.projections import BODIES, SERVANTS

KINDS = {
    servant_service_pb2.APPOINTMENT_KIND_MAIN: AppointmentKind.MAIN,
    servant_service_pb2.APPOINTMENT_KIND_TEMPORARY: AppointmentKind.TEMPORARY,
    servant_service_pb2.APPOINTMENT_KIND_SECONDMENT: AppointmentKind.SECONDMENT,
    servant_service_pb2.APPOINTMENT_KIND_ACTING: AppointmentKind.ACTING,
    servant_service_pb2.APPOINTMENT_KIND_CONCURRENT: AppointmentKind.CONCURRENT,
}


def subscriptions(work: Begin) -> list[Subscription[Any]]:
    """Returns all that the projection of people follows."""
    return [bodies(work), servants(work)]


def bodies(work: Begin) -> Subscription[pb.StateBodyChanged]:
    """Returns the subscription that takes over bodies."""
    take = TakeBodies(work)

    async def apply(messages: Sequence[pb.StateBodyChanged]) -> None:
        await take([body_told(message) for message in messages])

    return Subscription(BODIES, pb.StateBodyChanged, apply, most=STATES_A_TRANSACTION)


def servants(work: Begin) -> Subscription[pb.ServantChanged]:
    """Returns the subscription that takes over servants, and erases those who were erased."""
    take = TakeServants(work)

    async def apply(messages: Sequence[pb.ServantChanged]) -> None:
        await take([servant_told(message) for message in messages])

    return Subscription(SERVANTS, pb.ServantChanged, apply, most=STATES_A_TRANSACTION, erase=EraseServants(work))


def body_told(message: pb.StateBodyChanged) -> Body:
    """Returns the body; Malformed without an ID, or with a zone that the time zone data do not know."""
    if not message.body:
        raise Malformed({"body": "must be set"})
    try:
        ZoneInfo(message.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed({"zone": "an IANA name such as Asia/Almaty"}) from None
    units = tuple(Unit(unit.unit, unit.parent_unit) for unit in message.units)
    heads, holds = headships_told(message.units), holds_told(message.holds)
    return Body(message.body, message.region, message.zone, units, message.revision, heads, holds)


def servant_told(message: pb.ServantChanged) -> Servant:
    """Returns the servant; Malformed without an ID, or with an appointment that has no first day or ends before it."""
    if not message.servant:
        raise Malformed({"servant": "must be set"})
    appointments = tuple(_appointment(one, f"appointments[{at}]") for at, one in enumerate(message.appointments))
    return Servant(message.servant, appointments, message.revision)


def _appointment(message: pb.DatedAppointment, field: str) -> Appointment:
    since = day(message.since, f"{field}.since")
    until = day(message.until, f"{field}.until") if message.HasField("until") else None
    return Appointment(
        appointment=message.appointment,
        span=DaySpan(since, until),
        body=message.body,
        unit=message.unit,
        kind=KINDS.get(message.kind, AppointmentKind.OTHER),
        keeps_time=message.keeps_time,
        hours_set_by_regulation=message.hours_set_by_regulation,
        position=message.position,
        supervising_position=message.supervising_position,
    )
