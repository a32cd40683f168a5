"""What people do and forget: each fault with the finding that has to come of it, worked out from the fault itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from .diary import ONE_DAY, Diary, at_nine, is_office, moment
from .people import FIRST
from .plans import PUBLIC_HOLIDAY, PlanRow, instant, night
from .routine import Crossing, Walk, day_at_office, day_on_shift, entry, leaving
from .world import ExpectedFinding, Fault, Servant, Shift

Plant = Callable[[Diary], None]
_DAY_BEFORE_A_DAY_OFF = (date(2026, 12, 15), date(2026, 12, 18))


def _an_office_day(diary: Diary, *, lunch_outside: bool | None = None, at_nine_only: bool = True) -> tuple[Servant, PlanRow, Walk]:
    servant, row = diary.pick(at_nine if at_nine_only else is_office)
    return servant, row, day_at_office(diary.gates(servant, row), servant.id, row, lunch_outside)


def _found(kind: str, servant: Servant, on: date, first: datetime, seconds: timedelta, until: date | None = None) -> ExpectedFinding:
    return ExpectedFinding(kind, on, servant.id, until=until, first=first, seconds=int(seconds.total_seconds()))


def _span(row: PlanRow) -> tuple[datetime, datetime]:
    assert row.start is not None
    assert row.end is not None
    return row.start, row.end


def _rest(row: PlanRow) -> tuple[datetime, datetime]:
    assert row.rest is not None
    return row.rest


def _plant(diary: Diary, kind: str, servant: Servant, on: date, walk: Walk, *expects: ExpectedFinding, undetermined: str = "") -> None:
    diary.write(servant, on, walk)
    diary.plant(Fault(kind, on, servant.id, expects=expects, undetermined=undetermined))


def _shifted(crossing: Crossing | None, at: datetime) -> Crossing:
    assert crossing is not None
    return replace(crossing, at=at)


def late(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary)
    at = moment(diary.random, row.date, diary.random.choice((time(9, 16), time(9, 48), time(10))))
    start, _ = _span(row)
    _plant(
        diary, "late", servant, row.date, replace(walk, came=_shifted(walk.came, at)), _found("late", servant, row.date, start, at - start)
    )


def late_within_grace(diary: Diary) -> None:
    servant, row = diary.pick(lambda servant, row: at_nine(servant, row) and row.grace > 0)
    walk = day_at_office(diary.gates(servant, row), servant.id, row)
    at = _span(row)[0] + timedelta(seconds=diary.random.randint(30, row.grace - 10))
    _plant(diary, "late_within_grace", servant, row.date, replace(walk, came=_shifted(walk.came, at)))


def early_leave(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary, at_nine_only=False)
    _, end = _span(row)
    at = moment(diary.random, row.date, diary.random.choice((time(16, 20), time(16, 36), time(17, 16))))
    walk = replace(walk, left=_shifted(walk.left, at))
    _plant(diary, "early_leave", servant, row.date, walk, _found("early_leave", servant, row.date, at, end - at))


def left_during_day(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary)
    gates = diary.gates(servant, row)
    out, back = moment(diary.random, row.date, time(10)), moment(diary.random, row.date, time(11))
    away = (leaving(gates, servant.id, out), entry(gates, servant.id, back))
    walk = replace(walk, others=away)
    _plant(diary, "left_during_day", servant, row.date, walk, _found("left_during_day", servant, row.date, out, back - out))


def late_from_lunch(diary: Diary) -> None:
    """Away before the break and after it is one gap; the break itself is nobody's."""
    servant, row, walk = _an_office_day(diary, lunch_outside=True)
    back = moment(diary.random, row.date, time(15))
    rest_ended = _rest(row)[1]
    walk = replace(walk, back=_shifted(walk.back, back))
    _plant(diary, "late_from_lunch", servant, row.date, walk, _found("left_during_day", servant, row.date, rest_ended, back - rest_ended))


def absent(diary: Diary) -> None:
    servant, row, _ = _an_office_day(diary, at_nine_only=False)
    start, end = _span(row)
    rest = _rest(row)
    due = (end - start) - (rest[1] - rest[0])
    _plant(diary, "absent", servant, row.date, Walk(None), _found("absent", servant, row.date, start, due))


def missing_exit(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary, at_nine_only=False)
    _, end = _span(row)
    last = walk.back or walk.came
    assert last is not None
    expected = _found("missing_exit", servant, row.date, last.at, end - last.at)
    _plant(diary, "missing_exit", servant, row.date, replace(walk, left=None), expected)


def missing_exit_to_lunch(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary, lunch_outside=True)
    assert walk.came is not None
    assert walk.back is not None
    expected = _found("missing_exit", servant, row.date, walk.came.at, walk.back.at - walk.came.at)
    _plant(diary, "missing_exit_to_lunch", servant, row.date, replace(walk, out=None), expected)


def missing_entry(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary, at_nine_only=False)
    start, _ = _span(row)
    first = walk.out or walk.left
    assert first is not None
    expected = _found("missing_entry", servant, row.date, first.at, first.at - start)
    _plant(diary, "missing_entry", servant, row.date, replace(walk, came=None), expected)


def missing_entry_from_lunch(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary, lunch_outside=True)
    assert walk.out is not None
    assert walk.left is not None
    expected = _found("missing_entry", servant, row.date, walk.left.at, walk.left.at - walk.out.at)
    _plant(diary, "missing_entry_from_lunch", servant, row.date, replace(walk, back=None), expected)


def left_early_unread(diary: Diary) -> None:
    """Went home at four and badged nothing: the recorded passages show a missing exit, and nothing of the hour."""
    servant, row, walk = _an_office_day(diary)
    _, end = _span(row)
    last = walk.back or walk.came
    assert last is not None
    why = "that the servant went home early: the exit was not read, and presence is assumed to the end of the plan"
    expected = _found("missing_exit", servant, row.date, last.at, end - last.at)
    _plant(diary, "left_early_unread", servant, row.date, replace(walk, left=None), expected, undetermined=why)


def went_out_unread(diary: Diary) -> None:
    """Out and back through a door without a reader: two missing passages cancel."""
    servant, row, walk = _an_office_day(diary)
    why = "an exit and an entry that were both not read cancel: the passages show somebody who stayed inside"
    _plant(diary, "went_out_unread", servant, row.date, walk, undetermined=why)


def past_midnight(diary: Diary) -> None:
    servant, row = diary.pick(lambda servant, row: at_nine(servant, row) and row.date in _DAY_BEFORE_A_DAY_OFF, also=(1,))
    walk = day_at_office(diary.gates(servant, row), servant.id, row)
    left = _shifted(walk.left, moment(diary.random, row.date + ONE_DAY, time(0, 32)))
    diary.write(servant, row.date + ONE_DAY, Walk(None))
    _plant(diary, "past_midnight", servant, row.date, replace(walk, left=left))


def overnight_stay(diary: Diary) -> None:
    servant, row = diary.pick(lambda servant, row: at_nine(servant, row) and row.date in _DAY_BEFORE_A_DAY_OFF, also=(1,))
    walk = day_at_office(diary.gates(servant, row), servant.id, row, lunch_outside=True)
    entered = walk.back
    assert entered is not None
    border = instant(row.date + ONE_DAY, time(4))
    left = _shifted(walk.left, moment(diary.random, row.date + ONE_DAY, time(4, 48)))
    diary.write(servant, row.date + ONE_DAY, Walk(None))
    expected = _found("overnight_stay", servant, row.date, entered.at, border - entered.at)
    _plant(diary, "overnight_stay", servant, row.date, replace(walk, left=left), expected)


def overnight_before_work(diary: Diary) -> None:
    """Stays from Monday to Tuesday's dawn and is back at nine: worked time ended on Monday evening, so the rest was kept."""
    servant, row = diary.pick(lambda servant, row: at_nine(servant, row) and row.date == FIRST, also=(1,))
    gates = diary.gates(servant, row)
    walk = day_at_office(gates, servant.id, row, lunch_outside=True)
    entered = walk.back
    assert entered is not None
    tuesday = row.date + ONE_DAY
    left = _shifted(walk.left, moment(diary.random, tuesday, time(4, 48)))
    diary.write(servant, tuesday, day_at_office(gates, servant.id, diary.rows[servant.id][tuesday]))
    expected = _found("overnight_stay", servant, row.date, entered.at, instant(tuesday, time(4)) - entered.at)
    _plant(diary, "overnight_before_work", servant, row.date, replace(walk, left=left), expected)


def stayed_late(diary: Diary) -> None:
    """Presence beyond the plan without an order is a fact, not overtime."""
    servant, row, walk = _an_office_day(diary)
    _plant(diary, "stayed_late", servant, row.date, replace(walk, left=_shifted(walk.left, moment(diary.random, row.date, time(20, 56)))))


def came_on_the_holiday(diary: Diary) -> None:
    servant, row = diary.pick(lambda servant, row: row.kind == "public_holiday")
    gates = diary.gates(servant, row)
    came, left = (moment(diary.random, PUBLIC_HOLIDAY, each) for each in (time(10), time(15)))
    _plant(diary, "came_on_the_holiday", servant, row.date, Walk(entry(gates, servant.id, came), left=leaving(gates, servant.id, left)))


def double_read(diary: Diary) -> None:
    servant, row, walk = _an_office_day(diary, at_nine_only=False)
    assert walk.came is not None
    assert walk.left is not None
    once = diary.random.choice((walk.came, walk.left))
    again = replace(once, at=once.at + timedelta(seconds=diary.random.randint(2, 40)))
    _plant(diary, "double_read", servant, row.date, replace(walk, others=(again,)))


def came_after_the_core_began(diary: Diary) -> None:
    servant, row = diary.pick(lambda servant, row: row.kind == "flexible")
    walk = day_at_office(diary.gates(servant, row), servant.id, row)
    assert row.core is not None
    at = moment(diary.random, row.date, time(10, 32))
    expected = _found("late", servant, row.date, row.core[0], at - row.core[0])
    _plant(diary, "late_for_the_core", servant, row.date, replace(walk, came=_shifted(walk.came, at)), expected)


def left_before_the_core_ended(diary: Diary) -> None:
    servant, row = diary.pick(lambda servant, row: row.kind == "flexible")
    walk = day_at_office(diary.gates(servant, row), servant.id, row)
    assert row.core is not None
    at = moment(diary.random, row.date, time(15))
    expected = _found("early_leave", servant, row.date, at, row.core[1] - at)
    _plant(diary, "left_before_the_core_ended", servant, row.date, replace(walk, left=_shifted(walk.left, at)), expected)


def _a_night(diary: Diary) -> tuple[Servant, PlanRow, Walk]:
    servant, row = diary.pick(lambda servant, row: row.kind == "shift" and row.start == instant(row.date, time(20)))
    return servant, row, day_on_shift(diary.gates(servant, row), servant.id, row)


def late_for_the_night(diary: Diary) -> None:
    servant, row, walk = _a_night(diary)
    at = moment(diary.random, row.date, time(20, 56))
    start, _ = _span(row)
    _plant(
        diary,
        "late_for_the_night",
        servant,
        row.date,
        replace(walk, came=_shifted(walk.came, at)),
        _found("late", servant, row.date, start, at - start),
    )


def absent_from_the_night(diary: Diary) -> None:
    servant, row, _ = _a_night(diary)
    start, _ = _span(row)
    _plant(diary, "absent_from_the_night", servant, row.date, Walk(None), _found("absent", servant, row.date, start, timedelta(hours=11)))


def missing_exit_in_the_morning(diary: Diary) -> None:
    servant, row, walk = _a_night(diary)
    assert walk.came is not None
    _, end = _span(row)
    expected = _found("missing_exit", servant, row.date, walk.came.at, end - walk.came.at)
    _plant(diary, "missing_exit_in_the_morning", servant, row.date, replace(walk, left=None), expected)


def rest_too_short(diary: Diary) -> None:
    """A shift to half past eleven at night, and the office at nine the next morning."""
    monday = FIRST
    servant, _ = diary.pick(lambda servant, row: at_nine(servant, row) and row.date == monday, also=(1,))
    shift = Shift(monday, time(15), time(23, 30), time(19), time(20))
    row = diary.give_shift(servant, shift)
    gates = diary.gates(servant, row)
    came = entry(gates, servant.id, moment(diary.random, monday, time(15)))
    left = leaving(gates, servant.id, moment(diary.random, monday, time(23, 36)))
    tuesday = diary.rows[servant.id][monday + ONE_DAY]
    diary.write(servant, tuesday.date, day_at_office(gates, servant.id, tuesday))
    _, end = _span(row)
    begins, _ = _span(tuesday)
    expected = _found("rest_too_short", servant, monday, end, begins - end, until=tuesday.date)
    _plant(diary, "rest_too_short", servant, monday, Walk(came, left=left), expected)


def office_after_a_night(diary: Diary) -> None:
    """A night shift to eight in the morning, and the office at nine of the same morning."""
    on = PUBLIC_HOLIDAY
    servant, _ = diary.pick(
        lambda servant, row: row.date == on and row.kind == "public_holiday" and at_nine(servant, diary.rows[servant.id][on + ONE_DAY]),
        also=(1,),
    )
    row = diary.give_shift(servant, night(on))
    gates = diary.gates(servant, row)
    thursday = diary.rows[servant.id][on + ONE_DAY]
    diary.write(servant, thursday.date, day_at_office(gates, servant.id, thursday))
    _, end = _span(row)
    begins, _ = _span(thursday)
    expected = _found("rest_too_short", servant, on, end, begins - end, until=thursday.date)
    _plant(diary, "office_after_a_night", servant, on, day_on_shift(gates, servant.id, row), expected)


PLANTS: tuple[tuple[Plant, int], ...] = (
    # Those first that need two dates, or one certain date.
    (rest_too_short, 3), (office_after_a_night, 2), (overnight_before_work, 1), (overnight_stay, 3), (past_midnight, 2),
    (late, 6), (late_within_grace, 3), (early_leave, 5), (left_during_day, 4), (late_from_lunch, 3), (absent, 4),
    (missing_exit, 5), (missing_exit_to_lunch, 2), (missing_entry, 4), (missing_entry_from_lunch, 2),
    (left_early_unread, 1), (went_out_unread, 2), (stayed_late, 3), (came_on_the_holiday, 3), (double_read, 8),
    (came_after_the_core_began, 2), (left_before_the_core_ended, 2),
    (late_for_the_night, 1), (absent_from_the_night, 1), (missing_exit_in_the_morning, 1),
)  # fmt: skip


def plant_faults_of_people(diary: Diary) -> None:
    """Plants all of them, as often as the table says."""
    for plant, times in PLANTS:
        for _ in range(times):
            plant(diary)
