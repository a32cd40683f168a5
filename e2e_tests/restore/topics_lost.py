"""The other drill: a region works, loses its Kafka with all that is in it, and is brought together again by the documented steps.

What devices were told is taken and nobody had recorded is lost. Accounts say how much it is, it is written off, and gates that are asked
to send all they have bring it back.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chassis.testing.kafka import TOPICS, Kafka
from chassis.topics import read

from ..chaos.inside import SERVICE
from ..chaos.patience import until
from ..chaos.traffic import Traffic
from ..chaos.verdict import judged
from .region import BY, PROCESSES, REGISTRY, SERVICES, Region
from .truth import topics_agree
from .users import let_in

GROUND = "Kafka was lost with its disks, act № 7"
# What is published again, in this order: services that follow need what they follow.
PUBLISHED = (
    *((REGISTRY, topic) for topic in ("registry.bodies.v1", "registry.servants.v1")),
    *((SERVICE, topic) for topic in ("timetracking.workdays.v1", "timetracking.findings.v1")),
)
_IN_FLIGHT = """
SELECT coalesce(sum(greatest(missing, 0)), 0)::bigint FROM (
    SELECT device, date, sum(received) - sum(gone) AS missing FROM (
        SELECT device, date, received, repeated + no_passages AS gone FROM device_receipts
        UNION ALL SELECT device, date, 0, stored + repeated FROM device_days
    ) AS part GROUP BY device, date
) AS account
"""


@dataclass(slots=True)
class TopicsLost:
    """What the drill took, in real seconds from the loss on: passages that were taken and not recorded, and those still missing at the end."""

    passages: int = 0
    lost: int = 0
    missing: int = 0
    born_s: float = 0.0
    devices_s: float = 0.0
    level_s: float = 0.0

    @property
    def shown(self) -> Mapping[str, object]:
        """By what it is."""
        return {
            "passages in all": self.passages,
            "taken and lost with Kafka": self.lost,
            "still missing when gates had sent all they have": self.missing,
            "Kafka back, with its topics, after": f"{self.born_s:.1f} s",
            "devices answered after": f"{self.devices_s:.1f} s",
            "every day level after": f"{self.level_s:.1f} s",
        }


async def topics_lost(region: Region, passages: int, say: Callable[[str], None]) -> TopicsLost:
    """Lives through the loss; AssertionError where something is missing in the end. So many passages go before it."""
    measured = TopicsLost()
    async with region.stage.flowing(region.department) as traffic:
        await _worked(region, traffic, passages)
        lost_at = time.monotonic()
        _destroy(region.stage.kafka)
        say("Kafka is lost with all that was in it; gates go on and are told that nothing is taken")
        await region.stage.leave(*(name for name in (*PROCESSES, "gateway") if name in region.stage.processes))
        await _born_anew(region, say)
        measured.born_s = time.monotonic() - lost_at
        await region.start(*PROCESSES, "gateway")
        measured.devices_s = time.monotonic() - lost_at
        await _published_again(region, say)
        await traffic.more()
    await until(region.stage.applied)
    await until(region.stage.counted)
    measured.passages = len(region.department.recorded)
    measured.lost = measured.passages - await region.recorded()
    # Gates are looked at, and days follow from that, once nothing of them is on its way.
    await _written_off(region, measured.lost, say)
    await region.level()
    measured.level_s = time.monotonic() - lost_at
    async with region.stage.connected(region.department) as again:
        await asyncio.gather(*(again.send(gate, region.department.recorded_at(gate)) for gate in region.department.gates))
    await region.level()
    await judged(region.stage, region.department)
    await topics_agree(region)
    measured.missing = measured.passages - await region.recorded()
    return measured


async def _worked(region: Region, traffic: Traffic, passages: int) -> None:
    """The region works, and those who record have died a moment before the loss: what is taken meanwhile lies in Kafka alone."""
    await traffic.more(passages)
    region.stage.kill("consume")
    await region.stage.gone("consume")
    await traffic.more()
    await until(lambda: _taken_and_not_recorded(region))


async def _taken_and_not_recorded(region: Region) -> bool:
    [row] = await region.stage.inside.rows(_IN_FLIGHT)
    return bool(row[0])


def _destroy(kafka: Kafka) -> None:
    """The broker dies, and its disk is gone."""
    kafka.kill()
    shutil.rmtree(kafka.folder / "data")


async def _born_anew(region: Region, say: Callable[[str], None]) -> None:
    """A new Kafka at the address of the old, with the names, rights and topics of the region; the databases forget places in the old."""
    await asyncio.to_thread(region.stage.kafka.start)
    await asyncio.to_thread(let_in, region.stage.kafka, region.ways)
    await asyncio.to_thread(region.stage.kafka.create, [each.name for each in read(TOPICS)])
    for service in SERVICES:
        say(await region.operate(service, "restored", "topics", *BY))


async def _published_again(region: Region, say: Callable[[str], None]) -> None:
    """Everybody publishes what they own; regimes by the drill's own hand."""
    for service, topic in PUBLISHED:
        say(await region.operate(service, "republish", "--topic", topic))
    await region.stage.publish(region.department.plans())


async def _written_off(region: Region, lost: int, say: Callable[[str], None]) -> None:
    """What stays in flight is what was lost, and is written off by a decision."""
    assert lost > 0, "nothing was lost with Kafka: nobody saw what accounts say then"
    say(await region.operate(SERVICE, "accounts", "--write-off", "--ground", GROUND, *BY))
    await region.operate(SERVICE, "accounts", "--level")
