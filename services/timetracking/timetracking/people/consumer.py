"""What the registry tells of bodies and servants, from Kafka into the projection."""

from collections.abc import Awaitable, Callable, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chassis.delivery import Subscription
from chassis.heads import headships_told
from chassis.personal_data.holds import holds_told
from chassis.wire import day
from kernel.days import DaySpan
from kernel.faults import Malformed
from tartip.registry.v1 import events_pb2 as pb
from tartip.registry.v1 import servant_service_pb2 as servant_pb

from timetracking.people.domain import Appointment, Body, Servant
from timetracking.people.use_cases import STATES_A_TRANSACTION

BODIES, SERVANTS = "registry.bodies.v1", "registry.servants.v1"
KINDS = {
    servant_pb.APPOINTMENT_KIND_MAIN: "main",
    servant_pb.APPOINTMENT_KIND_TEMPORARY: "temporary",
    servant_pb.APPOINTMENT_KIND_SECONDMENT: "secondment",
    servant_pb.APPOINTMENT_KIND_ACTING: "acting",
    servant_pb.APPOINTMENT_KIND_CONCURRENT: "concurrent",
}
# A kind of a later version never keeps time for who does not know it.
OTHER = "other"


def bodies(take: Callable[[Sequence[Body]], Awaitable[None]]) -> Subscription[pb.StateBodyChanged]:
    """The subscription that takes over bodies."""

    async def apply(messages: Sequence[pb.StateBodyChanged]) -> None:
        await take([body_told(each) for each in messages])

    return Subscription(BODIES, pb.StateBodyChanged, apply, most=STATES_A_TRANSACTION)


def servants(
    take: Callable[[Sequence[Servant]], Awaitable[None]], erase: Callable[[Sequence[str]], Awaitable[None]]
) -> Subscription[pb.ServantChanged]:
    """The subscription that takes over servants, and erases those who were erased."""

    async def apply(messages: Sequence[pb.ServantChanged]) -> None:
        await take([servant_told(each) for each in messages])

    return Subscription(SERVANTS, pb.ServantChanged, apply, most=STATES_A_TRANSACTION, erase=erase)


def body_told(message: pb.StateBodyChanged) -> Body:
    """The body; Malformed without an ID, or with a zone that the time zone data do not know."""
    if not message.body:
        raise Malformed({"body": "must be set"})
    try:
        ZoneInfo(message.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed({"zone": "an IANA name such as Asia/Almaty"}) from None
    heads, holds = headships_told(message.units), holds_told(message.holds)
    return Body(message.body, message.region, message.zone, message.revision, heads, holds)


def servant_told(message: pb.ServantChanged) -> Servant:
    """The servant; Malformed without an ID, or with an appointment that has no ID, no first day or ends before it."""
    if not message.servant:
        raise Malformed({"servant": "must be set"})
    appointments = tuple(_appointment(each, f"appointments[{at}]") for at, each in enumerate(message.appointments))
    if len({each.appointment for each in appointments}) < len(appointments):
        raise Malformed({"appointments": "each with an ID of its own"})
    return Servant(message.servant, appointments, message.revision)


def _appointment(message: pb.DatedAppointment, field: str) -> Appointment:
    since = day(message.since, f"{field}.since")
    until = day(message.until, f"{field}.until") if message.HasField("until") else None
    return Appointment(
        appointment=message.appointment,
        span=DaySpan(since, until),
        body=message.body,
        unit=message.unit,
        kind=KINDS.get(message.kind, OTHER),
        keeps_time=message.keeps_time,
        position=message.position,
        supervising_position=message.supervising_position,
    )
