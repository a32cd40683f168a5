"""The machine on which the figures were measured."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import psutil
from chassis.testing.artifacts import NAMED, ROOT

from .stand import SERVER, Stand


async def described(stand: Stand) -> Mapping[str, str]:
    """What the machine is, what runs on it, and how busy it was before."""
    settings = ", ".join(f"{name} {value}" for name, value in SERVER.items())
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    return {
        "processor": f"{_found(Path('/proc/cpuinfo'), 'model name.*: (.+)')}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{await _postgres(stand)}, one server (in history one a side), fsync on, {settings}",
        "Kafka": f"{_found(NAMED / 'kafka' / 'pom.xml', 'kafka_[0-9.]+</artifactId>[^<]*<version>(.+)</version>')}, one broker",
        "load average before": load,
        "commit": _commit(),
    }


async def _postgres(stand: Stand) -> str:
    connection = await asyncpg.connect((await stand.postgres()).url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def _found(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text(encoding="utf-8")) if path.exists() else None
    return found[1].strip() if found else "not known"


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not known"
