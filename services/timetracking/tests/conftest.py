"""A migrated database of timetracking with its use cases, and the words to fill it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from kernel.days import Month
from lawbook import load
from timetracking.passages.domain import Passage
from timetracking.passages.repository import Months
from timetracking.passages.use_cases import RecordPassages
from timetracking.plans.domain import MonthPlan, PlanDetails, PlannedDay
from timetracking.plans.use_cases import TakePlans
from timetracking.unit_of_work import begin
from timetracking.workdays.closing import CloseDays
from timetracking.workdays.domain import Direction, Place, Plan, PlanKind, PlannedInterval
from timetracking.workdays.use_cases import ComputeDays

ZONE = ZoneInfo("Asia/Almaty")


class Platform:
    """Timetracking without its edges: a database, use cases, a clock that stands where it is put."""

    def __init__(self, database: FreshDatabase) -> None:
        self.database = database
        self.now = datetime(2026, 12, 20, tzinfo=UTC)
        self.law = load()
        self.begin = begin(database.worker, self.law, self.clock, "Asia/Almaty")
        self.compute = ComputeDays(self.law, self.clock)
        self.months = Months(database.worker)
        self.record = RecordPassages(self.begin, self.compute, self.law, self.months)
        self.take_plans = TakePlans(self.begin, self.compute)
        self.close = CloseDays(self.begin, self.compute, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def sql(self, statement: str, *arguments: object) -> list[Any]:
        async with self.database.worker.transaction() as transaction:
            return list(await (await transaction.driver()).fetch(statement, *arguments))

    async def device(self, serial: str, role: str = "perimeter", direction: str = "as_sent", premises: str = "HQ", body: str = "KGD") -> None:
        await self.sql(
            "INSERT INTO devices VALUES ($1, $2, 'grpc', 'hq', 1) ON CONFLICT DO NOTHING", serial, body
        )
        await self.sql(
            "INSERT INTO device_settings (device, place, role, direction, premises) VALUES ($1, 0, $2, $3, $4)", serial, role, direction, premises
        )

    async def badge(self, number: str, servant: str, since: datetime | None = None) -> None:
        await self.sql(
            "INSERT INTO badges VALUES ($1, 'hq', $2, $3, tstzrange($4, NULL))", f"{number}-{servant}", number, servant, since
        )


def office(day: date, zone: ZoneInfo = ZONE) -> PlannedDay:
    """An office day 09:00–18:30 with its break, or a day off at the weekend."""

    def at(hour: int, minute: int) -> int:
        return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp())

    if day.weekday() > 4:
        plan, premises = Plan(day, PlanKind.DAY_OFF), ()
    else:
        interval = PlannedInterval(at(9, 0), at(18, 30), Place.OFFICE)
        plan, premises = Plan(day, PlanKind.OFFICE, (interval,), ((at(13, 0), at(14, 30)),)), ("HQ",)
    details = PlanDetails(premises, (), 28800, "ACCOUNTING_MODE_DAILY", None, None, "№ 1")
    return PlannedDay(plan, "KGD", "hr", "Asia/Almaty", details)


def month_of(servant: str, month: Month, revision: int = 1, plan: Any = office) -> MonthPlan:
    """A month of office days."""
    return MonthPlan(servant, month, tuple(plan(day) for day in month.dates()), revision, "test")


def passage(
    wall: str, direction: str = "in", number: str = "17", device: str = "gate", key: str | None = None, received: datetime | None = None
) -> Passage:
    """A passage by a badge of the system "hq", in Almaty's wall time with its offset."""
    wall_time = datetime.fromisoformat(wall)
    raw = f"{device} {key} {wall} {number} {direction}"
    return Passage(
        device=device,
        event_key=key or f"{number}|{wall}|{direction}",
        wall_time=wall_time,
        utc_offset=5 * 3600,
        badge_system="hq",
        badge_number=number,
        direction={"in": Direction.IN, "out": Direction.OUT, "none": Direction.NONE}[direction],
        verify_method=1,
        received_at=received or wall_time.replace(tzinfo=ZONE) + timedelta(seconds=2),
        live=True,
        previous_event_number=None,
        raw=raw,
        raw_digest=sha256(raw.encode()).digest(),
    )


def four(day: str, number: str = "17", device: str = "gate") -> Sequence[Passage]:
    """The reads of an ordinary day."""
    walls = (("08:55:00", "in"), ("13:02:00", "out"), ("14:25:00", "in"), ("18:33:00", "out"))
    return [passage(f"{day}T{wall}", direction, number, device) for wall, direction in walls]


class Words:
    """What a test of timetracking says with."""

    office = staticmethod(office)
    month_of = staticmethod(month_of)
    passage = staticmethod(passage)
    four = staticmethod(four)


@pytest.fixture
def say() -> type[Words]:
    return Words


@pytest_asyncio.fixture
async def platform(database: MakeDatabase) -> Platform:
    """A platform with one servant "S1", badge 17 and an office plan for November 2026."""
    platform = Platform(await database("timetracking"))
    await platform.device("gate")
    await platform.badge("17", "S1")
    await platform.take_plans([month_of("S1", Month(2026, 11))])
    return platform
