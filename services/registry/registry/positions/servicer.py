"""The part of ServantService that is about positions: messages in, use cases, messages out."""

from functools import partial
from operator import attrgetter

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import text_message
from google.protobuf.message import Message
from kernel.faults import Malformed
from kernel.names import body_of, unit_name
from tartip.registry.v1 import servant_service_pb2 as pb

from registry.names import position_name, position_of, unit_of
from registry.positions import use_cases
from registry.positions.domain import Position
from registry.values import etag
from registry.wire import text

Context = grpc.aio.ServicerContext[Message, Message]


class PositionServicer:
    """Answers for positions."""

    def __init__(self, work: use_cases.Begin, listing: Listing) -> None:
        self._listing = listing
        self._create = use_cases.CreatePosition(work)
        self._get = use_cases.GetPosition(work)
        self._list = use_cases.ListPositions(work)

    async def CreatePosition(self, request: pb.CreatePositionRequest, context: Context) -> pb.Position:
        """Records a position."""
        return _message(await self._create(current_caller(), _position(request)))

    async def GetPosition(self, request: pb.GetPositionRequest, context: Context) -> pb.Position:
        """Returns a position."""
        body, position = position_of(request.name, "name")
        return _message(await self._get(current_caller(), body, position))

    async def ListPositions(self, request: pb.ListPositionsRequest, context: Context) -> pb.ListPositionsResponse:
        """Lists the positions of a body."""
        caller, body = current_caller(), body_of(request.parent, "parent")
        found, token = await self._listing.page(caller, request, f"positions/{body}", attrgetter("id"), partial(self._list, caller, body))
        return pb.ListPositionsResponse(positions=[_message(position) for position in found], next_page_token=token)


def _position(request: pb.CreatePositionRequest) -> Position:
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


def _message(position: Position) -> pb.Position:
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
