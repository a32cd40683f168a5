"""Civil servants and appointments as messages, to and from the domain."""

from chassis.wire import day, day_message
from kernel.faults import Malformed
from kernel.names import servant_name
from tartip.registry.v1 import servant_service_pb2 as pb

from registry.names import appointment_name, position_name, position_of
from registry.servants.domain import Appointment, AppointmentKind, AppointmentTerms, NewServant, Servant
from registry.servants.iin import Iin
from registry.values import etag

KINDS: dict[int, AppointmentKind] = {pb.AppointmentKind.Value(f"APPOINTMENT_KIND_{kind.name}"): kind for kind in AppointmentKind}


def new_servant_from(id: str, message: pb.Servant) -> NewServant:
    """Returns the person that the message describes; Malformed, SPAN_REVERSED or IIN_CHECKSUM where it cannot be."""
    terms = [terms_from(one, f"servant.appointments[{place}]") for place, one in enumerate(message.appointments)]
    return NewServant.recorded(id, Iin.read(message.iin), message.display_name, terms)


def terms_from(message: pb.Appointment, field: str) -> AppointmentTerms:
    """Returns the terms of an appointment; Malformed for a path under `field`, or SPAN_REVERSED, where they cannot be."""
    body, position = position_of(message.position, f"{field}.position")
    kind = KINDS.get(message.kind)
    if kind is None:
        raise Malformed({f"{field}.kind": "one of the kinds of appointments"})
    since = day(message.since, f"{field}.since")
    until = day(message.until, f"{field}.until") if message.HasField("until") else None
    return AppointmentTerms.ordered(body, position, kind, since, until, message.rate_percent, message.act, field)


def servant_message(servant: Servant) -> pb.Servant:
    """Returns the servant as a message, without the IIN where it is withheld."""
    return pb.Servant(
        name=servant_name(servant.id),
        iin=servant.iin.digits if servant.iin else "",
        display_name=servant.display_name,
        appointments=[appointment_message(servant.id, appointment) for appointment in servant.appointments],
        etag=etag(servant.revision),
    )


def appointment_message(servant: str, appointment: Appointment) -> pb.Appointment:
    """Returns the appointment as a message."""
    terms = appointment.terms
    return pb.Appointment(
        name=appointment_name(servant, appointment.id),
        position=position_name(terms.body, terms.position),
        kind=pb.AppointmentKind.Value(f"APPOINTMENT_KIND_{terms.kind.name}"),
        since=day_message(terms.span.since),
        until=day_message(terms.span.until),
        rate_percent=terms.rate_percent,
        act=terms.act,
        etag=etag(appointment.revision),
    )
