"""Processes of this machine: started, listened to, watched, and ended in bounded time."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chassis.testing.orphans import die_with_parent

LAST_LINES = 12
LONGEST_LINE = 1 << 20  # a refused batch may be quoted in one line
TERMINATED_WITHIN_S = 15.0
KILLED_WITHIN_S = 5.0

Said = Callable[[str, str], None]


class Died(Exception):
    """A process ended that should not have; says which, how, and its last lines."""

    def __init__(self, process: "Process") -> None:
        super().__init__(f"{process.name} {_how(process.code)}")
        self.name, self.last = process.name, tuple(process.last)


@dataclass(slots=True, eq=False)
class Process:
    """A running process. `ended` is done, with the exit code, once it has ended and all that it said was taken."""

    name: str
    handle: asyncio.subprocess.Process
    ended: "asyncio.Task[int]" = field(init=False)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    _waiting: list[tuple[str, "asyncio.Future[str]"]] = field(default_factory=list)

    @classmethod
    async def start(
        cls,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: str | os.PathLike[str],
        said: Said,
        python: Sequence[str] = (sys.executable,),
    ) -> "Process":
        """Starts a module of ours: ("regimes", "work") is `python -m regimes work`; `said` gets each of its lines."""
        handle = await asyncio.create_subprocess_exec(
            *python, "-m", *arguments,
            env=dict(environment), cwd=folder, limit=LONGEST_LINE,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            process_group=0,  # a Ctrl-C at the terminal is for us, who end them in order
            preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        process = cls(name, handle)
        process.ended = asyncio.create_task(process._listen(said), name=name)
        return process

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.handle.pid

    @property
    def code(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        return self.handle.returncode

    def line(self, beginning: str) -> "asyncio.Future[str]":
        """The next line that begins so, once it is said."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((beginning, future))
        return future

    async def _listen(self, said: Said) -> int:
        assert self.handle.stdout is not None
        while line := await _line(self.handle.stdout):
            text = line.decode("utf-8", "replace").rstrip("\n")
            self.last.append(text)
            said(self.name, text)
            for beginning, future in self._waiting:
                if text.startswith(beginning) and not future.done():
                    future.set_result(text)
        return await self.handle.wait()


async def end(processes: Iterable[Process]) -> None:
    """Ends the processes, all at once: asks, waits, and kills those that stay. Returns when none is left."""
    running = [process for process in processes if process.code is None]
    for process in running:
        _send(process, signal.SIGTERM)
    try:
        await _gone(running, TERMINATED_WITHIN_S)
    finally:  # also where we are no longer to wait
        for process in running:
            if process.code is None:
                _send(process, signal.SIGKILL)
        await _gone(running, KILLED_WITHIN_S)


async def _gone(processes: Sequence[Process], within_s: float) -> None:
    if processes:
        await asyncio.wait([process.ended for process in processes], timeout=within_s)


def _send(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.handle.send_signal(number)


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than the longest: what was read of it is gone
        return b"(a line too long to be shown)\n"


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended by itself with exit code {code}"
