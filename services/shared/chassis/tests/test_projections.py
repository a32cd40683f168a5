import asyncio
from collections.abc import Mapping

import pytest
from chassis.brokers import Brokers
from chassis.positions import Extent, Partition
from chassis.projections import advance, begin, follow, follow_topics, forget, require_level
from chassis.testing.broker import Broker
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from kernel.faults import Unavailable

BODIES, SERVANTS = "registry.bodies.v1", "registry.servants.v1"
HELD: Mapping[Partition, Extent] = {(BODIES, 0): Extent(0, 3), (BODIES, 1): Extent(0, 0), (SERVANTS, 0): Extent(2, 2)}


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


async def behind(fresh: FreshDatabase, *topics: str) -> str:
    """The topic that is behind, or ""."""
    try:
        async with fresh.app.transaction() as tx:
            await require_level(tx, *topics)
    except Unavailable as refused:
        if refused.reason != "PROJECTION_BEHIND":
            raise
        return str(refused.facts["topic"])
    return ""


async def level(fresh: FreshDatabase, *topics: str) -> bool:
    return not await behind(fresh, *topics)


async def test_what_was_never_followed_is_behind(fresh: FreshDatabase) -> None:
    assert await behind(fresh, BODIES) == BODIES


async def test_it_is_level_when_every_partition_reached_what_it_held_at_the_start(fresh: FreshDatabase) -> None:
    await begin(fresh.worker, HELD)
    assert await behind(fresh, SERVANTS) == ""
    assert await behind(fresh, SERVANTS, BODIES) == BODIES
    await advance(fresh.worker, {(BODIES, 0): 2})
    assert await behind(fresh, BODIES) == BODIES
    await advance(fresh.worker, {(BODIES, 0): 3})
    assert await behind(fresh, BODIES, SERVANTS) == ""


async def test_a_restart_neither_raises_the_goal_nor_goes_back(fresh: FreshDatabase) -> None:
    await begin(fresh.worker, HELD)
    await advance(fresh.worker, {(BODIES, 0): 3})
    await begin(fresh.worker, {(BODIES, 0): Extent(3, 90)})
    await advance(fresh.worker, {(BODIES, 0): 1})
    assert await behind(fresh, BODIES) == ""


async def test_a_topic_born_anew_is_behind_until_it_is_followed_again(fresh: FreshDatabase) -> None:
    await begin(fresh.worker, HELD)
    await forget(fresh.worker, SERVANTS)
    assert await behind(fresh, SERVANTS) == SERVANTS


async def test_the_positions_of_a_consumer_are_written_down_while_it_works(fresh: FreshDatabase) -> None:
    stop, positions = asyncio.Event(), dict[Partition, int]()
    following = asyncio.create_task(follow(fresh.worker, HELD, lambda: positions, stop))
    positions[BODIES, 0] = 3
    await until(lambda: level(fresh, BODIES, SERVANTS))
    stop.set()
    await following


async def test_who_waits_for_a_broker_ends_when_told_to(fresh: FreshDatabase) -> None:
    stop = asyncio.Event()
    following = asyncio.create_task(follow_topics(fresh.worker, Brokers("127.0.0.1:1"), "group", [BODIES], dict, stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(following, 10)


async def test_only_the_positions_of_the_topics_that_are_projected_are_written_down(fresh: FreshDatabase, quiet_broker: Broker) -> None:
    stop, held = asyncio.Event(), {(BODIES, 0): 0, (SERVANTS, 0): 7}
    following = asyncio.create_task(follow_topics(fresh.worker, quiet_broker.brokers, "group", [BODIES], lambda: held, stop))
    quiet_broker.create([BODIES])
    await until(lambda: level(fresh, BODIES))
    stop.set()
    await following
    assert {row["topic"] for row in await fresh.rows("SELECT topic FROM projection_positions")} == {BODIES}
