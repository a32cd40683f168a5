"""LabourOrderRulesService: messages in, use cases, messages out."""

from functools import partial
from typing import Final

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import day, day_message
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from kernel.faults import Malformed
from kernel.identifiers import check_id
from kernel.names import UNIT_ID, body_of
from kernel.text import line
from lawbook import Lawbook
from tartip.regimes.v1 import labour_order_rules_service_pb2 as pb
from tartip.regimes.v1 import labour_order_rules_service_pb2_grpc as pb_grpc

from regimes.names import RULES_ID, rules_name, rules_of
from regimes.rules import use_cases
from regimes.rules.domain import LabourOrderRules, WeekType
from regimes.wire import LINE, clock, clock_message, etag, pause

WEEKS: Final = {pb.WEEK_TYPE_FIVE_DAY: WeekType.FIVE_DAY, pb.WEEK_TYPE_SIX_DAY: WeekType.SIX_DAY}
Context = grpc.aio.ServicerContext[Message, Message]


class LabourOrderRulesServicer(pb_grpc.LabourOrderRulesServiceServicer):
    """Answers for labour-order rules."""

    def __init__(self, work: use_cases.Begin, law: Lawbook, listing: Listing) -> None:
        self._listing = listing
        self._create = use_cases.CreateLabourOrderRules(work, law)
        self._get = use_cases.GetLabourOrderRules(work)
        self._list = use_cases.ListLabourOrderRules(work)

    async def CreateLabourOrderRules(self, request: pb.CreateLabourOrderRulesRequest, context: Context) -> pb.LabourOrderRules:
        """Records labour-order rules from a day on."""
        return _message(await self._create(current_caller(), _rules(request)))

    async def GetLabourOrderRules(self, request: pb.GetLabourOrderRulesRequest, context: Context) -> pb.LabourOrderRules:
        """Returns labour-order rules."""
        body, rules = rules_of(request.name, "name")
        return _message(await self._get(current_caller(), body, rules))

    async def ListLabourOrderRules(self, request: pb.ListLabourOrderRulesRequest, context: Context) -> pb.ListLabourOrderRulesResponse:
        """Lists the rules of a body."""
        caller, body = current_caller(), body_of(request.parent, "parent")
        fetch = partial(self._list, caller, body)
        found, token = await self._listing.page(caller, request, f"labourOrderRules/{body}", lambda rules: rules.rules, fetch)
        return pb.ListLabourOrderRulesResponse(labour_order_rules=[_message(rules) for rules in found], next_page_token=token)


def _rules(request: pb.CreateLabourOrderRulesRequest) -> LabourOrderRules:
    field, message = "labour_order_rules", request.labour_order_rules
    week = WEEKS.get(message.week_type)
    if week is None:
        raise Malformed({f"{field}.week_type": "five or six days"})
    if message.grace.nanos:
        raise Malformed({f"{field}.grace": "whole seconds"})
    return LabourOrderRules(
        rules=check_id(request.labour_order_rules_id, "labour_order_rules_id", RULES_ID),
        body=body_of(request.parent, "parent"),
        unit=check_id(message.unit, f"{field}.unit", UNIT_ID) if message.unit else "",
        since=day(message.since, f"{field}.since"),
        week=week,
        start=clock(message.start, f"{field}.start"),
        end=clock(message.end, f"{field}.end"),
        pause=pause((message.HasField("break_start"), message.HasField("break_end")), message.break_start, message.break_end, field),
        sixth_day_end=clock(message.sixth_day_end, f"{field}.sixth_day_end") if message.HasField("sixth_day_end") else None,
        grace=message.grace.seconds,
        premises=line(message.premises, f"{field}.premises", LINE, empty=True),
        act=line(message.act, f"{field}.act", LINE, empty=True),
    )


def _message(rules: LabourOrderRules) -> pb.LabourOrderRules:
    message = pb.LabourOrderRules(
        name=rules_name(rules.body, rules.rules),
        unit=rules.unit,
        since=day_message(rules.since),
        week_type=next(number for number, week in WEEKS.items() if week is rules.week),
        start=clock_message(rules.start),
        end=clock_message(rules.end),
        break_start=clock_message(rules.pause.start if rules.pause is not None else None),
        break_end=clock_message(rules.pause.end if rules.pause is not None else None),
        sixth_day_end=clock_message(rules.sixth_day_end),
        grace=Duration(seconds=rules.grace),
        premises=rules.premises,
        act=rules.act,
    )
    message.etag = etag(message)
    return message
