"""Plans and assignments older than their term go, with what the topic holds of them; whoever was erased goes at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

from chassis.access import Caller
from chassis.personal_data.declarations import WORKING_TIME, of_people
from chassis.personal_data.retention import Retention
from chassis.testing.waiting import until
from kernel.days import DaySpan, months_after
from kernel.holds import Hold
from regimes.people.use_cases import EraseServants, TakeBodies, TakeServants
from regimes.personal_data import DATA_CLASSES
from regimes.plans.use_cases import ComposeDuePlans
from regimes.unit_of_work import UnitOfWork, units_of_work
from tartip.personal.v1 import personal_data_service_pb2 as pd

from .samples import appointment, body, servant
from .serving import HR, LAW, NOW, REMOTE, Regimes, new_assignment, new_rules

TERM = LAW.require(WORKING_TIME, NOW.date()).value
# The last day of December is a week older than the first day that is kept.
LONG_AGO = months_after(date(2027, 1, 9), 12 * TERM)
LATER = datetime(LONG_AGO.year, LONG_AGO.month, LONG_AGO.day, 12, tzinfo=UTC)


async def everything(job: Retention) -> int:
    pieces = 0
    while await job():
        pieces += 1
    return pieces


async def all_known() -> bool:
    return True


def retention(regimes: Regimes, now: datetime = LATER) -> Retention:
    return Retention(regimes.database.worker, DATA_CLASSES, LAW, lambda: now, all_known, settled_after_s=0, now=lambda: 1.0)


async def planned(regimes: Regimes) -> list[str]:
    """The keys of the plans that are kept."""
    rows = await regimes.database.rows("SELECT servant || '/' || to_char(month, 'YYYY-MM') AS key FROM month_plans ORDER BY 1")
    return [row["key"] for row in rows]


async def tombstones(regimes: Regimes) -> list[tuple[str, str]]:
    rows = await regimes.database.rows("SELECT topic, key FROM outbox WHERE payload IS NULL ORDER BY xid, id")
    return [(row["topic"], row["key"]) for row in rows]


async def fill(regimes: Regimes) -> None:
    officer = await regimes.portal(HR)
    await officer.rules.CreateLabourOrderRules(new_rules())
    await officer.assignments.CreateAssignment(new_assignment(date(2026, 11, 24), date(2026, 11, 27), "a1", remote=REMOTE))
    await regimes.composed()


async def test_old_plans_are_taken_back_from_the_topic_and_newer_ones_stay(regimes: Regimes) -> None:
    await fill(regimes)
    before = await planned(regimes)
    old = [key for key in before if key < "serikova/2027"]
    assert len(old) > 0
    await everything(retention(regimes))
    assert await planned(regimes) == [key for key in before if key not in old]
    assert await tombstones(regimes) == [("regimes.plans.v1", key) for key in old]
    assert not await regimes.database.rows("SELECT FROM assignments")
    assert await everything(retention(regimes)) == 0
    assert await regimes.composed(), "what is due afterwards is composed"
    assert await planned(regimes) == [key for key in before if key not in old]


async def test_the_month_before_stays_as_long_as_days_follow_from_its_end(regimes: Regimes) -> None:
    """The level stands on the first of December: a duty of the night before ends on the first day that is kept."""
    await fill(regimes)
    before = await planned(regimes)
    assert "serikova/2026-11" in before
    first = months_after(date(2026, 12, 2), 12 * TERM)
    await everything(retention(regimes, datetime(first.year, first.month, first.day, 12, tzinfo=UTC)))
    assert await planned(regimes) == before
    assert await regimes.database.rows("SELECT FROM assignments")
    later = first + timedelta(days=7)
    await everything(retention(regimes, datetime(later.year, later.month, later.day, 12, tzinfo=UTC)))
    assert await planned(regimes) == [key for key in before if key != "serikova/2026-11"]


async def test_a_plan_that_is_composed_meanwhile_is_taken_back_too(regimes: Regimes) -> None:
    await fill(regimes)
    keys, standing, go_on = await planned(regimes), asyncio.Event(), asyncio.Event()
    work = units_of_work(regimes.database.worker, lambda: NOW, LAW)
    await TakeServants(work)([servant("serikova", appointment(date(2026, 11, 1), date(2027, 1, 31)), revision=9)])

    @asynccontextmanager
    async def standing_still(caller: Caller | None) -> AsyncIterator[UnitOfWork]:
        async with work(caller) as unit:
            yield unit
            standing.set()
            await go_on.wait()

    async def waits() -> bool:
        query = "SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        return erasing.done() or bool(await regimes.database.rows(query))

    composing = asyncio.ensure_future(ComposeDuePlans(standing_still, LAW, lambda: NOW)())
    await standing.wait()
    erasing = asyncio.ensure_future(EraseServants(work)(["serikova"]))
    await until(waits)
    go_on.set()
    await asyncio.gather(composing, erasing)
    assert await planned(regimes) == []
    last = await regimes.database.rows(
        "SELECT DISTINCT ON (key) key, payload IS NULL AS gone FROM outbox WHERE topic = 'regimes.plans.v1' ORDER BY key, xid DESC, id DESC"
    )
    assert {row["key"] for row in last} > set(keys), "one was composed meanwhile"
    assert all(row["gone"] for row in last)


async def test_while_a_body_is_inspected_nothing_goes(regimes: Regimes) -> None:
    await fill(regimes)
    before = await planned(regimes)
    work = units_of_work(regimes.database.worker, lambda: NOW, LAW)
    span = DaySpan(LATER.date(), LATER.date())
    held = body("MF", "10")
    await TakeBodies(work)([type(held)(held.body, held.region, held.zone, held.units, 9, holds=(Hold("h", span),))])
    assert await everything(retention(regimes)) == 0
    assert await planned(regimes) == before
    assert await everything(retention(regimes, datetime(LATER.year, LATER.month, LATER.day + 3, 12, tzinfo=UTC))) > 0


async def test_whoever_was_erased_is_erased_with_the_plans_and_does_not_come_back(regimes: Regimes) -> None:
    await fill(regimes)
    keys = await planned(regimes)
    work = units_of_work(regimes.database.worker, lambda: NOW, LAW)
    for _ in range(2):
        await EraseServants(work)(["serikova"])
        await TakeServants(work)([servant("serikova", appointment(date(2026, 11, 1)))])
    for each in of_people(DATA_CLASSES):
        async with regimes.database.worker.transaction() as transaction:
            found = await (await transaction.driver()).fetchval(f"SELECT count(*) FROM {each.table} WHERE {each.person}", "serikova")
        assert found == 0, each.table
    assert await tombstones(regimes) == [("regimes.plans.v1", key) for key in keys]
    records = await regimes.database.rows("SELECT resource FROM audit_records WHERE action = 'servant.erase'")
    assert [row["resource"] for row in records] == ["servants/serikova"], "what erases nothing is not written down"


async def test_a_servant_is_given_the_own_plans_and_assignments_and_no_others(regimes: Regimes) -> None:
    await fill(regimes)
    work = units_of_work(regimes.database.worker, lambda: NOW, LAW)
    await TakeServants(work)([servant("other", appointment(date(2026, 11, 1), body="MF"))])
    await regimes.composed()
    rows = {}
    for who in ("serikova", "other"):
        stream = (await regimes.portal((), who)).personal.ExportOwnData(pd.ExportOwnDataRequest())
        rows[who] = [each async for each in stream]
    assert {each.table for each in rows["serikova"]} == {"month_plans", "assignments", "appointments", "servants"}
    assert {each.row["servant"] for who in rows for each in rows[who] if who == "serikova" and "servant" in each.row} == {"serikova"}
    assert "serikova" not in str(rows["other"])
