"""Child processes that must not stay behind: they end with us, and what is left all the same is found."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child calls before it becomes its program, so that it gets the signal should we be killed; None where there is no such thing."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_DEATH_SIGNAL, number, 0, 0, 0)


def children() -> dict[int, str]:
    """Our children that are still running, each with its command line; none where the system does not tell."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in map(int, task.read_text(encoding="ascii").split()):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if line:  # one that has ended and only waits to be asked for has none
                found[pid] = line.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found
