"""The collector: what waits of a topic, bounded, taken in groups."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from chassis.supervision import paused

T = TypeVar("T")


class Lane(Generic[T]):
    """Items in the order they came, each with a weight; at most `most` weight waits (or one heavier item).

    The first that comes waits for company, but not longer than `linger_s` and not once there is a group's worth.
    One task puts, one takes. A full lane holds the one who puts, so that memory is bounded by the lane and not by
    the backlog.
    """

    def __init__(self, most: int, linger_s: float = 0.0) -> None:
        self._most = most
        self._linger_s = linger_s
        self._waiting: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._full = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._enough = asyncio.Event()
        self._closed = False

    @property
    def pressed(self) -> bool:
        """Whether as much comes as is taken, or more: half of what may wait does, or the group at work is as large as may be."""
        return 2 * self._weight > self._most or self._full

    @property
    def closed(self) -> bool:
        """Whether it gives out nothing more."""
        return self._closed

    async def put(self, item: T, weight: int) -> None:
        """Lines the item up as soon as there is room."""
        await self._room.wait()
        self._waiting.append((item, weight))
        self._weight += weight
        self._arrived.set()
        if self._weight >= self._most:
            self._room.clear()
            self._enough.set()

    async def gather(self) -> list[T]:
        """Waits for an item, then takes what waits, up to `most` weight and at least one; nothing once it is closed."""
        if not await self._soon(self._arrived):
            self._full = False
            await self._arrived.wait()
        await self._soon(self._enough)
        group: list[T] = []
        weight = 0
        while not self._closed and self._waiting and (not group or weight + self._waiting[0][1] <= self._most):
            item, its_weight = self._waiting.popleft()
            group.append(item)
            weight += its_weight
        self._weight -= weight
        self._full = 2 * weight > self._most
        if self._weight < self._most:
            self._room.set()
            self._enough.clear()
        if not self._waiting and not self._closed:
            self._arrived.clear()
        return group

    async def _soon(self, event: asyncio.Event) -> bool:
        """Waits for it, but not for long; whether it came."""
        if self._linger_s and not event.is_set():
            return await paused(event, self._linger_s)
        return event.is_set()

    def close(self) -> None:
        """Gives out nothing more; what waits was never acknowledged and comes again."""
        self._closed = True
        self._arrived.set()
        self._enough.set()
