"""PlanService: messages in, use cases, messages out."""

import grpc.aio
from chassis.access import current_caller
from chassis.wire import day
from google.protobuf.message import Message
from kernel.names import servant_of
from lawbook import Lawbook
from tartip.regimes.v1 import plan_service_pb2 as pb
from tartip.regimes.v1 import plan_service_pb2_grpc as pb_grpc

from regimes.plans import use_cases
from regimes.plans.messages import plan_day

Context = grpc.aio.ServicerContext[Message, Message]


class PlanServicer(pb_grpc.PlanServiceServicer):
    """Answers for plans."""

    def __init__(self, work: use_cases.Begin, law: Lawbook) -> None:
        self._list = use_cases.ListPlanDays(work, law)

    async def ListPlanDays(self, request: pb.ListPlanDaysRequest, context: Context) -> pb.ListPlanDaysResponse:
        """Lists the plan of a servant, a row for every date of the span."""
        servant, since, until = servant_of(request.parent, "parent"), day(request.since, "since"), day(request.until, "until")
        return pb.ListPlanDaysResponse(days=[plan_day(each) for each in await self._list(current_caller(), servant, since, until)])
