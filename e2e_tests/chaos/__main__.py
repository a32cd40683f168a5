"""Faults at random, for as long as one likes: `make soak SEEDS="1 2 3" MINUTES=10`.

Each seed begins on a fresh platform and draws faults and departments until its minutes are over; what is drawn follows from
the seed, when it happens from the machine. The first loss ends the run, and names the seed and the faults.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

from chassis.testing.artifacts import announce
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import temporary_postgres

from .department import department
from .faults import FAULTS
from .stage import Stage, stage
from .stories import lived_through

FAULTS_AT_MOST = 4


async def soak(seed: int, minutes: float) -> int:
    """Lives through faults until the minutes are over; how many there were."""
    with ExitStack() as stack:
        kafka = stack.enter_context(temporary_kafka(announce))
        postgres = stack.enter_context(temporary_postgres(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-soak-")))
        async with stage(kafka, postgres, folder) as standing:
            return await live(standing, Random(seed), time.monotonic() + 60 * minutes)


async def live(standing: Stage, random: Random, until: float) -> int:
    """Lives through rounds of faults on a platform that stands, the last of which begins before `until`; how many faults there were."""
    count = 0
    while time.monotonic() < until:
        chosen = random.choices(sorted(FAULTS), k=random.randint(1, FAULTS_AT_MOST))
        made = department(people=random.choice((3, 40, 150)))
        print(f"  {made.name}, {made.people} people: {', '.join(chosen)} …", flush=True)
        began = time.monotonic()
        await standing.whole()
        await standing.announce(made)
        await lived_through((standing, made), *(FAULTS[name] for name in chosen))
        count += len(chosen)
        print(f"  {made.name}: {len(made.recorded)} passages, all there, each once ({time.monotonic() - began:.0f} s)", flush=True)
    return count


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line; exit code 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m e2e_tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="what is drawn; may be given again")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long each seed is lived")
    arguments = parser.parse_args(given)
    for seed in arguments.seed or [1]:
        print(f"seed {seed}, {arguments.minutes:g} minutes", flush=True)
        try:
            count = asyncio.run(soak(seed, arguments.minutes))
        except (AssertionError, TimeoutError) as lost:
            print(f"seed {seed}: {lost or 'what was waited for did not come'}", file=sys.stderr)
            raise
        print(f"seed {seed}: {count} faults, nothing lost, nothing doubled", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
