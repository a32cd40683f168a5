"""Whatever fails at whatever step, a device's account closes once everything is level: nothing is lost, and nothing counts twice."""

import random

import pytest
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage as Sent

from ..platform import Platform
from .world import NOW, UNREADABLE, World, truth

SEEDS = range(16)
STEPS = 80


def malformed(number: int) -> bytes:
    """A batch with a passage that can be stored beside one that nobody can understand."""
    sent = Sent(device="gate-0", event_key=f"beside {number}", wall_time="2026-11-24T14:00:00", badge_system="hq", badge_number="9")
    sent.received_at.FromDatetime(NOW)
    nameless = Sent(device="gate-0", wall_time="2026-11-24T14:00:00", badge_system="hq", badge_number="9")
    nameless.received_at.FromDatetime(NOW)
    return PassageBatch(event_id=f"m{number}", passages=[sent, nameless]).SerializeToString()


async def step(world: World) -> None:
    drawn = world.drawn
    match drawn.choice(
        ("send", "send", "send", "put", "record", "record", "record", "record", "look", "look", "operate", "operate", "mend")
    ):
        case "send":
            kinds = [drawn.choice(("good", "good", "late", "poison", "old", "line", "door")) for _ in range(drawn.randrange(1, 6))]
            await world.send(*("door" if kind == "door" else f"{kind} {drawn.randrange(6)}" for kind in kinds))
        case "put":
            await world.put(drawn.choice((UNREADABLE, b"", malformed(drawn.randrange(4)))))
        case "record":
            await world.record()
        case "look":
            await world.look()
        case "operate":
            await world.operate()
        case "mend":
            world.broken = not world.broken


async def lived(platform: Platform, seed: int) -> World:
    """A world in which everything may fail, at its end; nobody has mended anything yet."""
    world = World(platform, random.Random(seed))
    world.kafka.failing, world.dying = world.drawn.choice((0.0, 0.1)), world.drawn.choice((0.0, 0.2, 0.4))
    for _ in range(STEPS):
        await step(world)
    await world.level()
    return world


async def assert_closed(world: World) -> None:
    counts, expected = await world.counts(), truth(world.kafka)
    for device, account in counts.items():
        assert account.in_flight == 0, (device, account)
        assert account.received - account.no_passages == expected.received.get(device, 0), (device, account)
        assert account.stored <= expected.passages.get(device, 0), (device, account)
    assert counts.keys() >= expected.received.keys()


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_account_closes_when_everything_is_level(told: Platform, seed: int) -> None:
    world = await lived(told, seed)
    await assert_closed(world)
    world.broken = False
    while await world.operate():
        pass
    await world.level()
    await assert_closed(world)
    expected = truth(world.kafka)
    for device, account in (await world.counts()).items():
        assert account.stored == expected.passages.get(device, 0), (device, account)
        assert account.parked == expected.hopeless.get(device, 0), (device, account)
        assert account.sent_again == 0
