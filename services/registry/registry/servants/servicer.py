"""ServantService: messages in, use cases, messages out. It hands on what is about positions, which servants hold."""

from collections.abc import AsyncIterator
from functools import partial
from operator import attrgetter
from typing import Protocol

import grpc.aio
from chassis.access import current_caller
from chassis.errors import status_of
from chassis.listing import Listing
from chassis.wire import day
from google.protobuf.message import Message
from kernel.faults import Fault, Malformed
from kernel.identifiers import new_id
from kernel.names import body_of, servant_name, servant_of
from tartip.registry.v1 import servant_service_pb2 as pb
from tartip.registry.v1 import servant_service_pb2_grpc as pb_grpc

from registry.names import appointment_of
from registry.servants import use_cases
from registry.servants.domain import NewServant
from registry.servants.messages import appointment_message, new_servant_from, servant_message, terms_from
from registry.servants.roster import Outcome

Context = grpc.aio.ServicerContext[Message, Message]
# The answer to an import is one message of at most 4 MB, and a refused row takes up to 0.7 KB of it.
MOST_ROWS = 5_000


class Positions(Protocol):
    """Who answers for positions."""

    async def CreatePosition(self, request: pb.CreatePositionRequest, context: Context) -> pb.Position: ...
    async def GetPosition(self, request: pb.GetPositionRequest, context: Context) -> pb.Position: ...
    async def ListPositions(self, request: pb.ListPositionsRequest, context: Context) -> pb.ListPositionsResponse: ...


class ServantServicer(pb_grpc.ServantServiceServicer):
    """Answers for positions, civil servants and their appointments."""

    def __init__(self, work: use_cases.Begin, positions: Positions, listing: Listing) -> None:
        self._listing = listing
        self._positions = positions
        self._create = use_cases.CreateServant(work)
        self._get = use_cases.GetServant(work)
        self._list = use_cases.ListServants(work)
        self._appoint = use_cases.CreateAppointment(work)
        self._end = use_cases.EndAppointment(work)
        self._import = use_cases.ImportServants(work)

    async def CreatePosition(self, request: pb.CreatePositionRequest, context: Context) -> pb.Position:
        """Records a position."""
        return await self._positions.CreatePosition(request, context)

    async def GetPosition(self, request: pb.GetPositionRequest, context: Context) -> pb.Position:
        """Returns a position."""
        return await self._positions.GetPosition(request, context)

    async def ListPositions(self, request: pb.ListPositionsRequest, context: Context) -> pb.ListPositionsResponse:
        """Lists the positions of a body."""
        return await self._positions.ListPositions(request, context)

    async def CreateServant(self, request: pb.CreateServantRequest, context: Context) -> pb.Servant:
        """Records a civil servant with a first appointment."""
        new = new_servant_from(request.servant_id or new_id(), request.servant)
        return servant_message(await self._create(current_caller(), new))

    async def GetServant(self, request: pb.GetServantRequest, context: Context) -> pb.Servant:
        """Returns a civil servant."""
        return servant_message(await self._get(current_caller(), servant_of(request.name, "name")))

    async def ListServants(self, request: pb.ListServantsRequest, context: Context) -> pb.ListServantsResponse:
        """Lists the civil servants of a body."""
        caller, body = current_caller(), body_of(request.parent, "parent")
        found, token = await self._listing.page(caller, request, f"servants/{body}", attrgetter("id"), partial(self._list, caller, body))
        return pb.ListServantsResponse(servants=[servant_message(servant) for servant in found], next_page_token=token)

    async def ImportServants(
        self, request_iterator: AsyncIterator[pb.ImportServantsRequest], context: Context
    ) -> pb.ImportServantsResponse:
        """Takes over many servants; each row is answered by itself, in the order of the rows."""
        answer, waiting = pb.ImportServantsResponse(), list[pb.ImportServantsRequest]()
        async for row in request_iterator:
            waiting.append(row)
            if len(answer.rows) + len(waiting) > MOST_ROWS:
                raise Malformed({"row": f"at most {MOST_ROWS} rows in one import; those taken before stay, and repeating them is harmless"})
            if len(waiting) == use_cases.ROWS_A_TRANSACTION:
                answer.rows.extend(await self._take(waiting))
                waiting = []
        answer.rows.extend(await self._take(waiting))
        return answer

    async def CreateAppointment(self, request: pb.CreateAppointmentRequest, context: Context) -> pb.Appointment:
        """Appoints a servant from a day on."""
        terms = terms_from(request.appointment, "appointment")
        servant, appointment = await self._appoint(current_caller(), servant_of(request.parent, "parent"), terms)
        return appointment_message(servant.id, appointment)

    async def EndAppointment(self, request: pb.EndAppointmentRequest, context: Context) -> pb.Appointment:
        """Ends an appointment with its last day."""
        id, appointment_id = appointment_of(request.name, "name")
        servant, ended = await self._end(current_caller(), id, appointment_id, day(request.until, "until"), request.etag)
        return appointment_message(servant.id, ended)

    async def _take(self, rows: list[pb.ImportServantsRequest]) -> list[pb.ImportedRow]:
        answers = await self._import(current_caller(), [_readable(row) for row in rows])
        return [_answer(row.row, answer) for row, answer in zip(rows, answers, strict=True)]


def _readable(row: pb.ImportServantsRequest) -> NewServant | Fault:
    try:
        return new_servant_from(row.servant_id, row.servant)
    except Fault as refusal:
        return refusal


def _answer(row: int, answer: use_cases.Taken | Fault) -> pb.ImportedRow:
    if isinstance(answer, Fault):
        return pb.ImportedRow(row=row, outcome=pb.ImportedRow.OUTCOME_REFUSED, refusal=status_of(answer))
    outcomes = {
        Outcome.CREATED: pb.ImportedRow.OUTCOME_CREATED,
        Outcome.UPDATED: pb.ImportedRow.OUTCOME_UPDATED,
        Outcome.UNCHANGED: pb.ImportedRow.OUTCOME_UNCHANGED,
    }
    return pb.ImportedRow(row=row, outcome=outcomes[answer.outcome], servant=servant_name(answer.servant))
