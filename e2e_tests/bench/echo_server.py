"""A server for the bench of reads, in a process of its own: a bare echo, or GetWorkday with some of its parts left away.

`python -m e2e_tests.bench.echo_server PART DAY` is told by the environment what `timetracking serve` is told.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import lawbook
from chassis import process, telemetry
from chassis.access import Caller, Grant, become
from chassis.access_rules import access_rules
from chassis.auth import TokenVerifier
from chassis.database import Database
from chassis.errors import Refusals
from chassis.interceptors.authentication import authenticated
from chassis.interceptors.authorisation import authorised
from chassis.interceptors.faults import answered
from chassis.interceptors.idempotency import Once
from chassis.interceptors.incoming import Incoming, Layer
from chassis.interceptors.layers import Layers
from chassis.interceptors.telemetry import observed
from chassis.messages import Messages
from chassis.pages import PageTokens
from chassis.settings import read
from tartip.timetracking.v1 import workday_service_pb2 as pb
from timetracking.settings import TimetrackingSettings
from timetracking.workdays.servicer import WorkdayServicer

ECHO, FROM_MEMORY, NO_DATABASE, NO_AUTHENTICATION = "echo", "from-memory", "no-database", "no-authentication"
SERVICE = pb.DESCRIPTOR.services_by_name["WorkdayService"]
INSPECTOR = Caller("inspector", "bench", None, (Grant("inspector", "nation", ""),))


async def echo(request: pb.GetWorkdayRequest, context: Any) -> pb.Workday:
    """Gives back the name that it was asked for, in a day with nothing else in it."""
    return pb.Workday(name=request.name)


def known() -> Layer:
    """The layer that takes everyone for an inspector of the nation."""

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        call.caller = INSPECTOR
        become(INSPECTOR)
        yield

    return layer


async def serve(part: str, day: pb.Workday, stop: asyncio.Event) -> None:
    """Serves GetWorkday until `stop`; where there is no database it answers with the day."""
    settings, law = read(TimetrackingSettings), lawbook.load()
    telemetry.start("bench serve", settings)
    around = (observed(), answered(Refusals("timetracking", Messages.load("timetracking"), law)))

    async def remembered(request: pb.GetWorkdayRequest, context: Any) -> pb.Workday:
        return day

    async with contextlib.AsyncExitStack() as stack:
        get: Any = echo if part == ECHO else remembered
        layers: tuple[Layer, ...] = ()
        if part == NO_DATABASE:
            verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=True)
            await stack.enter_async_context(verifier.running())
            layers = (*around, authenticated(verifier), authorised(access_rules([SERVICE]), None, 30.0))
        elif part == NO_AUTHENTICATION:
            database = Database(settings.database_url, name="bench serve")
            stack.push_async_callback(database.close)
            get = WorkdayServicer(database, PageTokens("bench"), law, settings.default_zone, stop).GetWorkday
            layers = (*around, known())
        server = grpc.aio.server(interceptors=[Layers(layers, Once(None, [SERVICE]), ())] if layers else [])
        method = grpc.unary_unary_rpc_method_handler(get, pb.GetWorkdayRequest.FromString, pb.Workday.SerializeToString)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE.full_name, {"GetWorkday": method}),))
        server.add_insecure_port(settings.listen)
        await server.start()
        await stop.wait()
        await server.stop(0.2)


if __name__ == "__main__":
    process.run(lambda stop: serve(sys.argv[1], pb.Workday.FromString(bytes.fromhex(sys.argv[2])), stop))
