"""What days follow from is kept a little longer than they are, and goes where it takes nothing with it that is needed still."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
from timetracking.accounts import consumer as accounts
from timetracking.accounts.domain import UNDATED
from timetracking.accounts.use_cases import TakeReceipts
from timetracking.parking.consumer import told_parked
from timetracking.parking.use_cases import NoteParked
from timetracking.processes import forget_contents

from .parking.lots import AT, PASSAGES, Lot
from .platform import Platform
from .samples import MONDAY, NOVEMBER, TUESDAY, at, month_of, passage
from .serving import Timekeeping
from .test_retention import account_for_all, all_known, everything, months, park, retention, years_later


async def test_the_first_day_that_is_kept_has_the_night_before_it(served: Timekeeping) -> None:
    """A month's plan is told until no day follows from it any more: the level on the first, and a duty that ends on it."""
    platform, first = served.platform, date(2026, 12, 1)
    platform.now = years_later(first)
    await everything(retention(platform))
    await platform.forget_plans([("S1", NOVEMBER)])
    await platform.take_plans([month_of("S1", revision=7, since=30)])
    kept = await platform.sql("SELECT date FROM plan_days WHERE servant = 'S1' AND date < $1", first)
    assert [row["date"] for row in kept] == [date(2026, 11, 30)]


async def test_a_device_s_account_goes_whole_and_only_once_all_of_it_is_accounted_for(served: Timekeeping) -> None:
    platform = served.platform
    await account_for_all(platform)
    await platform.sql(
        "INSERT INTO device_receipts VALUES ('lossy', $1, 2, 0, 0), ('dead', $1, 1, 0, 0), ('undated', '1970-01-01', 1, 0, 0)", MONDAY
    )
    await park(platform, "2026-11-23T08:00:00", device="dead", at=AT - timedelta(days=1))
    platform.now = years_later(TUESDAY + timedelta(days=7))

    async def accounts() -> set[str]:
        rows = await platform.sql("SELECT device FROM device_receipts UNION SELECT device FROM device_days")
        return {row["device"] for row in rows}

    await everything(retention(platform))
    assert await accounts() >= {"lossy", "dead", "undated"}, "lost, or parked and to be sent again"
    assert not await platform.sql("SELECT FROM device_days WHERE device = 'gate' AND date <= $1", TUESDAY - timedelta(days=1))
    await forget_contents(platform.database.worker, platform.clock, lambda _: all_known)
    await everything(retention(platform))
    left = await accounts()
    assert left >= {"lossy", "undated"}
    assert "dead" not in left
    # Written off it goes; of another a part was, and a part came to something after all; what was parked since is not what was written off.
    await platform.sql("UPDATE device_receipts SET written_off = 1 WHERE device IN ('lossy', 'undated')")
    await platform.sql("INSERT INTO device_receipts VALUES ('again', $1, 1, 0, 0, 1)", MONDAY)
    await park(platform, "2026-11-23T08:00:00", device="again", at=platform.now)
    await everything(retention(platform))
    assert await accounts() >= {"lossy", "again"}
    assert "undated" not in await accounts()
    await platform.sql("UPDATE device_receipts SET written_off = 3 WHERE device = 'lossy'")
    await everything(retention(platform))
    assert "lossy" not in await accounts()
    assert not await platform.sql("SELECT FROM parked_records WHERE device = 'dead'")


async def in_flight(platform: Platform) -> dict[tuple[str, date], int]:
    """What became of nothing, by device and date, as far as anything is kept of them."""
    async with platform.begin() as work:
        devices = [device for device, _ in await work.accounts.page(None, 100)]
        return {
            (device, day): counts.in_flight
            for device in devices
            for day, counts in await work.accounts.days(device, date.min, date(9000, 1, 1))
        }


async def test_what_has_no_date_or_a_wrong_one_goes_by_the_day_of_its_parking_and_the_account_stays_level(served: Timekeeping) -> None:
    """All that cannot be read is of one account: none waits for the others, and none goes with them."""
    platform, lot, zone, reset = served.platform, Lot(), ZoneInfo("Asia/Almaty"), date(2000, 1, 1)
    await account_for_all(platform)

    async def unreadable(offset: int, parked_at: datetime) -> None:
        record = await lot.put_away(PASSAGES, offset, b"\xff\xff", {}, "unreadable", at=parked_at)
        await NoteParked(platform.begin)([told_parked(record, zone)])
        await TakeReceipts(platform.begin)(accounts.received([record], zone))

    async def left() -> dict[tuple[str, date], int]:
        rows = await platform.sql("SELECT device, date, count(*) FROM parked_records GROUP BY device, date")
        assert {key: count for key, count in (await in_flight(platform)).items() if count} == {("", UNDATED): 1}, "the loss, and no other"
        return {(row["device"], row["date"]): row["count"] for row in rows}

    await unreadable(1, AT)
    await unreadable(2, AT + timedelta(days=30))
    await platform.sql("UPDATE device_receipts SET received = received + 1 WHERE date = $1", UNDATED)  # that one was lost
    for offset, parked_at in ((3, AT), (4, AT + timedelta(days=30))):
        record = await lot.refused(passage("2000-01-01T08:00:00", device="reset"), offset, at=parked_at)
        await NoteParked(platform.begin)([told_parked(record, zone)])
        await TakeReceipts(platform.begin)(accounts.received([record], zone))
    both = {("", UNDATED): 2, ("reset", reset): 2}
    assert await left() == both
    for now, expected in (
        (AT + timedelta(days=400), both),
        (years_later(TUESDAY + timedelta(days=7)), both),
        (years_later(TUESDAY + timedelta(days=8)), dict.fromkeys(both, 1)),
        (years_later(TUESDAY + timedelta(days=38)), {}),
    ):
        platform.now = now
        await forget_contents(platform.database.worker, platform.clock, lambda _: all_known)
        await everything(retention(platform))
        assert await left() == expected
    assert not await platform.sql("SELECT FROM device_receipts WHERE device = 'reset'")


async def test_a_silence_of_weeks_is_kept_as_long_as_a_day_that_it_explains(served: Timekeeping) -> None:
    platform = served.platform
    until = int(at("2026-12-10T12:00").timestamp())
    await platform.sql(
        "INSERT INTO findings (id, kind, device, body, date, first, last, seconds, state, rule, reads, revision, edition)"
        " VALUES (gen_random_uuid(), 'device_silent', 'gate', 'KGD', $1, 0, $2, 0, 'raised', 'rule', '{}', 1, 'test')",
        MONDAY,
        until,
    )
    for level, left in ((date(2026, 12, 16), 1), (date(2026, 12, 18), 0)):
        platform.now = years_later(level)
        await everything(retention(platform))
        assert len(await platform.sql("SELECT FROM findings WHERE kind = 'device_silent' AND date = $1", MONDAY)) == left


async def test_a_month_that_somebody_reads_is_left_for_later_and_the_rest_goes(served: Timekeeping) -> None:
    """To drop it would let all who store passages wait behind whoever reads for an hour."""
    platform, asked = served.platform, list[int]()
    platform.now = years_later(date(2027, 3, 1))

    async def asked_for() -> bool:
        asked.append(1)
        return True

    await account_for_all(platform)
    reader = await asyncpg.connect(platform.database.urls.worker)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT FROM passages LIMIT 1")
            assert await everything(retention(platform, asked_for)) > 2
            assert not await platform.sql("SELECT FROM device_days"), "they come after the passages"
            assert "passages_2026_11" in await months(platform)
    finally:
        await reader.close()
    assert len(asked) == 1, "Kafka is asked once a round"
    await everything(retention(platform))
    assert "passages_2026_11" not in await months(platform)
    dropped = await platform.sql("SELECT resource FROM audit_records WHERE resource LIKE 'dataClasses/passages/%/whole/%' ORDER BY id")
    assert "whole/2026-11" in {row["resource"].split("/", 4)[-1] for row in dropped}, "a month is named, and nobody says how many it held"
