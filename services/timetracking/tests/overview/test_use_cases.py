"""What stands is counted once a minute: what waits for a person, what became of nothing yet, which devices are silent."""

from datetime import date

import pytest
from prometheus_client import REGISTRY
from timetracking.overview.report import show
from timetracking.overview.use_cases import EVERY_S, Overview, ShowOverview

from ..platform import Platform
from ..samples import MONDAY, TUESDAY, at, four

PARKED = """
INSERT INTO parked_records (id, topic, key, device, date, reason, error, origin, first_failed_at, parked_at, attempts, state, sendable, headers, size)
SELECT gen_random_uuid(), 'timetracking.passages.v1', '', 'gate', '2026-11-24', reason, '', '', now(), now(), 1, state, true, '{}', 0
FROM (VALUES ('malformed', 'parked'), ('MALFORMED', 'parked'), ('bug', 'parked'), ('bug', 'taken_up'), ('bug', 'sent_again')) AS row (reason, state)
"""
FINDING = """
INSERT INTO findings (id, kind, device, body, date, first, seconds, state, rule, reads, revision, edition)
VALUES (gen_random_uuid(), $1, $2, 'KGD', $3, 0, 7200, $4, '', '{}', 1, '')
"""


async def test_what_stands_is_counted(told: Platform) -> None:
    told.now = at("2026-11-24T19:00")
    await told.device("other")
    await told.record([*four(TUESDAY), *four(TUESDAY)])
    await told.sql(PARKED)
    # Eight that were recorded, three that wait, one on its way out of the lot, one taken up, and two that came and are nowhere.
    await told.sql("INSERT INTO device_receipts VALUES ('gate', '2026-11-24', 14, 0, 0)")
    # Of another gate more is stored already than is known to have come: that makes nothing good.
    await told.sql("INSERT INTO device_days (device, date, received, stored, repeated) VALUES ('other', '2026-11-24', 5, 5, 0)")
    for kind, device, on, state in (
        ("device_silent", "gate", TUESDAY, "open"),
        ("device_silent", "gate", MONDAY, "open"),
        ("device_silent", "other", MONDAY, "withdrawn"),
        ("device_silent", "other", date(2026, 11, 20), "open"),
        ("device_clock_off", "other", TUESDAY, "open"),
    ):
        await told.sql(FINDING, kind, device, on, state)
    shown: list[Overview] = []
    assert await ShowOverview(told.begin, told.clock, shown.append)() == 0
    waiting = {("timetracking.passages.v1", "malformed"): 2, ("timetracking.passages.v1", "bug"): 1}
    assert shown == [Overview(waiting, in_flight=14 - 8 - 3, silent=1)]


async def test_it_is_counted_once_a_minute(platform: Platform) -> None:
    shown: list[Overview] = []
    now = [1000.0]
    job = ShowOverview(platform.begin, platform.clock, shown.append, lambda: now[0])
    for at_, times in ((0.0, 1), (EVERY_S - 1, 1), (EVERY_S, 2)):
        now[0] = 1000.0 + at_
        assert await job() == 0
        assert len(shown) == times


async def test_what_could_not_be_counted_is_counted_soon(platform: Platform) -> None:
    failing = [True]

    def fail_once(_: Overview) -> None:
        if failing.pop():
            raise RuntimeError

    job = ShowOverview(platform.begin, platform.clock, fail_once, lambda: 0.0)
    with pytest.raises(RuntimeError):
        await job()
    failing.append(False)
    assert await job() == 0
    assert failing == []


def test_what_nobody_waits_for_any_more_is_shown_no_longer() -> None:
    place = {"topic": "timetracking.passages.v1", "reason": "bug"}
    show(Overview({("timetracking.passages.v1", "bug"): 3}, 5, 1))
    assert REGISTRY.get_sample_value("tartip_parked_records", place) == 3
    assert (REGISTRY.get_sample_value("tartip_accounts_in_flight"), REGISTRY.get_sample_value("tartip_devices_silent")) == (5, 1)
    show(Overview({}, 0, 0))
    assert REGISTRY.get_sample_value("tartip_parked_records", place) is None
