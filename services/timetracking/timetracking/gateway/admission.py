"""Who is let in over HTTP: the device of a serial, where the request proves that it comes from it, and as much as is taken at once."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil

import structlog
from aiohttp import web
from chassis.clock import Clock
from chassis.rates import Buckets

from timetracking.devices.domain import Address, Doubt, Network, Presented, Protocol
from timetracking.gateway import addresses, counters
from timetracking.gateway.allow_list import AllowList
from timetracking.gateway.domain import EnrolledDevice, is_serial, shown_serial
from timetracking.gateway.http_requests import RequestRefused
from timetracking.gateway.rarely import Rarely

log = structlog.get_logger("timetracking.gateway")

TOO_MUCH = "too-much"

# The device, why, and when.
NoteRefused = Callable[[str, str, datetime], None]

_STATUSES = {Doubt.NO_SECRET: 401, Doubt.WRONG_SECRET: 401, Doubt.WRONG_NETWORK: 403, Doubt.REVOKED: 403}
_SENTENCES = {
    Doubt.NO_SECRET: "the device's secret is missing",
    Doubt.WRONG_SECRET: "the device's secret is another",
    Doubt.WRONG_NETWORK: "the device is not in its network",
    Doubt.REVOKED: "the device is revoked",
}


class Admission:
    """Lets devices in, and refuses others by name; what it refuses is counted, and said now and then."""

    def __init__(
        self,
        allow_list: AllowList,
        clock: Clock,
        by_device: Buckets,
        by_address: Buckets,
        proxies: Sequence[Network] = (),
        note_refused: NoteRefused = lambda *_: None,
    ) -> None:
        self._allow_list = allow_list
        self._clock = clock
        self._by_device = by_device
        self._by_address = by_address
        self._proxies = proxies
        self._note_refused = note_refused
        self.rarely = Rarely()

    async def device(self, request: web.Request, serial: str, protocol: Protocol) -> EnrolledDevice:
        """Returns the device that speaks; raises RequestRefused.

        A serial that is not enrolled, or enrolled with another protocol, is refused in the same words. Whoever knocks with
        one after the other is refused unasked, and with the address its neighbours whom nobody knows yet; devices that were let
        in of late are not kept out by that.
        """
        address = self._address(request)
        knocking = str(address or request.remote)
        wait_s = self._by_address.wait_s(knocking)
        if wait_s and not self._allow_list.knows(serial):
            raise _too_much(wait_s)
        device = await self._allow_list.find(serial) if is_serial(serial) else None
        if device is None or device.protocol is not protocol:
            self._by_address.spend(knocking)
            self._say("a device is not enrolled", "stranger", serial=shown_serial(serial), protocol=protocol.value)
            raise RequestRefused(403, "not-enrolled", "the device is not enrolled")
        doubt = device.doubt(Presented(presented(request), address), self._clock())
        if doubt is not None:
            self._by_address.spend(knocking)
            self._refuse(device, doubt.value)
            raise RequestRefused(_STATUSES[doubt], doubt.value, _SENTENCES[doubt], device.serial)
        if device.serial_alone:
            counters.unproven.labels(device.serial).inc()
            self._say("a device is let in by its serial alone: give it a secret or networks", device.serial, device=device.serial)
        wait_s = self._by_device.wait_s(device.serial)
        if wait_s:
            self._refuse(device, TOO_MUCH)
            raise _too_much(wait_s, device.serial)
        return device

    def knock(self, request: web.Request) -> None:
        """Pays for a request whose device nobody knows before its body is read; raises RequestRefused."""
        address = str(self._address(request) or request.remote)
        if wait_s := self._by_address.wait_s(address):
            raise _too_much(wait_s)
        self._by_address.spend(address)

    def pay(self, device: EnrolledDevice, records: int) -> None:
        """Counts what a device sent against what is taken of it at once; an empty request counts as one record."""
        self._by_device.spend(device.serial, max(1, records))

    def _address(self, request: web.Request) -> Address | None:
        return addresses.client(request.remote, request.headers.getall("X-Forwarded-For", []), self._proxies)

    def _refuse(self, device: EnrolledDevice, reason: str) -> None:
        self._note_refused(device.serial, reason, self._clock())
        self._say("a device is refused", device.serial, reason, device=device.serial, reason=reason)

    def _say(self, what: str, *kind: str, **facts: str) -> None:
        before = self.rarely.again(what, *kind)
        if before is not None:
            log.warning(what, **facts, passed_over=before)


def presented(request: web.Request) -> str | None:
    """Returns the secret that comes with a request: in its path, as the parameter `secret`, or as the password of HTTP Basic."""
    in_path = request.match_info.get("secret")
    in_query = next((value for name, value in request.query.items() if name.lower() == "secret"), None)
    return in_path or in_query or _password(request.headers.get("Authorization", ""))


def _password(authorization: str) -> str | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (NotBase64, ValueError):
        return ""  # something was presented, and it is no secret


def _too_much(wait_s: float, device: str = counters.STRANGER) -> RequestRefused:
    return RequestRefused(503, TOO_MUCH, "too much at once, send again later", device, ceil(wait_s))
