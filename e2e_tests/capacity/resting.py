"""What all processes of the platform take when nothing happens: the smallest a region can be."""

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil
from localstack.log import Log
from localstack.platform import running

from ..bench.figures import Say
from ..bench.neighbours import cpu_seconds
from .costs import Resting

SERVICES = ("registry", "regimes", "timetracking")


async def resting(seconds: float, say: Say) -> Mapping[str, Resting]:
    """Starts the platform with its embedded parts and lets it rest for some seconds."""
    with tempfile.TemporaryDirectory(prefix="tartip-resting-", ignore_cleanup_errors=True) as folder:
        before = os.environ.get("TARTIP_RUN")
        os.environ["TARTIP_RUN"] = folder
        try:
            async with running(Log(Path(folder) / "logs", lambda *_: None)) as platform:
                ours = {each.name: each.pid for each in platform.processes if each.name.partition(" ")[0] in SERVICES}
                say(f"{len(ours)} processes rest for {seconds:.0f} s")
                begun = {name: cpu_seconds(pid) for name, pid in ours.items()}
                await asyncio.sleep(seconds)
                return {
                    name: Resting((cpu_seconds(pid) - begun[name]) / seconds, float(psutil.Process(pid).memory_info().rss))
                    for name, pid in ours.items()
                }
        finally:
            if before is None:
                del os.environ["TARTIP_RUN"]
            else:
                os.environ["TARTIP_RUN"] = before
