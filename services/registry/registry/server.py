"""The registry's gRPC server, put together."""

from chassis.clock import Clock
from chassis.database import Database
from chassis.interceptors.authentication import Verifier
from chassis.messages import Messages
from chassis.pages import PageTokens
from chassis.requests import RequestLedger
from chassis.server import Limits, Served, Server, ServerSettings
from lawbook import load
from tartip.registry.v1 import servant_service_pb2, servant_service_pb2_grpc, state_body_service_pb2, state_body_service_pb2_grpc

from registry.bodies.servicer import StateBodyServicer
from registry.listing import Listing
from registry.servants.servicer import ServantServicer
from registry.unit_of_work import begin


def server(
    settings: ServerSettings, database: Database, verifier: Verifier, page_key: str, clock: Clock, limits: Limits | None = None
) -> Server:
    """Returns the server with all RPCs of the registry; it answers once it is started."""
    work, listing = begin(database, clock), Listing(PageTokens(page_key))
    services: list[Served] = [
        (
            state_body_service_pb2_grpc.add_StateBodyServiceServicer_to_server,
            StateBodyServicer(work, listing),
            state_body_service_pb2.DESCRIPTOR.services_by_name["StateBodyService"],
        ),
        (
            servant_service_pb2_grpc.add_ServantServiceServicer_to_server,
            ServantServicer(work, work, listing),
            servant_service_pb2.DESCRIPTOR.services_by_name["ServantService"],
        ),
    ]
    return Server(settings, services, verifier, Messages.load("registry"), load(), RequestLedger(database), limits)
