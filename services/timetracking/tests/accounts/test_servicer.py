"""The account of a device, as whoever may see the device asks for it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from kernel.faults import Unavailable
from tartip.timetracking.v1 import device_service_pb2 as pb
from timetracking.accounts.domain import Receipts, Refusals
from timetracking.accounts.use_cases import TakeReceipts, TakeRefusals
from timetracking.devices.domain import LONGEST_OVERLAP
from timetracking.gateway.refusals import RefusedRequests
from timetracking.unit_of_work import begin

from ..parking.test_use_cases import Desk
from ..platform import LAW
from ..samples import MONDAY, TUESDAY, WEDNESDAY
from ..serving import GATE, HR, Timekeeping, day, outcome, refused


def asked(since: date | None = None, until: date | None = None) -> pb.GetDeviceAccountRequest:
    request = pb.GetDeviceAccountRequest(name=GATE)
    if since is not None:
        request.since.CopyFrom(day(since))
    if until is not None:
        request.until.CopyFrom(day(until))
    return request


@pytest.fixture
async def hr(served: Timekeeping) -> Any:
    """The gate has recorded sixteen passages; one line could not be read, one passage was parked and is on its way again."""
    desk = Desk(served.platform)
    await desk.read(await desk.lot.malformed("25\tyesterday"))
    await desk.refused(7)
    await served.platform.sql("UPDATE parked_records SET state = 'sent_again' WHERE reason = 'bug'")
    await served.platform.sql(
        "INSERT INTO device_receipts VALUES ('gate', '2026-11-23', 9, 0, 5), ('gate', '2026-11-25', 4, 0, 0), ('other', '2026-11-25', 4, 0, 0)"
    )
    await served.platform.sql("UPDATE device_receipts SET received = 10 WHERE date = '2026-11-24'")
    return await served.portal(HR)


async def test_an_account_says_what_became_of_every_record(hr: Any) -> None:
    account = await hr.devices.GetDeviceAccount(asked())
    counts = pb.RecordCounts(received=23, stored=16, repeated=0, parked=1, no_passages=5, in_flight=1, sent_again=1)
    assert account == pb.DeviceAccount(name=GATE, total=counts)


async def test_what_was_written_off_is_shown_and_in_flight_no_more(served: Timekeeping, hr: Any) -> None:
    await served.platform.sql("UPDATE device_receipts SET written_off = 1 WHERE date = '2026-11-24'")
    account = await hr.devices.GetDeviceAccount(asked(TUESDAY, TUESDAY))
    for counts in (account.total, account.days[0].counts):
        assert (counts.written_off, counts.in_flight) == (1, 0)


async def test_single_dates_are_shown_where_they_are_asked_for(hr: Any) -> None:
    account = await hr.devices.GetDeviceAccount(asked(MONDAY, WEDNESDAY))
    assert [(each.date.day, each.counts.received, each.counts.stored, each.counts.in_flight) for each in account.days] == [
        (23, 9, 4, 0),
        (24, 10, 8, 1),
        (25, 4, 4, 0),
    ]
    assert [each.date.day for each in (await hr.devices.GetDeviceAccount(asked(TUESDAY, TUESDAY))).days] == [24]


async def test_a_span_of_dates_is_whole_in_order_and_no_longer_than_400_days(hr: Any) -> None:
    assert await outcome(hr.devices.GetDeviceAccount(asked(WEDNESDAY, MONDAY))) == "SPAN_REVERSED"
    assert (await refused(hr.devices.GetDeviceAccount(asked(MONDAY)))).violations.keys() == {"until"}
    assert (await refused(hr.devices.GetDeviceAccount(asked(date(2025, 1, 1), MONDAY)))).violations.keys() == {"until"}


async def test_a_device_without_records_has_an_empty_account(served: Timekeeping) -> None:
    await served.platform.sql("DELETE FROM device_days")
    account = await (await served.portal(HR)).devices.GetDeviceAccount(asked(MONDAY, WEDNESDAY))
    assert account == pb.DeviceAccount(name=GATE, total=pb.RecordCounts())


async def test_what_was_refused_in_the_name_of_a_device_is_shown_by_reason_and_is_no_part_of_the_counts(
    served: Timekeeping, hr: Any
) -> None:
    """A gateway writes it down in the application's role, and for nobody: so it is with what it counts as no passages."""
    begun = begin(served.platform.database.app, LAW, served.platform.clock, "Asia/Almaty")
    first, last = datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 24, 9, tzinfo=UTC)
    before = await hr.devices.GetDeviceAccount(asked())
    book = RefusedRequests(TakeRefusals(begun))
    for reason, at in (("wrong-secret", last), ("wrong-secret", first), ("revoked", first)):
        book.note("gate", reason, at)
        book.note("other", reason, at)
    async with book.written():
        pass
    await book.write()
    book.note("gate", "wrong-secret", first)
    await book.write()
    account = await hr.devices.GetDeviceAccount(asked())
    assert [(each.reason, each.requests, each.last_at.ToDatetime(UTC)) for each in account.refused] == [
        ("revoked", 1, first),
        ("wrong-secret", 3, last),
    ]
    assert account.total == before.total
    await TakeReceipts(begun)({("gate", MONDAY): Receipts(received=2, no_passages=2)})
    assert (await hr.devices.GetDeviceAccount(asked())).total.no_passages == before.total.no_passages + 2


async def test_refusals_wait_while_the_database_is_away() -> None:
    taken: list[Any] = []
    away = [True]

    async def take(refusals: Any) -> None:
        if away[0]:
            raise Unavailable
        taken.append(refusals)

    book, at = RefusedRequests(take), datetime(2026, 11, 24, tzinfo=UTC)
    book.note("gate", "revoked", at)
    await book.write()
    book.note("gate", "revoked", at + LONGEST_OVERLAP)
    away[0] = False
    await book.write()
    assert taken == [{("gate", "revoked"): Refusals(2, at + LONGEST_OVERLAP)}]
