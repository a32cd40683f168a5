"""Whether the platform is level: everything that was told to it is worked on, up to the instant at which its clock stands.

Read from each process's /metrics, as an operator would: what every publisher was confirmed by Kafka, how far every
consumer is, and up to which instants of the domain's clock and of real time the jobs have done what was due.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import aiohttp

ASK_EVERY_S = 0.05
PATIENCE_S = 180.0

CONSUMERS = {
    "regimes consume": ("registry.bodies.v1", "registry.servants.v1"),
    "timetracking consume": (
        "registry.bodies.v1",
        "registry.servants.v1",
        "regimes.plans.v1",
        "regimes.orders.v1",
        "timetracking.passages.v1",
        "timetracking.late-passages.v1",
    ),
}
PUBLISHERS = ("registry work", "regimes work", "timetracking gateway")

Labels = frozenset[tuple[str, str]]
Offsets = dict[tuple[str, ...], float]
LABEL = re.compile(r'(\w+)="([^"]*)"')


class NotLevel(Exception):
    """The platform does not become level; says what it waits for."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a process says of itself now."""

    samples: Mapping[str, Mapping[Labels, float]]

    def value(self, name: str, /, **labels: str) -> float:
        """One value; 0 where there is none yet."""
        return self.samples.get(name, {}).get(frozenset(labels.items()), 0.0)

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The values by these labels, others summed up."""
        found: dict[tuple[str, ...], float] = {}
        for key, value in self.samples.get(name, {}).items():
            named = dict(key)
            place = tuple(named.get(label, "") for label in labels)
            found[place] = found.get(place, 0.0) + value
        return found


@dataclass(slots=True)
class Levels:
    """Waits for the platform; `admin` are the admin addresses of its processes by name."""

    admin: Mapping[str, str]
    http: aiohttp.ClientSession

    async def metrics(self, process: str) -> Metrics:
        """Asks a process."""
        async with self.http.get(f"http://{self.admin[process]}/metrics") as answer:
            return read(await answer.text())

    async def reached(self, at: datetime) -> None:
        """Returns when all that was told before this call is applied, and all that is due at `at` is done; NotLevel if it never is."""
        told_at = time.time()

        def drained(metrics: Metrics) -> bool:
            return metrics.value("tartip_relay_drained_at_seconds") > told_at

        await self._until("registry work", drained, "to publish what the registry tells")
        known: Offsets | None = None
        while (published := await self._published()) != known:
            known = published
            await asyncio.gather(self._composed(published, at), self._computed(published, at))

    async def _composed(self, published: Offsets, at: datetime) -> None:
        """Regimes knows what was published, and has composed and published what follows from it."""
        await self._applied("regimes consume", published)
        await self._worked("regimes work", at)

    async def _computed(self, published: Offsets, at: datetime) -> None:
        """Timetracking knows what was published, and has computed what follows from it."""
        await self._applied("timetracking consume", published)
        await self._worked("timetracking work", at)

    async def _worked(self, process: str, at: datetime) -> None:
        since, wanted = time.time(), at.timestamp()

        def holds(metrics: Metrics) -> bool:
            level, real = metrics.value("tartip_jobs_level_clock_seconds"), metrics.value("tartip_jobs_level_real_seconds")
            return level >= wanted and real >= since

        await self._until(process, holds, f"to do what is due at {at.isoformat()}")

    async def _published(self) -> Offsets:
        """Up to where each partition that somebody consumes was published by now."""
        published: Offsets = {}
        for metrics in await asyncio.gather(*(self.metrics(each) for each in PUBLISHERS)):
            for (topic, partition), offset in metrics.by("tartip_published_offset", "topic", "partition").items():
                if any(topic in topics for topics in CONSUMERS.values()):
                    published[topic, partition] = max(published.get((topic, partition), 0.0), offset)
        return published

    async def _applied(self, consumer: str, published: Offsets) -> None:
        goal = {place: offset for place, offset in published.items() if place[0] in CONSUMERS[consumer]}

        def holds(metrics: Metrics) -> bool:
            applied = metrics.by("tartip_stream_position", "topic", "partition")
            return all(applied.get(place, 0.0) >= offset for place, offset in goal.items())

        await self._until(consumer, holds, "to apply what was published")

    async def _until(self, process: str, holds: Callable[[Metrics], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds(await self.metrics(process)):
            if time.monotonic() > deadline:
                raise NotLevel(f"{process} had {PATIENCE_S:.0f} s {what}, and has not")
            await asyncio.sleep(ASK_EVERY_S)


def read(exposition: str) -> Metrics:
    """Reads what /metrics answers, as far as it is ours; it is asked for many times a second."""
    samples: dict[str, dict[Labels, float]] = {}
    for line in exposition.splitlines():
        if line.startswith("tartip_"):
            named, _, value = line.rpartition(" ")
            name, _, labels = named.partition("{")
            samples.setdefault(name, {})[frozenset(LABEL.findall(labels))] = float(value)
    return Metrics(samples)
