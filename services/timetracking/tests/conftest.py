"""A migrated database of timetracking with its use cases, and the words to fill it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.tokens import caller

from . import samples
from .platform import BODIES, PLANS, SERVANTS, Platform, level
from .samples import body, device, month_of, servant
from .serving import Timekeeping, fill, serving


class Words:
    """What a test of timetracking says with."""

    office = staticmethod(samples.office)
    month_of = staticmethod(samples.month_of)
    passage = staticmethod(samples.passage)
    four = staticmethod(samples.four)


@pytest.fixture
def words() -> type[Words]:
    return Words


@pytest_asyncio.fixture
async def platform(emptied: MakeDatabase) -> Platform:
    """A platform with one servant "S1", badge 17 and an office plan for November 2026."""
    platform = Platform(await emptied("timetracking"))
    await platform.device("gate")
    await platform.badge("17", "S1")
    await platform.take_plans([month_of("S1")])
    return platform


@pytest_asyncio.fixture
async def told(emptied: MakeDatabase) -> Platform:
    """A platform that the registry told of KGD (region 75), MF (region 10) and S1 of KGD; a gate stands there, no plan is known."""
    platform = Platform(await emptied("timetracking"))
    await platform.take_bodies([body(), body("MF", "10")])
    await platform.take_servants([servant()])
    await level(platform.database.worker, BODIES, SERVANTS, PLANS)
    await platform.enrol(caller("hr", ["/state-bodies/KGD/hr-officer"]), device())
    await platform.do_what_is_due()
    return platform


@pytest_asyncio.fixture
async def served(told: Platform) -> AsyncIterator[Timekeeping]:
    """Served timetracking that holds what `fill` records."""
    await fill(told)
    async with serving(told) as timekeeping:
        yield timekeeping
