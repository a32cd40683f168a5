"""What servants take where they are kept: of registry's and regimes' databases, of their topics, and of their processes, once."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from chassis.testing.artifacts import announce
from chassis.testing.client import channel
from chassis.testing.kafka import Kafka, temporary_kafka
from chassis.testing.postgres import temporary_postgres

from ..bench.figures import Say
from ..bench.neighbours import cpu_seconds
from ..chaos.department import Department, department
from ..upgrade import founding
from ..upgrade.region import Region, region
from ..upgrade.version import THIS
from .costs import Founded
from .disks import TABLES, topics_of

SERVICES = ("registry", "regimes")
# Who decides, and who keeps the files.
GRANTS = ("/nation/operator", "/nation/hr-officer")
_MONTHS = "SELECT count(*) FROM month_plans"
# So many calls are on the way at once, as a script of a ministry makes them.
AT_ONCE = 8


async def founded(servants: int, say: Say) -> Founded:
    """Records so many servants by the registry's API, one by one, and waits for the plans that regimes makes of them."""
    async with AsyncExitStack() as stack:
        kafka = stack.enter_context(temporary_kafka(announce))
        postgres = stack.enter_context(temporary_postgres(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-founded-")))
        made = await stack.enter_async_context(region(kafka, postgres, folder, THIS))
        token = made.stage.tokens.mint("an officer", GRANTS)
        of = department(servants)
        calls: dict[str, Any] = {}
        for service in SERVICES:
            opened = await stack.enter_async_context(channel(made.targets(service), token))
            calls |= {service: [stub(opened) for stub in founding.STUBS[service]]}
        before, topics, spent, began = await _octets(made), _topics(kafka), _cpu(made), time.perf_counter()
        bodies, servants_of = calls["registry"]
        await _found(of, made, bodies, servants_of, calls["regimes"][0])
        say(f"{servants} servants are recorded and planned after {time.perf_counter() - began:.0f} s")
        grown = {service: octets - before[service] for service, octets in (await _octets(made)).items()}
        [[months]] = await made.insides["regimes"].rows(_MONTHS)
        return Founded(
            octets={service: grown[service] / servants for service in SERVICES},
            months=months / servants,
            topics={name: (octets - topics[name]) / servants for name, octets in _topics(kafka).items()},
            cpu={name: (seconds - spent[name]) / servants for name, seconds in _cpu(made).items()},
        )


async def _found(of: Department, made: Region, bodies: Any, servants: Any, rules: Any) -> None:
    await bodies.CreateStateBody(founding.body(of))
    await bodies.CreateUnit(founding.unit(of, founding.UNIT))
    room = asyncio.Semaphore(AT_ONCE)

    async def hire(number: int, name: str) -> None:
        async with room:
            await servants.CreatePosition(founding.position(of, name))
            await servants.CreateServant(founding.servant(of, name, number))

    await asyncio.gather(*(hire(number, name) for number, name in enumerate(of.servants)))
    await made.level()
    await rules.CreateLabourOrderRules(founding.rules(of))
    await made.level()


async def _octets(made: Region) -> Mapping[str, float]:
    """What the tables take of disks; what was deleted or written over may be used again first."""
    found = dict[str, float]()
    for service in SERVICES:
        await made.insides[service].execute("VACUUM")
        found[service] = sum(row["octets"] for row in await made.insides[service].rows(TABLES))
    return found


def _topics(kafka: Kafka) -> Mapping[str, float]:
    return {name: octets for name, octets in topics_of(kafka).items() if name.partition(".")[0] in SERVICES}


def _cpu(made: Region) -> Mapping[str, float]:
    return {name: cpu_seconds(member.process.pid) for name, member in made.members.items() if name.partition(" ")[0] in SERVICES}
