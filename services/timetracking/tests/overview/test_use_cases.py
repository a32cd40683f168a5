"""What stands is counted once a minute: what waits for a person, what became of nothing yet, which devices are silent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import date

import pytest
from kernel.faults import Unavailable
from prometheus_client import REGISTRY
from timetracking.overview.report import show
from timetracking.overview.use_cases import EVERY_S, REST, Overview, ShowOverview

from ..platform import Platform
from ..samples import TUESDAY, at, four, passage, second

PARKED = """
INSERT INTO parked_records (id, topic, key, device, date, reason, error, origin, first_failed_at, parked_at, attempts, state, sendable, headers, size)
SELECT gen_random_uuid(), 'timetracking.passages.v1', '', 'gate', '2026-11-24', reason, '', '', now(), now(), 1, state, true, '{}', 0
FROM (VALUES ('malformed', 'parked'), ('MALFORMED', 'parked'), ('bug', 'parked'), ('bug', 'taken_up'), ('bug', 'sent_again')) AS row (reason, state)
"""
FINDING = """
INSERT INTO findings (id, kind, device, body, date, first, last, seconds, state, rule, reads, revision, edition)
VALUES (gen_random_uuid(), $1, $2, 'KGD', $3, $4, $5, 7200, $6, '', '{}', 1, '')
"""
# From Thursday's noon on, over a day off, up to the last full hour.
THURSDAY, LATELY = "2026-11-19T12:00", "2026-11-24T18:00"


async def test_what_stands_is_counted(told: Platform) -> None:
    told.now = at("2026-11-24T19:00")
    await told.device("other")
    await told.record([*four(TUESDAY), *four(TUESDAY)])
    await told.sql(PARKED)
    # Eight that were recorded, three that wait, one on its way out of the lot, one taken up, and two that came and are nowhere.
    await told.sql("INSERT INTO device_receipts VALUES ('gate', '2026-11-24', 14, 0, 0)")
    # Of another gate more is stored already than is known to have come: that makes nothing good.
    await told.sql("INSERT INTO device_days (device, date, received, stored, repeated) VALUES ('other', '2026-11-24', 5, 5, 0)")
    await silence(told, "other", THURSDAY, LATELY)
    waiting = {("timetracking.passages.v1", "malformed"): 2, ("timetracking.passages.v1", "bug"): 1}
    assert await counted(told) == Overview(waiting, in_flight=14 - 8 - 3, silent=1)


async def test_a_device_is_silent_as_long_as_nothing_is_read_at_it(told: Platform) -> None:
    told.now = at("2026-11-24T19:00")
    for serial in ("gone", "back", "back-at-once", "ahead", "off-on-purpose", "well"):
        await told.device(serial)
    for serial in ("gone", "back", "back-at-once", "ahead", "off-on-purpose"):
        await silence(told, serial, THURSDAY, "2026-11-20T18:30")
    await told.sql("UPDATE devices SET revoked_at = now() WHERE serial = 'off-on-purpose'")
    await told.record(
        [
            passage("2026-11-19T11:59", device="gone"),
            passage("2026-11-23T08:55", device="back"),
            passage("2026-11-20T18:30", device="back-at-once"),
            passage("2031-01-01T08:55", device="ahead"),
        ]
    )
    assert (await counted(told)).silent == len({"gone", "ahead"})
    # A silence that is over, and one that was none, say nothing; neither does another finding.
    await silence(told, "gone", "2026-11-12T12:00", "2026-11-13T18:30")
    await silence(told, "back", "2026-11-24T09:00", LATELY, state="withdrawn")
    await silence(told, "well", "2026-11-24T09:00", LATELY, kind="device_clock_off")
    assert (await counted(told)).silent == len({"gone", "ahead"})
    await silence(told, "back", "2026-11-23T09:00", LATELY)
    assert (await counted(told)).silent == len({"gone", "ahead", "back"})


async def test_of_two_silences_of_one_date_the_later_one_counts(told: Platform) -> None:
    """A gate came back in the evening, and died that night; somebody decided the first silence meanwhile, whatever the order of its rows."""
    told.now = at("2026-11-24T19:00")
    await silence(told, "gate", "2026-11-23T18:25", LATELY)
    await silence(told, "gate", "2026-11-23T09:00", "2026-11-23T15:00")
    await told.record([passage("2026-11-23T18:24")])
    assert (await counted(told)).silent == 1


async def test_a_silence_ends_by_the_wall_time_of_its_body(told: Platform) -> None:
    told.now = at("2026-11-24T19:00")
    await told.sql("UPDATE body_states SET zone = 'Asia/Tokyo' WHERE body = 'KGD'")
    await silence(told, "gate", THURSDAY, "2026-11-20T14:30")
    await told.record([passage("2026-11-20T18:29")])
    assert (await counted(told)).silent == 1
    await told.record([passage("2026-11-20T18:30")])
    assert (await counted(told)).silent == 0


async def silence(told: Platform, device: str, first: str, last: str, state: str = "raised", kind: str = "device_silent") -> None:
    """A finding as a look leaves it, by wall times."""
    await told.sql(FINDING, kind, device, date.fromisoformat(first[:10]), second(first), second(last), state)


async def counted(told: Platform) -> Overview:
    shown: list[Overview] = []
    assert await ShowOverview(told.begin, told.clock, shown.append)() == 0
    return shown.pop()


async def test_it_is_counted_once_a_minute(platform: Platform) -> None:
    shown: list[Overview] = []
    now = [1000.0]
    job = ShowOverview(platform.begin, platform.clock, shown.append, lambda: now[0])
    for at_, times in ((0.0, 1), (EVERY_S - 1, 1), (EVERY_S, 2)):
        now[0] = 1000.0 + at_
        assert await job() == 0
        assert len(shown) == times


async def test_what_could_not_be_counted_is_counted_a_minute_later(platform: Platform) -> None:
    now, tried = [0.0], [0]

    @asynccontextmanager
    async def away() -> AsyncIterator[None]:
        tried[0] += 1
        raise Unavailable
        yield

    job = ShowOverview(away, platform.clock, show, lambda: now[0])
    for at_, times in ((0.0, 1), (EVERY_S - 1, 1), (EVERY_S, 2)):
        now[0] = at_
        with nullcontext() if times == tried[0] else pytest.raises(Unavailable):
            assert await job() == 0
        assert tried[0] == times


async def test_what_takes_long_to_count_is_counted_seldom(platform: Platform) -> None:
    now, shown = [0.0], list[Overview]()

    def show_slowly(overview: Overview) -> None:
        shown.append(overview)
        now[0] += 10.0

    job = ShowOverview(platform.begin, platform.clock, show_slowly, lambda: now[0])
    for at_, times in ((0.0, 1), (10 + REST * 10 - 1, 1), (10 + REST * 10, 2)):
        now[0] = at_
        assert await job() == 0
        assert len(shown) == times


def test_what_nobody_waits_for_any_more_is_shown_no_longer() -> None:
    place = {"topic": "timetracking.passages.v1", "reason": "bug"}
    show(Overview({("timetracking.passages.v1", "bug"): 3}, 5, 1))
    assert REGISTRY.get_sample_value("tartip_parked_records", place) == 3
    assert (REGISTRY.get_sample_value("tartip_accounts_in_flight"), REGISTRY.get_sample_value("tartip_devices_silent")) == (5, 1)
    show(Overview({}, 0, 0))
    assert REGISTRY.get_sample_value("tartip_parked_records", place) is None
