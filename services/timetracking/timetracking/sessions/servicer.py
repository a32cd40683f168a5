"""RemoteSessionService: messages in, use cases, messages out."""

import grpc.aio
from chassis.access import current_caller
from chassis.clock import Clock
from chassis.wire import instant_message
from google.protobuf.message import Message
from kernel.names import servant_of
from tartip.timetracking.v1 import remote_session_service_pb2 as pb
from tartip.timetracking.v1 import remote_session_service_pb2_grpc as pb_grpc

from timetracking.names import session_of
from timetracking.sessions import use_cases
from timetracking.sessions.domain import RemoteSession

Context = grpc.aio.ServicerContext[Message, Message]


class RemoteSessionServicer(pb_grpc.RemoteSessionServiceServicer):
    """Answers for remote sessions."""

    def __init__(self, begin: use_cases.Begin, compute: use_cases.Compute, clock: Clock) -> None:
        self._start = use_cases.StartRemoteSession(begin, compute, clock)
        self._end = use_cases.EndRemoteSession(begin, compute, clock)

    async def StartRemoteSession(self, request: pb.StartRemoteSessionRequest, context: Context) -> pb.RemoteSession:
        """Starts a session of the caller."""
        return _message(await self._start(current_caller(), servant_of(request.parent, "parent")))

    async def EndRemoteSession(self, request: pb.EndRemoteSessionRequest, context: Context) -> pb.RemoteSession:
        """Ends a session of the caller."""
        servant, session = session_of(request.name, "name")
        return _message(await self._end(current_caller(), servant, session))


def _message(session: RemoteSession) -> pb.RemoteSession:
    message = pb.RemoteSession(name=session.name, start=instant_message(session.start))
    if session.end is not None:
        message.end.CopyFrom(instant_message(session.end))
    return message
