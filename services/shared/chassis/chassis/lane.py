"""The collector: what waits of a topic, bounded, taken in groups."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Lane(Generic[T]):
    """Items in the order they came, each with a weight; at most `most` weight waits (or one heavier item).

    One task puts, one takes. A full lane holds the one who puts, so that memory is bounded by the lane and not by
    the backlog.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._full = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    @property
    def pressed(self) -> bool:
        """Whether as much comes as is taken, or more: half of what may wait does, or the group at work is as large as may be."""
        return 2 * self._weight > self._most or self._full

    async def put(self, item: T, weight: int) -> None:
        """Lines the item up as soon as there is room."""
        await self._room.wait()
        self._waiting.append((item, weight))
        self._weight += weight
        self._arrived.set()
        if self._weight >= self._most:
            self._room.clear()

    async def gather(self) -> list[T]:
        """Waits for an item, then takes what waits, up to `most` weight and at least one; nothing once it is closed."""
        if not self._waiting:
            self._full = False
        await self._arrived.wait()
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
        if not self._waiting and not self._closed:
            self._arrived.clear()
        return group

    def close(self) -> None:
        """Gives out nothing more; what waits was never acknowledged and comes again."""
        self._closed = True
        self._arrived.set()
