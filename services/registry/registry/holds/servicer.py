"""HoldService: messages in, use cases, messages out."""

from functools import partial
from operator import attrgetter

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import day, day_message
from google.protobuf.message import Message
from kernel.days import DaySpan
from kernel.names import body_of
from tartip.registry.v1 import hold_service_pb2 as pb
from tartip.registry.v1 import hold_service_pb2_grpc as pb_grpc

from registry.holds import use_cases
from registry.holds.domain import Hold
from registry.names import hold_name, hold_of
from registry.values import etag

Context = grpc.aio.ServicerContext[Message, Message]


class HoldServicer(pb_grpc.HoldServiceServicer):
    """Answers for legal holds."""

    def __init__(self, work: use_cases.Begin, listing: Listing) -> None:
        self._listing = listing
        self._place = use_cases.PlaceHold(work)
        self._release = use_cases.ReleaseHold(work)
        self._list = use_cases.ListHolds(work)

    async def PlaceHold(self, request: pb.PlaceHoldRequest, context: Context) -> pb.Hold:
        """Places a hold over a body's data."""
        span = DaySpan(day(request.hold.since, "hold.since"), day(request.hold.until, "hold.until"))
        hold = Hold.placed(body_of(request.parent, "parent"), request.hold.ground, span)
        return _message(await self._place(current_caller(), hold))

    async def ReleaseHold(self, request: pb.ReleaseHoldRequest, context: Context) -> pb.Hold:
        """Releases a hold before its last day."""
        body, hold = hold_of(request.name, "name")
        return _message(await self._release(current_caller(), body, hold, request.ground, request.etag))

    async def ListHolds(self, request: pb.ListHoldsRequest, context: Context) -> pb.ListHoldsResponse:
        """Lists the holds over a body's data."""
        caller, body = current_caller(), body_of(request.parent, "parent")
        found, token = await self._listing.page(caller, request, f"holds/{body}", attrgetter("id"), partial(self._list, caller, body))
        return pb.ListHoldsResponse(holds=[_message(hold) for hold in found], next_page_token=token)


def _message(hold: Hold) -> pb.Hold:
    return pb.Hold(
        name=hold_name(hold.body, hold.id),
        ground=hold.ground,
        since=day_message(hold.span.since),
        until=day_message(hold.span.until),
        released=hold.released,
        of_nation=hold.of_nation,
        etag=etag(hold.revision),
    )
