"""Positions as messages, to and from the domain."""

from kernel.faults import Malformed
from tartip.registry.v1 import servant_service_pb2 as pb

from registry.names import body_of, position_name, position_of, unit_name, unit_of
from registry.positions.domain import Position
from registry.values import etag
from registry.wire import text, text_message


def position_from(request: pb.CreatePositionRequest) -> Position:
    """Returns the position that the request describes; Malformed where it cannot be."""
    body, message = body_of(request.parent, "parent"), request.position
    owner, unit = unit_of(message.unit, "position.unit")
    if owner != body:
        raise Malformed({"position.unit": "a unit of the same body"})
    above = None
    if message.supervising_position:
        owner, above = position_of(message.supervising_position, "position.supervising_position")
        if owner != body:
            raise Malformed({"position.supervising_position": "a position of the same body"})
    return Position.set_up(
        body,
        request.position_id,
        text(message.title, "position.title"),
        unit,
        category=message.category,
        supervising_position=above,
        hours_set_by_regulation=message.hours_set_by_regulation,
        hazardous=message.hazardous,
    )


def position_message(position: Position) -> pb.Position:
    """Returns the position as a message."""
    above = position.supervising_position
    return pb.Position(
        name=position_name(position.body, position.id),
        title=text_message(position.title),
        unit=unit_name(position.body, position.unit),
        category=position.category,
        supervising_position=position_name(position.body, above) if above else "",
        hours_set_by_regulation=position.hours_set_by_regulation,
        hazardous=position.hazardous,
        etag=etag(position.revision),
    )
