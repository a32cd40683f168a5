"""The folder of the running platform: who holds it, and what a run that crashed left in it."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from localstack.processes import KILLED_WITHIN_S, TERMINATED_WITHIN_S, Process

LOCK = "lock"
PROCESSES = "processes.json"
LOGS = "logs"
# What only a running platform has. The logs stay until the next run.
OF_A_RUN = ("endpoints.json", "secrets.json", "realm.json", "clock", PROCESSES)
DATA_OF_A_RUN = ("kafka", "keycloak")


class AlreadyRunning(Exception):
    """The platform runs here already; says in which process, and what to do."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder for the length of the block; AlreadyRunning where another process holds it.

    The system lets go of it however we end, so that a crashed run never stands in the way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"The platform runs here already, in process {lock.read().strip() or 'unknown'}: ask it with `make ask`, or end it "
                f"with Ctrl-C in its terminal. For a second one beside it name another folder: TARTIP_RUN=/tmp/tartip make run."
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def emptied(folder: Path, data: Path) -> int:
    """Makes the folder ready for a new run; returns how many processes of a crashed one had to be ended first."""
    left = _left_behind(folder / PROCESSES)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, staying = psutil.wait_procs(left, TERMINATED_WITHIN_S)
    for process in staying:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(staying, KILLED_WITHIN_S)
    forgotten(folder, data)
    shutil.rmtree(folder / LOGS, ignore_errors=True)
    return len(left)


def forgotten(folder: Path, data: Path) -> None:
    """Takes away what only a running platform has: where there are no addresses, nobody asks in vain.

    The data go too: embedded, Kafka lives in memory, and a database without what was on its way to it would be half the truth.
    """
    for name in OF_A_RUN:
        (folder / name).unlink(missing_ok=True)
    for own in (data, *(folder / name for name in DATA_OF_A_RUN)):
        shutil.rmtree(own, ignore_errors=True)
    if data.parent != folder:
        with suppress(OSError):
            data.parent.rmdir()


def remember(folder: Path, processes: Iterable[Process]) -> None:
    """Writes down which processes run, for whoever comes after a crash."""
    rows = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            rows.append({"name": process.name, "pid": process.pid, "created": psutil.Process(process.pid).create_time()})
    written(folder / PROCESSES, rows)


def written(path: Path, value: object) -> None:
    """Writes JSON for this user only; readers see the old file or the new one."""
    fresh = path.with_name(path.name + ".next")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
    fresh.replace(path)


def _left_behind(path: Path) -> list[psutil.Process]:
    """The processes written down that still run; a number that belongs to another process by now is none of ours."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    found = []
    for row in rows:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(row["pid"]))
            if process.create_time() == row["created"]:
                found.append(process)
    return found
