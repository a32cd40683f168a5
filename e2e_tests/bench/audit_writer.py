"""Changes states and audits each change: python -m e2e_tests.bench.audit_writer URL CHANGES GROUP AT_ONCE ACTION; begins at a line from outside, ends with its CPU seconds."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass

from chassis.access import Caller, grants_of
from chassis.calls import Call, working_for
from chassis.database import Database
from chassis.process import looped

CALLER = Caller("bench", "bench", None, grants_of(["/state-bodies/KGD/hr-officer"]))
_RAISE = """
INSERT INTO projection_positions AS held (topic, partition, start_offset, applied) SELECT key, 0, 0, 0 FROM unnest($1::text[]) AS key
ON CONFLICT (topic, partition) DO UPDATE SET applied = held.applied + 1
"""


@dataclass(frozen=True)
class State:
    """What is changed: its key and how often it was."""

    key: str
    revision: int


async def write(url: str, changes: int, group: int, at_once: int, action: str) -> None:
    """Makes the changes, `group` of them in a transaction, so many transactions at once."""
    database = Database(url, pool_size=at_once, role="app")
    async with database.transaction(CALLER):
        pass
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    before = time.process_time()

    async def some(line: int) -> None:
        for number in range(line, changes // group, at_once):
            async with database.transaction(CALLER) as transaction:
                keys = [f"{os.getpid()}-{line}-{part}" for part in range(group)]
                await (await transaction.driver()).execute(_RAISE, keys)
                for key in keys:
                    before, after = State(key, number), State(key, number + 1)
                    transaction.record(action, f"stateBodies/KGD/states/{key}", "o15-p4-4", before=before, after=after)

    with working_for(Call("/tartip.bench.v1.StateService/Change", "bench", CALLER)):
        await asyncio.gather(*(some(line) for line in range(at_once)))
    print(time.process_time() - before)
    await database.close()


if __name__ == "__main__":
    looped(write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
