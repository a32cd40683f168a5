"""Plans and orders in PostgreSQL, and the end of each date's window for the closing job."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.personal_data.declarations import WORKING_TIME
from chassis.personal_data.erasure import erased_among
from chassis.personal_data.holds import held_until
from chassis.personal_data.levels import FACTS_BEFORE, kept_since
from kernel.days import Month
from lawbook import Lawbook

from timetracking.device_findings.domain import AROUND as AROUND_A_SILENCE
from timetracking.plans.domain import MonthPlan, OrderTold, read_plan, written
from timetracking.plans.use_cases import AROUND
from timetracking.workdays.domain import Order, OrderKind, Plan, Windows
from timetracking.workdays.domain.parameters import law_of

# A border looks at plans of up to two dates on either side.
CONTEXT = timedelta(days=3)

_NEWER_MONTHS = """
INSERT INTO plan_months AS held (servant, month, revision, edition)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::text[])
ON CONFLICT (servant, month) DO UPDATE SET revision = excluded.revision, edition = excluded.edition
WHERE held.revision < excluded.revision
RETURNING servant, month, revision
"""
_CLEAR = """
DELETE FROM plan_days p USING unnest($1::text[], $2::date[], $3::date[]) AS month (servant, first, last)
WHERE p.servant = month.servant AND p.date BETWEEN month.first AND month.last
"""
_FORGET = """
DELETE FROM plan_months p USING unnest($1::text[], $2::date[]) AS gone (servant, month)
WHERE p.servant = gone.servant AND p.month = gone.month
"""
_DAYS = """
INSERT INTO plan_days (servant, date, body, unit, zone, content, premises, window_end)
SELECT servant, date, body, unit, zone, content,
       CASE WHEN premises = '' THEN '{}' ELSE string_to_array(premises, E'\\n') END, 'infinity'
FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS day (servant, date, body, unit, zone, content, premises)
"""
_NEAR = """
SELECT p.servant, p.date, p.zone, p.content
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN plan_days p ON p.servant = need.servant AND p.date BETWEEN need.since AND need.until
"""
_NEAR_ORDERS = """
SELECT o.servant, o.date, o.kind, o.starts, o.ends
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN orders o ON o.servant = need.servant AND o.date BETWEEN need.since AND need.until AND o.in_force
"""
_ENDS = """
UPDATE plan_days p SET window_end = day.window_end, settled = false
FROM unnest($1::text[], $2::date[], $3::timestamptz[]) AS day (servant, date, window_end)
WHERE p.servant = day.servant AND p.date = day.date AND p.window_end IS DISTINCT FROM day.window_end
"""
_OLD_ORDERS = "SELECT id, servant, date FROM orders WHERE id = ANY ($1::text[])"
_ORDERS = """
INSERT INTO orders AS held (id, servant, date, kind, starts, ends, breaks, in_force, revision)
SELECT id, servant, date, kind, starts, ends,
       CASE WHEN breaks = '' THEN '{}' ELSE string_to_array(breaks, ',')::bigint[] END, in_force, revision
FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[], $9::bigint[])
    AS o (id, servant, date, kind, starts, ends, breaks, in_force, revision)
ON CONFLICT (id) DO UPDATE SET servant = excluded.servant, date = excluded.date, kind = excluded.kind, starts = excluded.starts,
    ends = excluded.ends, breaks = excluded.breaks, in_force = excluded.in_force, revision = excluded.revision
WHERE held.revision < excluded.revision
RETURNING id
"""
# How many people come on the days of a week around says what silence of a device means.
_LOOKS = """
INSERT INTO due_looks (device, date, silence)
SELECT DISTINCT s.device, p.date, true
FROM unnest($1::text[], $2::date[], $3::date[]) AS month (servant, first, last)
JOIN plan_days p ON p.servant = month.servant AND p.date BETWEEN month.first AND month.last AND p.date <= $4
JOIN device_settings s ON s.role = 'perimeter' AND s.premises = ANY (p.premises)
"""
_SEEN = """
SELECT near.servant, near.date FROM unnest($1::text[], $2::date[]) AS near (servant, date)
WHERE EXISTS (SELECT FROM workdays w WHERE w.servant = near.servant AND w.date = near.date)
   OR EXISTS (SELECT FROM plan_days p WHERE p.servant = near.servant AND p.date = near.date AND p.window_end <= $3)
"""


class StoredPlans:
    """The projection of plans and orders; the servants' locks are held by the caller."""

    def __init__(self, transaction: Transaction, lawbook: Lawbook, clock: Clock) -> None:
        self._transaction = transaction
        self._law = law_of(lawbook)
        self._clock = clock

    async def take_months(self, months: Sequence[MonthPlan]) -> Sequence[MonthPlan]:
        """Stores the newer ones; of several states of one month in the group the newest. What is not kept any more is passed over."""
        driver = await self._transaction.driver()
        newest: dict[tuple[str, date], MonthPlan] = {}
        level, erased = await self._kept_since(), await erased_among(self._transaction, {month.servant for month in months})
        for month in months:
            if month.month.last < level or month.servant in erased:
                continue
            key = month.servant, month.month.first
            if key not in newest or newest[key].revision < month.revision:
                newest[key] = month
        each = [newest[key] for key in sorted(newest)]
        rows = await driver.fetch(
            _NEWER_MONTHS,
            [month.servant for month in each],
            [month.month.first for month in each],
            [month.revision for month in each],
            [month.edition for month in each],
        )
        written_now = {(row["servant"], row["month"]) for row in rows}
        taken = [month for month in each if (month.servant, month.month.first) in written_now]
        if not taken:
            return []
        spans = [month.servant for month in taken], [month.month.first for month in taken], [month.month.last for month in taken]
        soon = self._clock().date() + timedelta(days=AROUND_A_SILENCE + 1)
        await driver.execute(_LOOKS, *spans, soon)
        await driver.execute(_CLEAR, *spans)
        days = [(month.servant, day) for month in taken for day in month.days]
        await driver.execute(
            _DAYS,
            [servant for servant, _ in days],
            [day.plan.date for _, day in days],
            [day.body for _, day in days],
            [day.unit for _, day in days],
            [day.zone for _, day in days],
            [written(day) for _, day in days],
            ["\n".join(sorted({each for each in day.details.premises if each})) for _, day in days],
        )
        await driver.execute(_LOOKS, *spans, soon)
        await self._set_window_ends(driver, [(month.servant, month.month.first, month.month.last) for month in taken])
        return taken

    async def take_orders(self, orders: Sequence[OrderTold]) -> Sequence[tuple[str, date]]:
        """Stores the newer ones; a moved order concerns its old date too. What is not kept any more is passed over."""
        driver = await self._transaction.driver()
        newest: dict[str, OrderTold] = {}
        level, erased = await self._kept_since(), await erased_among(self._transaction, {order.servant for order in orders})
        for order in orders:
            if order.content.date < level or order.servant in erased:
                continue
            if order.order not in newest or newest[order.order].revision < order.revision:
                newest[order.order] = order
        each = [newest[key] for key in sorted(newest)]
        before = {row["id"]: (row["servant"], row["date"]) for row in await driver.fetch(_OLD_ORDERS, list(newest))}
        rows = await driver.fetch(
            _ORDERS,
            [order.order for order in each],
            [order.servant for order in each],
            [order.content.date for order in each],
            [order.content.kind.value for order in each],
            [order.content.start for order in each],
            [order.content.end for order in each],
            [",".join(str(at) for span in order.content.breaks for at in span) for order in each],
            [order.in_force for order in each],
            [order.revision for order in each],
        )
        taken = {row["id"] for row in rows}
        concerned = {(order.servant, order.content.date) for order in each if order.order in taken}
        concerned |= {before[order] for order in taken if order in before}
        await self._set_window_ends(driver, [(servant, day, day) for servant, day in sorted(concerned)])
        return sorted(concerned)

    async def forget(self, months: Collection[tuple[str, Month]]) -> None:
        """Forgets plans whose days are not kept any more, unless a legal hold is in force, or whose servants were erased."""
        driver = await self._transaction.driver()
        held = await held_until(self._transaction, self._clock()) is not None
        level, erased = await self._kept_since(), await erased_among(self._transaction, {servant for servant, _ in months})
        gone = [(servant, month) for servant, month in months if servant in erased or (month.last < level and not held)]
        columns = [servant for servant, _ in gone], [month.first for _, month in gone], [month.last for _, month in gone]
        await driver.execute(_CLEAR, *columns)
        await driver.execute(_FORGET, *columns[:2])

    async def _kept_since(self) -> date:
        """The first date of which facts are kept: earlier than the first day, which looks at those before it."""
        level = await kept_since(self._transaction, WORKING_TIME)
        return level - FACTS_BEFORE if level is not None else date.min

    async def seen(self, touched: Collection[tuple[str, date]]) -> Collection[tuple[str, date]]:
        """Dates that are kept already, or whose window is over; reads keep a day as soon as they come."""
        driver = await self._transaction.driver()
        ordered = sorted(touched)
        rows = await driver.fetch(_SEEN, [servant for servant, _ in ordered], [day for _, day in ordered], self._clock())
        return [(row["servant"], row["date"]) for row in rows]

    async def _set_window_ends(self, driver: Any, spans: Sequence[tuple[str, date, date]]) -> None:
        """Says anew when the windows around the spans end, and lets the closing job look at them again."""
        if not spans:
            return
        around = timedelta(days=AROUND)
        needs = [s for s, _, _ in spans], [a - around - CONTEXT for _, a, _ in spans], [b + around + CONTEXT for _, _, b in spans]
        plans: dict[str, dict[date, Plan]] = {}
        zones: dict[str, dict[date, str]] = {}
        orders: dict[str, list[Order]] = {}
        for row in await driver.fetch(_NEAR, *needs):
            plans.setdefault(row["servant"], {})[row["date"]] = read_plan(row["date"], row["content"])[0]
            zones.setdefault(row["servant"], {})[row["date"]] = row["zone"]
        for row in await driver.fetch(_NEAR_ORDERS, *needs):
            orders.setdefault(row["servant"], []).append(Order(row["date"], OrderKind(row["kind"]), row["starts"], row["ends"]))
        ends: dict[tuple[str, date], datetime] = {}
        for servant, first, last in spans:
            held = zones.get(servant, {})
            some = next(iter(held.values()), "UTC")
            windows = Windows(
                plans.get(servant, {}),
                orders.get(servant, []),
                lambda day, held=held, some=some: ZoneInfo(held.get(day, some)),  # type: ignore[misc]
                self._law,
            )
            for offset in range(-AROUND, (last - first).days + AROUND + 1):
                day = first + timedelta(days=offset)
                if day in held:
                    ends[servant, day] = datetime.fromtimestamp(windows.of(day)[1], UTC)
        await driver.execute(_ENDS, [servant for servant, _ in ends], [day for _, day in ends], list(ends.values()))
