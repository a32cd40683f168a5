"""Processes that are left behind are found, and do not outlive who started them."""

import asyncio
import os
import signal
import sys

import pytest
from chassis.testing.orphans import children, die_with_parent
from chassis.testing.waiting import until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# Starts a child and is killed before it could end it.
PARENT = f"""
import os, signal, subprocess
from chassis.testing.orphans import die_with_parent
child = subprocess.Popen({SLEEP!r}, preexec_fn=die_with_parent(signal.SIGTERM))
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="this system does not tell of children")


async def test_a_child_is_found_as_long_as_it_runs() -> None:
    process = await asyncio.create_subprocess_exec(*SLEEP)
    await until(lambda: "time.sleep(600)" in children().get(process.pid, ""))
    process.kill()
    await process.wait()
    assert process.pid not in children()


async def test_a_child_ends_when_its_parent_is_killed() -> None:
    assert die_with_parent(signal.SIGTERM) is not None
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert await parent.wait() == -signal.SIGKILL
    await until(lambda: not runs(pid))


def runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
