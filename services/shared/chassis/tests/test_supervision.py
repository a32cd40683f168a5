"""What runs beside the work of a process, and how everything ends with the first that ends."""

import asyncio

import pytest
from chassis.process import Admin
from chassis.supervision import closing, said, unless, until, watch
from chassis.testing.waiting import until as met


class Broken(Exception):
    """What a part fails with."""


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise Broken


async def ends() -> None:
    """A part that has nothing more to do."""


async def test_work_ends_when_it_is_told_to() -> None:
    stop, worked = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await stop.wait()
        worked.set()

    running = asyncio.create_task(until(stop, work(), beside=(forever(),)))
    await asyncio.sleep(0)
    assert not running.done()
    stop.set()
    await running
    assert worked.is_set()


@pytest.mark.parametrize("beside", [False, True])
async def test_a_part_that_fails_ends_everything_with_its_error(beside: bool) -> None:
    stop, cancelled = asyncio.Event(), asyncio.Event()

    async def other() -> None:
        try:
            await stop.wait()
        finally:
            cancelled.set()

    with pytest.raises(Broken):
        await until(stop, other(), *(() if beside else (fails(),)), beside=(fails(),) if beside else ())
    assert stop.is_set()
    assert cancelled.is_set()


async def test_work_that_ends_by_itself_ends_everything() -> None:
    stop = asyncio.Event()
    await until(stop, ends(), stop_wait(stop))
    assert stop.is_set()


async def test_what_runs_beside_may_end_before() -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(until(stop, beside=(ends(), forever())))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not running.done()
    stop.set()
    await running


async def stop_wait(stop: asyncio.Event) -> None:
    await stop.wait()


class Resource:
    """Says when it is closed, and may fail at it."""

    def __init__(self, name: str, closed: list[str], fails: bool = False) -> None:
        self.name, self.closed, self.fails = name, closed, fails

    async def close(self) -> None:
        self.closed.append(self.name)
        if self.fails:
            raise Broken


async def test_resources_are_closed_the_last_one_first_even_if_one_fails() -> None:
    closed: list[str] = []
    with pytest.raises(Broken):
        async with closing(Resource("a", closed), Resource("b", closed, fails=True), Resource("c", closed)):
            assert closed == []
    assert closed == ["c", "b", "a"]


async def test_probes_are_told_whether_a_condition_holds() -> None:
    admin, held = Admin("127.0.0.1:0"), False
    admin.expect("database")
    watching = asyncio.create_task(watch(admin, "database", said(lambda: held)))
    await met(lambda: admin.waiting_for == {"database": "away"})
    held = True
    await met(lambda: admin.waiting_for == {})
    watching.cancel()


async def test_work_that_ends_before_the_stop_gives_its_answer_and_other_work_is_cancelled() -> None:
    async def answers() -> int:
        return 7

    assert await unless(asyncio.Event(), answers()) == 7
    stop = asyncio.Event()

    async def slow() -> int:
        await forever()
        return 0

    waiting = asyncio.create_task(unless(stop, slow()))
    await asyncio.sleep(0)
    stop.set()
    assert await waiting is None
    with pytest.raises(Broken):
        await unless(asyncio.Event(), fails())
