"""The services of timetracking's gRPC server, put together."""

import asyncio

from chassis.audit_log.servicer import audit_service
from chassis.clock import Clock
from chassis.database import Database
from chassis.listing import Listing
from chassis.pages import PageTokens
from chassis.personal_data.servicer import personal_data_service
from chassis.server import Served
from lawbook import Lawbook
from tartip.timetracking.v1 import (
    device_service_pb2,
    device_service_pb2_grpc,
    parking_service_pb2,
    parking_service_pb2_grpc,
    remote_session_service_pb2,
    remote_session_service_pb2_grpc,
    workday_service_pb2,
    workday_service_pb2_grpc,
)

from timetracking.accounts.servicer import AccountAnswers
from timetracking.badges.servicer import BadgeAnswers
from timetracking.devices.servicer import DeviceServicer
from timetracking.parking.servicer import ParkingServicer
from timetracking.personal_data import DATA_CLASSES
from timetracking.sessions.servicer import RemoteSessionServicer
from timetracking.unit_of_work import begin
from timetracking.workdays.servicer import WorkdayServicer
from timetracking.workdays.use_cases import ComputeDays


def services(database: Database, page_key: str, clock: Clock, law: Lawbook, default_zone: str, stop: asyncio.Event) -> list[Served]:
    """Returns all RPCs of timetracking but the gateway's, for a server to add; those who follow days are let go at `stop`."""
    work, compute, tokens = begin(database, law, clock, default_zone), ComputeDays(law, clock), PageTokens(page_key)
    listing = Listing(tokens)
    return [
        (
            device_service_pb2_grpc.add_DeviceServiceServicer_to_server,
            DeviceServicer(work, BadgeAnswers(work, compute, listing), AccountAnswers(work), listing, clock),
            device_service_pb2.DESCRIPTOR.services_by_name["DeviceService"],
        ),
        (
            parking_service_pb2_grpc.add_ParkingServiceServicer_to_server,
            ParkingServicer(work, listing),
            parking_service_pb2.DESCRIPTOR.services_by_name["ParkingService"],
        ),
        (
            remote_session_service_pb2_grpc.add_RemoteSessionServiceServicer_to_server,
            RemoteSessionServicer(work, compute, clock),
            remote_session_service_pb2.DESCRIPTOR.services_by_name["RemoteSessionService"],
        ),
        (
            workday_service_pb2_grpc.add_WorkdayServiceServicer_to_server,
            WorkdayServicer(database, tokens, law, default_zone, stop),
            workday_service_pb2.DESCRIPTOR.services_by_name["WorkdayService"],
        ),
        audit_service("timetracking", database, listing),
        personal_data_service(database, listing, DATA_CLASSES),
    ]
