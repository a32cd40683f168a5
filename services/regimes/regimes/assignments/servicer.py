"""AssignmentService: messages in, use cases, messages out."""

from functools import partial

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import day, day_message
from google.protobuf.message import Message
from kernel.faults import Malformed
from kernel.identifiers import check_id, new_id
from kernel.names import servant_of
from kernel.text import line
from lawbook import Lawbook
from tartip.regimes.v1 import assignment_service_pb2 as pb
from tartip.regimes.v1 import assignment_service_pb2_grpc as pb_grpc

from regimes.assignments import use_cases
from regimes.assignments.domain import Assignment, Flexible, Regime, Remote, Shift, ShiftSchedule
from regimes.names import ASSIGNMENT_ID, assignment_name, assignment_of
from regimes.wall_clock import ClockSpan
from regimes.wire import LINE, clock, clock_message, etag, pause

Context = grpc.aio.ServicerContext[Message, Message]


class AssignmentServicer(pb_grpc.AssignmentServiceServicer):
    """Answers for assignments."""

    def __init__(self, work: use_cases.Begin, law: Lawbook, listing: Listing) -> None:
        self._listing = listing
        self._create = use_cases.CreateAssignment(work, law)
        self._get = use_cases.GetAssignment(work)
        self._list = use_cases.ListAssignments(work)

    async def CreateAssignment(self, request: pb.CreateAssignmentRequest, context: Context) -> pb.Assignment:
        """Assigns a regime for a span of dates."""
        return _message(await self._create(current_caller(), _assignment(request)))

    async def GetAssignment(self, request: pb.GetAssignmentRequest, context: Context) -> pb.Assignment:
        """Returns an assignment."""
        servant, assignment = assignment_of(request.name, "name")
        return _message(await self._get(current_caller(), servant, assignment))

    async def ListAssignments(self, request: pb.ListAssignmentsRequest, context: Context) -> pb.ListAssignmentsResponse:
        """Lists the assignments of a servant."""
        caller, servant = current_caller(), servant_of(request.parent, "parent")
        fetch = partial(self._list, caller, servant)
        found, token = await self._listing.page(caller, request, f"assignments/{servant}", lambda each: each.assignment, fetch)
        return pb.ListAssignmentsResponse(assignments=[_message(each) for each in found], next_page_token=token)


def _assignment(request: pb.CreateAssignmentRequest) -> Assignment:
    message = request.assignment
    return Assignment(
        assignment=check_id(request.assignment_id or new_id(), "assignment_id", ASSIGNMENT_ID),
        servant=servant_of(request.parent, "parent"),
        since=day(message.since, "assignment.since"),
        until=day(message.until, "assignment.until"),
        act=line(message.act, "assignment.act", LINE, empty=True),
        regime=_regime(message),
    )


def _regime(message: pb.Assignment) -> Regime:
    match message.WhichOneof("regime"):
        case "remote":
            return Remote(line(message.remote.place, "assignment.remote.place", LINE, empty=True), frozenset(message.remote.weekdays))
        case "flexible":
            return _flexible(message.flexible)
        case "shift":
            return ShiftSchedule(tuple(_shift(shift, f"assignment.shift.shifts[{at}]") for at, shift in enumerate(message.shift.shifts)))
        case _:
            raise Malformed({"assignment": "one of remote, flexible, shift"})


def _flexible(message: pb.FlexibleRegime) -> Flexible:
    field = "assignment.flexible"
    return Flexible(
        band=ClockSpan(clock(message.start, f"{field}.start"), clock(message.end, f"{field}.end")),
        core=ClockSpan(clock(message.core_start, f"{field}.core_start"), clock(message.core_end, f"{field}.core_end")),
        pause=pause((message.HasField("break_start"), message.HasField("break_end")), message.break_start, message.break_end, field),
    )


def _shift(message: pb.Shift, field: str) -> Shift:
    has = (message.HasField("break_start"), message.HasField("break_end"))
    return Shift(
        date=day(message.date, f"{field}.date"),
        hours=ClockSpan(clock(message.start, f"{field}.start"), clock(message.end, f"{field}.end")),
        pause=pause(has, message.break_start, message.break_end, field),
    )


def _message(assignment: Assignment) -> pb.Assignment:
    message = pb.Assignment(
        name=assignment_name(assignment.servant, assignment.assignment),
        since=day_message(assignment.since),
        until=day_message(assignment.until),
        act=assignment.act,
    )
    match assignment.regime:
        case Remote() as remote:
            message.remote.CopyFrom(pb.RemoteRegime(place=remote.place, weekdays=sorted(remote.weekdays)))
        case Flexible() as flexible:
            message.flexible.CopyFrom(_flexible_message(flexible))
        case ShiftSchedule() as schedule:
            message.shift.CopyFrom(pb.ShiftRegime(shifts=[_shift_message(shift) for shift in schedule.shifts]))
    message.etag = etag(message)
    return message


def _flexible_message(flexible: Flexible) -> pb.FlexibleRegime:
    return pb.FlexibleRegime(
        start=clock_message(flexible.band.start),
        end=clock_message(flexible.band.end),
        core_start=clock_message(flexible.core.start),
        core_end=clock_message(flexible.core.end),
        break_start=clock_message(flexible.pause.start if flexible.pause is not None else None),
        break_end=clock_message(flexible.pause.end if flexible.pause is not None else None),
    )


def _shift_message(shift: Shift) -> pb.Shift:
    return pb.Shift(
        date=day_message(shift.date),
        start=clock_message(shift.hours.start),
        end=clock_message(shift.hours.end),
        break_start=clock_message(shift.pause.start if shift.pause is not None else None),
        break_end=clock_message(shift.pause.end if shift.pause is not None else None),
    )
