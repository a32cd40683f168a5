"""What operators do once: days and findings are told again as they stand, projections are built anew from their topics."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from chassis.commands import NothingDone
from chassis.publisher import Publisher
from chassis.testing.broker import Broker
from chassis.topics import parked
from pydantic import SecretStr
from timetracking import commands
from timetracking.people.consumer import BODIES
from timetracking.settings import TimetrackingSettings
from timetracking.workdays.events import TOPIC as WORKDAYS

from .platform import NOW, Platform
from .samples import MONDAY, TUESDAY, four, order, passage
from .told import body_told, order_told, plan_told, servant_told

FINDINGS = "timetracking.findings.v1"
WEDNESDAY_LATE = (passage("2026-11-25T10:00:00"), passage("2026-11-25T18:33:00", "out"))


@pytest.fixture
async def kept(platform: Platform) -> Platform:
    """S1's November is kept: a Tuesday with overtime, a late Wednesday, absent on the others; its events are in Kafka."""
    await platform.take_orders([order(f"{TUESDAY}T18:30", f"{TUESDAY}T20:30")])
    await platform.record([*four(TUESDAY), *WEDNESDAY_LATE])
    while await platform.close():
        pass
    await platform.sql("DELETE FROM outbox")
    return platform


def settings(platform: Platform, kafka: str = "") -> TimetrackingSettings:
    urls = platform.database.urls
    return TimetrackingSettings(
        database_url=urls.worker,
        migrator_database_url=urls.migrator,
        kafka=kafka,
        issuer="",
        listen="",
        admin_listen="",
        page_key=SecretStr(""),
    )


async def revisions(platform: Platform) -> dict[date, int]:
    return {day: kept.revision for day, kept in (await platform.days()).items()}


async def test_every_day_is_told_again_as_it_stands(kept: Platform) -> None:
    assert await commands.republish(settings(kept), WORKDAYS, None) == 30
    told = await kept.told(WORKDAYS)
    assert {date(each.date.year, each.date.month, each.date.day): each.revision for each in told} == await revisions(kept)
    (tuesday,) = (each for each in told if each.date.day == TUESDAY.day)
    assert (tuesday.servant, tuesday.body, tuesday.seconds.overtime, tuesday.occurred_at.ToJsonString()) == (
        "S1",
        "KGD",
        180,
        "2026-12-20T00:00:00Z",
    )


async def test_every_finding_is_told_again_as_it_stands(kept: Platform) -> None:
    found = await kept.findings()
    assert await commands.republish(settings(kept), FINDINGS, None) == len(found) > 0
    told = await kept.told(FINDINGS)
    assert {(each.finding, each.seconds, each.revision) for each in told} == {
        (str(each.claim.id), each.claim.seconds, each.revision) for each in found
    }
    assert {each.occurred_at.ToJsonString() for each in told} == {"2026-12-20T00:00:00Z"}


@pytest.mark.parametrize(("topic", "changed"), [(WORKDAYS, 1), (FINDINGS, 1)])
async def test_only_what_became_so_since_an_instant_is_told_again(kept: Platform, topic: str, changed: int) -> None:
    kept.now = NOW + timedelta(hours=1)
    await kept.record([passage("2026-11-23T08:50:00"), passage("2026-11-23T18:40:00", "out")])  # Monday's absence is withdrawn
    await kept.sql("DELETE FROM outbox")
    assert await commands.republish(settings(kept), topic, kept.now) == changed
    assert await commands.republish(settings(kept), topic, kept.now + timedelta(seconds=1)) == 0
    (told,) = await kept.told(topic)
    assert told.date.day == MONDAY.day


@pytest.mark.parametrize("topic", [WORKDAYS, FINDINGS])
async def test_much_is_told_again_a_page_at_a_time(kept: Platform, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await commands.republish(settings(kept), topic, None)
    await kept.sql("DELETE FROM outbox")
    monkeypatch.setattr("timetracking.workdays.republishing.DAYS_A_CHUNK", 7)
    monkeypatch.setattr("timetracking.findings.use_cases.FINDINGS_A_CHUNK", 7)
    assert await commands.republish(settings(kept), topic, None) == whole == len(await kept.told(topic))
    (transactions,) = await kept.sql("SELECT count(DISTINCT xid) FROM outbox")
    assert transactions["count"] == -(-whole // 7)


async def published(broker: Broker, topics: Sequence[tuple[str, Any]]) -> None:
    broker.create([BODIES, parked(BODIES), "registry.servants.v1", "regimes.plans.v1", "regimes.orders.v1"])
    publisher = Publisher(broker.brokers)
    for topic, message in topics:
        await publisher.send(topic, message.event_id.encode(), message.SerializeToString(), {})
    await publisher.close()


async def rows(platform: Platform, table: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in await platform.sql(f"SELECT * FROM {table}"))


async def test_plans_are_built_anew_and_no_day_changes_on_the_way(kept: Platform, quiet_broker: Broker) -> None:
    plans = [("regimes.plans.v1", plan_told(servant)) for servant in ("S1", "S2")]
    await published(quiet_broker, [*plans, ("regimes.orders.v1", order_told("S1", TUESDAY))])
    planned = "(SELECT servant, date, premises, window_end FROM plan_days WHERE servant = 'S1') AS planned"
    before, days, written = await rows(kept, planned), await revisions(kept), await kept.written()
    await kept.sql("DELETE FROM plan_days WHERE date = $1", TUESDAY)
    with pytest.raises(NothingDone, match=f"{BODIES} is not applied to its end"):
        await commands.rebuild(settings(kept, quiet_broker.bootstrap), "plans")
    every_partition = "SELECT $1, number, 0, 0 FROM generate_series(0, 3) AS number"
    await kept.sql(f"INSERT INTO projection_positions {every_partition} ON CONFLICT DO NOTHING", BODIES)
    assert await commands.rebuild(settings(kept, quiet_broker.bootstrap), "plans") == 3
    assert await rows(kept, planned) == before
    assert (await revisions(kept), await kept.written()) == (days, written)
    while await kept.close():
        pass
    assert await revisions(kept) == days
    assert len(await kept.days("S2")) == 30


async def test_people_are_built_anew(platform: Platform, quiet_broker: Broker) -> None:
    await published(quiet_broker, [(BODIES, body_told()), ("registry.servants.v1", servant_told("S1"))])
    await platform.sql("INSERT INTO servants VALUES ('nobody', 1)")
    assert await commands.rebuild(settings(platform, quiet_broker.bootstrap), "people") == 2
    assert await rows(platform, "servants") == [("S1", 1)]
    assert await rows(platform, "body_states") == [("KGD", "75", "Asia/Almaty", 1)]
    assert [row[:2] for row in await rows(platform, "appointments")] == [("S1", "S1-1")]


async def test_people_are_not_built_anew_without_a_state_that_may_tell_of_a_hold(platform: Platform, quiet_broker: Broker) -> None:
    somewhere = body_told()
    somewhere.zone = "Nowhere"
    await published(quiet_broker, [(BODIES, body_told()), (BODIES, somewhere)])
    await platform.sql("INSERT INTO legal_holds VALUES ('KGD', 'h1', '2026-11-01', '2026-12-31', false)")
    with pytest.raises(NothingDone, match=f"{BODIES}/[0-9]/1/0"):
        await commands.rebuild(settings(platform, quiet_broker.bootstrap), "people")
    assert [row[:2] for row in await rows(platform, "legal_holds")] == [("KGD", "h1")]
