"""Devices are looked at after what was stored: findings are raised, published, and withdrawn when they follow no more."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from chassis.access import Caller
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.tokens import caller
from tartip.timetracking.v1.workday_service_pb2 import FINDING_KIND_UNKNOWN_BADGE, FindingState
from timetracking.badges.domain import Badge
from timetracking.device_findings.repository import StoredLooks
from timetracking.device_findings.use_cases import LookAtDevices, Pace
from timetracking.devices.domain import DeviceDirection, Role
from timetracking.findings.domain import Finding
from timetracking.findings.repository import finding_of
from timetracking.passages.domain import Passage
from timetracking.workdays.domain import FindingKind, State
from timetracking.workdays.views import Wanted, WorkdayViews

from ..platform import Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, at, device, four, month_of, off, office, passage, second, settings

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
HOUR = 3600
CROWD = 10


class Looking:
    """A platform whose devices are looked at; it stands on Monday evening."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.look = LookAtDevices(platform.begin, platform.law, platform.clock)

    async def all(self) -> int:
        """Looks and computes until nothing is due; says at how many dates it looked."""
        looked = 0
        while True:
            did = await self.look()
            looked += did
            closed = await self.platform.close()
            if not (did or closed or await self.platform.spread() or await self.platform.compute_due()):
                return looked

    async def at(self, wall: str) -> None:
        """Moves the clock and does what is due."""
        self.platform.now = at(wall)
        await self.all()

    async def findings(self) -> list[Finding]:
        """The findings of devices, withdrawn ones too."""
        rows = await self.platform.sql("SELECT * FROM findings WHERE device IS NOT NULL ORDER BY kind, first, id")
        return [finding_of(row) for row in rows]

    async def open(self, but: str = "") -> list[tuple[str, str, date, int, int]]:
        """(device, kind, date, first, seconds) of those that stand, but of one kind."""
        claims = [(each.device or "", each.claim) for each in await self.findings() if each.state != "withdrawn" and each.claim.kind != but]
        return [(name, each.kind, each.date, each.first, each.seconds) for name, each in claims]

    async def day(self, day: date = TUESDAY, servant: str = "S1") -> tuple[tuple[str, ...], set[str]]:
        """The marks of a day, and the kinds of its findings that stand."""
        kept = (await self.platform.days(servant))[day]
        return kept.marks, {
            each.claim.kind for each in await self.platform.findings(servant) if each.claim.date == day and each.state != "withdrawn"
        }


@pytest.fixture
async def looking(told: Platform) -> Looking:
    """S1 holds badge 17 and has office plans, as nine others; the gate stands at the headquarters, the clock at Monday evening."""
    told.now = at("2026-11-23T19:10")
    await told.take_plans([month_of(f"S{number}", since=1) for number in range(1, CROWD + 1)])
    await told.badge("17", "S1")
    looking = Looking(told)
    await looking.all()
    return looking


def numbered(walls: Sequence[tuple[str, str]], first: int = 100, number: str = "17", device: str = "gate") -> list[Passage]:
    """Passages in a row at a device that numbers its events."""
    return [
        replace(passage(wall, way, number, device, key=str(first + place)), previous_event_number=first + place - 1)
        for place, (wall, way) in enumerate(walls)
    ]


def ordinary(day: str = "2026-11-24", first: int = 100) -> list[Passage]:
    walls = (("08:55:00", "in"), ("13:02:00", "out"), ("14:25:00", "in"), ("18:33:00", "out"))
    return numbered([(f"{day}T{wall}", way) for wall, way in walls], first)


async def complete(platform: Platform) -> None:
    """Says that all that is in Kafka was counted, as of now."""
    async with platform.begin() as work:
        await work.accounts.complete(time.time())


async def test_a_second_look_finds_nothing_to_do(looking: Looking) -> None:
    await looking.platform.record(ordinary())
    assert await looking.all() == 1
    before = await looking.platform.written()
    assert await looking.look() == 0
    await looking.platform.record(ordinary())
    assert await looking.look() == 0
    assert await looking.platform.written() == before


async def test_a_busy_gate_is_looked_at_when_it_pauses_and_seldom_while_it_does_not(looking: Looking) -> None:
    platform = looking.platform
    await platform.record(ordinary())
    paced = replace(looking.look, pace=Pace(paused_s=60, passage_s=240, longest_s=3600))
    assert await paced() == 0
    await complete(platform)
    await platform.sql("UPDATE device_days SET changed_at = changed_at - interval '2 minutes'")
    assert await paced() == 0, "it was looked at just now, and its four passages count for sixteen minutes"
    await platform.sql("UPDATE device_days SET looked_at = looked_at - interval '17 minutes'")
    assert await paced() == 1
    await platform.record(ordinary("2026-11-25", 104))
    await platform.sql("UPDATE device_days SET looked_at = looked_at - interval '61 minutes'")
    assert await paced() == 0, "the last look was long ago, but it does not pause"
    await platform.sql("UPDATE device_days SET pending_since = pending_since - interval '61 minutes'")
    assert await paced() == 1, "it never pauses, and is looked at all the same"


async def test_what_is_on_its_way_is_waited_for(looking: Looking) -> None:
    """Of five records that came, one is not recorded yet, nor parked: neither is its number missing nor the device silent."""
    platform, paced = looking.platform, replace(looking.look, pace=Pace(longest_s=3600))
    await platform.record(ordinary())
    await platform.sql("INSERT INTO device_receipts VALUES ('gate', '2026-11-24', 6, 0, 1)")
    platform.now = at("2026-11-24T19:10")
    await complete(platform)
    assert await paced() == 0
    await platform.sql("UPDATE device_days SET looked_at = looked_at - interval '2 hours'")
    assert await paced() == 0, "a last look long ago makes no haste"
    await platform.record(numbered([("2026-11-24T18:40:00", "in")], 104))
    pending = "SELECT FROM device_days WHERE stored <> looked_at_stored"
    while await paced():
        pass
    assert len(await platform.sql(pending)) == 1, "whether more came was counted before this"
    await complete(platform)
    assert (await paced(), len(await platform.sql(pending))) == (1, 0)


async def test_a_device_is_not_silent_because_nobody_records(looking: Looking) -> None:
    """Its passages since nine lie in Kafka: what somebody asks for, or what waits for too long, is looked at, but not silence."""
    platform, paced = looking.platform, replace(looking.look, pace=Pace(longest_s=3600))
    await platform.record(ordinary()[:1])
    await platform.sql("INSERT INTO device_receipts VALUES ('gate', '2026-11-24', 4, 0, 0)")
    platform.now = at("2026-11-24T19:10")
    await complete(platform)
    await platform.sql("UPDATE device_days SET pending_since = pending_since - interval '2 hours'")
    await platform.sql("INSERT INTO due_looks (device, date, silence) VALUES ('gate', '2026-11-24', true), ('gate', '2026-11-24', false)")
    while await paced():
        pass
    assert await looking.open() == []
    assert len(await platform.sql("SELECT FROM due_looks")) == 2, "they are looked at later"
    await platform.record(ordinary()[1:])
    await complete(platform)
    while await paced():
        pass
    assert (await looking.open(), len(await platform.sql("SELECT FROM due_looks"))) == ([], 0)
    await platform.sql("UPDATE device_receipts SET received = 5")
    platform.now = at("2026-11-26T04:10")
    await complete(platform)
    assert await paced() == 0, "it may be on its way"
    platform.now = at("2026-11-26T19:10")
    await complete(platform)
    while await paced():
        pass
    assert [each[1] for each in await looking.open()] == ["device_silent"], "what did not come in two days is lost"


async def test_a_device_whose_look_fails_holds_up_no_other(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = looking.platform
    await platform.enrol(HR, device("porch", "KGD", settings(role=Role.INTERNAL)))
    await looking.all()
    await platform.record([*ordinary(), passage("2026-11-24T08:56:00", number="99", device="porch")])
    await complete(platform)
    read = StoredLooks.reads

    async def reads(looks: StoredLooks, wanted: Any, dates: Any) -> Any:
        if wanted.device.serial == "gate":
            raise RuntimeError("gate")
        return await read(looks, wanted, dates)

    monkeypatch.setattr(StoredLooks, "reads", reads)
    paced = replace(looking.look, pace=Pace(longest_s=3600, failed_s=1000))
    await platform.sql("UPDATE device_days SET pending_since = pending_since - interval '2 hours' WHERE device = 'gate'")
    await platform.sql("INSERT INTO due_looks (device, date, silence) VALUES ('porch', '2026-11-23', false)")
    with pytest.raises(RuntimeError):
        await paced()
    assert await platform.sql("SELECT FROM due_looks") == [], "it ends nobody's turn"
    assert [each[:2] for each in await looking.open()] == [("porch", "unknown_badge")]
    assert await paced() == 0


async def test_a_look_that_fails_again_is_put_off_twice_as_long_until_one_goes_well(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that waited too long for somebody else fails once, and has its turn again soon."""
    platform, paced = looking.platform, replace(looking.look, pace=Pace(longest_s=3600, failed_s=1000))
    await platform.record(ordinary())
    await complete(platform)

    async def fails_and_comes_again_after() -> tuple[int, float]:
        with monkeypatch.context() as patched:
            patched.setattr(StoredLooks, "reads", AsyncMock(side_effect=RuntimeError))
            with pytest.raises(RuntimeError):
                await paced()
        assert await paced() == 0, "it is not due yet"
        [row] = await platform.sql("SELECT failed, extract(epoch FROM not_before - clock_timestamp()) AS waits FROM device_looks")
        await platform.sql("UPDATE device_looks SET not_before = clock_timestamp()")
        return row["failed"], round(float(row["waits"]), -2)

    await platform.sql("UPDATE device_days SET pending_since = pending_since - interval '2 hours'")
    assert [await fails_and_comes_again_after() for _ in range(4)] == [(1, 1000), (2, 2000), (3, 3600), (4, 3600)]
    assert await paced() == 1
    assert [row["failed"] for row in await platform.sql("SELECT failed FROM device_looks")] == [0]


async def test_a_clock_an_hour_ahead_is_found_within_the_day_and_its_days_are_doubtful(looking: Looking) -> None:
    ahead = [replace(each, wall_time=each.wall_time + timedelta(hours=1)) for each in four(TUESDAY)]
    await looking.platform.record(ahead[:1])
    await looking.all()
    first = second("2026-11-24T09:55:00")
    assert await looking.open() == [("gate", "device_clock", TUESDAY, first, HOUR - 2)]
    await looking.platform.record(ahead[1:])
    await looking.all()
    assert await looking.open() == [("gate", "device_clock", TUESDAY, first, HOUR - 2)]
    assert (await looking.day())[0] == ("doubtful_clock",)


async def test_a_time_policy_that_rights_the_clock_withdraws_the_finding_and_the_doubt(looking: Looking) -> None:
    await looking.platform.record([replace(each, wall_time=each.wall_time + timedelta(hours=1)) for each in four(TUESDAY)])
    await looking.all()
    assert (await looking.day())[0] == ("doubtful_clock",)
    await looking.platform.change(HR, "KGD", "gate", settings(utc_offset=6 * HOUR, since="2026-11-24T00:00:00"), "")
    await looking.all()
    assert await looking.open() == []
    assert await looking.day() == ((), set())


async def test_an_unknown_badge_is_found_a_device_and_date_and_withdrawn_when_it_is_assigned(looking: Looking) -> None:
    await looking.platform.enrol(HR, device("door", "KGD", settings(role=Role.INTERNAL)))
    await looking.platform.record([*four(TUESDAY, "99"), passage("2026-11-24T08:56:00", number="99", device="door"), *four(MONDAY, "99")])
    await looking.all()
    monday, tuesday, inside = second("2026-11-23T08:55"), second("2026-11-24T08:55"), second("2026-11-24T08:56")
    assert sorted(await looking.open()) == [
        ("door", "unknown_badge", TUESDAY, inside, 1),
        ("gate", "unknown_badge", MONDAY, monday, 4),
        ("gate", "unknown_badge", TUESDAY, tuesday, 4),
    ]
    assert {each.badge for each in await looking.findings()} == {"hq:99"}
    await looking.platform.assign(HR, Badge("b", "hq", "99", "S1", at("2026-11-24T10:00")))
    await looking.all()
    assert sorted(await looking.open()) == [
        ("door", "unknown_badge", TUESDAY, inside, 1),
        ("gate", "unknown_badge", MONDAY, monday, 4),
        ("gate", "unknown_badge", TUESDAY, tuesday, 1),
    ]
    await looking.platform.assign(HR, Badge("c", "hq", "99", "S1", at("2026-11-01T00:00"), at("2026-11-24T10:00")))
    await looking.all()
    assert await looking.open() == []


async def test_missing_numbers_keep_a_day_incomplete_until_they_arrive(looking: Looking) -> None:
    late = numbered(
        [(f"2026-11-24T{wall}", way) for wall, way in (("09:40:00", "in"), ("13:02:00", "out"), ("14:25:00", "in"), ("18:33:00", "out"))]
    )
    await looking.platform.record([late[0], *late[2:]])
    await looking.at("2026-11-25T04:00")
    gap = ("gate", "device_missing_numbers", TUESDAY, second("2026-11-24T09:40:00"), 1)
    assert await looking.open() == [gap]
    assert await looking.day() == (("incomplete",), set())
    assert (await looking.day(servant="S2")) == (("incomplete",), set())
    await looking.platform.record([late[1]])
    await looking.all()
    assert await looking.open() == []
    assert await looking.day() == ((), {"late"})
    assert await looking.day(servant="S2") == ((), {"absent"})


async def test_numbers_missing_at_a_door_inside_doubt_no_day(looking: Looking) -> None:
    await looking.platform.enrol(HR, device("door", "KGD", settings(role=Role.INTERNAL)))
    inside = numbered([("2026-11-24T10:00:00", "in"), ("2026-11-24T10:01:00", "in"), ("2026-11-24T10:02:00", "in")], device="door")
    await looking.platform.record([*four(TUESDAY), inside[0], inside[2]])
    await looking.at("2026-11-25T04:00")
    assert [each[:2] for each in await looking.open()] == [("door", "device_missing_numbers")]
    assert await looking.day() == ((), set())


async def test_a_gap_between_two_dates_ends_by_what_comes_on_either(looking: Looking) -> None:
    monday = numbered([("2026-11-23T18:31:00", "out"), ("2026-11-23T18:33:00", "out")])
    tuesday = numbered([("2026-11-24T08:55:00", "in"), ("2026-11-24T08:56:00", "in")], first=102)
    await looking.platform.record([monday[0], tuesday[1]])
    await looking.all()
    assert await looking.open() == [("gate", "device_missing_numbers", TUESDAY, second("2026-11-23T18:31:00"), 2)]
    await looking.platform.record([monday[1]])
    await looking.all()
    assert await looking.open() == [("gate", "device_missing_numbers", TUESDAY, second("2026-11-23T18:33:00"), 1)]
    await looking.platform.record([tuesday[0]])
    await looking.all()
    assert await looking.open() == []


async def test_a_missing_number_that_comes_with_an_odd_date_ends_the_gap(looking: Looking) -> None:
    """Other dates lie between: it is known to belong there by its number alone."""
    between = [passage("2026-11-10T08:55:00")]
    await looking.platform.record([*between, *numbered([("2026-11-24T08:55:00", "in")]), *numbered([("2026-11-24T08:57:00", "in")], 102)])
    await looking.all()
    assert "device_missing_numbers" in {each[1] for each in await looking.open()}
    await looking.platform.record(numbered([("2026-11-03T08:56:00", "in")], 101))
    await looking.all()
    assert await looking.open(but="device_silent") == []


async def test_a_gap_is_found_when_what_lies_before_it_comes_later(looking: Looking) -> None:
    """On Tuesday the device seems to be new here; Monday's reads show that it is not."""
    await looking.platform.record(numbered([("2026-11-24T08:55:00", "in")], 105))
    await looking.all()
    assert await looking.open(but="device_silent") == []
    await looking.platform.record(numbered([("2026-11-23T18:33:00", "out")], 100))
    await looking.all()
    gap = ("gate", "device_missing_numbers", TUESDAY, second("2026-11-23T18:33:00"), 4)
    assert await looking.open(but="device_silent") == [gap]


async def test_a_number_used_twice_is_found_and_both_events_count(looking: Looking) -> None:
    await looking.platform.record([passage("2026-11-23T08:55:00", "in", key="17"), passage("2026-11-24T08:55:00", "in", key="17")])
    await looking.all()
    assert await looking.open(but="device_silent") == [("gate", "event_number_reused", MONDAY, second("2026-11-23T08:55:00"), 2)]
    days = await looking.platform.days()
    assert [len(days[day].content.reads) for day in (MONDAY, TUESDAY)] == [1, 1]
    await looking.platform.record([passage("2026-11-20T08:55:00", "in", key="17")])
    await looking.all()
    assert await looking.open(but="device_silent") == [
        ("gate", "event_number_reused", date(2026, 11, 20), second("2026-11-20T08:55:00"), 3)
    ]


def batch_of_two_days() -> list[Passage]:
    """What an offline device kept on Tuesday and Wednesday, and sends on Thursday morning."""
    received = at("2026-11-26T08:00")
    days = [*ordinary("2026-11-24", 104), *ordinary("2026-11-25", 108)]
    return [replace(each, live=False, received_at=received) for each in days]


async def test_an_offline_device_is_silent_until_its_late_batch_and_the_days_are_complete_then(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-24T14:59")
    assert await looking.open() == []
    await looking.at("2026-11-24T15:00")
    nine = second("2026-11-24T09:00")
    assert await looking.open() == [("gate", "device_silent", TUESDAY, nine, 4 * HOUR + 1800)]
    await looking.at("2026-11-25T04:00")
    assert await looking.open() == [("gate", "device_silent", TUESDAY, nine, 8 * HOUR)]
    assert await looking.day() == (("incomplete",), set())
    await looking.at("2026-11-26T08:01")
    assert await looking.open() == [("gate", "device_silent", TUESDAY, nine, 16 * HOUR)]
    assert [(await looking.day(day)) for day in (TUESDAY, WEDNESDAY)] == [(("incomplete",), set())] * 2

    await looking.platform.record(batch_of_two_days())
    await looking.all()
    assert await looking.open() == []
    assert [(each.claim.kind, each.state.value) for each in await looking.findings()] == [("device_silent", "withdrawn")]
    assert [(await looking.day(day)) for day in (TUESDAY, WEDNESDAY)] == [((), set())] * 2
    days = await looking.platform.days()
    assert [days[day].content.seconds.worked for day in (TUESDAY, WEDNESDAY)] == [8 * HOUR] * 2
    assert await looking.day(servant="S2") == ((), {"absent"})


async def test_a_late_batch_that_covers_a_part_leaves_the_silence_of_the_rest(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-26T08:01")
    await looking.platform.record(batch_of_two_days()[:4])
    await looking.all()
    assert await looking.open() == [("gate", "device_silent", WEDNESDAY, second("2026-11-25T09:00"), 8 * HOUR)]
    assert await looking.day(TUESDAY) == ((), set())
    assert await looking.day(WEDNESDAY) == (("incomplete",), set())


async def test_a_silence_that_is_over_stays_found_when_nothing_covers_it(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-24T19:00")
    await looking.platform.record(ordinary("2026-11-25", 104))
    await looking.at("2026-11-26T12:00")
    assert await looking.open() == [("gate", "device_silent", TUESDAY, second("2026-11-24T09:00"), 8 * HOUR)]


async def test_a_silence_while_nobody_looked_is_found_when_somebody_does(looking: Looking) -> None:
    """The jobs stood still from Monday to Thursday: it does not matter when it is looked."""
    await looking.platform.record([*ordinary("2026-11-23"), *ordinary("2026-11-25", 104)])
    await looking.at("2026-11-26T12:00")
    assert await looking.open() == [("gate", "device_silent", TUESDAY, second("2026-11-24T09:00"), 8 * HOUR)]


async def test_a_silence_of_today_ends_at_once_when_its_reads_come(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-24T15:10")
    assert [each[1] for each in await looking.open()] == ["device_silent"]
    await looking.platform.record(ordinary("2026-11-24", 104)[:3])
    await looking.all()
    assert await looking.open() == []


async def test_the_first_reads_of_a_device_may_come_last_and_begin_a_silence(looking: Looking) -> None:
    """Until Monday's reads come, nobody knows that it was in service on Tuesday."""
    await looking.platform.record(ordinary("2026-11-25", 104))
    await looking.at("2026-11-26T08:00")
    assert await looking.open() == []
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.all()
    assert await looking.open() == [("gate", "device_silent", TUESDAY, second("2026-11-24T09:00"), 8 * HOUR)]


async def test_settings_changed_far_backwards_end_an_old_silence(looking: Looking) -> None:
    walls = [
        f"2026-11-{day:02}T{wall}"
        for day in (2, 4, 5, 6, *range(9, 14), *range(16, 21), 23)
        for wall in ("08:55:00", "13:02:00", "18:33:00")
    ]
    await looking.platform.record([passage(wall) for wall in walls])
    await looking.all()
    assert await looking.open() == [("gate", "device_silent", date(2026, 11, 3), second("2026-11-03T09:00"), 8 * HOUR)]
    await looking.platform.change(HR, "KGD", "gate", settings(role=Role.INTERNAL, since="2026-11-01T00:00:00"), "")
    await looking.all()
    assert await looking.open() == []


async def test_a_day_off_declared_backwards_ends_the_silence_while_the_clock_stands(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-24T19:00")
    assert len(await looking.open()) == 1
    months = [month_of(f"S{number}", since=1, revision=2, plan=lambda day: off(day) if day == TUESDAY else month_of("S1").days[day.day - 1]) for number in range(1, CROWD + 1)]  # fmt: skip
    await looking.platform.take_plans(months[:4])
    await looking.all()
    assert len(await looking.open()) == 1, "most people are still to come"
    await looking.platform.take_plans(months[4:])
    await looking.all()
    assert await looking.open() == []


async def test_people_who_moved_to_other_premises_are_waited_for_at_the_old_ones_no_longer(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-24T19:00")
    assert len(await looking.open()) == 1
    names = [f"S{number}" for number in range(1, CROWD + 1)]
    await looking.platform.take_plans(
        [month_of(name, since=1, revision=2, plan=lambda day: office(day, premises="ANNEX")) for name in names]
    )
    await looking.all()
    assert await looking.open() == []


async def test_a_device_that_is_taken_inside_is_waited_for_no_longer(looking: Looking) -> None:
    await looking.platform.record(ordinary("2026-11-23"))
    await looking.at("2026-11-24T19:00")
    assert len(await looking.open()) == 1
    await looking.platform.change(HR, "KGD", "gate", settings(role=Role.INTERNAL, since="2026-11-24T18:00:00"), "")
    await looking.all()
    assert await looking.open() == []


async def test_a_gate_beside_a_working_one_is_silent_for_itself(looking: Looking) -> None:
    await looking.platform.enrol(HR, device("out", "KGD", settings(direction=DeviceDirection.OUT)))
    await looking.platform.record([*ordinary("2026-11-23"), passage("2026-11-23T18:34:00", "out", device="out")])
    await looking.platform.record([passage("2026-11-24T08:55:00"), passage("2026-11-24T18:40:00", "out", device="out")])
    await looking.at("2026-11-24T22:00")
    assert await looking.open() == [("gate", "device_silent", TUESDAY, second("2026-11-24T09:00"), 8 * HOUR)]


async def test_findings_of_devices_are_published_and_name_no_badge(looking: Looking) -> None:
    await looking.platform.record(four(TUESDAY, "99"))
    await looking.all()
    await looking.platform.assign(HR, Badge("b", "hq", "99", "S1", at("2026-11-24T00:00")))
    await looking.all()
    told = [each for each in await looking.platform.told("timetracking.findings.v1") if each.device]
    assert [(each.kind, each.device, each.body, each.revision, each.state) for each in told] == [
        (FINDING_KIND_UNKNOWN_BADGE, "gate", "KGD", 1, FindingState.FINDING_STATE_RAISED),
        (FINDING_KIND_UNKNOWN_BADGE, "gate", "KGD", 2, FindingState.FINDING_STATE_WITHDRAWN),
    ]
    assert all(b"hq:99" not in each.SerializeToString() for each in told)


@pytest.mark.parametrize(("who", "sees"), [(HR, ["unknown_badge"]), (MF, [])])
async def test_the_hr_officer_of_the_devices_body_finds_them_in_the_list(looking: Looking, who: Caller, sees: list[str]) -> None:
    await looking.platform.record(four(TUESDAY, "99"))
    await looking.all()
    wanted = Wanted("KGD", None, MONDAY, WEDNESDAY)
    async with looking.platform.database.app.transaction(who) as transaction:
        listed = await WorkdayViews(transaction, who).findings(wanted, [], False, "", 100)
    assert [each.claim.kind for each in listed if each.device == "gate"] == sees


async def test_what_an_unknown_device_sent_waits_until_it_is_enrolled(looking: Looking) -> None:
    await looking.platform.record(four(TUESDAY, "99", device="later"))
    assert await looking.all() == 0
    await looking.platform.enrol(HR, device("later"))
    await looking.all()
    assert [each[:2] for each in await looking.open()] == [("later", "unknown_badge")]


async def test_passages_that_come_during_a_look_are_looked_at_again(looking: Looking) -> None:
    await looking.platform.record(four(TUESDAY))
    await looking.platform.sql("UPDATE device_days SET pending_since = pending_since - interval '1 hour'")
    async with looking.platform.begin() as work:
        await work.lock_devices(["gate"])
        wanted = await work.looks.wanted("gate", looking.platform.now, Pace(), 7)
        await looking.platform.record(four(TUESDAY, "99"))
        await work.looks.keep(wanted, [], None, looking.platform.now)
    waits = await looking.platform.sql("SELECT pending_since > changed_at - interval '5 seconds' AS anew FROM device_days")
    assert [row["anew"] for row in waits] == [True], "not since before that look"
    await looking.all()
    assert [each[:2] for each in await looking.open()] == [("gate", "unknown_badge")]


async def test_many_dates_are_looked_at_in_pieces(looking: Looking) -> None:
    days = [date(2026, 11, day) for day in range(2, 22)]
    await looking.platform.record([passage(f"{day}T08:55:00", number="99") for day in days])
    assert 0 < await looking.look() < len(days)
    await looking.all()
    assert [each[2] for each in await looking.open() if each[1] == "unknown_badge"] == days


async def test_any_order_in_any_batches_with_looks_between_ends_in_the_same_findings(database: MakeDatabase) -> None:
    passages = [
        *ordinary("2026-11-23"),
        *ordinary("2026-11-24", 106),
        *ordinary("2026-11-25", 110),
        *numbered([("2026-11-25T19:00:00", "out"), ("2026-11-25T19:01:00", "out")], 113, "99"),
        *[replace(each, wall_time=each.wall_time + timedelta(hours=1)) for each in four(TUESDAY, "99")],
    ]
    expected: Any = None
    for seed in range(6):
        rng = random.Random(seed)
        platform = Platform(await database("timetracking"), datetime.fromisoformat("2026-11-27T04:00:00+05:00"))
        await platform.device("gate")
        await platform.badge("17", "S1")
        await platform.take_plans([month_of("S1", since=1)])
        looking = Looking(platform)
        shuffled = [*passages, *rng.choices(passages, k=5)]
        rng.shuffle(shuffled)
        while shuffled:
            size = rng.randrange(1, 7)
            await platform.record(shuffled[:size])
            del shuffled[:size]
            if rng.random() < 0.5:
                await looking.look()
        await looking.all()
        found = await looking.open(), {day: await looking.day(day) for day in (MONDAY, TUESDAY, WEDNESDAY)}
        expected = expected or found
        assert found == expected, f"seed {seed}"
    assert {each[1] for each in expected[0]} == {
        "device_clock",
        "device_missing_numbers",
        "event_number_reused",
        "unknown_badge",
        "device_silent",
    }


async def test_a_look_while_the_day_is_open_marks_it_and_raises_nothing(looking: Looking) -> None:
    late = numbered([("2026-11-24T09:40:00", "in"), ("2026-11-24T13:02:00", "out"), ("2026-11-24T14:25:00", "in")])
    await looking.platform.record([late[0], late[2]])
    await looking.all()
    assert (await looking.platform.days())[TUESDAY].content.state is State.IN_PROGRESS
    assert await looking.day() == (("incomplete",), set())
    assert FindingKind.LATE.value not in (await looking.day())[1]


async def test_looks_at_every_hour_find_what_one_look_at_the_end_finds(database: MakeDatabase) -> None:
    """Reads come as they happen, or hours late; silences begin, end and are covered."""
    seen = 0
    for seed in range(3):
        rng = random.Random(seed)
        begin, hours = at("2026-11-23T06:00"), 72
        instants = sorted(rng.sample(range(hours * 60), 14))
        walls = [(begin + timedelta(hours=5, minutes=each)).replace(tzinfo=None) for each in instants]
        comes = [each // 60 + 1 + rng.choice((0, 0, 0, 7, 30)) for each in instants]
        reads = [replace(passage(wall.isoformat()), live=False) for wall in walls]
        found = []
        for steps in (range(1, hours + 1), (hours,)):
            platform = Platform(await database("timetracking"), begin)
            await platform.device("gate")
            await platform.badge("17", "S1")
            await platform.take_plans([month_of("S1", since=1)])
            looking, told = Looking(platform), 0
            for step in steps:
                platform.now = begin + timedelta(hours=step)
                here = [read for read, hour in zip(reads, comes, strict=True) if told < hour <= step or (step == hours and hour > step)]
                await platform.record(here)
                told = step
                await looking.all()
            found.append((await looking.open(), [await looking.day(day) for day in (MONDAY, TUESDAY)]))
        assert found[0] == found[1], f"seed {seed}"
        seen += len(found[0][0])
    assert seen
