"""Who else works on the machine while something is measured: what all processors did, less what this process and its descendants did."""

import os
import time
from dataclasses import dataclass

import psutil

# Of one core: the kernel writes for us what no process is charged for, and an idle system does something now and then.
QUIET = 0.1


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: of the clock, of all processors, and of those that we had."""

    at: float
    machine: float
    ours: float

    @classmethod
    def now(cls) -> "Spent":
        """So far; what a virtual machine was not given counts as spent by others."""
        times = psutil.cpu_times()
        machine = times.user + times.nice + times.system + times.irq + times.softirq + times.steal
        return cls(time.perf_counter(), machine, cpu_seconds(os.getpid()))

    def others(self, since: "Spent") -> float:
        """Cores that others had since then; never below zero."""
        return max(0.0, (self.machine - since.machine) - (self.ours - since.ours)) / (self.at - since.at)


def cpu_seconds(pid: int) -> float:
    """The CPU seconds that a process and its children, those that have ended too, have taken so far."""
    total = 0.0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for each in family:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
