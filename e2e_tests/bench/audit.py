"""Audited changes as fast as writers commit them, and how far their seals are behind.

Two processes enter the database as the application and change states, each change in a transaction of its own with its audit
record, some at once; then they do the same in groups of twenty, as an import does. Beside them the worker seals what was
committed, tells of the chain outside and relays what is published. A record is behind from the instant at which it was written
to that of its seal, by the database's clock. At the end the chain is verified.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from chassis.audit_log.verification import Verdict, VerifyAuditLog
from chassis.database import Database
from chassis.testing.kafka import TOPICS
from chassis.topics import read
from localstack.parts import free_addresses
from localstack.processes import Process

from .figures import Figure, at_least, at_most
from .neighbours import cpu_seconds
from .stand import LOOK_AGAIN_S, READY_WITHIN_S, SERVICE, Ground, Stand, met, module

CHANGES, WRITERS, AT_ONCE = 60_000, 2, 8
GROUP = 20
_BEHIND = """
SELECT coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY behind), 0) AS most_of_them, coalesce(max(behind), 0) AS last, count(*) AS sealed
FROM (
    SELECT extract(epoch FROM s.sealed_at - r.recorded_at)::float8 AS behind
    FROM audit_records r JOIN audit_seals s ON s.record = r.id WHERE r.action = $1
) AS each
"""
_LEFT = "SELECT count(*) FROM audit_records WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.record = audit_records.id)"


class Unsealed(Exception):
    """Records that were committed are not sealed; says how many, or what is not as it was sealed."""


async def measure(stand: Stand) -> Sequence[Figure]:
    """Writes alone and in groups, then verifies."""
    changes = stand.size(CHANGES, least=2 * WRITERS * AT_ONCE * GROUP)
    async with AsyncExitStack() as stack:
        ground = await stand.ground()
        worker = await _worker(stand, stack, ground)
        owner = await stack.enter_async_context(ground.owner())
        figures = list[Figure]()
        for name, group in (("alone", 1), (f"in groups of {GROUP}", GROUP)):
            before = _cpu(ground, worker)
            seconds, writing = await _written(ground, changes, group)
            await _sealed(owner)
            spent = {"writers": writing, **{part: now - before[part] for part, now in _cpu(ground, worker).items()}}
            behind = await owner.fetchrow(_BEHIND, action(group))
            figures += [
                Figure(f"audited changes, {name}", changes / seconds, "changes/s", at_least(2_000)),
                Figure(f"record to seal, p95, {name}", behind["most_of_them"], "s", at_most(1.0)),
                Figure(f"record to seal, the longest, {name}", behind["last"], "s", at_most(1.0)),
                *(Figure(f"CPU of a change, {name}: {part}", each / changes * 1e6, "µs") for part, each in spent.items()),
            ]
            stand.say(f"{behind['sealed']:,} changes {name} are sealed")
        return [*figures, *await _verified(stack, ground)]


def action(group: int) -> str:
    """What the changes of a round are called in the audit."""
    return f"bench.change-{group}"


def _cpu(ground: Ground, worker: Process) -> dict[str, float]:
    return {"work": cpu_seconds(worker.pid), "postgres": cpu_seconds(ground.postgres.pid)}


async def _worker(stand: Stand, stack: AsyncExitStack, ground: Ground) -> Process:
    kafka, free = await stand.kafka(stack), free_addresses()
    await asyncio.to_thread(kafka.create, [each.name for each in read(TOPICS)])
    admin = next(free)
    environment = {"TARTIP_DATABASE_URL": ground.urls.worker, "TARTIP_KAFKA": kafka.bootstrap, "TARTIP_ADMIN_LISTEN": admin}
    process = await stack.enter_async_context(module(SERVICE, "work", environment=environment))
    await met(process, _ready(admin))
    return process


async def _ready(admin: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://{admin}/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(LOOK_AGAIN_S)


async def _written(ground: Ground, changes: int, group: int) -> tuple[float, float]:
    """Lets the writers do their parts; the seconds until the last has ended, and the CPU seconds that all have taken."""
    each = str(changes // WRITERS)
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "e2e_tests.bench.audit_writer", ground.urls.app, each, str(group), str(AT_ONCE), action(group)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        await writer.stdout.readline()  # it is connected
    began = time.perf_counter()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
    said = await asyncio.gather(*(writer.communicate() for writer in writers))
    seconds = time.perf_counter() - began
    if any(writer.returncode for writer in writers):
        raise Unsealed(f"a writer failed: {[writer.returncode for writer in writers]}")
    return seconds, sum(float(out) for out, _ in said)


async def _sealed(owner: Any) -> None:
    """Returns when every record is sealed."""
    async with asyncio.timeout(READY_WITHIN_S):
        while await owner.fetchval(_LEFT):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(LOOK_AGAIN_S)


async def _verified(stack: AsyncExitStack, ground: Ground) -> Sequence[Figure]:
    """The chain is made again by one process."""
    database = Database(ground.urls.worker, name="bench")
    stack.push_async_callback(database.close)
    began = time.perf_counter()
    found = await VerifyAuditLog(database)()
    seconds = time.perf_counter() - began
    if found.verdict is not Verdict.INTACT:
        raise Unsealed(f"{found}")
    return [
        Figure("records verified", found.reached.place, "records"),
        Figure("records verified a second", found.reached.place / seconds, "records/s"),
    ]
