"""The life of a process: it starts, says whether it lives and is ready, and ends in bounded time when asked."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog
import uvloop
from aiohttp import web

from chassis.metrics import exposition, gauge
from chassis.settings import SettingsError
from chassis.tls import Certificates, TlsSettings

CONDITION = gauge(
    "tartip_process_condition", "0 or 1", "Whether a condition of readiness holds; a process is ready while all do", ("condition",)
)

log = structlog.get_logger("chassis.process")

SHUTDOWN_S = 25.0  # shorter than the 30 s after which Kubernetes kills
KILLED = 130
# A transaction's rows and messages are thousands of objects that end by themselves: to look for circles in them each 700 new
# ones, as Python does, costs a tenth of the process.
_LOOK_FOR_CIRCLES_EVERY = 50_000


def run(main: Callable[[asyncio.Event], Awaitable[None]], shutdown_s: float = SHUTDOWN_S) -> None:
    """Runs `main(stop)` until it returns; SIGTERM and SIGINT set `stop`.

    After that `main` has `shutdown_s` seconds before it is cancelled; a second signal ends the process at once. Exits
    with 1 where `main` raised, after logging why; SettingsError is left to whoever reads the command line.
    """
    try:
        looped(_run(main, shutdown_s))
    except KeyboardInterrupt:
        sys.exit(KILLED)
    except SettingsError:
        raise
    except Exception:
        log.exception("the process fails")
        sys.exit(1)


def looped(work: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine as our processes run: on libuv's loop, and seldom looking for circles among what was made."""
    gc.freeze()  # what was imported stays
    gc.set_threshold(_LOOK_FOR_CIRCLES_EVERY)
    uvloop.run(work)


async def _run(main: Callable[[asyncio.Event], Awaitable[None]], shutdown_s: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(name: str) -> None:
        if stop.is_set():
            os._exit(KILLED)
        log.info("asked to stop", signal=name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number.name)
    work = asyncio.ensure_future(main(stop))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    _, pending = await asyncio.wait({work}, timeout=shutdown_s)
    if pending:
        log.error("still working after its time: cancelled", seconds=shutdown_s)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        raise TimeoutError("the shutdown took too long")
    work.result()


class Admin:
    """What operators and probes see of a process over HTTP: /live, /ready, /serving and /metrics.

    A process is ready when every condition that it named is met: `admin.expect("database")` names one, not met yet;
    `admin.met("database")` and `admin.unmet("database", "refused")` change it. It is serving from when it was ready first until it
    is to end: while its database is away, "unavailable, with a reason" is a better answer than none.
    """

    def __init__(self, listen: str) -> None:
        self._listen = listen
        self._conditions: dict[str, str | None] = {}
        self._tls = Certificates(TlsSettings())
        self._began = self._ends = False
        self.port = 0

    def expect(self, *conditions: str) -> None:
        """Names conditions of readiness, not met yet."""
        for condition in conditions:
            self._conditions.setdefault(condition, "starting")
            self._show(condition)

    def met(self, condition: str) -> None:
        """Says that a condition holds now."""
        self._conditions[condition] = None
        self._show(condition)

    def unmet(self, condition: str, why: str) -> None:
        """Says that a condition does not hold now, and why, in a word without secrets."""
        self._conditions[condition] = why
        self._show(condition)

    def stopping(self, condition: str) -> None:
        """Says that the process is about to end, by the condition that no longer holds; nobody should come to it any more."""
        self._ends = True
        self.unmet(condition, "stopping")

    @property
    def waiting_for(self) -> dict[str, str]:
        """The conditions that do not hold, each with its why."""
        return {condition: why for condition, why in self._conditions.items() if why is not None}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Admin"]:
        """Answers until the end of the block; a port of 0 is chosen by the system and then stands in `port`."""
        app = web.Application()
        told = {"/live": self._live, "/ready": self._ready, "/serving": self._serving, "/metrics": self._metrics}
        app.add_routes([web.get(path, answer) for path, answer in told.items()])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        host, _, port = self._listen.rpartition(":")
        try:
            await web.TCPSite(runner, host, int(port), ssl_context=self._tls.http()).start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            await runner.cleanup()

    def _show(self, condition: str) -> None:
        CONDITION.labels(condition).set(int(self._conditions[condition] is None))
        self._began = self._began or not self.waiting_for

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _: web.Request) -> web.Response:
        waiting = self.waiting_for
        return web.json_response({"ready": not waiting, "waitingFor": waiting}, status=503 if waiting else 200)

    async def _serving(self, _: web.Request) -> web.Response:
        serving = self._began and not self._ends
        return web.json_response({"serving": serving, "waitingFor": self.waiting_for}, status=200 if serving else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        body, content_type = exposition()
        return web.Response(body=body, headers={"content-type": content_type})
