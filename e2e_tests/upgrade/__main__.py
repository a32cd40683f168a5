"""An upgrade under load, a rollback, and the upgrade again: `make upgrade-test [FROM=commit] [SECONDS=30] [PEOPLE=40] [TURNS=2]`.

Processes of the version before run beside those of this one, on a Kafka and a PostgreSQL of their own.
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

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

from chassis.testing.artifacts import NotToBeHad, announce
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import temporary_postgres

from ..chaos.department import department
from .region import region
from .story import Upgrade, report
from .version import PREVIOUS, THIS, before

NOT_TO_BE_HAD = 3
# The upgrade, the rollback, and the upgrade again.
TURNS = 3


async def upgrade(commit: str, seconds: float, people: int, turns: int) -> str:
    """Lives through the story once; its report."""
    old = before(commit)
    with ExitStack() as stack:
        kafka = stack.enter_context(temporary_kafka(announce))
        postgres = stack.enter_context(temporary_postgres(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-upgrade-")))
        stack.callback(kafka.kill)  # nothing of it is needed any more, and its farewell takes ten seconds
        async with region(kafka, postgres, folder, old) as standing:
            story = Upgrade(standing, department(people), old, THIS, seconds, turns, lambda text: print(text, flush=True))
            return report(story, await story.lived())


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line; exit code 3 where the version before is not to be had."""
    parser = argparse.ArgumentParser(prog="python -m e2e_tests.upgrade", description=__doc__)
    parser.add_argument("--from", dest="commit", default=PREVIOUS, help="the commit of the version before")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long load flows, at least, in each state of the region")
    parser.add_argument("--people", type=int, default=12, help="how many people pass the gates")
    parser.add_argument("--turns", type=int, default=TURNS, help="how often all processes are replaced (default: 3)")
    arguments = parser.parse_args(given)
    began = time.monotonic()
    try:
        said = asyncio.run(upgrade(arguments.commit, arguments.seconds, arguments.people, arguments.turns))
    except NotToBeHad as lacking:
        print(f"upgrade: {lacking}", file=sys.stderr)
        return NOT_TO_BE_HAD
    print(f"{said}\n  all of it took {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
