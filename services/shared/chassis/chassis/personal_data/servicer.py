"""PersonalDataService, the same in every service: one's own data and who read it, as messages."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from kernel.names import body_name
from tartip.personal.v1 import personal_data_service_pb2 as pb
from tartip.personal.v1 import personal_data_service_pb2_grpc as pb_grpc

from chassis.access import UNIT_HEAD, Grant, current_caller
from chassis.database import Database
from chassis.listing import Listing
from chassis.personal_data.declarations import DataClass
from chassis.personal_data.export import ExportOwnData, ListOwnReads, Open
from chassis.server import Served
from chassis.wire import instant_message

Context = grpc.aio.ServicerContext[Message, Message]

# What is controlled stands among the grants of a record by these folders: "/units/KGD/audit".
CONTROLLED = ("/units/", "/people/")


def personal_data_service(
    database: Database, listing: Listing, classes: Sequence[DataClass], opening: Mapping[str, Open] | None = None
) -> Served:
    """The PersonalDataService of a service, for its server to add; `opening` opens the rows of sealed tables, by table."""
    descriptor = pb.DESCRIPTOR.services_by_name["PersonalDataService"]
    servicer = PersonalDataServicer(ExportOwnData(database, classes, opening), ListOwnReads(database), listing)
    return pb_grpc.add_PersonalDataServiceServicer_to_server, servicer, descriptor


class PersonalDataServicer(pb_grpc.PersonalDataServiceServicer):
    """Answers people who ask what is kept of them."""

    def __init__(self, export: ExportOwnData, reads: ListOwnReads, listing: Listing) -> None:
        self._export, self._reads, self._listing = export, reads, listing

    async def ExportOwnData(self, request: pb.ExportOwnDataRequest, context: Context) -> AsyncIterator[pb.ExportOwnDataResponse]:
        """Gives all that is kept of the caller."""
        async with aclosing(self._export(current_caller())) as rows:
            async for each in rows:
                answer = pb.ExportOwnDataResponse(data_class=each.data_class.holds, table=each.data_class.table)
                answer.row.update(each.row)
                yield answer

    async def ListOwnReads(self, request: pb.ListOwnReadsRequest, context: Context) -> pb.ListOwnReadsResponse:
        """Lists who read the caller's file."""
        caller = current_caller()

        async def fetch(before: str, limit: int) -> Sequence[Any]:
            return await self._reads(caller, int(before) if before else None, limit)

        found, token = await self._listing.page(caller, request, "ownReads", _number, fetch)
        return pb.ListOwnReadsResponse(own_reads=[_read_message(row) for row in found], next_page_token=token)


def _number(row: Any) -> str:
    return str(row["id"])


def _read_message(row: Any) -> pb.OwnRead:
    return pb.OwnRead(
        read_at=instant_message(row["recorded_at"]),
        action=row["action"],
        resource=row["resource"],
        roles=sorted({_role(path) for path in row["grants"]}),
        state_body=body_name(row["body"]) if row["body"] else "",
        purpose=row["purpose"] or "",
    )


def _role(path: str) -> str:
    """The role in a grant as the audit writes it; whoever controls people's time is their unit's head."""
    if path.startswith(CONTROLLED):
        return UNIT_HEAD
    grant = Grant.parse(path)
    return grant.role if grant is not None else path.rpartition("/")[2]
