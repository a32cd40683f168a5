"""The registry's database came back from a backup: what others know better is told anew, who was erased stays so, holds are not lost."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from chassis.commands import NothingDone
from chassis.database import MOST_LOCKS, Database
from chassis.eras import era_and_revision
from chassis.publisher import Publisher
from chassis.restoration.commands import listed
from chassis.restoration.restoring import Restoration, Restored
from chassis.supervision import closing
from chassis.testing.broker import Broker
from chassis.testing.fixtures import MakeDatabase
from registry.restoration import own_topics
from tartip.registry.v1 import events_pb2

from .serving import HR, NOW, Registry, day, new_hold, new_unit, serving

BODIES, SERVANTS = "registry.bodies.v1", "registry.servants.v1"
INSPECTOR = ("/regions/75/inspector",)


@pytest.fixture
async def back(database: MakeDatabase, quiet_broker: Broker) -> AsyncIterator[Registry]:
    """A registry of which everything was published, and that knows nothing of what was published since."""
    quiet_broker.create([BODIES, SERVANTS])
    async with serving(await database("registry")) as registry:
        await registry.fill()
        await relayed(registry, quiet_broker)
        yield registry


async def relayed(registry: Registry, broker: Broker) -> None:
    publisher = Publisher(broker.brokers)
    for row in await registry.database.rows("SELECT topic, key, payload FROM outbox ORDER BY xid, id"):
        await publisher.send(row["topic"], row["key"].encode(), row["payload"], {})
    async with registry.database.worker.transaction() as transaction:
        await (await transaction.driver()).execute("DELETE FROM outbox")
    await publisher.close()


async def told(broker: Broker, topic: str, key: str, state: Any) -> None:
    publisher = Publisher(broker.brokers)
    await publisher.send(topic, key.encode(), state.SerializeToString() if state is not None else None, {})
    await publisher.close()


async def restored(registry: Registry, broker: Broker) -> Restored:
    return await restoration(registry, broker)()


def restoration(registry: Registry, broker: Broker) -> Restoration:
    return Restoration("registry", registry.database.urls.migrator, broker.brokers, own_topics(lambda: NOW))


async def published(registry: Registry) -> list[tuple[str, str, Any]]:
    kinds: dict[str, Any] = {BODIES: events_pb2.StateBodyChanged, SERVANTS: events_pb2.ServantChanged}
    rows = await registry.database.rows("SELECT topic, key, payload FROM outbox ORDER BY xid, id")
    return [(row["topic"], row["key"], row["payload"] and kinds[row["topic"]].FromString(row["payload"])) for row in rows]


async def stored(registry: Registry) -> int:
    (row,) = await registry.database.rows("SELECT revision FROM state_bodies WHERE id = 'KGD'")
    return int(row["revision"])


async def test_where_nothing_was_published_since_only_an_era_begins(back: Registry, quiet_broker: Broker) -> None:
    done = await restored(back, quiet_broker)
    assert not any(done.ahead)
    assert (done.told, await published(back)) == (0, [])
    assert ("restoration.begin", f"eras/{done.era} after 0 sealed") in await back.records()


async def test_a_state_that_others_know_better_is_told_anew_above_all_before(back: Registry, quiet_broker: Broker) -> None:
    revision = await stored(back)
    await told(quiet_broker, BODIES, "KGD", events_pb2.StateBodyChanged(body="KGD", revision=revision + 3))
    await told(quiet_broker, BODIES, "LOST", events_pb2.StateBodyChanged(body="LOST", revision=4))
    look = await restoration(back, quiet_broker).look()
    assert "LOST" not in listed(look, names=False)
    assert listed(look, names=True).splitlines() == [
        f"{BODIES}: 1 were published in newer states, 1 are not stored, 0 were erased",
        "  newer    KGD",
        "  unknown  LOST",
        f"{SERVANTS}: 0 were published in newer states, 0 are not stored, 0 were erased",
    ]
    assert await published(back) == []
    done = await restored(back, quiet_broker)
    ((topic, key, state),) = await published(back)
    assert (topic, key, state.zone, era_and_revision(state.revision)) == (BODIES, "KGD", "Asia/Almaty", (done.era, revision))
    assert state.revision > revision + 3


async def test_what_changes_in_the_new_era_is_newer_than_all_that_was_published(back: Registry, quiet_broker: Broker) -> None:
    await told(quiet_broker, BODIES, "KGD", events_pb2.StateBodyChanged(body="KGD", revision=1_000))
    done = await restored(back, quiet_broker)
    async with serving(await reopened(back)) as again:
        await (await again.portal(HR)).bodies.CreateUnit(new_unit("later"))
    newest = [state.revision for _, key, state in await published(back) if key == "KGD"]
    assert era_and_revision(newest[-1])[0] == done.era
    assert newest == sorted(newest)
    assert newest[0] > 1_000


async def reopened(registry: Registry) -> Any:
    """The database as a process enters it that is started after the restoration."""
    fresh = registry.database
    return type(fresh)(fresh.name, fresh.urls, Database(fresh.urls.app, role="app"), Database(fresh.urls.worker, role="worker"))


async def test_who_was_erased_since_is_erased_again_though_appointed_here(back: Registry, quiet_broker: Broker) -> None:
    await told(quiet_broker, SERVANTS, "serikova", None)
    await restored(back, quiet_broker)
    assert await back.database.rows("SELECT FROM servants") == []
    assert (SERVANTS, "serikova", None) in await published(back)
    assert ("servant.erase", "servants/serikova") in await back.records()
    done = await restored(back, quiet_broker)
    assert (done.told, any(done.ahead[1].erased)) == (0, False)


STANDS = events_pb2.LegalHold(hold="h1", since=day(date(2026, 1, 20)), until=day(date(2026, 3, 1)))
OVER = events_pb2.LegalHold(hold="h0", since=day(date(2025, 1, 20)), until=day(date(2025, 3, 1)))
TAKEN_OVER = (
    "legal hold stateBodies/KGD/holds/h1 until 2026-03-01 is known to others alone: it is taken over, as one of the nation whose act is"
    " lost"
)


async def held(back: Registry) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await back.database.rows("SELECT body, id, since, until, of_nation, released FROM legal_holds")]


async def test_a_hold_that_others_know_of_is_taken_over_and_kept_to_here(back: Registry, quiet_broker: Broker) -> None:
    await told(quiet_broker, BODIES, "KGD", events_pb2.StateBodyChanged(body="KGD", revision=1_000, holds=[STANDS, OVER]))
    look = await restoration(back, quiet_broker).look()
    assert f"  {TAKEN_OVER}" in listed(look, names=False).splitlines()
    assert await held(back) == []
    done = await restored(back, quiet_broker)
    assert done.ahead[0].carried == [TAKEN_OVER]
    assert await held(back) == [("KGD", "h1", date(2026, 1, 20), date(2026, 3, 1), True, False)]
    assert {tuple(one.hold for one in state.holds) for _, _, state in await published(back)} == {("h1",)}
    assert ("hold.carry", "stateBodies/KGD/holds/h1") in await back.records()
    again = await restored(back, quiet_broker)
    assert again.ahead[0].carried == []


async def test_erasing_again_takes_no_hold_from_those_who_know_of_it(back: Registry, quiet_broker: Broker) -> None:
    """The body names who is erased, so its state is published; whatever is published of it keeps the hold."""
    await told(quiet_broker, BODIES, "KGD", events_pb2.StateBodyChanged(body="KGD", revision=1_000, holds=[STANDS]))
    await told(quiet_broker, SERVANTS, "serikova", None)
    await restored(back, quiet_broker)
    states = [state for topic, _, state in await published(back) if topic == BODIES]
    assert states
    assert {tuple(one.hold for one in state.holds) for state in states} == {("h1",)}


async def test_a_hold_over_a_body_that_is_lost_is_named_each_time(back: Registry, quiet_broker: Broker) -> None:
    await told(quiet_broker, BODIES, "LOST", events_pb2.StateBodyChanged(body="LOST", revision=4, holds=[STANDS]))
    for _ in range(2):
        (said,) = (await restored(back, quiet_broker)).ahead[0].carried
        assert said.startswith("legal hold stateBodies/LOST/holds/h1 until 2026-03-01 is over a body that is not stored: enter")
    assert await held(back) == []


async def test_holds_over_more_bodies_than_a_transaction_may_lock_are_all_taken_over(back: Registry, quiet_broker: Broker) -> None:
    bodies = sorted(["KGD", *(f"LOST{number}" for number in range(MOST_LOCKS))])
    publisher = Publisher(quiet_broker.brokers)
    for body in bodies:
        state = events_pb2.StateBodyChanged(body=body, revision=1_000, holds=[STANDS])
        await publisher.send(BODIES, body.encode(), state.SerializeToString(), {})
    await publisher.close()
    said = (await restored(back, quiet_broker)).ahead[0].carried
    assert [each.split("/")[1] for each in said] == bodies
    assert await held(back) == [("KGD", "h1", date(2026, 1, 20), date(2026, 3, 1), True, False)]


async def test_a_hold_that_is_stored_does_not_keep_its_body_from_being_told(back: Registry, quiet_broker: Broker) -> None:
    await (await back.portal(INSPECTOR)).holds.PlaceHold(new_hold())
    await relayed(back, quiet_broker)
    (row,) = await back.database.rows("SELECT id FROM legal_holds")
    hold = events_pb2.LegalHold(hold=row["id"], since=day(date(2026, 1, 20)), until=day(date(2026, 3, 1)))
    await told(quiet_broker, BODIES, "KGD", events_pb2.StateBodyChanged(body="KGD", revision=1_000, holds=[hold]))
    assert (await restored(back, quiet_broker)).told == 1


async def cut_off(back: Registry, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brings the database together with its topics, and is ended once the era has begun and nothing was told."""

    async def ended(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("chassis.restoration.restoring.tell_and_erase", ended)
        with pytest.raises(KeyboardInterrupt):
            await restored(back, broker)


async def test_what_was_cut_off_is_told_the_next_time(back: Registry, quiet_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The era has begun, and what is stored counts in the one before until all was told."""
    revision = await stored(back)
    await told(quiet_broker, BODIES, "KGD", events_pb2.StateBodyChanged(body="KGD", revision=revision + 3))
    await cut_off(back, quiet_broker, monkeypatch)
    assert await published(back) == []
    done = await restored(back, quiet_broker)
    assert [era_and_revision(state.revision) for _, _, state in await published(back)] == [(done.era, revision)]


async def test_no_process_enters_before_all_was_told(back: Registry, quiet_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    await cut_off(back, quiet_broker, monkeypatch)
    for url in (back.database.urls.app, back.database.urls.worker):
        assert not await lets_in(url)
    await restored(back, quiet_broker)
    for url in (back.database.urls.app, back.database.urls.worker):
        assert await lets_in(url)


async def lets_in(url: str) -> bool:
    """Whether a process that starts now finds its database; one that does not waits for it."""
    async with closing(database := Database(url)):
        return await database.reachable()


@pytest.mark.parametrize("process", ["work", "gateway"])
async def test_a_process_at_work_refuses_it(back: Registry, quiet_broker: Broker, process: str) -> None:
    working = Database(back.database.urls.worker, name=f"registry {process}")
    async with working.transaction():
        with pytest.raises(NothingDone, match=f"registry {process} is at work"):
            await restored(back, quiet_broker)
    await working.close()
    assert await back.database.rows("SELECT FROM eras") == []


async def test_numbers_of_transactions_that_the_server_has_not_reached_refuse_it(back: Registry, quiet_broker: Broker) -> None:
    """As a dump leaves them that was read into a fresh server: nothing would be relayed or sealed."""
    async with back.database.worker.transaction() as transaction:
        await (await transaction.driver()).execute(
            "INSERT INTO outbox (xid, topic, key, headers) VALUES ('99999999999', 'registry.bodies.v1', 'KGD', '{}')"
        )
    with pytest.raises(NothingDone, match="pg_resetwal"):
        await restored(back, quiet_broker)
    assert await back.database.rows("SELECT FROM eras") == []
