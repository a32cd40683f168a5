"""What is known of a parked record is read from its headers and its message; nothing of it is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from chassis.publisher import partition_of
from chassis.read_positions import Record
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.accounts.domain import UNDATED
from timetracking.parking.consumer import told_parked

from ..samples import passage
from ..test_delivery import message
from .lots import AT, PARTITIONS, PASSAGES, Lot

ZONE = ZoneInfo("Asia/Almaty")
LATE_EVENING = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # the 25th in Almaty


async def test_a_line_that_could_not_be_read_belongs_to_its_device_and_the_date_of_its_receipt() -> None:
    told = told_parked(await Lot().malformed("25\tyesterday", at=LATE_EVENING), ZONE)
    assert (told.topic, told.reason, told.device, told.date) == (PASSAGES, "malformed", "gate", date(2026, 11, 25))
    assert (told.sendable, told.partition, told.value, told.from_gateway) == (False, None, b"25\tyesterday", True)
    assert (told.first_failed_at, told.parked_at, told.attempts) == (LATE_EVENING, LATE_EVENING, 1)


async def test_a_passage_of_an_impossible_time_belongs_to_its_date_as_sent_and_goes_where_its_badge_goes() -> None:
    told = told_parked(await Lot().impossible(passage("1970-01-01T08:55:00", number="25")), ZONE)
    assert (told.reason, told.device, told.date) == ("impossible-time", "gate", date(1970, 1, 1))
    assert (told.sendable, told.partition) == (True, partition_of(b"hq:25", PARTITIONS))
    batch = PassageBatch.FromString(told.value or b"")
    assert told.headers["event_id"] == batch.event_id


async def test_the_same_line_parked_again_is_the_same_record_and_another_line_is_not() -> None:
    lot = Lot()
    ids = [told_parked(await lot.malformed(line), ZONE).id for line in ("25\tx", "25\tx", "25\ty")]
    assert ids[0] == ids[1] != ids[2]


async def test_a_refused_passage_is_known_by_where_it_lay_and_then_by_what_it_was() -> None:
    lot, passed = Lot(), passage("2026-11-24T08:55:00")
    first, again, other = [told_parked(await lot.refused(passed, offset), ZONE) for offset in (7, 7, 8)]
    assert first.id == again.id != other.id
    assert (first.reason, first.origin, first.error) == ("bug", f"{PASSAGES}/3/7/0", "bug at apply:1")
    assert (first.device, first.date, first.partition) == ("gate", date(2026, 11, 24), partition_of(b"hq:17", PARTITIONS))
    on_its_way = first.sent_again()
    assert on_its_way.headers_again["event_id"] == first.headers["event_id"]
    assert on_its_way.headers_again["attempts"] == "2"
    assert on_its_way.headers_again.keys().isdisjoint({"reason", "error", "origin", "parked_at"})
    back = told_parked(await lot.refused(passed, 99, headers={**on_its_way.headers_again, "parked_record": str(first.id)}), ZONE)
    assert (back.id, back.attempts, back.first_failed_at) == (first.id, 3, first.first_failed_at)
    assert back.headers == first.headers


async def test_a_reason_has_one_name_whoever_parked_for_it() -> None:
    lot, old = Lot(), passage("1970-01-01T08:55:00")
    records = await lot.impossible(old), await lot.refused(old, 7, "IMPOSSIBLE_TIME")
    assert [told_parked(each, ZONE).reason for each in records] == ["impossible-time"] * 2


async def test_bytes_that_are_no_message_go_back_where_they_lay() -> None:
    told = told_parked(await Lot().put_away(PASSAGES, 7, b"\xff\xff", {}, "unreadable"), ZONE)
    assert (told.device, told.date, told.partition, told.sendable) == ("", UNDATED, 3, True)


async def test_a_state_of_another_service_is_not_sent_by_us_and_of_it_nothing_is_kept_that_names_people() -> None:
    told = told_parked(await Lot().put_away("registry.servants.v1", 7, b"S1", {"event_id": "e"}, "MALFORMED", key=b"S1"), ZONE)
    assert (told.topic, told.partition, told.sendable, told.device) == ("registry.servants.v1", None, False, "")
    assert (told.key, told.value, told.size, told.headers, told.lay) == ("", None, 2, {"event_id": "e"}, (3, 7))


@pytest.mark.parametrize(
    ("wall_time", "received", "expected"),
    [
        ("2026-11-24T08:55:00", AT, date(2026, 11, 24)),
        ("30 February", LATE_EVENING, date(2026, 11, 25)),
        ("30 February", None, UNDATED),
    ],
)
async def test_the_date_is_that_of_the_wall_time_or_of_the_receipt(wall_time: str, received: datetime | None, expected: date) -> None:
    sent = message(passage("2026-11-24T08:55:00"))
    sent.wall_time = wall_time
    sent.ClearField("received_at")
    if received is not None:
        sent.received_at.FromDatetime(received)
    record = await Lot().put_away(PASSAGES, 7, PassageBatch(passages=[sent]).SerializeToString(), {}, "MALFORMED")
    assert told_parked(record, ZONE).date == expected


async def test_headers_that_say_nothing_are_made_up_for() -> None:
    record = replace(await Lot().refused(passage("2026-11-24T08:55:00"), 7), headers={"attempts": "many", "parked_at": "once"})
    told = told_parked(record, ZONE)
    assert (told.origin, told.attempts, told.reason) == (f"{PASSAGES}.parked/0/0/0", 0, "")
    assert told.first_failed_at == told.parked_at == datetime.fromtimestamp(0, UTC)
    assert told_parked(Record(f"{PASSAGES}.parked", 2, 5, None, None, {}), ZONE).value == b""


async def test_a_device_that_no_device_can_be_is_nameless() -> None:
    sent = message(passage("2026-11-24T08:55:00"))
    sent.device = "gate\x00"
    record = await Lot().put_away(PASSAGES, 7, PassageBatch(passages=[sent]).SerializeToString(), {}, "MALFORMED")
    assert told_parked(record, ZONE).device == ""
