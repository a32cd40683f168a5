"""Plans are told again as they stand, by servant and month, all or since an instant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chassis.eras import era_and_revision
from chassis.publisher import Publisher
from chassis.settings import Settings
from chassis.testing.broker import Broker
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from kernel.days import Month
from lawbook import load
from pydantic import SecretStr
from regimes.__main__ import restoration
from regimes.plans.domain import PublishedPlan, compose_month
from regimes.projections import BODIES, SERVANTS
from regimes.republish import republish
from regimes.unit_of_work import PLANS, units_of_work
from tartip.regimes.v1 import events_pb2

from .samples import grounds

LAW = load()
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)


@pytest.fixture
async def told(emptied: MakeDatabase) -> FreshDatabase:
    """Plans of three servants: b's became so yesterday, C's and a's now."""
    fresh = await emptied("regimes")
    plan = compose_month(grounds(), NOVEMBER, LAW)
    old = PublishedPlan(replace(plan, servant="b"), 1, "b", NOW - timedelta(days=1), "e")
    now = [
        PublishedPlan(replace(plan, servant=id, month=month), 3, f"{id} {month}", NOW, "e")
        for id in ("a", "C")
        for month in (DECEMBER, NOVEMBER)
    ]
    async with units_of_work(fresh.worker, lambda: NOW, LAW)(None) as work:
        await work.published.save([old, *now])
    return fresh


async def published(fresh: FreshDatabase) -> list[tuple[str, events_pb2.MonthPlanChanged]]:
    rows = await fresh.rows("SELECT key, payload FROM outbox ORDER BY xid, id")
    return [(row["key"], events_pb2.MonthPlanChanged.FromString(row["payload"])) for row in rows]


async def test_every_plan_is_told_again_as_it_stands(told: FreshDatabase) -> None:
    assert await republish(told.worker) == 5
    again = await published(told)
    assert [key for key, _ in again] == ["C/2026-11", "C/2026-12", "a/2026-11", "a/2026-12", "b/2026-11"]
    assert [event.revision for _, event in again] == [3, 3, 3, 3, 1]
    assert again[0][1].event_id == "C 2026-11"


async def test_only_plans_that_became_so_since_an_instant_are_told_again(told: FreshDatabase) -> None:
    assert await republish(told.worker, NOW) == 4
    assert await republish(told.worker, NOW + timedelta(seconds=1)) == 0
    assert "b/2026-11" not in [key for key, _ in await published(told)]


async def test_many_plans_are_told_again_a_page_at_a_time(told: FreshDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.republish.KEYS_AT_ONCE", 2)
    assert await republish(told.worker) == 5
    assert len({row["xid"] for row in await told.rows("SELECT xid::text FROM outbox")}) == 3


async def test_plans_that_others_know_better_are_told_anew_after_a_restoration(told: FreshDatabase, quiet_broker: Broker) -> None:
    """The plan of a servant who was erased is not stored, and not told."""
    quiet_broker.create([PLANS, BODIES, SERVANTS])
    publisher = Publisher(quiet_broker.brokers)
    for key, revision in (("a/2026-11", 9), ("C/2026-11", 3), ("gone/2026-11", 1)):
        await publisher.send(PLANS, key.encode(), events_pb2.MonthPlanChanged(revision=revision).SerializeToString(), {})
    await publisher.close()
    unused: dict[str, Any] = {"issuer": "", "listen": "", "admin_listen": "", "page_key": SecretStr("")}
    settings = Settings(database_url=told.urls.worker, migrator_database_url=told.urls.migrator, kafka=quiet_broker.bootstrap, **unused)
    done = await restoration(settings)()
    ((key, plan),) = await published(told)
    assert (key, era_and_revision(plan.revision)) == ("a/2026-11", (done.era, 3))
    assert [sorted(each.unknown) for each in done.ahead] == [["gone/2026-11"]]
