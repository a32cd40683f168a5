"""Jobs take turns, wait for what is away, and say up to when their work is done and in Kafka."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from chassis import jobs, supervision
from chassis.database import OutOfTime
from chassis.jobs import FAILED, LEVEL, LEVEL_SINCE, Job, Jobs, Level, each_for_itself, each_on_its_own, keep_doing
from chassis.testing.waiting import until
from kernel.faults import Unavailable, WrongState
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def value(gauge: Any) -> float:
    return float(gauge._value.get())


@asynccontextmanager
async def running(*given: Job) -> Any:
    """The jobs at work; Kafka has at once what was committed."""
    stop = asyncio.Event()
    work = asyncio.create_task(Jobs(given, lambda: NOW, time.time, poll_s=0.001).run(stop))
    try:
        yield
    finally:
        stop.set()
        await work


def pieces(count: int) -> tuple[Callable[[], Awaitable[int]], list[int]]:
    """A job that has so many pieces to do, and what is left of them."""
    left = [count]

    async def do() -> int:
        left[0], did = max(0, left[0] - 1), min(left[0], 1)
        return did

    return do, left


async def reached(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await until(holds)


def test_a_level_counts_once_kafka_has_what_was_committed_by_then() -> None:
    drained = 0.0
    level = Level(lambda: drained)
    LEVEL.set(0)
    began = time.time()
    level.done(NOW.timestamp(), began)
    level.tell()
    assert value(LEVEL) == 0
    drained = time.time() + 1
    level.tell()
    assert (value(LEVEL), value(LEVEL_SINCE)) == (NOW.timestamp(), began)


async def test_jobs_are_level_when_none_has_anything_to_do() -> None:
    LEVEL_SINCE.set(0)
    first, left_of_first = pieces(3)
    second, left_of_second = pieces(5)
    began = time.time()
    async with running(Job("first", first), Job("second", second)):
        await reached(lambda: value(LEVEL_SINCE) >= began)
        assert (left_of_first, left_of_second) == ([0], [0])
        later = time.time()
        await reached(lambda: value(LEVEL_SINCE) >= later)


@pytest.mark.parametrize("error", [ValueError("a bug"), Unavailable()])
async def test_a_job_that_fails_leaves_the_others_running_and_is_not_level(error: Exception) -> None:
    LEVEL_SINCE.set(0)
    other, left = pieces(3)
    tried = [0]

    async def fail() -> int:
        tried[0] += 1
        raise error

    before = value(FAILED.labels("fails"))
    async with running(Job("fails", fail), Job("other", other)):
        await reached(lambda: left == [0] and tried[0] > 2)
    assert value(LEVEL_SINCE) == 0
    assert (value(FAILED.labels("fails")) > before) == isinstance(error, ValueError)


async def test_pieces_that_fail_together_are_done_alone_and_the_first_failure_is_told() -> None:
    done = list[list[int]]()

    async def do(pieces: Sequence[int]) -> None:
        if {2, 4} & set(pieces):
            raise ValueError(pieces[-1])
        done.append(list(pieces))

    with pytest.raises(ValueError, match="2"):
        await each_for_itself(do, [1, 2, 3, 4])
    await each_for_itself(do, [5, 6])
    assert done == [[1], [3], [5, 6]]


async def test_what_is_away_is_not_asked_piece_by_piece() -> None:
    tried = list[int]()

    async def do(pieces: Sequence[int]) -> None:
        tried.append(len(pieces))
        raise Unavailable

    with pytest.raises(Unavailable):
        await each_for_itself(do, [1, 2, 3])
    assert tried == [3]


async def test_each_on_its_own_passes_over_what_fails_and_waits_for_what_is_away() -> None:
    done, failed = list[int](), REGISTRY.get_sample_value("tartip_jobs_failed_total", {"job_name": "some"}) or 0.0
    late = Unavailable()
    late.__cause__ = OutOfTime()
    troubles: dict[int, Exception] = {1: RuntimeError(), 2: WrongState("DAY_CLOSED"), 4: Unavailable(), 6: late}

    async def do(piece: int) -> None:
        if piece in troubles:
            raise troubles[piece]
        done.append(piece)

    with capture_logs() as logs:
        await each_on_its_own("some", do, [1, 2, 6, 3])
    with pytest.raises(Unavailable):
        await each_on_its_own("some", do, [4, 5])
    assert done == [3]
    assert REGISTRY.get_sample_value("tartip_jobs_failed_total", {"job_name": "some"}) == failed + 2, "a refusal is no failure"
    assert [(each["count"], each["errors"]) for each in logs] == [(2, ["OutOfTime", "RuntimeError"])]


async def test_what_others_work_on_still_is_not_level() -> None:
    at_work, stop = True, asyncio.Event()

    async def left() -> bool:
        return at_work

    do, _ = pieces(0)
    asked = 0

    async def counted() -> int:
        nonlocal asked
        asked += 1
        return await do()

    LEVEL.set(0)
    work = asyncio.create_task(Jobs((Job("none", counted),), lambda: NOW, time.time, left, poll_s=0.001).run(stop))
    try:
        await until(lambda: _true(asked > 3))
        assert value(LEVEL) == 0
        at_work = False
        await until(lambda: _true(value(LEVEL) == NOW.timestamp()))
    finally:
        stop.set()
        await work


@dataclass(slots=True)
class Shown:
    """A database that shows a word, a clock, and a job that counts how often it is asked; `turns` lets so many turns pass."""

    word: str | None = "1:1:"
    now: datetime = NOW
    asked: int = 0
    looked: int = 0

    async def turns(self, jobs: Jobs, count: int) -> None:
        stop, before = asyncio.Event(), self.looked
        work = asyncio.create_task(jobs.run(stop))
        await reached(lambda: self.looked >= before + count)
        stop.set()
        await work

    def jobs(self) -> Jobs:
        async def due() -> int:
            self.asked += 1
            return 0

        async def seen() -> str | None:
            self.looked += 1
            return self.word

        return Jobs((Job("due", due),), lambda: self.now, time.time, seen=seen, poll_s=0.001)


async def test_jobs_are_not_asked_again_while_nothing_is_committed_and_are_level_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_AGAIN_S", 1_000)
    shown = Shown()
    at_work = shown.jobs()
    await shown.turns(at_work, 5)
    assert shown.asked == 1
    later = time.time()
    await shown.turns(at_work, 3)
    assert (shown.asked, value(LEVEL), value(LEVEL_SINCE) >= later) == (1, NOW.timestamp(), True)
    shown.word = "1:2:1"
    await shown.turns(at_work, 5)
    assert shown.asked == 2


async def test_jobs_are_asked_again_when_the_clock_moves_and_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown()
    at_work = shown.jobs()
    monkeypatch.setattr(jobs, "LOOK_AGAIN_S", 1_000)
    await shown.turns(at_work, 3)
    shown.now = NOW + timedelta(seconds=1_000)
    await shown.turns(at_work, 3)
    assert shown.asked == 2
    monkeypatch.setattr(jobs, "LOOK_AGAIN_S", 0)
    await shown.turns(at_work, 3)
    assert shown.asked >= 5


async def test_jobs_are_asked_every_time_where_it_is_not_known_what_is_shown() -> None:
    shown = Shown(word=None)
    await shown.turns(shown.jobs(), 4)
    assert shown.asked >= 3


async def test_a_job_beside_begins_as_soon_as_it_is_woken_and_goes_on_until_nothing_is_left() -> None:
    wake, stop = asyncio.Event(), asyncio.Event()
    do, left = pieces(0)
    beside = asyncio.create_task(keep_doing(Job("beside", do), wake, stop))
    try:
        await asyncio.sleep(0)
        left[0] = 3
        wake.set()
        await until(lambda: _true(left[0] == 0))
    finally:
        stop.set()
        wake.set()
        await beside


async def test_a_job_beside_goes_on_while_it_must_rest_and_after_a_failure() -> None:
    wake, stop = asyncio.Event(), asyncio.Event()
    do, left = pieces(4)
    failures = 1

    async def sometimes() -> int:
        nonlocal failures
        if failures:
            failures -= 1
            raise ValueError
        return await do()

    beside = asyncio.create_task(keep_doing(Job("beside", sometimes), wake, stop, lambda: True))
    try:
        await until(lambda: _true(left[0] == 0))
    finally:
        stop.set()
        wake.set()
        await beside


async def test_a_job_beside_rests_while_what_makes_it_due_is_busy_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a time that passes only by work and by rest: a piece takes half a second, and what makes it due ceases in the third rest."""
    stop, at, began = asyncio.Event(), 0.0, list[float]()

    async def do() -> int:
        nonlocal at
        began.append(at)
        at += 0.5
        if len(began) == 5:
            stop.set()
        return 1

    async def rested(_: asyncio.Event, seconds: float) -> bool:
        nonlocal at
        at += max(seconds, 0.0)
        return stop.is_set()

    async def sleep(seconds: float) -> None:
        await rested(stop, seconds)

    monkeypatch.setattr(jobs, "paused", rested)
    monkeypatch.setattr(supervision, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(time, "monotonic", lambda: at)
    await keep_doing(Job("beside", do), asyncio.Event(), stop, lambda: at < 11.0)
    apart = [after - before for before, after in itertools.pairwise(began)]
    assert apart == pytest.approx([5.0, 5.0, 1.0, 0.5], abs=0.11)


async def _true(holds: bool) -> bool:
    return holds


async def test_pieces_that_ran_out_of_time_together_are_tried_alone() -> None:
    tried: list[Sequence[int]] = []

    async def do(some: Sequence[int]) -> None:
        tried.append(some)
        if len(some) > 1:
            raise Unavailable("UNAVAILABLE") from TimeoutError()

    await each_for_itself(do, [1, 2])
    assert tried == [[1, 2], [1], [2]]
