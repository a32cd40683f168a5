"""How far a consumer is, partition by partition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chassis.stream_metrics import LAG, POSITION

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition held when it was looked at: the next offset for the group, and the end (its high watermark)."""

    start: int
    end: int


class Positions:
    """The next offset to apply of each assigned partition: everything below was applied and committed to the database."""

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._assigned: frozenset[Partition] = frozenset()
        self._known = False

    @property
    def next_offsets(self) -> Mapping[Partition, int]:
        """The next offset to apply by topic and partition."""
        return dict(self._next)

    @property
    def known(self) -> bool:
        """Whether the present assignment was looked at, so that a position stands for each of its partitions."""
        return self._known

    def assign(self, partitions: Iterable[Partition]) -> None:
        """These partitions are this consumer's now, and no others."""
        self._assigned = frozenset(partitions)
        self._known = False
        for gone in self._next.keys() - self._assigned:
            del self._next[gone]
            self._ends.pop(gone, None)
            for gauge in (POSITION, LAG):
                gauge.remove(gone[0], str(gone[1]))

    def look(self, assigned: Iterable[Partition], extents: Mapping[Partition, Extent]) -> None:
        """What the group had done before, for partitions of which nothing was applied here; an old assignment is ignored."""
        if frozenset(assigned) != self._assigned:
            return
        for partition in self._assigned & extents.keys():
            if partition not in self._next:
                self._set(partition, extents[partition].start)
            self.end(partition, extents[partition].end)
        self._known = True

    def applied(self, partition: Partition, offset: int) -> None:
        """The message of that offset is in the database, as are all before it."""
        self._set(partition, offset + 1)

    def end(self, partition: Partition, end: int) -> None:
        """The end of the partition was seen there."""
        if partition in self._next:
            self._ends[partition] = end
            LAG.labels(partition[0], str(partition[1])).set(self._left(partition))

    def behind(self, topic: str) -> int:
        """How many messages of the topic are known to wait."""
        return sum(self._left(place) for place in self._ends if place[0] == topic)

    def _left(self, partition: Partition) -> int:
        return max(0, self._ends[partition] - self._next[partition])

    def _set(self, partition: Partition, offset: int) -> None:
        self._next[partition] = offset
        POSITION.labels(partition[0], str(partition[1])).set(offset)
