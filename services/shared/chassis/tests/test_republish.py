import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from chassis.database import Transaction
from chassis.republish import republish
from chassis.tables import outbox
from chassis.testing.bare import change, states
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import Int64Value

TOPIC = "bare.things.v1"


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


async def keys_after(tx: Transaction, after: str, limit: int) -> Sequence[str]:
    held = states.c
    return (await tx.connection.scalars(sa.select(held.key).where(held.key > after).order_by(held.key).limit(limit))).all()


async def states_of(tx: Transaction, keys: Sequence[str]) -> Sequence[tuple[str, Message]]:
    held = states.c
    rows = await tx.connection.execute(sa.select(held.key, held.revision).where(held.key.in_(keys)).order_by(held.key))
    return [(row.key, Int64Value(value=row.revision)) for row in rows]


async def published(fresh: FreshDatabase) -> list[tuple[str, int]]:
    async with fresh.app.transaction() as tx:
        rows = await tx.connection.execute(sa.select(outbox.c.key, outbox.c.payload).order_by(outbox.c.xid, outbox.c.id))
    return [(row.key, Int64Value.FromString(row.payload).value) for row in rows]


async def test_every_key_is_published_once_more_as_it_stands(fresh: FreshDatabase) -> None:
    keys = [f"{number:04}" for number in range(450)]
    async with fresh.app.transaction() as tx:
        await change(tx, *keys)
    assert await republish(fresh.app, TOPIC, "thing", keys_after, states_of) == 450
    assert await published(fresh) == [(key, 1) for key in keys]


async def test_a_state_that_changes_meanwhile_is_never_overtaken_by_its_past(fresh: FreshDatabase) -> None:
    async with fresh.app.transaction() as tx:
        await change(tx, "a")
    async with fresh.app.transaction() as writer:
        await writer.lock("thing", ["a"])
        task = asyncio.create_task(republish(fresh.worker, TOPIC, "thing", keys_after, states_of))
        await until(lambda: one_waits(fresh))
        await change(writer, "a")
        writer.publish(TOPIC, "a", Int64Value(value=2))
    await task
    assert await published(fresh) == [("a", 2), ("a", 2)]


async def one_waits(fresh: FreshDatabase) -> bool:
    async with fresh.app.transaction() as tx:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool((await tx.connection.execute(sa.text(query))).scalar_one())
