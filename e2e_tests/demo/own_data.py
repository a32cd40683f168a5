"""What the platform gives people of themselves, asked of each service by their own token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict
from localstack.endpoints import Endpoints
from localstack.token import sign_in
from tartip.personal.v1 import personal_data_service_pb2 as pb
from tartip.personal.v1 import personal_data_service_pb2_grpc as pb_grpc
from tartip_client.aio import channel

SERVICES = ("registry", "regimes", "timetracking")


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that a service keeps of somebody."""

    service: str
    table: str
    content: Mapping[str, Any]


async def own_data(endpoints: Endpoints, who: str) -> tuple[Kept, ...]:
    """Returns all that the services give somebody of the realm of themselves."""
    tokens, found = sign_in(who, endpoints.issuer), list[Kept]()
    for service in SERVICES:
        async with channel(endpoints.grpc(f"tartip.{service}.v1", ""), tokens, tls=None) as opened:
            stub: Any = pb_grpc.PersonalDataServiceStub(opened)
            stream = stub.ExportOwnData(pb.ExportOwnDataRequest())
            found += [Kept(service, row.table, MessageToDict(row.row)) async for row in stream]
    return tuple(found)
