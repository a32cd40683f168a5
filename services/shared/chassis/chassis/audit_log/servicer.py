"""AuditService, the same in every service: messages in, what is found, messages out."""

from collections.abc import Sequence
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from kernel.faults import Malformed
from kernel.names import body_name
from tartip.audit.v1 import audit_service_pb2 as pb
from tartip.audit.v1 import audit_service_pb2_grpc as pb_grpc

from chassis.access import current_caller
from chassis.audit_log.chain import BEGINNING, Checkpoint, Seal
from chassis.audit_log.records import ListAuditRecords, Wanted
from chassis.audit_log.texts import doubts, statement
from chassis.audit_log.verification import Found, Verdict, VerifyAuditLog
from chassis.database import Database
from chassis.listing import Listing
from chassis.server import Served
from chassis.wire import instant_message, text_message

Context = grpc.aio.ServicerContext[Message, Message]

# Some seconds of work: who has more to verify goes on from where it ended.
MOST_AT_ONCE = 100_000
MOST_CHECKPOINTS = 1_000


def audit_service(service: str, database: Database, listing: Listing) -> Served:
    """The AuditService of a service, for its server to add."""
    descriptor = pb.DESCRIPTOR.services_by_name["AuditService"]
    return pb_grpc.add_AuditServiceServicer_to_server, AuditServicer(service, database, listing), descriptor


class AuditServicer(pb_grpc.AuditServiceServicer):
    """Answers for the audit of one service."""

    def __init__(self, service: str, database: Database, listing: Listing) -> None:
        self._service, self._listing = service, listing
        self._list, self._verify = ListAuditRecords(database), VerifyAuditLog(database)

    async def ListAuditRecords(self, request: pb.ListAuditRecordsRequest, context: Context) -> pb.ListAuditRecordsResponse:
        """Lists records, the newest first."""
        caller, wanted = current_caller(), Wanted(request.action, request.subject, request.resource)

        async def fetch(before: str, limit: int) -> Sequence[Any]:
            return await self._list(caller, wanted, int(before) if before else None, limit)

        found, token = await self._listing.page(caller, request, f"auditRecords/{wanted}", _number, fetch)
        return pb.ListAuditRecordsResponse(audit_records=[_record_message(row) for row in found], next_page_token=token)

    async def VerifyAuditLog(self, request: pb.VerifyAuditLogRequest, context: Context) -> pb.VerifyAuditLogResponse:
        """Makes the chain again and says what is not as it was."""
        if len(request.checkpoints) > MOST_CHECKPOINTS:
            raise Malformed({"checkpoints": f"at most {MOST_CHECKPOINTS}"})
        start = self._seal(request.start, "start") if request.start else BEGINNING
        told = [self._seal(text, f"checkpoints[{at}]") for at, text in enumerate(request.checkpoints)]
        later = [each for each in told if each.place > start.place]
        return self._message(await self._verify(later, start, MOST_AT_ONCE, current_caller()))

    def _seal(self, text: str, field: str) -> Seal:
        checkpoint = Checkpoint.read(text, field)
        if checkpoint.service != self._service:
            raise Malformed({field: f"a checkpoint of {self._service}"})
        return checkpoint.seal

    def _message(self, found: Found) -> pb.VerifyAuditLogResponse:
        return pb.VerifyAuditLogResponse(
            verdict=_VERDICTS[found.verdict],
            record=_name(found.record),
            place=found.place,
            swapped_with=_name(found.other),
            reached=str(Checkpoint(self._service, found.reached)) if found.reached.place else "",
            complete=found.complete,
            confirmed=str(Checkpoint(self._service, found.confirmed)) if found.confirmed else "",
            unsealed=found.unsealed,
            statement=text_message(statement(found)),
            limits=text_message(doubts(found)),
        )


_VERDICTS = {verdict: pb.AuditVerdict.Value(f"AUDIT_VERDICT_{verdict.name}") for verdict in Verdict}


def _name(record: int | None) -> str:
    return "" if record is None else f"auditRecords/{record}"


def _number(row: Any) -> str:
    return str(row["id"])


def _record_message(row: Any) -> pb.AuditRecord:
    return pb.AuditRecord(
        name=_name(row["id"]),
        recorded_at=instant_message(row["recorded_at"]),
        subject=row["subject"],
        client=row["client"],
        grants=row["grants"],
        method=row["method"],
        action=row["action"],
        resource=row["resource"],
        rule=row["rule"] or "",
        outcome=row["outcome"],
        request_id=row["request_id"],
        state_body=body_name(row["body"]) if row["body"] else "",
        region=row["region"] or "",
        purpose=row["purpose"] or "",
    )
