"""Taking over plans and orders: the days they concern are derived anew, both versions kept."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from kernel.days import Month

from timetracking.plans.domain import MonthPlan, OrderTold
from timetracking.workdays.domain import neighbours

# A plan or an order may move borders of the days around it.
AROUND = 3

Begin = Callable[[], AbstractAsyncContextManager[Any]]
Compute = Callable[..., Any]


class Plans(Protocol):
    """The projection of plans and orders, as a transaction sees it."""

    async def take_months(self, months: Sequence[MonthPlan]) -> Sequence[MonthPlan]:
        """Stores the newer ones in place of older states and returns them; window ends around them are set anew."""

    async def take_orders(self, orders: Sequence[OrderTold]) -> Sequence[tuple[str, date]]:
        """Stores the newer ones; returns the servants and dates that they concern now or did before."""

    async def forget(self, months: Collection[tuple[str, Month]]) -> None:
        """Forgets the plans of these servants and months, as far as nothing is kept that follows from them, or the servants were erased."""

    async def seen(self, touched: Collection[tuple[str, date]]) -> Collection[tuple[str, date]]:
        """Those of the dates that a look would say something about: kept already, read on, or over."""


@dataclass(frozen=True, slots=True)
class TakePlans:
    """Takes over the plans of months; any order and any repetition end the same."""

    begin: Begin
    compute: Compute

    async def __call__(self, months: Sequence[MonthPlan]) -> None:
        """An older state than the one that is there changes nothing."""
        async with self.begin() as work:
            # Whoever finds a device in doubt meanwhile would not see these plans, nor we the doubt.
            await work.hold_plans()
            await work.lock_servants({month.servant for month in months})
            taken = await work.plans.take_months(months)
            around = {(month.servant, near) for month in taken for day in month.month.dates() for near in neighbours(day, AROUND)}
            await _compute_seen(work, self.compute, around)


@dataclass(frozen=True, slots=True)
class ForgetPlans:
    """Forgets plans whose term has ended, or whose servant was erased, where they were made; a repetition changes nothing.

    What days that are kept follow from stays until it is old here too: then the retention of this service takes it.
    """

    begin: Begin

    async def __call__(self, months: Sequence[tuple[str, Month]]) -> None:
        """No day is computed anew by that."""
        async with self.begin() as work:
            await work.lock_servants({servant for servant, _ in months})
            await work.plans.forget(months)


@dataclass(frozen=True, slots=True)
class TakeOrders:
    """Takes over orders; any order and any repetition end the same."""

    begin: Begin
    compute: Compute

    async def __call__(self, orders: Sequence[OrderTold]) -> None:
        """An older state than the one that is there changes nothing."""
        async with self.begin() as work:
            await work.lock_servants({order.servant for order in orders})
            taken = await work.plans.take_orders(orders)
            await _compute_seen(work, self.compute, {(servant, near) for servant, day in taken for near in neighbours(day, AROUND)})


async def _compute_seen(work: Any, compute: Compute, around: Collection[tuple[str, date]]) -> None:
    dates: dict[str, set[date]] = {}
    for servant, day in await work.plans.seen(around):
        dates.setdefault(servant, set()).add(day)
    if dates:
        await compute(work, dates=dates)
