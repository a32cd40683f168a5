"""The restore drill: `make drill KIND=physical SIZE=400`; what was measured is printed as a table."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chassis.testing.artifacts import Say, announce
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import start_postgres
from chassis.testing.secured import Trusted, doors

from ..chaos.department import department
from ..chaos.inside import SERVICE
from .backups import Backup, Logical, Physical
from .drill import Measured, drill
from .region import REGISTRY, region
from .topics_lost import TopicsLost, topics_lost
from .users import users

KINDS = ("physical", "logical", "kafka")
SMALLEST = 200
# A passage of a department's people is one of so many a person: days with hundreds of reads are nobody's.
PASSAGES_A_PERSON = 20


@contextmanager
def _folder() -> Iterator[Path]:
    """Where data and backups lie, beside one another: the server's user writes both."""
    with tempfile.TemporaryDirectory(prefix="tartip-drill-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


async def lived_through(kind: str, size: int, rows: int = 0, say: Say = announce) -> Measured | TopicsLost:
    """The drill of that kind with about so many passages before the loss, on servers of its own; `rows` lie in the database besides."""
    with ExitStack() as stack:
        folder = stack.enter_context(_folder())
        (folder / "trusted").mkdir()
        trusted = Trusted.within(folder / "trusted")
        kafka = stack.enter_context(temporary_kafka(say, doors(trusted), guarded=True))
        postgres = start_postgres(folder / "data")
        stack.callback(kafka.kill)
        try:
            async with region(kafka, postgres, folder, department(max(5, size // PASSAGES_A_PERSON)), users(kafka, trusted)) as standing:
                try:
                    await standing.grow(rows)
                    if kind == "kafka":
                        return await topics_lost(standing, size, say)
                    backup: Backup = Physical(postgres) if kind == "physical" else Logical(postgres, (REGISTRY, SERVICE))
                    return await drill(standing, backup, size, keeps_all=kind == "physical", say=say)
                finally:
                    stack.callback(standing.stage.postgres.stop)
        finally:
            postgres.stop()


def table(kind: str, each: Measured | TopicsLost) -> str:
    """What was measured, a line each."""
    return "\n".join(f"| {name} | {value} |" for name, value in {"kind": kind, **each.shown}.items())


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line; what is missing ends it with an AssertionError."""
    parser = argparse.ArgumentParser(prog="python -m e2e_tests.restore", description=__doc__)
    parser.add_argument(
        "--kind", choices=KINDS, action="append", help="the kind of backup, or kafka, which has none; may be given again, else all"
    )
    parser.add_argument("--size", type=int, default=SMALLEST, help="about so many passages before the backup, or the loss")
    parser.add_argument("--rows", type=int, default=0, help="so many passages of months ago lie in the database besides")
    arguments = parser.parse_args(given)
    for kind in arguments.kind or KINDS:
        began = time.monotonic()
        print(table(kind, asyncio.run(lived_through(kind, arguments.size, arguments.rows))), flush=True)
        print(f"{kind}: nothing is missing that must not be; {time.monotonic() - began:.0f} s in all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
