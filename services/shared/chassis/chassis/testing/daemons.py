"""Servers of others' making on this machine: started, waited for, ended in bounded time, and for tests killed, paused, resumed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from chassis.testing.orphans import die_with_parent

# A machine that does other things too starts slowly; who waits longer waits for something that does not come.
READY_WITHIN_S = 180.0
STOPPED_WITHIN_S = 15.0
KILLED_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.02
LAST_OCTETS = 4_000

# A child is told of the end of the thread that started it, so one that stays until we end ourselves starts them all.
_starter = ThreadPoolExecutor(1, thread_name_prefix="tartip-daemons")


class NotStarted(Exception):
    """A server did not become ready; the message ends with what it said last."""


class Daemon:
    """A server's process, once it is spawned, as often as one likes; it writes into a log of its own, which goes on each time.

    A start may take seconds: in a coroutine `await asyncio.to_thread(server.start)`.
    """

    def __init__(self, name: str, log: Path, farewell: signal.Signals = signal.SIGTERM) -> None:
        self.name, self.log = name, log
        self._farewell = farewell
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    @property
    def pid(self) -> int:
        """The number of the process; NotStarted where there is none."""
        if self._process is None:
            raise NotStarted(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there, be it paused."""
        return self._process is not None and self._process.poll() is None

    @property
    def killed(self) -> bool:
        """Whether it was killed, since it did not end when it was asked to, or so it was wished."""
        return self._process is not None and self._process.poll() == -signal.SIGKILL

    @property
    def said(self) -> str:
        """What it said since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._began)
            return log.read().decode("utf-8", "replace")

    def spawn(self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, **more: Any) -> None:
        """Starts the process; it ends with us, however we end."""
        if self.running:
            raise NotStarted(f"{self.name} runs already, as {self.pid}")
        self._began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            given: dict[str, Any] = {
                "cwd": folder,
                "env": None if environment is None else dict(environment),
                "stdin": subprocess.DEVNULL,
                "stdout": log,
                "stderr": log,
                "process_group": 0,  # a Ctrl-C at the terminal is for us, who stop the server in order
                "preexec_fn": die_with_parent(self._farewell),
            }
            self._process = _starter.submit(lambda: subprocess.Popen(command, **given, **more)).result()

    def until(self, ready: Callable[[], bool]) -> None:
        """Waits until it is ready; NotStarted, and the process is ended, where it ends itself or takes too long."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not ready():
            if not self.running or time.monotonic() > deadline:
                how = "did not become ready" if self.running else "ended"
                self.kill()
                raise NotStarted(f"{self.name} {how}. It said last, in {self.log}:\n{self.said[-LAST_OCTETS:]}")
            time.sleep(LOOK_AGAIN_S)

    def stop(self) -> None:
        """Asks it to end, waits, and kills what stays; nothing where it does not run."""
        if self.running:
            self.resume()
            os.kill(self.pid, self._farewell)
            if not self._gone(STOPPED_WITHIN_S):
                self.kill()

    def kill(self) -> None:
        """Kills it and its children at once, as a machine that goes dark does (SIGKILL); nothing where it does not run."""
        children = self._all(signal.SIGKILL)
        psutil.wait_procs(children, KILLED_WITHIN_S)
        self._gone(KILLED_WITHIN_S)

    def pause(self) -> None:
        """Lets it hang, connections and all (SIGSTOP), until it is resumed."""
        self._all(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        self._all(signal.SIGCONT)

    def _all(self, number: signal.Signals) -> list[psutil.Process]:
        """Signals the process first, so that it starts no more children, and then those that it has; returns them."""
        if not self.running:
            return []
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            before: list[psutil.Process] = parent.children(recursive=True)  # of a killed parent nobody can tell the children any more
            parent.send_signal(number)
            with suppress(psutil.NoSuchProcess):
                before = list({*before, *parent.children(recursive=True)})
            for child in before:
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(number)
            return before
        return []

    def _gone(self, within_s: float) -> bool:
        if self._process is None:
            return True
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True
