"""StateBodyService: messages in, use cases, messages out."""

from functools import partial
from operator import attrgetter

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import day, day_message, text_message
from google.protobuf.message import Message
from kernel.faults import Malformed
from kernel.names import body_name, body_of, servant_name, servant_of, unit_name
from tartip.registry.v1 import state_body_service_pb2 as pb
from tartip.registry.v1 import state_body_service_pb2_grpc as pb_grpc

from registry.bodies import use_cases
from registry.bodies.domain import Headship, StateBody, StateBodyKind, Unit
from registry.names import unit_of
from registry.values import etag
from registry.wire import text

KINDS: dict[int, StateBodyKind] = {pb.StateBodyKind.Value(f"STATE_BODY_KIND_{kind.name}"): kind for kind in StateBodyKind}
Context = grpc.aio.ServicerContext[Message, Message]


class StateBodyServicer(pb_grpc.StateBodyServiceServicer):
    """Answers for state bodies and their units."""

    def __init__(self, work: use_cases.Begin, listing: Listing) -> None:
        self._listing = listing
        self._create = use_cases.CreateStateBody(work)
        self._get = use_cases.GetStateBody(work)
        self._list = use_cases.ListStateBodies(work)
        self._create_unit = use_cases.CreateUnit(work)
        self._get_unit = use_cases.GetUnit(work)
        self._list_units = use_cases.ListUnits(work)
        self._appoint_head = use_cases.AppointUnitHead(work)

    async def CreateStateBody(self, request: pb.CreateStateBodyRequest, context: Context) -> pb.StateBody:
        """Records a state body."""
        return _body_message(await self._create(current_caller(), _body(request)))

    async def GetStateBody(self, request: pb.GetStateBodyRequest, context: Context) -> pb.StateBody:
        """Returns a state body."""
        return _body_message(await self._get(current_caller(), body_of(request.name, "name")))

    async def ListStateBodies(self, request: pb.ListStateBodiesRequest, context: Context) -> pb.ListStateBodiesResponse:
        """Lists the state bodies that the caller may see."""
        caller = current_caller()
        bodies, token = await self._listing.page(caller, request, "stateBodies", attrgetter("id"), partial(self._list, caller))
        return pb.ListStateBodiesResponse(state_bodies=[_body_message(body) for body in bodies], next_page_token=token)

    async def CreateUnit(self, request: pb.CreateUnitRequest, context: Context) -> pb.Unit:
        """Records a structural unit."""
        return _unit_message(await self._create_unit(current_caller(), _unit(request)))

    async def GetUnit(self, request: pb.GetUnitRequest, context: Context) -> pb.Unit:
        """Returns a structural unit."""
        body, unit = unit_of(request.name, "name")
        return _unit_message(await self._get_unit(current_caller(), body, unit))

    async def ListUnits(self, request: pb.ListUnitsRequest, context: Context) -> pb.ListUnitsResponse:
        """Lists the units of a body."""
        caller, body = current_caller(), body_of(request.parent, "parent")
        units, token = await self._listing.page(caller, request, f"units/{body}", attrgetter("id"), partial(self._list_units, caller, body))
        return pb.ListUnitsResponse(units=[_unit_message(unit) for unit in units], next_page_token=token)

    async def AppointUnitHead(self, request: pb.AppointUnitHeadRequest, context: Context) -> pb.Unit:
        """Names the head of a unit from a day on."""
        body, unit = unit_of(request.name, "name")
        head, since = servant_of(request.head, "head"), day(request.since, "since")
        return _unit_message(await self._appoint_head(current_caller(), body, unit, head, since, request.etag))


def _body(request: pb.CreateStateBodyRequest) -> StateBody:
    message = request.state_body
    return StateBody.founded(
        request.state_body_id,
        text(message.title, "state_body.title"),
        _kind(message.kind),
        message.region,
        message.zone,
        parent=body_of(message.parent, "state_body.parent") if message.parent else None,
        head=servant_of(message.head, "state_body.head") if message.head else None,
        hr_service_body=body_of(message.hr_service_body, "state_body.hr_service_body") if message.hr_service_body else None,
    )


def _kind(value: int) -> StateBodyKind:
    kind = KINDS.get(value)
    if kind is None:
        raise Malformed({"state_body.kind": "one of the kinds of state bodies"})
    return kind


def _body_message(body: StateBody) -> pb.StateBody:
    return pb.StateBody(
        name=body_name(body.id),
        title=text_message(body.title),
        kind=pb.StateBodyKind.Value(f"STATE_BODY_KIND_{body.kind.name}"),
        region=body.region,
        zone=body.zone,
        parent=body_name(body.parent) if body.parent else "",
        head=servant_name(body.head) if body.head else "",
        hr_service_body=body_name(body.hr_service_body) if body.hr_service_body else "",
        etag=etag(body.revision),
    )


def _unit(request: pb.CreateUnitRequest) -> Unit:
    body, message = body_of(request.parent, "parent"), request.unit
    if message.heads:
        raise Malformed({"unit.heads": "none: heads are named with AppointUnitHead"})
    above = None
    if message.parent_unit:
        owner, above = unit_of(message.parent_unit, "unit.parent_unit")
        if owner != body:
            raise Malformed({"unit.parent_unit": "a unit of the same body"})
    return Unit.set_up(body, request.unit_id, text(message.title, "unit.title"), above, message.hr_service)


def _unit_message(unit: Unit) -> pb.Unit:
    return pb.Unit(
        name=unit_name(unit.body, unit.id),
        title=text_message(unit.title),
        parent_unit=unit_name(unit.body, unit.parent_unit) if unit.parent_unit else "",
        heads=[_headship(head) for head in unit.heads],
        hr_service=unit.hr_service,
        etag=etag(unit.revision),
    )


def _headship(head: Headship) -> pb.Headship:
    return pb.Headship(servant=servant_name(head.servant), since=day_message(head.span.since), until=day_message(head.span.until))
