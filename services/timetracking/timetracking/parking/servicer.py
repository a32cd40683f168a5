"""ParkingService: messages in, use cases, messages out."""

from collections.abc import Sequence
from uuid import UUID

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import instant
from google.protobuf.message import Message
from kernel.faults import Malformed
from tartip.timetracking.v1 import parking_service_pb2 as pb
from tartip.timetracking.v1 import parking_service_pb2_grpc as pb_grpc

from timetracking.names import device_of, parked_of
from timetracking.parking import use_cases
from timetracking.parking.domain import Selection, State, reason_named
from timetracking.parking.messages import STATES, parked_message
from timetracking.parking.use_cases import Seen

Context = grpc.aio.ServicerContext[Message, Message]


class ParkingServicer(pb_grpc.ParkingServiceServicer):
    """Answers for parked records."""

    def __init__(self, begin: use_cases.Begin, listing: Listing) -> None:
        self._listing = listing
        self._list = use_cases.ListParked(begin)
        self._inspect = use_cases.InspectParked(begin)
        self._redrive = use_cases.RedriveParked(begin)

    async def ListParkedRecords(self, request: pb.ListParkedRecordsRequest, context: Context) -> pb.ListParkedRecordsResponse:
        """Lists parked records, the last ones first."""
        caller, selection = current_caller(), _selection(request.filter, state=_state(request.state))

        async def fetch(after: str, limit: int) -> Sequence[Seen]:
            return await self._list(caller, selection, int(after) if after else None, limit)

        found, token = await self._listing.page(caller, request, f"parkedRecords/{selection}/{selection.state}", _place, fetch)
        messages = [parked_message(each, with_content=False) for each in found]
        return pb.ListParkedRecordsResponse(parked_records=messages, next_page_token=token)

    async def GetParkedRecord(self, request: pb.GetParkedRecordRequest, context: Context) -> pb.ParkedRecord:
        """Returns a parked record with its content."""
        return parked_message(await self._inspect(current_caller(), parked_of(request.name, "name")), with_content=True)

    async def RedriveParkedRecords(self, request: pb.RedriveParkedRecordsRequest, context: Context) -> pb.RedriveParkedRecordsResponse:
        """Sends parked records again."""
        names = tuple(parked_of(name, f"names[{at}]") for at, name in enumerate(request.names))
        if len(set(names)) > use_cases.MOST_AT_ONCE:
            raise Malformed({"names": f"at most {use_cases.MOST_AT_ONCE}"})
        selection = _selection(request.filter, ids=tuple(sorted(set(names))))
        sent = await self._redrive(current_caller(), selection, only_say=request.validate_only)
        return pb.RedriveParkedRecordsResponse(sent=sent.sent, kept_back=sent.kept_back, more=sent.more)


def _selection(message: pb.ParkedRecordFilter, state: State | None = None, ids: tuple[UUID, ...] = ()) -> Selection:
    body, device = device_of(message.device, "filter.device") if message.device else ("", "")
    since = instant(message.since, "filter.since") if message.HasField("since") else None
    return Selection(message.topic, reason_named(message.reason), body, device, since, state=state, ids=ids)


def _state(value: pb.ParkedRecordState.ValueType) -> State | None:
    if value == pb.PARKED_RECORD_STATE_UNSPECIFIED:
        return None
    for state, known in STATES.items():
        if known == value:
            return state
    raise Malformed({"state": "one of the named values, or none"})


def _place(seen: Seen) -> str:
    return str(seen.place)
