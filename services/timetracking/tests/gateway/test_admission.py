"""Who is let in over HTTP: the device itself, by what it was given; everybody else is refused in its words, and stops nobody."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client import REGISTRY
from timetracking.devices.domain import FormerProof, Networks, Proof, Secret, SerialAlone
from timetracking.gateway.door import Gateway
from timetracking.gateway.rarely import SAID_EVERY_S, Rarely

from .conftest import RECEIVED, Enrolled

Start = Callable[..., AbstractAsyncContextManager[Gateway]]
SECRET, FORMER = "a-secret_of-43-characters", "the-one-before"
PROOF = Secret.of(SECRET, b"salt")
LINE = b"25\t2026-11-24 08:55:00\t0\t1\t0\n"
ADMS, ISAPI = "/iclock/cdata?SN=gate-1&table=ATTLOG", "/isapi/north-2"
ELSEWHERE = Networks((ip_network("10.20.0.0/24"),))
DEVICES = {"adms": "gate-1", "isapi": "north-2"}
Noted = list[tuple[str, str, datetime]]


def count(name: str, device: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"tartip_gateway_{name}_total", {"device": device, **labels}) or 0.0


def basic(password: str) -> str:
    return "Basic " + b64encode(f"admin:{password}".encode()).decode()


@pytest.fixture
def noted() -> Noted:
    """What was refused in the names of devices."""
    return []


@pytest.fixture
def proved(devices: Enrolled) -> Callable[..., None]:
    """Gives both devices a proof."""

    def prove(proof: Proof, **changed: Any) -> None:
        for serial in DEVICES.values():
            devices[serial] = replace(devices[serial], proof=proof, **changed)

    return prove


@pytest.fixture
def opened(start: Start, noted: Noted) -> Callable[..., AbstractAsyncContextManager[ClientSession]]:
    """A gateway, and a device's HTTP client of it."""

    @asynccontextmanager
    async def open_(**changes: Any) -> AsyncIterator[ClientSession]:
        async with (
            start(note_refused=lambda *each: noted.append(each), **changes) as gateway,
            ClientSession(f"http://127.0.0.1:{gateway.http_port}") as session,
        ):
            yield session

    return open_


async def sent(http: ClientSession, kind: str, address: str, **headers: str) -> tuple[int, str]:
    """What a device is answered that sends one passage: the status, and its own words."""
    event = {
        "dateTime": "2026-11-24T08:55:00+05:00",
        "eventType": "AccessControllerEvent",
        "deviceID": "north-2",
        "AccessControllerEvent": {"majorEventType": 5, "subEventType": 75, "employeeNoString": "25", "serialNo": 7},
    }
    body: dict[str, Any] = {"data": LINE} if kind == "adms" else {"json": event}
    async with http.post(address, headers=headers, **body) as answer:
        text = await answer.text()
        assert (answer.headers.get("WWW-Authenticate") is not None) is (answer.status == 401)
        return answer.status, text


BY_SECRET = [
    ("adms", f"/{SECRET}/iclock/cdata?SN=gate-1&table=ATTLOG", {}),
    ("adms", f"/{SECRET}/iclock/cdata.aspx?SN=gate-1&table=ATTLOG", {}),
    ("adms", f"{ADMS}&secret={SECRET}", {}),
    ("adms", f"{ADMS}&SECRET={SECRET}", {}),
    ("adms", ADMS, {"Authorization": basic(SECRET)}),
    ("isapi", f"/isapi/north-2/{SECRET}", {}),
    ("isapi", f"{ISAPI}?secret={SECRET}", {}),
    ("isapi", f"/isapi?serial=north-2&secret={SECRET}", {}),
    ("isapi", f"/isapi?secret={SECRET}", {}),
    ("isapi", ISAPI, {"Authorization": basic(SECRET)}),
    ("isapi", "/isapi", {"Authorization": basic(SECRET)}),
]


@pytest.mark.parametrize(("kind", "address", "headers"), BY_SECRET)
async def test_a_device_that_brings_its_secret_is_let_in_and_no_other(
    opened: Any, proved: Any, noted: Noted, tap: Any, capsys: Any, kind: str, address: str, headers: dict[str, str]
) -> None:
    proved(PROOF)
    wrong = {name: basic(SECRET[:-1]) for name in headers}
    async with opened() as http:
        status, text = await sent(http, kind, address, **headers)
        assert status == 200
        assert SECRET not in text
        refused = await sent(http, kind, address.replace(SECRET, SECRET[:-1]), **wrong)
        assert (refused[0], "the device's secret is another" in refused[1]) == (401, True)
        assert SECRET[:-1] not in refused[1]
    assert [one.badge_number for one in await tap.passages()] == ["25"]
    assert noted == [(DEVICES[kind], "wrong-secret", RECEIVED)]
    assert SECRET[:-1] not in "".join(capsys.readouterr())


@pytest.mark.parametrize(("kind", "address"), [("adms", ADMS), ("isapi", ISAPI), ("isapi", "/isapi")])
async def test_whoever_brings_nothing_is_asked_for_it(opened: Any, proved: Any, noted: Noted, tap: Any, kind: str, address: str) -> None:
    proved(PROOF)
    before = count("refused", DEVICES[kind], reason="no-secret"), count("received", DEVICES[kind])
    async with opened() as http:
        assert (await sent(http, kind, address))[0] == 401
        assert (await sent(http, kind, address, Authorization="Digest username=admin"))[0] == 401
        assert (await sent(http, kind, address, Authorization="Basic no base64"))[0] == 401
    assert await tap.new() == []
    assert [reason for _, reason, _ in noted] == ["no-secret", "no-secret", "wrong-secret"]
    assert (count("refused", DEVICES[kind], reason="no-secret"), count("received", DEVICES[kind])) == (before[0] + 2, before[1] + 3)


@pytest.mark.parametrize("path", ["cdata", "getrequest", "ping", "devicecmd"])
async def test_nothing_is_answered_without_the_secret(opened: Any, proved: Any, path: str) -> None:
    proved(PROOF)
    async with opened() as http:
        method = "POST" if path == "devicecmd" else "GET"
        async with http.request(method, f"/iclock/{path}?SN=gate-1") as answer:
            assert (answer.status, await answer.text()) == (401, "ERROR: the device's secret is missing")
        async with http.request(method, f"/{SECRET}/iclock/{path}?SN=gate-1") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(("kind", "address"), [("adms", ADMS), ("isapi", ISAPI)])
async def test_a_former_secret_is_taken_until_its_end(opened: Any, proved: Any, tap: Any, kind: str, address: str) -> None:
    clock = [RECEIVED]
    proved(PROOF, former=FormerProof(Secret.of(FORMER, b"other"), RECEIVED + timedelta(hours=1)))
    async with opened(clock=lambda: clock[0]) as http:
        for passed, expected in ((timedelta(), 200), (timedelta(minutes=59), 200), (timedelta(hours=1), 401)):
            clock[0] = RECEIVED + passed
            assert (await sent(http, kind, address, Authorization=basic(FORMER)))[0] == expected
            assert (await sent(http, kind, address, Authorization=basic(SECRET)))[0] == 200
    assert len(await tap.passages()) == 5


@pytest.mark.parametrize(("kind", "address"), [("adms", ADMS), ("isapi", ISAPI), ("isapi", "/isapi")])
async def test_a_bound_device_is_taken_from_its_network_alone(
    opened: Any, proved: Any, noted: Noted, tap: Any, kind: str, address: str
) -> None:
    proved(ELSEWHERE)
    async with opened() as http:
        status, text = await sent(http, kind, address, **{"X-Forwarded-For": "10.20.0.7", "Authorization": basic(SECRET)})
        assert (status, "the device is not in its network" in text) == (403, True), "whoever is no listed proxy says nothing"
    async with opened(trusted_proxies="127.0.0.0/8, 192.0.2.0/24") as http:
        for forwarded, expected in (
            ("10.20.0.7", 200),
            ("8.8.8.8, 10.20.0.8, 192.0.2.1", 200),
            ("10.20.0.7, 8.8.8.8", 403),
            ("8.8.8.8", 403),
            ("", 403),
        ):
            assert (await sent(http, kind, address, **{"X-Forwarded-For": forwarded}))[0] == expected, forwarded
        assert (await sent(http, kind, address))[0] == 403, "a proxy that says nothing of its client proves nobody"
    assert len(await tap.passages()) == 2
    assert {(device, reason) for device, reason, _ in noted} == {(DEVICES[kind], "wrong-network")}


@pytest.mark.parametrize(("kind", "address"), [("adms", ADMS), ("isapi", ISAPI)])
async def test_a_device_without_a_proof_is_let_in_and_shown(
    opened: Any, proved: Any, tap: Any, capsys: Any, kind: str, address: str
) -> None:
    proved(SerialAlone())
    before = count("unproven", DEVICES[kind])
    async with opened() as http:
        for _ in range(3):
            assert (await sent(http, kind, address))[0] == 200
    assert count("unproven", DEVICES[kind]) == before + 3
    assert len(await tap.passages()) == 3
    assert "".join(capsys.readouterr()).count("a device is let in by its serial alone") == 1


@pytest.mark.parametrize(("kind", "address"), [("adms", ADMS), ("isapi", ISAPI), ("isapi", "/isapi")])
async def test_a_revoked_device_is_refused_whatever_it_brings(
    opened: Any, proved: Any, noted: Noted, tap: Any, kind: str, address: str
) -> None:
    proved(PROOF, revoked=True)
    async with opened() as http:
        status, text = await sent(http, kind, address, Authorization=basic(SECRET))
        assert (status, "the device is revoked" in text) == (403, True)
        proved(PROOF, revoked=False)
        assert (await sent(http, kind, address, Authorization=basic(SECRET)))[0] == 200
    assert len(await tap.passages()) == 1
    assert noted == [(DEVICES[kind], "revoked", RECEIVED)]


async def test_a_stranger_is_refused_before_its_body_is_read(start: Start, proved: Any) -> None:
    proved(PROOF)
    async with start() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http_port)
        writer.write(f"POST {ADMS} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"401"
        writer.close()


async def test_a_flood_of_wrong_secrets_stops_no_device_and_fills_no_log(opened: Any, devices: Enrolled, tap: Any, capsys: Any) -> None:
    """From the same address, as behind a proxy or a gateway of a ministry."""
    devices["gate-1"] = replace(devices["gate-1"], proof=PROOF)
    async with opened(gateway_strangers_per_second=0.01, gateway_strangers_at_once=5) as http:
        for number in range(50):
            assert (await sent(http, "adms", f"{ADMS}&secret=guess-{number}"))[0] == 401
        assert (await sent(http, "adms", f"{ADMS}&secret={SECRET}"))[0] == 200
        assert (await sent(http, "isapi", ISAPI))[0] == 200
    assert len(await tap.passages()) == 2
    said = "".join(capsys.readouterr())
    assert said.count("a device is refused") == 1
    assert said.count("a request is refused") == 1


async def test_an_address_that_knocks_with_one_serial_after_the_other_is_not_heard_for_a_while(opened: Any, tap: Any) -> None:
    async with opened(gateway_strangers_per_second=0.01, gateway_strangers_at_once=5) as http:
        answers = []
        for number in range(8):
            async with http.get(f"/iclock/ping?SN=stranger-{number}") as answer:
                answers.append((answer.status, answer.headers.get("Retry-After")))
        assert [status for status, _ in answers] == [403] * 5 + [503] * 3
        assert {wait for status, wait in answers if status == 503} <= {"99", "100"}
        assert (await sent(http, "isapi", "/isapi"))[0] == 503, "a body that names nobody beforehand is not read"
        assert (await sent(http, "adms", ADMS))[0] == 200, "a known device goes on"
    assert len(await tap.passages()) == 1


def test_of_each_kind_is_said_once_a_minute_and_how_often_it_was_passed_over() -> None:
    clock = [0.0]
    rarely = Rarely(lambda: clock[0])
    assert [rarely.again("a", "x") for _ in range(3)] == [0, None, None]
    assert rarely.again("a", "y") == 0
    clock[0] += SAID_EVERY_S
    assert [rarely.again("a", "x") for _ in range(2)] == [2, None]
