"""What a region and the nation need: computed from what was measured, or measured anew.

`make capacity SERVANTS=90000 REGIONS=20` · `make measure-capacity`, with FORCE=1 beside others
"""

import argparse
import os
import sys
from collections.abc import Sequence

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

from localstack.platform import interruptible

from . import costs, page
from .report import document
from .sizing import ASSUMED

# Processes that ran or waited to run in the last minute, as the kernel counts them: more are somebody's beside us.
QUIET = 1.0


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
        if disturbed := _disturbed():
            print(disturbed, file=sys.stderr)
            if not arguments.force:
                return 1
        return interruptible(_measure())
    if arguments.write:
        page.write(costs.read(), ASSUMED)
        return 0
    print(document(costs.read(), ASSUMED, arguments.servants, arguments.regions))
    return 0


def _disturbed() -> str:
    """What would make a measurement untrue now, or nothing."""
    load = os.getloadavg()[0]
    if load <= QUIET:
        return ""
    return f"others work on this machine: its load is {load:.2f}, and for a measurement {QUIET:g} at most; FORCE=1 measures all the same"


async def _measure() -> int:
    from .measure import Sizes, measured  # needs the whole platform, which nobody needs to compute

    costs.write(await measured(lambda line: print(f"  {line}", flush=True), Sizes()))
    page.write(costs.read(), ASSUMED)
    print(f"written to {costs.KEPT.name} and docs/{page.PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
