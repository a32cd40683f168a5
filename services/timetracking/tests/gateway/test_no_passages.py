"""Records that are nobody's passage come into the account of their device, and wait while the database is away."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from chassis.messages import Messages
from chassis.publisher import Publisher
from chassis.testing.tokens import Tokens
from kernel.faults import Unavailable
from lawbook import load
from timetracking.accounts.domain import DeviceDate, Receipts
from timetracking.gateway.door import Gateway
from timetracking.gateway.no_passages import NoPassages
from timetracking.gateway.settings import GatewaySettings

LATE_EVENING = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # the 25th in Almaty
DAY = date(2026, 11, 25)


class Book:
    """Accounts in memory."""

    def __init__(self) -> None:
        self.taken: list[Mapping[DeviceDate, Receipts]] = []
        self.away = False

    async def take(self, receipts: Mapping[DeviceDate, Receipts]) -> None:
        if self.away:
            raise Unavailable
        self.taken.append(receipts)


async def test_they_are_written_down_by_device_and_civil_date_and_once() -> None:
    book = Book()
    counts = NoPassages(book.take, "Asia/Almaty")
    counts.note("gate-1", 2, LATE_EVENING)
    counts.note("gate-1", 1, LATE_EVENING)
    counts.note("north-2", 0, LATE_EVENING)
    await counts.write()
    await counts.write()
    assert book.taken == [{("gate-1", DAY): Receipts(received=3, no_passages=3)}]


async def test_while_the_database_is_away_they_wait() -> None:
    book = Book()
    counts = NoPassages(book.take, "Asia/Almaty")
    counts.note("gate-1", 2, LATE_EVENING)
    book.away = True
    await counts.write()
    counts.note("gate-1", 1, LATE_EVENING)
    book.away = False
    async with counts.written():
        counts.note("gate-1", 1, LATE_EVENING)
    assert book.taken == [{("gate-1", DAY): Receipts(received=4, no_passages=4)}]


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/iclock/cdata?SN=gate-1&table=OPERLOG", b"OPLOG 4"),
        ("/isapi/north-2", b'{"eventType": "heartBeat", "deviceID": "north-2", "dateTime": "2026-11-24T13:00:00+05:00"}'),
    ],
)
async def test_a_gateway_tells_of_them(publisher: Publisher, devices: Any, tokens: Tokens, address: str, body: bytes) -> None:
    told: list[tuple[str, int, datetime]] = []
    names = ("database_url", "migrator_database_url", "kafka", "issuer", "page_key")
    listens = dict.fromkeys(("listen", "admin_listen", "gateway_listen"), "127.0.0.1:0")
    settings = GatewaySettings(**dict.fromkeys(names, ""), **listens)  # type: ignore[arg-type]
    async with tokens.verifier().running() as verifier:
        messages = Messages.load("timetracking")
        gateway = Gateway(settings, publisher, devices, lambda: LATE_EVENING, load(), verifier, messages, lambda *each: told.append(each))
        async with (
            gateway.running(),
            ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http,
            http.post(address, data=body, headers={"Content-Type": "application/json" if b"{" in body else "text/plain"}) as answer,
        ):
            assert answer.status == 200
    assert told == [(address.partition("SN=")[2].partition("&")[0] or "north-2", 1, LATE_EVENING)]
