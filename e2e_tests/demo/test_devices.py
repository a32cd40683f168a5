"""The simulated devices speak so that the gateway understands them, and keep what it has not taken."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web
from chassis.rates import Buckets, Rate
from timetracking.devices.domain import Networks
from timetracking.devices.domain import Protocol as Spoken
from timetracking.gateway.admission import Admission
from timetracking.gateway.adms_routes import AdmsRoutes
from timetracking.gateway.domain import EnrolledDevice, Reading
from timetracking.gateway.isapi_routes import IsapiRoutes

from .devices import LINES_AT_ONCE, NotTaken, SimulatedDevice, simulated
from .equipment import ANNEX_FRONT, HQ_IN
from .generate import world
from .world import Device, DeviceSends, Outcome, Protocol, Record

SPOKEN = {Protocol.ADMS: Spoken.ADMS, Protocol.ISAPI: Spoken.ISAPI}
lived = cache(world)


def clock() -> datetime:
    return datetime(2026, 12, 14, tzinfo=UTC)


class Door:
    """The gateway's own routes, with an intake that only counts what was read."""

    def __init__(self) -> None:
        self.read: Counter[tuple[str, Outcome]] = Counter()
        loopback = Networks((ip_network("127.0.0.0/8"),))
        self.devices = {
            each.serial: EnrolledDevice(each.serial, SPOKEN[each.protocol], each.badge_system, proof=loopback) for each in lived(1).devices
        }

    async def find(self, serial: str) -> EnrolledDevice | None:
        return self.devices.get(serial)

    def knows(self, serial: str) -> bool:
        return serial in self.devices

    async def take(self, device: EnrolledDevice, reading: Reading) -> None:
        impossible = sum(passage.wall_time.year == 1970 for passage in reading.passages)
        self.read[device.serial, Outcome.PASSAGE] += len(reading.passages) - impossible
        self.read[device.serial, Outcome.PARKED] += len(reading.unreadable) + impossible
        self.read[device.serial, Outcome.IGNORED] += reading.ignored

    def routes(self) -> list[web.RouteDef]:
        allow_list: Any = self
        intake: Any = self
        plenty = Rate(10**6, 10**6)
        admission = Admission(allow_list, clock, Buckets(plenty), Buckets(plenty))
        adms = AdmsRoutes(admission, intake, clock, ZoneInfo("Asia/Almaty"), 5.0)
        return [*adms.routes(), *IsapiRoutes(admission, intake, 5.0).routes()]


@asynccontextmanager
async def served(routes: list[web.RouteDef]) -> AsyncIterator[str]:
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(device: Device, gateway: str) -> AsyncIterator[SimulatedDevice]:
    async with aiohttp.ClientSession() as http:
        one = simulated(device, http, gateway)
        one.pause_s = 0.0
        yield one


async def test_the_gateway_reads_a_week_of_records_as_the_truth_counts_them() -> None:
    of, door = lived(1), Door()
    async with served(door.routes()) as gateway:
        for device in of.devices:
            async with speaking(device, gateway) as one:
                for event in of.events:
                    if isinstance(event, DeviceSends) and event.device == device.serial:
                        await one.send(event.records)
                assert one.sent == one.acknowledged == of.truth.counts[device.serial].sent
    for serial, counts in of.truth.counts.items():
        read = {outcome: door.read[serial, outcome] for outcome in Outcome}
        assert read == {
            Outcome.PASSAGE: counts.passages + counts.repeated,
            Outcome.PARKED: counts.parked,
            Outcome.IGNORED: counts.ignored,
        }


def unreliable(heard: list[str], answer: Callable[[int], bool]) -> list[web.RouteDef]:
    """A door that hears everything and answers only sometimes; `answer` says of each upload whether it is taken."""
    uploads = 0

    async def upload(request: web.Request) -> web.Response:
        nonlocal uploads
        uploads += 1
        body = (await request.read()).decode()
        if not answer(uploads):
            return web.Response(status=503, text="ERROR: not taken, send again")
        heard.extend(body.splitlines())
        lines = len(body.splitlines())
        return web.Response(text=f"OK: {lines}" if "iclock" in request.path else '{"statusCode": 1}')

    def said(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def say(request: web.Request) -> web.Response:
            return web.Response(text=text)

        return say

    return [
        web.get("/iclock/cdata", said(f"GET OPTION FROM: {HQ_IN.serial}")),
        web.get("/iclock/getrequest", said("OK")),
        web.post("/iclock/cdata", upload),
        web.post("/isapi/{serial}", upload),
    ]


@pytest.mark.parametrize("device", [HQ_IN, ANNEX_FRONT], ids=["adms", "isapi"])
async def test_what_was_refused_is_sent_again_until_it_is_taken(device: Device) -> None:
    heard: list[str] = []
    records = [Record(f'{{"n": {number}}}') for number in range(250)]
    async with served(unreliable(heard, lambda upload: upload % 3 != 0)) as gateway, speaking(device, gateway) as one:
        one.tries = 500
        await one.send(records)
    assert Counter(heard) == Counter(record.text for record in records)
    assert one.acknowledged == len(records) < one.sent
    assert not one.waiting


@pytest.mark.parametrize("device", [HQ_IN, ANNEX_FRONT], ids=["adms", "isapi"])
async def test_what_is_never_taken_stays_in_the_memory_of_the_device(device: Device) -> None:
    heard: list[str] = []
    records = [Record(f'{{"n": {number}}}') for number in range(LINES_AT_ONCE)]
    async with served(unreliable(heard, lambda upload: False)) as gateway, speaking(device, gateway) as one:
        one.tries = 3
        with pytest.raises(NotTaken, match=device.serial):
            await one.send(records)
    assert sorted(record.text for record in one.waiting) == sorted(record.text for record in records)
    assert one.acknowledged == 0


async def test_a_device_that_reaches_nobody_keeps_its_records() -> None:
    async with speaking(HQ_IN, "127.0.0.1:9") as one:
        one.tries = 2
        with pytest.raises(NotTaken):
            await one.send([Record("1\t2026-12-14 08:00:00\t0\t1")])
    assert len(one.waiting) == 1
