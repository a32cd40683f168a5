"""What a passage that waits for Kafka takes of a gateway's memory, in octets: `python -m e2e_tests.cutoff.waiting 6000`.

It is weighed in a process of its own, where nothing else breathes. A terminal uploads its lines and nobody answers: all that a gateway has of them is held, with what Kafka's library copied.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

import psutil
from chassis.brokers import Brokers
from chassis.publisher import Publisher
from lawbook import load
from prometheus_client import REGISTRY
from timetracking.devices.domain import Protocol
from timetracking.gateway import adms
from timetracking.gateway.batches import Batcher
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.intake import Intake, bounds_by
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.gateway.settings import GatewaySettings

from ..chaos.patience import until

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
NOBODY, FOR_EVER_S = "127.0.0.1:9", 3_600
LINES = 300
# What docs/region-cut-off.md says it takes; once its sender has given up it is less.
WEIGHT = 3_000


class CutOff(Publisher):
    """Kafka was there once, and told its partitions."""

    async def partitions(self, topic: str) -> int:
        return 24


async def a_passage_takes(most: int) -> float:
    """Octets of each of so many passages, beyond as many that waited before them: what comes first lets a process grow anyway."""
    publisher = CutOff(Brokers(NOBODY))
    limits = GatewaySettings.model_construct().batch_limits
    intake = Intake(
        Batcher(publisher, lambda: NOW, limits, FOR_EVER_S),
        ParkingLot(publisher, FOR_EVER_S),
        lambda: NOW,
        bounds_by(load()),
        "Asia/Almaty",
    )
    device = EnrolledDevice("gate-1", Protocol.ADMS, "hq", zone="Asia/Almaty")
    taking: set[asyncio.Task[object]] = set()

    async def held(count: int) -> int:
        for _ in range(count // LINES):
            first = LINES * len(taking)
            taking.add(asyncio.create_task(intake.take(device, adms.read(device, [line(first + number) for number in range(LINES)]))))
            await asyncio.sleep(0)
        await until(lambda: REGISTRY.get_sample_value("tartip_gateway_waiting") == LINES * len(taking))
        await asyncio.sleep(2 * limits.late_linger_s)  # the last batches have left for Kafka's library
        return int(psutil.Process().memory_info().rss)

    before = await held(most)
    return (await held(most) - before) / most


def line(number: int) -> bytes:
    """A passage of hours ago, of one of five hundred people, as terminals write it."""
    at = NOW - timedelta(hours=1, seconds=number)
    return f"{number % 500}\t{at:%Y-%m-%d %H:%M:%S}\t{number % 2}\t15\t0\t0\t0".encode()


if __name__ == "__main__":
    print(asyncio.run(a_passage_takes(int(sys.argv[1]))), flush=True)
    os._exit(0)  # what waits there is nobody's, and Kafka's library would wait for it
