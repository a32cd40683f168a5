"""What the registry tells of a servant: topic registry.servants.v1, key: the servant's ID. Never the IIN."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from chassis.wire import day_message
from tartip.registry.v1 import events_pb2, servant_service_pb2

from registry.servants.domain import Appointment, Servant

TOPIC = "registry.servants.v1"


def message(servant: Servant, at: datetime) -> events_pb2.ServantChanged:
    """Returns the servant's whole state as others learn it; a state of one revision has the same event ID always."""
    changed = events_pb2.ServantChanged(
        event_id=str(uuid5(NAMESPACE_URL, f"{TOPIC}/{servant.id}/{servant.revision}")),
        revision=servant.revision,
        servant=servant.id,
        display_name=servant.display_name,
        appointments=[_appointment(appointment) for appointment in servant.appointments],
    )
    changed.occurred_at.FromDatetime(at)
    return changed


def _appointment(appointment: Appointment) -> events_pb2.DatedAppointment:
    terms, post = appointment.terms, appointment.post
    return events_pb2.DatedAppointment(
        appointment=appointment.id,
        since=day_message(terms.span.since),
        until=day_message(terms.span.until),
        body=post.body,
        unit=post.unit,
        position=post.id,
        kind=servant_service_pb2.AppointmentKind.Value(f"APPOINTMENT_KIND_{terms.kind.name}"),
        keeps_time=appointment.keeps_time,
        supervising_position=post.supervising_position or "",
        hours_set_by_regulation=post.hours_set_by_regulation,
        hazardous=post.hazardous,
        # Positions are assessed by the regimes service; the registry has no assessment to tell of.
        suitability=events_pb2.SUITABILITY_UNSPECIFIED,
        rate_percent=terms.rate_percent,
    )
