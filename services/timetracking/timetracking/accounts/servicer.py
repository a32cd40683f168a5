"""What DeviceService answers for accounts: messages in, use cases, messages out."""

from datetime import date, timedelta

from chassis.access import current_caller
from chassis.wire import day, day_message
from kernel.faults import Malformed, WrongState
from tartip.timetracking.v1 import device_service_pb2 as pb

from timetracking.accounts import use_cases
from timetracking.accounts.domain import Counts
from timetracking.names import device_of

LONGEST_SPAN = timedelta(days=400)


class AccountAnswers:
    """The answers for accounts; the contract puts them into one service with devices."""

    def __init__(self, begin: use_cases.Begin) -> None:
        self._get = use_cases.GetAccount(begin)

    async def get(self, request: pb.GetDeviceAccountRequest) -> pb.DeviceAccount:
        """Returns what became of every record that a device sent."""
        body, serial = device_of(request.name, "name")
        account = await self._get(current_caller(), body, serial, _dates(request))
        days = [pb.DayOfRecords(date=day_message(on), counts=_message(counts)) for on, counts in account.days]
        answer = pb.DeviceAccount(name=request.name, total=_message(account.total), days=days)
        for reason, refusals in account.refusals.items():
            answer.refused.add(reason=reason, requests=refusals.requests).last_at.FromDatetime(refusals.last_at)
        return answer


def _dates(request: pb.GetDeviceAccountRequest) -> tuple[date, date] | None:
    if not (request.HasField("since") or request.HasField("until")):
        return None
    since, until = day(request.since, "since"), day(request.until, "until")
    if until < since:
        raise WrongState("SPAN_REVERSED", since=since, until=until)
    if until - since > LONGEST_SPAN:
        raise Malformed({"until": f"at most {LONGEST_SPAN.days} days after since"})
    return since, until


def _message(counts: Counts) -> pb.RecordCounts:
    return pb.RecordCounts(
        received=counts.received,
        stored=counts.stored,
        repeated=counts.repeated,
        parked=counts.parked,
        no_passages=counts.no_passages,
        in_flight=counts.in_flight,
        sent_again=counts.sent_again,
        written_off=counts.written_off,
    )
