"""The account of a device, as whoever may see the device asks for it."""

from datetime import date
from typing import Any

import pytest
from tartip.timetracking.v1 import device_service_pb2 as pb

from ..parking.test_use_cases import Desk
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
