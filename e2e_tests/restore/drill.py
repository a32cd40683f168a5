"""The drill: a region works, is backed up, works on, loses its database, comes back by the documented steps, and nothing is missing.

What may be missing is what the kind of backup does not promise: changes by calls since a dump. They are listed, and may be made again.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import grpc
from chassis.commands import NOT_AS_IT_MUST_BE

from ..chaos.patience import until
from ..chaos.traffic import Traffic
from ..chaos.verdict import judged
from .backups import Backup, destroy
from .gates import LaterGates
from .region import BY, PROCESSES, REGISTRY, SERVICES, Desk, Region
from .truth import topics_agree

# Somebody changes something so often.
CHANGE_EVERY_S = 0.2
GROUND = "Решение суда № 2-114"


@dataclass(slots=True)
class Measured:
    """What the drill took: real seconds from the loss on, and what is missing."""

    passages: int
    stored: int
    bytes_: int = 0
    missing: int = 0
    restored_s: float = 0.0
    together_s: float = 0.0
    answered_s: float = 0.0
    devices_s: float = 0.0
    level_s: float = 0.0
    changes: int = 0
    lost: int = 0
    lost_s: float = 0.0
    waiting: int = 0
    eras: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> Mapping[str, object]:
        """By what it is."""
        return {
            "database": f"{self.bytes_ / 1_000_000:.0f} MB",
            "passages in all, and stored at the loss": f"{self.passages}, {self.stored}",
            "events that waited for Kafka at the loss": self.waiting,
            "passages lost": self.missing,
            "changes by calls that were answered, and lost": f"{self.changes}, {self.lost} of the last {self.lost_s:.1f} s",
            "database back after": f"{self.restored_s:.1f} s",
            "together with its topics after": f"{self.together_s:.1f} s",
            "calls answered after": f"{self.answered_s:.1f} s",
            "devices answered after": f"{self.devices_s:.1f} s",
            "every day level after": f"{self.level_s:.1f} s",
        }


@dataclass(slots=True)
class Changes:
    """Somebody changes something in the registry again and again; each change with the instant at which it was answered."""

    region: Region
    answered: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """For the length of the block."""
        changing = asyncio.create_task(self._change())
        try:
            yield
        finally:
            changing.cancel()
            with suppress(asyncio.CancelledError, grpc.RpcError):
                await changing

    async def _change(self) -> None:
        for number in range(1, 1_000_000):
            await self.region.desk.create_unit(self.region.department.body, f"u{number}")
            self.answered[f"u{number}"] = time.monotonic()
            await asyncio.sleep(CHANGE_EVERY_S)

    async def more(self, count: int = 5) -> None:
        """Returns when so many more changes are answered."""
        goal = len(self.answered) + count
        await until(lambda: len(self.answered) >= goal)

    async def lost(self) -> set[str]:
        """Those that were answered and are not there any more."""
        rows = await self.region.books.rows("SELECT id FROM units")
        return self.answered.keys() - {row["id"] for row in rows}


async def drill(region: Region, backup: Backup, passages: int, *, keeps_all: bool, say: Callable[[str], None]) -> Measured:
    """Lives through the loss; AssertionError where something is missing that must not be. So many passages go before the backup."""
    changes, gates = Changes(region), LaterGates(region)
    await gates.before()
    backup.begin()
    async with region.stage.flowing(region.department) as traffic:
        async with changes.going_on():
            await _worked(region, backup, traffic, changes, gates, passages, say)
            lost_at = time.monotonic()
            measured = Measured(
                len(region.department.recorded),
                await region.recorded(),
                waiting=await region.stage.inside.count("outbox"),
            )
            measured.bytes_ = await _size(region)
            destroy(region.stage.postgres)
        say("the database is lost; gates go on")
        await traffic.more()
    async with gates.tried_again():
        await _restored(region, backup, gates, measured, lost_at, keeps_all, say)
        await gates.passed()
    await region.level()
    measured.level_s = time.monotonic() - lost_at
    measured.passages = len(region.department.recorded)
    await _looked_at(region, changes, measured, lost_at, keeps_all)
    measured.missing = measured.passages - await region.recorded()
    return measured


async def _restored(
    region: Region, backup: Backup, gates: LaterGates, measured: Measured, lost_at: float, keeps_all: bool, say: Callable[[str], None]
) -> None:
    """The documented steps, to the first passages that a gate sends again; gateways are the last that start."""
    await region.stage.leave(*(name for name in (*PROCESSES, "gateway") if name in region.stage.processes))
    region.stand_on(await backup.restore())
    measured.restored_s = time.monotonic() - lost_at
    measured.eras = await _brought_together(region, keeps_all, say)
    measured.together_s = time.monotonic() - lost_at
    await region.start(*PROCESSES)
    measured.answered_s = time.monotonic() - lost_at
    known = await gates.as_they_are()
    assert known or not keeps_all, "what was enrolled or revoked after the backup is lost, though the backup keeps all"
    await region.start("gateway")
    measured.devices_s = time.monotonic() - lost_at


async def _worked(
    region: Region, backup: Backup, traffic: Traffic, changes: Changes, gates: LaterGates, passages: int, say: Callable[[str], None]
) -> None:
    """The region works while it is backed up and after, and its events wait for Kafka when the database is lost."""
    await traffic.more(passages)
    await changes.more()
    say("backed up while everybody works")
    await backup.take()
    await changes.more()
    await gates.after()
    await region.desk.create_body(later(region))
    await region.operate(REGISTRY, "erase", region.gone, "--ground", GROUND, *BY)
    for service in SERVICES:
        await region.audit_told(service)
    await until(lambda: region.books.none("outbox"))
    for name in ("registry work", "work"):
        region.stage.kill(name)
        await region.stage.gone(name)
    await traffic.more()
    await changes.more()
    await until(lambda: region.stage.inside.count("outbox"))


async def _brought_together(region: Region, keeps_all: bool, say: Callable[[str], None]) -> Mapping[str, str]:
    """The documented steps: nobody comes in, what is missing is listed first, then each service's database is brought together with its topics.

    The eras that begin, by service.
    """
    eras = dict[str, str]()
    await region.lock()
    listed = await region.operate(REGISTRY, "restored", "database", "--look", "names")
    missing = {"  newer    " + region.department.body, "  unknown  " + later(region), "  erased   " + region.gone}
    assert missing & set(listed.splitlines()) == (set() if keeps_all else missing), listed
    for service in SERVICES:
        said = await region.operate(service, "restored", "database", *BY)
        say(said)
        [eras[service]] = re.findall(r"^era (\d+) has begun", said, re.MULTILINE)
    return eras


async def _proven(region: Region, service: str, era: str, keeps_all: bool) -> None:
    """What is left of the audit agrees with what was told of it; what does not is excused by the restoration alone, when that is named."""
    await region.audit_told(service)
    code, said = await region.ended(service, "audit", "verify")
    assert code == (0 if keeps_all else NOT_AS_IT_MUST_BE), said
    named = await region.operate(service, "audit", "verify", "--restored", era)
    assert f"era {era}, at place" in named, named
    assert ("records at least" in named) is not keeps_all, named


async def _looked_at(region: Region, changes: Changes, measured: Measured, lost_at: float, keeps_all: bool) -> None:
    """Nothing is missing but changes by calls, where the backup does not keep them all; they may be made again and are heard of."""
    lost = await changes.lost()
    assert not (keeps_all and lost), f"changes are lost that were answered: {sorted(lost)}"
    measured.changes, measured.lost = len(changes.answered), len(lost)
    measured.lost_s = lost_at - min((changes.answered[each] for each in lost), default=lost_at)
    assert await region.books.rows("SELECT FROM servants WHERE id = $1", region.gone) == [], "who was erased is back in the registry"
    assert await region.stage.inside.rows("SELECT FROM servants WHERE servant = $1", region.gone) == [], "who was erased is back"
    # A line that was refused for minutes waits as long before it tries again; a new one tries at once.
    async with Desk(region.desk.target, region.desk.token).open() as desk:
        if not keeps_all:
            await desk.create_body(later(region))
        await desk.create_unit(region.department.body, "after")
    await region.level()
    await judged(region.stage, region.department)
    await topics_agree(region)
    for service, era in measured.eras.items():
        await _proven(region, service, era, keeps_all)


async def _size(region: Region) -> int:
    [row] = await region.stage.inside.rows("SELECT sum(pg_database_size(datname))::bigint FROM pg_database")
    return int(row[0])


def later(region: Region) -> str:
    """A body that is recorded after the backup."""
    return f"{region.department.body}-LATER"
