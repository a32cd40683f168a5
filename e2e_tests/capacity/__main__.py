"""What a region and the nation need: computed from what was measured, or measured anew.

`make capacity SERVANTS=90000 REGIONS=20` · `make measure-capacity`, with FORCE=1 beside others
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

from localstack.platform import interruptible

from ..bench.neighbours import QUIET, Spent
from . import costs, page
from .report import document
from .sizing import ASSUMED

LOOKED_AT_S = 5.0


def main(given: Sequence[str] | None = None) -> int:
    """Prints the sizes, or measures and keeps what was measured."""
    parser = argparse.ArgumentParser(prog="python -m e2e_tests.capacity", description=__doc__)
    parser.add_argument("--servants", type=int, default=90_000, help="of the nation (default: 90,000)")
    parser.add_argument("--regions", type=int, default=20, help="among which they are spread alike (default: 20)")
    parser.add_argument("--measure", action="store_true", help="measure anew; writes costs.json and docs/capacity.md")
    parser.add_argument("--write", action="store_true", help="write docs/capacity.md from what was measured")
    parser.add_argument("--force", action="store_true", help="measure although others are at work on this machine")
    arguments = parser.parse_args(given)
    if arguments.servants < 1 or arguments.regions < 1:
        parser.error("servants and regions are counted from 1 on")
    if arguments.measure:
        before = Spent.now()
        time.sleep(LOOKED_AT_S)
        if not _quiet(Spent.now().others(before), arguments.force):
            return 1
        return interruptible(_measure(forced=arguments.force))
    if arguments.write:
        page.write(costs.read(), ASSUMED)
        return 0
    print(document(costs.read(), ASSUMED, arguments.servants, arguments.regions))
    return 0


def _quiet(others: float, forced: bool) -> bool:
    """Whether a measurement counts beside what others do; says it where they do too much."""
    if others > QUIET:
        says = f"others work on this machine: they had {others:.2f} cores, and beside a measurement {QUIET:g} at most"
        print(f"{says}; FORCE=1 measures all the same", file=sys.stderr)
    return forced or others <= QUIET


async def _measure(*, forced: bool) -> int:
    from .measure import Sizes, measured  # needs the whole platform, which nobody needs to compute

    before = Spent.now()
    found = await measured(lambda line: print(f"  {line}", flush=True), Sizes())
    others = Spent.now().others(before)
    if not _quiet(others, forced):
        print("nothing was written", file=sys.stderr)
        return 1
    costs.write(replace(found, machine={**found.machine, "cores that others had meanwhile": f"{others:.2f}"}))
    page.write(costs.read(), ASSUMED)
    print(f"written to {costs.KEPT.name} and docs/{page.PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
