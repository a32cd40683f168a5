"""LawService: messages in, the lawbook, messages out."""

import json
from functools import partial
from typing import Final

import grpc.aio
from chassis.access import current_caller
from chassis.listing import Listing
from chassis.wire import day, day_message, text_message
from google.protobuf.message import Message
from kernel.faults import Malformed
from lawbook import Lawbook, ProductionCalendar, Week
from tartip.regimes.v1 import labour_order_rules_service_pb2 as rules_pb
from tartip.regimes.v1 import law_service_pb2 as pb
from tartip.regimes.v1 import law_service_pb2_grpc as pb_grpc

from regimes.law import use_cases
from regimes.law.use_cases import ShownProvision
from regimes.names import parameter_of, provision_name

WEEKS: Final[dict[int, Week]] = {rules_pb.WEEK_TYPE_FIVE_DAY: "5-day", rules_pb.WEEK_TYPE_SIX_DAY: "6-day"}
YEARS: Final = range(1, 10_000)
Context = grpc.aio.ServicerContext[Message, Message]


class LawServicer(pb_grpc.LawServiceServicer):
    """Answers for the law."""

    def __init__(self, law: Lawbook, listing: Listing) -> None:
        self._edition = law.edition
        self._listing = listing
        self._get = use_cases.GetProvision(law)
        self._list = use_cases.ListProvisions(law)
        self._calendar = use_cases.GetProductionCalendar(law)

    async def GetProvision(self, request: pb.GetProvisionRequest, context: Context) -> pb.Provision:
        """Returns the value of a parameter on a date."""
        return _provision(self._get(parameter_of(request.name, "name"), day(request.on, "on")))

    async def ListProvisions(self, request: pb.ListProvisionsRequest, context: Context) -> pb.ListProvisionsResponse:
        """Lists all parameters in force on a date."""
        on = day(request.on, "on")
        found, token = await self._listing.page(
            current_caller(), request, f"provisions/{on}", lambda shown: shown.provision.parameter, partial(self._list, on)
        )
        return pb.ListProvisionsResponse(provisions=[_provision(each) for each in found], next_page_token=token, edition=self._edition)

    async def GetProductionCalendar(self, request: pb.GetProductionCalendarRequest, context: Context) -> pb.ProductionCalendar:
        """Returns the production calendar of a year."""
        week = WEEKS.get(request.week_type)
        if week is None:
            raise Malformed({"week_type": "five or six days"})
        if request.year not in YEARS:
            raise Malformed({"year": "a year of the calendar"})
        known = day(request.as_known_on, "as_known_on") if request.HasField("as_known_on") else None
        return _calendar(self._calendar(request.year, week, known), request.week_type)


def _provision(shown: ShownProvision) -> pb.Provision:
    provision = shown.provision
    return pb.Provision(
        name=provision_name(provision.parameter),
        title=text_message(shown.title),
        value_json=json.dumps(provision.value, ensure_ascii=False, separators=(",", ":"), default=dict),
        unit=provision.unit,
        since=day_message(provision.since),
        until=day_message(provision.until),
        source=provision.source,
        citation=text_message(shown.citation),
        confidence=provision.confidence,
    )


def _calendar(calendar: ProductionCalendar, week: "rules_pb.WeekType.ValueType") -> pb.ProductionCalendar:
    return pb.ProductionCalendar(
        year=calendar.year,
        week_type=week,
        version=day_message(calendar.version),
        confidence=calendar.confidence,
        days=[
            pb.CalendarDay(date=day_message(each.date), working=each.working, public_holiday=each.public_holiday, hours=each.hours)
            for _, each in sorted(calendar.days.items())
        ],
        working_days=calendar.working_days,
        hours=calendar.hours,
    )
