"""A region is cut off from Kafka for hours and comes back: `make cut-off HOURS=6 GATES=2 MINUTES=5`.

HOURS go by the clock of the platform, MINUTES are real ones for which Kafka is away at least, GATES are those of each protocol.
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

from chassis.testing.artifacts import announce
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import temporary_postgres

from ..chaos.stage import stage
from .story import Seen, Size, lived_through
from .waiting import WEIGHT

# The gateway's own limit: what it comes to in memory is what operators see.
WAITING = 100_000
# Of fewer that wait nothing can be said: an interpreter breathes by some megabytes anyway.
ENOUGH_TO_WEIGH = 20_000


async def cut_off(size: Size) -> Seen:
    """Lives through the story on a platform of its own."""
    began = time.monotonic()
    with ExitStack() as stack:
        kafka = stack.enter_context(temporary_kafka(announce))
        postgres = stack.enter_context(temporary_postgres(durable=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-cutoff-")))
        async with stage(kafka, postgres, folder, size.begin, size.told) as standing:
            return await lived_through(standing, size, lambda line: print(f"  {time.monotonic() - began:5.0f} s  {line}", flush=True))


def told(size: Size, seen: Seen) -> str:
    """What was seen, for people."""
    megabyte = 1_000_000
    lines = [
        f"{size.hours:g} hours by the clock, {seen.away_s:.0f} s in fact, {size.gates} gates of each protocol",
        *(f"answered to {kind}: {answer}, {times} times" for (kind, answer), times in sorted(seen.answers.items())),
        *(f"{name} answers /live with {live}, /ready with {ready}" for name, (live, ready) in seen.others.items()),
        f"kept by the gates: {sum(seen.backlog.values()):,} records; the longest memory {max(seen.backlog.values()):,}",
        f"waiting in the gateway at most: {seen.most_waiting:,.0f} of {size.waiting:,} passages",
        f"the gateway's memory: {seen.resident_before / megabyte:.0f} MB before, {seen.most_resident / megabyte:.0f} MB at most",
        f"events that waited in the outbox: {seen.events_waiting:,}",
        f"sent again within {seen.sent_again_s:.1f} s, all days computed and published after {seen.level_s:.1f} s more",
        f"of the backlog still to be stored when all live passages were: {seen.order.passages:,}",
        f"versions of days that the backlog made after all live days were visible: {seen.order.days:,}",
        f"forgotten by the controller that remembers too little: {seen.forgotten}; findings of missing numbers: {seen.missing_found}",
        "nothing that was taken is lost, nothing is doubled",
    ]
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line; exit code 1 where something was lost, doubled, served too late or too heavy."""
    parser = argparse.ArgumentParser(prog="python -m e2e_tests.cutoff", description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0, help="by the clock of the platform (default: 6)")
    parser.add_argument("--gates", type=int, default=2, help="of each protocol (default: 2)")
    parser.add_argument("--minutes", type=float, default=0.0, help="real minutes for which Kafka is away at least")
    arguments = parser.parse_args(given)
    size = Size(arguments.hours, arguments.gates, WAITING, 60 * arguments.minutes)
    try:
        seen = asyncio.run(cut_off(size))
    except (AssertionError, TimeoutError) as lost:
        print(lost or "what was waited for did not come", file=sys.stderr)
        return 1
    print(told(size, seen))
    if not seen.order.passages:
        print("what happened now waited for the backlog", file=sys.stderr)
        return 1
    grown, heaviest = seen.most_resident - seen.resident_before, seen.most_waiting * WEIGHT
    if seen.most_waiting >= ENOUGH_TO_WEIGH and grown > heaviest:
        print(f"the gateway grew by {grown:,} octets, and {seen.most_waiting:,.0f} passages may take {heaviest:,.0f}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
