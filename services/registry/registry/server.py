"""The services of the registry's gRPC server, put together."""

from chassis.audit_log.servicer import audit_service
from chassis.clock import Clock
from chassis.database import Database
from chassis.listing import Listing
from chassis.pages import PageTokens
from chassis.personal_data.servicer import personal_data_service
from chassis.server import Served
from lawbook import Lawbook
from tartip.registry.v1 import (
    hold_service_pb2,
    hold_service_pb2_grpc,
    protected_fact_service_pb2,
    protected_fact_service_pb2_grpc,
    servant_service_pb2,
    servant_service_pb2_grpc,
    state_body_service_pb2,
    state_body_service_pb2_grpc,
)

from registry.bodies.servicer import StateBodyServicer
from registry.holds.servicer import HoldServicer
from registry.personal_data import DATA_CLASSES
from registry.positions.servicer import PositionServicer
from registry.protected.export import opening
from registry.protected.keys import SensitiveKeys
from registry.protected.servicer import ProtectedFactServicer
from registry.servants.servicer import ServantServicer
from registry.unit_of_work import begin


def services(database: Database, page_key: str, clock: Clock, law: Lawbook, keys: SensitiveKeys) -> list[Served]:
    """Returns all RPCs of the registry, for a server to add."""
    work, listing = begin(database, clock, keys), Listing(PageTokens(page_key))
    return [
        (
            state_body_service_pb2_grpc.add_StateBodyServiceServicer_to_server,
            StateBodyServicer(work, listing),
            state_body_service_pb2.DESCRIPTOR.services_by_name["StateBodyService"],
        ),
        (
            servant_service_pb2_grpc.add_ServantServiceServicer_to_server,
            ServantServicer(work, PositionServicer(work, listing), listing),
            servant_service_pb2.DESCRIPTOR.services_by_name["ServantService"],
        ),
        (
            hold_service_pb2_grpc.add_HoldServiceServicer_to_server,
            HoldServicer(work, listing),
            hold_service_pb2.DESCRIPTOR.services_by_name["HoldService"],
        ),
        (
            protected_fact_service_pb2_grpc.add_ProtectedFactServiceServicer_to_server,
            ProtectedFactServicer(work, law, listing),
            protected_fact_service_pb2.DESCRIPTOR.services_by_name["ProtectedFactService"],
        ),
        audit_service("registry", database, listing),
        personal_data_service(database, listing, DATA_CLASSES, {"protected_facts": opening(keys)}),
    ]
