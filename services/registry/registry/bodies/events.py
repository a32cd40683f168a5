"""What the registry tells of a body: topic registry.bodies.v1, key: the body's ID."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from chassis.wire import day_message
from tartip.registry.v1 import events_pb2, state_body_service_pb2

from registry.bodies.domain import BodyState, Unit

TOPIC = "registry.bodies.v1"


def message(state: BodyState, at: datetime) -> events_pb2.StateBodyChanged:
    """Returns the body's whole state as others learn it; a state of one revision has the same event ID always."""
    body = state.body
    changed = events_pb2.StateBodyChanged(
        event_id=str(uuid5(NAMESPACE_URL, f"{TOPIC}/{body.id}/{body.revision}")),
        revision=body.revision,
        body=body.id,
        kind=state_body_service_pb2.StateBodyKind.Value(f"STATE_BODY_KIND_{body.kind.name}"),
        region=body.region,
        zone=body.zone,
        parent=body.parent or "",
        head=body.head or "",
        units=[_unit(unit) for unit in state.units],
        hr_members=[
            events_pb2.DatedServant(servant=one.servant, since=day_message(one.span.since), until=day_message(one.span.until))
            for one in state.hr_members
        ],
        hr_service_body=body.served_by,
        holds=[
            events_pb2.LegalHold(hold=one.id, since=day_message(one.span.since), until=day_message(one.span.until)) for one in state.holds
        ],
    )
    changed.occurred_at.FromDatetime(at)
    return changed


def _unit(unit: Unit) -> events_pb2.BodyUnit:
    heads = [
        events_pb2.DatedServant(servant=head.servant, since=day_message(head.span.since), until=day_message(head.span.until))
        for head in unit.heads
    ]
    return events_pb2.BodyUnit(unit=unit.id, parent_unit=unit.parent_unit or "", heads=heads, hr_service=unit.hr_service)
