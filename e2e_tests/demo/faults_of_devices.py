"""What devices do: silence, wrong clocks, lost and reused numbers, repetitions, strangers, records that nobody can read."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from .diary import ONE_DAY, Diary, at_nine, is_office, moment
from .equipment import ANNEX_BACK, ANNEX_FRONT, GATE_NEW, GATE_OLD, HOUSE, HQ_IN, HQ_LOBBY, HQ_YARD
from .memory import Outage, WrongClock, event, line
from .people import FIRST
from .plans import ANNEX, CAMPUS, HQ, instant
from .routine import IN, OUT, Crossing, day_at_office
from .world import Device, ExpectedFinding, Fault, Outcome, Record, SettingsChanged, State

MONDAY, TUESDAY, _, THURSDAY, FRIDAY = (FIRST + ONE_DAY * number for number in range(5))
AHEAD = timedelta(hours=1)
_PLACE = timedelta(hours=5)  # what the clock of the place is ahead of UTC
_FACE = 0x4B


def offline_for_two_days(diary: Diary) -> None:
    """The back door of the annex keeps its events from Monday night on, and sends them all on Thursday morning."""
    device = ANNEX_BACK.serial
    outage = Outage(instant(MONDAY, time(20)), instant(THURSDAY, time(10)))
    diary.trouble(device, outages=(outage,))
    silence = ExpectedFinding(
        "device_silent",
        TUESDAY,
        device=device,
        first=instant(TUESDAY, time(9)),
        state=State.WITHDRAWN,
        seen_by=instant(TUESDAY, time(17, 36)),
    )
    diary.plant(Fault("offline_for_two_days", TUESDAY, device=device, expects=(silence,)))


def offline_over_lunch(diary: Diary) -> None:
    """A terminal keeps its events for two hours and a half: less than makes a silence, and they count when they come."""
    outage = Outage(instant(THURSDAY, time(12, 40)), instant(THURSDAY, time(15, 8)))
    diary.trouble(HQ_LOBBY.serial, outages=(outage,))
    diary.plant(Fault("offline_over_lunch", THURSDAY, device=HQ_LOBBY.serial))


def clock_ahead_and_corrected(diary: Diary) -> None:
    """On Tuesday a clock is an hour ahead; on Thursday the HR service gives these hours a time policy of their own."""
    device = HQ_YARD.serial
    diary.trouble(device, clocks=(WrongClock(instant(TUESDAY, time(5, 30)), instant(TUESDAY, time(22)), AHEAD, corrected=True),))
    # The later span first, so that no other day is moved on the way; each on a beat of its own, since they build on each other.
    for at, since, offset in ((time(10), time(23, 30), _PLACE), (time(10, 4), time(6, 30), _PLACE + AHEAD)):
        diary.actions.append(SettingsChanged(instant(THURSDAY, at), device, datetime.combine(TUESDAY, since), offset))
    found = ExpectedFinding("device_clock", TUESDAY, device=device, state=State.WITHDRAWN, seen_by=instant(TUESDAY, time(13, 4)))
    diary.plant(Fault("clock_ahead_and_corrected", TUESDAY, device=device, expects=(found,)))


def clock_ahead(diary: Diary) -> None:
    """On Friday the clock is an hour ahead again and nobody corrects it: what it recorded stands, marked as doubtful."""
    device = HQ_YARD.serial
    diary.trouble(device, clocks=(WrongClock(instant(FRIDAY, time(6)), instant(FRIDAY, time(20)), AHEAD, corrected=False),))
    for lunch_outside in (True, True, False, False):
        servant, row = diary.pick(lambda servant, row: at_nine(servant, row) and row.date == FRIDAY and diary.premises(servant) == HQ)
        walk = day_at_office(diary.gates(servant, row), servant.id, row, lunch_outside)
        walk = walk.through(device)
        assert walk.came is not None
        assert row.start is not None
        expects = [_as_recorded("late", servant.id, row.start, walk.came.at)]
        if walk.back is not None:
            assert row.rest is not None
            expects.append(_as_recorded("left_during_day", servant.id, row.rest[1], walk.back.at))
        diary.write(servant, row.date, walk)
        diary.plant(Fault("read_by_a_clock_ahead", FRIDAY, servant.id, device, tuple(expects)))
        diary.doubtful.add((servant.id, FRIDAY))
    diary.plant(Fault("clock_ahead", FRIDAY, device=device, expects=(ExpectedFinding("device_clock", FRIDAY, device=device),)))


def _as_recorded(kind: str, servant: str, due: datetime, came: datetime) -> ExpectedFinding:
    return ExpectedFinding(kind, FRIDAY, servant, first=due, seconds=int((came + AHEAD - due).total_seconds()))


def numbers_lost_inside(diary: Diary) -> None:
    """Three events of the door inside the campus vanish: a finding on the device; no day waits, since the door is evidence only."""
    _lose(diary, HOUSE, TUESDAY, time(13, 40), 3, "numbers_lost_inside")


def numbers_lost_at_the_perimeter(diary: Diary) -> None:
    """Five events of the annex's front door vanish over lunch: everybody's Friday there waits for them or for a person."""
    diary.blocked.add((ANNEX, FRIDAY))
    _lose(diary, ANNEX_FRONT, FRIDAY, time(13, 40), 5, "numbers_lost_at_the_perimeter")


def late_where_numbers_are_lost(diary: Diary) -> None:
    servant = diary.random.choice(
        [each for each in diary.servants if diary.premises(each) == ANNEX and at_nine(each, diary.rows[each.id][FRIDAY])]
    )
    row = diary.rows[servant.id][FRIDAY]
    walk = day_at_office(diary.gates(servant, row), servant.id, row)
    assert walk.came is not None
    diary.write(servant, FRIDAY, replace(walk, came=replace(walk.came, at=moment(diary.random, FRIDAY, time(9, 48)))))
    why = "events of a perimeter device are missing over the plan: one of them may be the entry, so nothing is found from absent reads"
    diary.plant(Fault("late_where_numbers_are_lost", FRIDAY, servant.id, undetermined=why))


def _lose(diary: Diary, device: Device, on: date, since: time, many: int, kind: str) -> None:
    diary.trouble(device.serial, lost=((instant(on, since), many),))
    found = ExpectedFinding("device_missing_numbers", on, device=device.serial, seconds=many)
    diary.plant(Fault(kind, on, device=device.serial, expects=(found,)))


def number_reused(diary: Diary) -> None:
    """A controller gives one number to two passages; both count."""
    device = GATE_NEW.serial
    diary.trouble(device, reused=(instant(THURSDAY, time(13, 2)),))
    found = ExpectedFinding("event_number_reused", THURSDAY, device=device, seconds=2)
    diary.plant(Fault("number_reused", THURSDAY, device=device, expects=(found,)))


def sent_again(diary: Diary) -> None:
    """Terminals did not hear the answer and send a batch once more; a controller tells old events again, as a catch-up."""
    for device, first, later in (
        (HQ_IN, instant(TUESDAY, time(8, 52)), instant(TUESDAY, time(9))),
        (GATE_OLD, instant(THURSDAY, time(8, 56)), instant(THURSDAY, time(13, 8))),
        (ANNEX_FRONT, instant(MONDAY, time(13, 4)), instant(MONDAY, time(14, 20))),
        (GATE_NEW, instant(FRIDAY, time(8, 56)), instant(FRIDAY, time(18, 36))),
    ):
        diary.trouble(device.serial, again=((first, later),))
        diary.plant(Fault("sent_again", later.date(), device=device.serial))


def unreadable_records(diary: Diary) -> None:
    """Each stands in a batch beside good ones, is parked with its reason, and harms no neighbour."""
    known = "1001"
    torn = event(instant(TUESDAY, time(8, 50)), known, _FACE, {})
    for device, on, at, text in (
        (HQ_LOBBY, MONDAY, time(8, 47), f"{known}\t2026-12-14 08:46:11"),
        (HQ_LOBBY, MONDAY, time(18, 33), line(known, "2026-13-41 08:00:00", 0, 1)),
        (HQ_IN, TUESDAY, time(8, 55), line(known, "1970-01-01 08:00:03", 0, 1)),
        (GATE_OLD, THURSDAY, time(8, 50), line(known, "2026-12-17 08:49:30", "in", 1)),
        (ANNEX_FRONT, TUESDAY, time(8, 50), torn[: len(torn) // 2]),
        (GATE_NEW, THURSDAY, time(8, 50), event("2026-02-30T08:49:12+05:00", known, _FACE, {})),
    ):
        diary.trouble(device.serial, noise=((instant(on, at), Record(text, Outcome.PARKED)),))
        diary.plant(Fault("unreadable_record", on, device=device.serial))


def guests(diary: Diary) -> None:
    """Badges that nobody holds: of a guest who comes and goes, and of one who is let in at the annex."""
    _guest(diary, "guest-1", TUESDAY, HQ_LOBBY, (time(11), IN), (time(12), OUT))
    _guest(diary, "guest-2", THURSDAY, ANNEX_FRONT, (time(11), IN))


def _guest(diary: Diary, guest: str, on: date, device: Device, *ways: tuple[time, str]) -> None:
    number = f"9{diary.random.randrange(10_000, 99_999)}00"
    diary.numbers[device.badge_system, guest] = number
    crossings = [Crossing(moment(diary.random, on, beat), guest, device.serial, way) for beat, way in ways]
    diary.strangers += crossings
    found = _unknown(device, number, on, crossings)
    diary.plant(Fault("badge_of_a_guest", on, device=device.serial, expects=(found,)))


def _unknown(device: Device, number: str, on: date, crossings: list[Crossing]) -> ExpectedFinding:
    badge = f"{device.badge_system}:{number}"
    return ExpectedFinding("unknown_badge", on, device=device.serial, badge=badge, first=crossings[0].at, seconds=len(crossings))


def badge_assigned_later(diary: Diary) -> None:
    """A servant goes by a badge that is recorded as theirs on Thursday only: then Monday and Tuesday appear, complete."""
    servant, _ = diary.pick(lambda servant, row: at_nine(servant, row) and row.date == MONDAY and diary.premises(servant) == HQ, also=(1,))
    number = diary.numbers[HQ_LOBBY.badge_system, servant.id]
    expects = []
    for on in (MONDAY, TUESDAY):
        row = diary.rows[servant.id][on]
        walk = day_at_office(diary.gates(servant, row), servant.id, row)
        walk = walk.through(HQ_LOBBY.serial)
        diary.write(servant, on, walk)
        stranger = replace(_unknown(HQ_LOBBY, number, on, walk.crossings()), state=State.WITHDRAWN, seen_by=instant(on, time(18, 40)))
        assert row.start is not None
        absent = ExpectedFinding(
            "absent", on, servant.id, first=row.start, seconds=8 * 3600, state=State.WITHDRAWN, seen_by=instant(THURSDAY, time(7, 48))
        )
        expects += [stranger, absent]
    diary.assigned_later[HQ_LOBBY.badge_system, servant.id] = instant(THURSDAY, time(8, 36))
    diary.plant(Fault("badge_assigned_later", MONDAY, servant.id, HQ_LOBBY.serial, tuple(expects)))


def lost_exit_at_a_gate_without_direction(diary: Diary) -> None:
    """Without the exit to lunch every later read at the gate turns round: the passages do not tell which one is missing."""
    servant, row = diary.pick(lambda servant, row: is_office(servant, row) and diary.premises(servant) == CAMPUS)
    walk = day_at_office(diary.gates(servant, row), servant.id, row, lunch_outside=True)
    diary.write(servant, row.date, replace(walk, out=None).through(GATE_OLD.serial))
    why = "the gate tells no direction: of three reads any one may be the one whose other half is missing"
    diary.plant(Fault("lost_exit_at_a_gate_without_direction", row.date, servant.id, undetermined=why))


def plant_faults_of_devices(diary: Diary) -> None:
    """Plants all of them; those first that keep others from a date."""
    for plant in (
        numbers_lost_at_the_perimeter, late_where_numbers_are_lost, clock_ahead, clock_ahead_and_corrected,
        offline_for_two_days, offline_over_lunch, numbers_lost_inside, number_reused, sent_again, unreadable_records,
        guests, badge_assigned_later, lost_exit_at_a_gate_without_direction, lost_exit_at_a_gate_without_direction,
    ):  # fmt: skip
        plant(diary)
