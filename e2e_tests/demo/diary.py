"""The diary of the week while it is written: who goes where, what was planted, which days are spoken for."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from .equipment import HQ_YARD
from .memory import Troubles
from .people import FIRST, LAST, People
from .plans import PlanRow, assignment, instant, plan_rows, premises_of
from .routine import Crossing, Gates, Walk
from .world import Assignment, Fault, Pattern, Servant, SettingsChanged, Shift, ShiftSchedule

ONE_DAY = timedelta(days=1)
LAST_WORKING_DAY = FIRST + timedelta(days=4)
Choice = Callable[[Servant, PlanRow], bool]


@dataclass(frozen=True, slots=True)
class Session:
    """A remote session; without an end it was forgotten."""

    servant: str
    start: datetime
    end: datetime | None


@dataclass(slots=True)
class Diary:
    """What is known so far. A day that was written, or spoken for, is left alone by whoever comes later."""

    random: Random
    people: People
    regimes: list[Assignment]
    rows: dict[str, dict[date, PlanRow]]
    written: dict[tuple[str, date], Walk] = field(default_factory=dict)
    spoken_for: set[tuple[str, date]] = field(default_factory=set)
    sessions: list[Session] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    numbers: dict[tuple[str, str], str] = field(default_factory=dict)
    """Of everybody with a badge, strangers too: {(system, holder): number}."""
    assigned_later: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Badges that the HR service records while the week is going on: {(system, holder): when}."""
    actions: list[SettingsChanged] = field(default_factory=list)
    doubtful: set[tuple[str, date]] = field(default_factory=set)
    """(servant, date) of days that count reads of a clock that stays wrong."""
    troubles: dict[str, Troubles] = field(default_factory=lambda: defaultdict(Troubles))
    strangers: list[Crossing] = field(default_factory=list)
    blocked: set[tuple[str, date]] = field(default_factory=set)
    """Premises and dates on which findings from the absence of reads are held back."""

    @property
    def servants(self) -> tuple[Servant, ...]:
        """All servants."""
        return self.people.servants

    def premises(self, servant: Servant) -> str:
        """Where the servant works."""
        return premises_of(servant.unit, self.people.units)

    def gates(self, servant: Servant, row: PlanRow, directed: bool = True) -> Gates:
        """The gates that the servant goes through on a date; days with something planned keep to those that tell the direction.

        On the last working day the yard is left to those whom its clock deceives, also by who goes home from a shift then.
        """
        deceived = row.date == LAST_WORKING_DAY or (row.kind == "shift" and row.date == LAST_WORKING_DAY - ONE_DAY)
        return Gates(self.random, self.premises(servant), directed, frozenset({HQ_YARD.serial} if deceived else ()))

    def trouble(self, device: str, **more: tuple[Any, ...]) -> None:
        """Adds to the troubles of a device."""
        had = self.troubles[device]
        self.troubles[device] = replace(had, **{name: (*getattr(had, name), *added) for name, added in more.items()})

    def pick(self, choice: Choice, *, also: Iterable[int] = ()) -> tuple[Servant, PlanRow]:
        """Chooses a servant and a date that nobody has spoken for, and speaks for it; `also` for dates so many days off."""
        beside = (0, *also)
        free = [
            (servant, row)
            for servant in self.servants
            for row in self.rows[servant.id].values()
            if FIRST <= row.date <= LAST
            and (self.premises(servant), row.date) not in self.blocked
            and all((servant.id, row.date + ONE_DAY * days) not in self.spoken_for for days in beside)
            and choice(servant, row)
        ]
        servant, row = self.random.choice(free)
        self.spoken_for.update((servant.id, row.date + ONE_DAY * days) for days in beside)
        return servant, row

    def write(self, servant: Servant, on: date, walk: Walk) -> None:
        """Writes down how the servant lives a date."""
        assert (servant.id, on) not in self.written, f"{servant.id} lives {on} twice"
        self.written[servant.id, on] = walk
        self.spoken_for.add((servant.id, on))

    def plant(self, fault: Fault) -> None:
        """Notes a fault."""
        self.faults.append(fault)

    def give_shift(self, servant: Servant, shift: Shift) -> PlanRow:
        """Gives the servant one shift by an act of its own; returns the plan of the date as it is now."""
        self.regimes.append(assignment(servant.id, shift.date, shift.date, ShiftSchedule((shift,))))
        own = [each for each in self.regimes if each.servant == servant.id]
        self.rows |= plan_rows([servant], self.people.units, own)
        return self.rows[servant.id][shift.date]


def is_office(servant: Servant, row: PlanRow) -> bool:
    """Whether it is an office day of somebody in the office."""
    return row.kind == "office"


def at_nine(servant: Servant, row: PlanRow) -> bool:
    """Whether it is an office day from nine to half past six."""
    return row.kind == "office" and row.start == instant(row.date, time(9))


def is_remote(servant: Servant, row: PlanRow) -> bool:
    """Whether it is a day of remote work."""
    return servant.pattern is Pattern.REMOTE and row.place == "remote" and row.start is not None


def moment(random: Random, on: date, beat: time) -> datetime:
    """Returns an instant that comes in time for a beat."""
    return instant(on, beat) - timedelta(seconds=random.randint(1, 238))
