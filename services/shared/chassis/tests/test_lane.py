"""The collector of messages."""

import asyncio

from chassis.lane import Lane


async def fill(lane: Lane[str], *items: tuple[str, int]) -> None:
    for item, weight in items:
        await lane.put(item, weight)


async def test_what_waits_is_taken_together_in_its_order() -> None:
    lane: Lane[str] = Lane(most=10)
    await fill(lane, ("a", 1), ("b", 2), ("c", 3))
    assert await lane.gather() == ["a", "b", "c"]


async def test_a_group_is_no_heavier_than_it_may_be() -> None:
    lane: Lane[str] = Lane(most=4)
    await fill(lane, ("a", 1), ("b", 2), ("c", 3))
    assert await lane.gather() == ["a", "b"]
    assert await lane.gather() == ["c"]


async def test_one_message_that_is_too_heavy_is_a_group_by_itself() -> None:
    lane: Lane[str] = Lane(most=4)
    await fill(lane, ("a", 1), ("heavy", 9))
    assert await lane.gather() == ["a"]
    assert await lane.gather() == ["heavy"]


async def test_a_full_lane_holds_the_one_who_puts() -> None:
    lane: Lane[str] = Lane(most=2)
    await fill(lane, ("a", 1), ("b", 1))
    putting = asyncio.create_task(lane.put("c", 1))
    await asyncio.sleep(0)
    assert not putting.done()
    assert await lane.gather() == ["a", "b"]
    await putting
    assert await lane.gather() == ["c"]


async def test_an_empty_lane_holds_the_one_who_takes() -> None:
    lane: Lane[str] = Lane(most=2)
    taking = asyncio.create_task(lane.gather())
    await asyncio.sleep(0)
    assert not taking.done()
    await lane.put("a", 1)
    assert await taking == ["a"]


async def test_a_lane_is_pressed_while_much_waits_or_as_much_comes_as_is_taken() -> None:
    lane: Lane[str] = Lane(most=4)
    assert not lane.pressed
    await fill(lane, ("a", 2))
    assert not lane.pressed
    await fill(lane, ("b", 1))
    assert lane.pressed
    await lane.gather()
    assert lane.pressed, "a large group is at work, and another is coming"
    taking = asyncio.create_task(lane.gather())
    await asyncio.sleep(0)
    assert not lane.pressed, "none came"
    taking.cancel()


async def test_a_lane_stays_pressed_while_the_next_group_gathers() -> None:
    lane: Lane[str] = Lane(most=4, linger_s=3600)
    await fill(lane, ("a", 4))
    await lane.gather()
    taking = asyncio.create_task(lane.gather())
    await asyncio.sleep(0)
    await fill(lane, ("b", 1))
    await asyncio.sleep(0)
    assert lane.pressed
    lane.close()
    await taking


async def test_the_first_waits_for_company_but_not_for_more_than_a_group() -> None:
    lane: Lane[str] = Lane(most=2, linger_s=3600)
    taking = asyncio.create_task(lane.gather())
    await lane.put("a", 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not taking.done()
    await lane.put("b", 1)
    assert await taking == ["a", "b"]
    lane = Lane(most=2, linger_s=0.001)
    await lane.put("a", 1)
    assert await lane.gather() == ["a"]


async def test_a_closed_lane_gives_nothing_more_and_keeps_nobody() -> None:
    lane: Lane[str] = Lane(most=2, linger_s=3600)
    taking = asyncio.create_task(lane.gather())
    await lane.put("a", 1)
    lane.close()
    assert await taking == []


async def test_a_closed_lane_gives_nothing_more() -> None:
    lane: Lane[str] = Lane(most=2)
    await fill(lane, ("a", 1))
    lane.close()
    assert await lane.gather() == []
