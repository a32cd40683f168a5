"""The services of the regimes' gRPC server, put together."""

from chassis.audit_log.servicer import audit_service
from chassis.clock import Clock
from chassis.database import Database
from chassis.listing import Listing
from chassis.pages import PageTokens
from chassis.personal_data.servicer import personal_data_service
from chassis.server import Served
from lawbook import Lawbook
from tartip.regimes.v1 import (
    assignment_service_pb2,
    assignment_service_pb2_grpc,
    labour_order_rules_service_pb2,
    labour_order_rules_service_pb2_grpc,
    law_service_pb2,
    law_service_pb2_grpc,
    plan_service_pb2,
    plan_service_pb2_grpc,
)

from regimes.assignments.servicer import AssignmentServicer
from regimes.law.servicer import LawServicer
from regimes.personal_data import DATA_CLASSES
from regimes.plans.servicer import PlanServicer
from regimes.rules.servicer import LabourOrderRulesServicer
from regimes.unit_of_work import units_of_work


def services(database: Database, page_key: str, clock: Clock, law: Lawbook) -> list[Served]:
    """Returns all RPCs of the regimes, for a server to add."""
    work, listing = units_of_work(database, clock, law), Listing(PageTokens(page_key))
    return [
        (
            labour_order_rules_service_pb2_grpc.add_LabourOrderRulesServiceServicer_to_server,
            LabourOrderRulesServicer(work, law, listing),
            labour_order_rules_service_pb2.DESCRIPTOR.services_by_name["LabourOrderRulesService"],
        ),
        (
            assignment_service_pb2_grpc.add_AssignmentServiceServicer_to_server,
            AssignmentServicer(work, law, listing),
            assignment_service_pb2.DESCRIPTOR.services_by_name["AssignmentService"],
        ),
        (
            plan_service_pb2_grpc.add_PlanServiceServicer_to_server,
            PlanServicer(work, law),
            plan_service_pb2.DESCRIPTOR.services_by_name["PlanService"],
        ),
        (
            law_service_pb2_grpc.add_LawServiceServicer_to_server,
            LawServicer(law, listing),
            law_service_pb2.DESCRIPTOR.services_by_name["LawService"],
        ),
        audit_service("regimes", database, listing),
        personal_data_service(database, listing, DATA_CLASSES),
    ]
