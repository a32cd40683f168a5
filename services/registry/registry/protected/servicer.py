"""ProtectedFactService: messages in, use cases, messages out."""

from functools import partial
from operator import attrgetter

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import day
from google.protobuf.message import Message
from kernel.names import servant_of
from lawbook import Lawbook
from tartip.registry.v1 import protected_fact_service_pb2 as pb
from tartip.registry.v1 import protected_fact_service_pb2_grpc as pb_grpc

from registry.names import protected_fact_of
from registry.protected import use_cases
from registry.protected.messages import content_from, fact_message, limits_message, span_from

Context = grpc.aio.ServicerContext[Message, Message]


class ProtectedFactServicer(pb_grpc.ProtectedFactServiceServicer):
    """Answers for protected facts and the limits that follow from them."""

    def __init__(self, work: use_cases.Begin, law: Lawbook, listing: Listing) -> None:
        self._law = law
        self._listing = listing
        self._record = use_cases.RecordProtectedFact(work)
        self._list = use_cases.ListProtectedFacts(work)
        self._end = use_cases.EndProtectedFact(work)
        self._limits = use_cases.ListServantLimits(work, law)

    async def RecordProtectedFact(self, request: pb.RecordProtectedFactRequest, context: Context) -> pb.ProtectedFact:
        """Records a fact for which the law protects a servant."""
        servant, content = servant_of(request.parent, "parent"), content_from(request.protected_fact)
        return fact_message(await self._record(current_caller(), servant, content))

    async def ListProtectedFacts(self, request: pb.ListProtectedFactsRequest, context: Context) -> pb.ListProtectedFactsResponse:
        """Lists the protected facts of a servant."""
        caller, servant = current_caller(), servant_of(request.parent, "parent")
        fetch = partial(self._list, caller, servant)
        found, token = await self._listing.page(caller, request, f"protectedFacts/{servant}", attrgetter("id"), fetch)
        return pb.ListProtectedFactsResponse(protected_facts=[fact_message(fact) for fact in found], next_page_token=token)

    async def EndProtectedFact(self, request: pb.EndProtectedFactRequest, context: Context) -> pb.ProtectedFact:
        """Ends a protected fact with its last day."""
        servant, fact = protected_fact_of(request.name, "name")
        return fact_message(await self._end(current_caller(), servant, fact, day(request.until, "until"), request.etag))

    async def ListServantLimits(self, request: pb.ListServantLimitsRequest, context: Context) -> pb.ListServantLimitsResponse:
        """Lists the limits of a servant on each day of a span."""
        servant, (since, until) = servant_of(request.parent, "parent"), span_from(request)
        found = await self._limits(current_caller(), servant, since, until)
        return pb.ListServantLimitsResponse(servant_limits=[limits_message(dated, self._law) for dated in found])
