"""What is bad among much that is good is parked alone; what is good becomes the same days in whatever order it comes."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from random import Random

from chassis.publisher import partition_of
from google.protobuf.timestamp_pb2 import Timestamp
from tartip.timetracking.v1.events_pb2 import PassageBatch

from e2e_tests.chaos.department import LATE_FROM, LIVE_FROM, NOW, SYSTEM, Crossing, Department
from e2e_tests.chaos.faults import PASSAGES
from e2e_tests.chaos.patience import until
from e2e_tests.chaos.stage import Stage
from e2e_tests.chaos.stories import Story
from e2e_tests.chaos.traffic import Traffic
from e2e_tests.chaos.verdict import judged

LIVE, LATE = PASSAGES
PARTITIONS = 24

# Two transactions fail, as if by a race, and whatever holds the one passage always.
_RAISE = """
CREATE SEQUENCE failures;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF nextval('failures') <= 2 OR (NEW.device = '{device}' AND NEW.event_key = '{key}') THEN RAISE EXCEPTION 'a bug'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail BEFORE INSERT ON passages FOR EACH ROW EXECUTE FUNCTION fail();
"""
# To drop the trigger would lock a table against those who write into it, the other way round than they do.
_RAISE_NO_MORE = "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
_RECORDED = "SELECT FROM passages WHERE device = $1 AND event_key = $2"
_NOTED = "SELECT FROM parked_records WHERE reason = 'bug'"


async def test_a_raising_handler_loses_nothing(story: Story) -> None:
    stage, department = story
    gate = department.gates[-1]
    bad = department.passes(gate, department.servants[0], LIVE_FROM - timedelta(seconds=1), inwards=True)
    await stage.inside.execute(_RAISE.format(device=gate.serial, key=bad.event_key))
    async with stage.flowing(department) as traffic:
        await publish(stage, LIVE, [*department.crossings(gate, 4), bad])
        await until(lambda: stage.inside.rows(_NOTED))
        assert traffic.in_flight > 0 or not await stage.applied(LIVE)
        await stage.inside.execute(_RAISE_NO_MORE)
        await traffic.more()
    [(reason, batch)] = await parked(stage, department, LIVE)
    assert (reason, [each.event_key for each in batch.passages]) == ("bug", [bad.event_key])
    await stage.command("redrive", "--reason", "bug", "--by", "A. Serikova")
    await judged(stage, department)


async def test_unreadable_messages_among_good_ones_are_parked_and_the_rest_goes_on(story: Story) -> None:
    stage, department = story
    junk = b"\xff" + department.name.encode()
    async with stage.flowing(department) as traffic:
        for place in range(0, PARTITIONS, 5):
            await traffic.on_the_line()
            for topic in PASSAGES:
                await stage.publisher.send(topic, None, junk, {}, place)
        await traffic.more()
    await judged(stage, department)
    for topic in PASSAGES:
        lot = [each for each in await asyncio.to_thread(stage.kafka.read, f"{topic}.parked") if each.value() == junk]
        assert [dict(each.headers())["reason"] for each in lot] == [b"unreadable"] * len(range(0, PARTITIONS, 5))


async def test_one_bad_passage_of_a_batch_is_parked_alone(story: Story) -> None:
    stage, department = story
    async with stage.flowing(department) as traffic:
        gate = department.gates[-1]
        good, bad = department.crossings(gate, 9), department.crossings(gate, 1)[0]
        department.recorded.remove(bad)
        await traffic.on_the_line()
        await publish(stage, LATE, [*good[:4], bad, *good[4:]], spoilt=bad)
        await traffic.more()
    await judged(stage, department)
    [(reason, batch)] = await parked(stage, department, LATE)
    assert (reason, [each.event_key for each in batch.passages]) == ("MALFORMED", [bad.event_key])


async def test_the_order_of_delivery_does_not_matter(story: Story) -> None:
    """At one second two gates see the same servant: their order in the day is not that of their coming."""
    stage, department = story
    first, second = department.gates[0], department.gates[2]
    for number, servant in enumerate(department.servants):
        for at in (LATE_FROM + timedelta(hours=2, seconds=number), LIVE_FROM + timedelta(seconds=number)):
            department.passes(first, servant, at, inwards=True)
            department.passes(second, servant, at, inwards=False)
    for gate in department.gates:
        department.crossings(gate, 40)
    sent = {gate: [each for each in department.recorded if each.gate == gate] for gate in department.gates}
    async with stage.connected(department) as traffic:
        await traffic.send(second, sent[second][::-1])
        await until(stage.applied)
        Random(department.name).shuffle(sent[first])
        await asyncio.gather(*(traffic.send(gate, crossings[::-1]) for gate, crossings in sent.items() if gate != second))
        await traffic.send(first, sent[first][:60])
    await judged(stage, department)


async def test_two_writers_of_a_day_beside_an_unrelated_slow_transaction_publish_the_newer_state_last(story: Story) -> None:
    """New plans come while a day waits to be computed from a passage: they wait behind it."""
    stage, department = story
    servant = department.servants[0]
    async with stage.connected(department) as traffic:
        await passed(stage, traffic, servant, 0)
        await stage.level()
        before = await revision(stage, servant)
        async with stage.inside.writing_slowly():
            async with stage.inside.holding(servant):
                await passed(stage, traffic, servant, 1)
                await until(lambda: stage.inside.waiting(1))
                await stage.publish(department.new_plans())
                await until(lambda: stage.inside.waiting(2))
            await until(partial(written, stage, servant, before + 2))
            assert await stage.inside.count("outbox") > 0, "what is newer than the slow transaction waits for its end"
        await judged(stage, department)


async def test_a_writer_of_a_day_that_waited_while_another_wrote_publishes_the_newer_state_last(story: Story) -> None:
    """A day waits to be computed from a passage while new plans are taken over, and for a second passage after that."""
    stage, department = story
    servant = department.servants[0]
    async with stage.connected(department) as traffic:
        await passed(stage, traffic, servant, 0)
        await stage.level()
        before = await revision(stage, servant)
        async with AsyncExitStack() as later:
            async with stage.inside.holding(servant):
                await stage.publish(department.new_plans())
                await until(lambda: stage.inside.waiting(1))
                await later.enter_async_context(stage.inside.holding_behind(servant))
                await until(lambda: stage.inside.waiting(2))
                await passed(stage, traffic, servant, 1)
                await until(lambda: stage.inside.waiting(3))
            await until(partial(written, stage, servant, before + 1))
            await passed(stage, traffic, servant, 2)
        await until(partial(written, stage, servant, before + 2))
    await judged(stage, department)


async def test_a_badge_given_out_while_its_reads_are_computed_waits_for_them_in_no_circle(story: Story) -> None:
    stage, department = story
    gate, servant = department.gates[0], department.servants[0]
    async with stage.connected(department) as traffic:
        async with stage.inside.holding(servant):
            await traffic.send(gate, [department.passes(gate, servant, LIVE_FROM, inwards=True)])
            await until(lambda: stage.inside.waiting(1))
            given = asyncio.create_task(stage.assign(department.badge_before(servant)))
            await until(lambda: stage.inside.waits("serve"))
        await given
        await traffic.send(gate, [department.passes(gate, servant, LIVE_FROM + timedelta(minutes=5), inwards=False)])
    await judged(stage, department)


async def publish(stage: Stage, topic: str, crossings: list[Crossing], spoilt: Crossing | None = None) -> None:
    """Puts the crossings into one message, as the gateway would; the spoilt one shows a date that there is not."""
    received = Timestamp()
    received.FromDatetime(NOW)
    batch = PassageBatch(event_id=f"{crossings[0].gate.serial}-{crossings[0].number}", passages=[each.passage() for each in crossings])
    for crossing, passage in zip(crossings, batch.passages, strict=True):
        passage.received_at.CopyFrom(received)
        if crossing is spoilt:
            passage.wall_time = "30 February"
    place = partition_of(f"{SYSTEM}:{crossings[0].badge}".encode(), PARTITIONS)
    await stage.publisher.send(topic, None, batch.SerializeToString(), {"event_id": batch.event_id}, place)


async def parked(stage: Stage, department: Department, topic: str) -> list[tuple[str, PassageBatch]]:
    """What lies in the topic's parking lot of the department's gates: reasons, and the batches."""
    lot = [
        (dict(each.headers())["reason"].decode(), PassageBatch.FromString(each.value()))
        for each in await asyncio.to_thread(stage.kafka.read, f"{topic}.parked")
        if not each.value().startswith(b"\xff")
    ]
    return [each for each in lot if any(it.device.startswith(f"{department.name}-") for it in each[1].passages)]


async def passed(stage: Stage, traffic: Traffic, servant: str, minute: int) -> None:
    """A servant passes a gate, in or out by turns; returns when that is recorded."""
    gate = traffic.department.gates[0]
    crossing = traffic.department.passes(gate, servant, LIVE_FROM + timedelta(minutes=minute), inwards=minute % 2 == 0)
    await traffic.send(gate, [crossing])
    await until(lambda: stage.inside.rows(_RECORDED, gate.serial, crossing.event_key))


async def written(stage: Stage, servant: str, wanted: int) -> bool:
    """Whether the servant's present day has come to a revision."""
    return await revision(stage, servant) >= wanted


async def revision(stage: Stage, servant: str) -> int:
    """Of the servant's present day."""
    [row] = await stage.inside.rows("SELECT revision FROM workdays WHERE servant = $1 AND date = '2026-11-25'", servant)
    return int(row[0])
