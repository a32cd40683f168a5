"""Lines to the gateway: how many from one address, and how long and how large the head of a request may be.

A line that was opened and says nothing, or a head that comes byte by byte or without end, costs memory and a file for as long as it
is let. aiohttp bounds each header, their number, bodies by our own limits, and lines at rest; the rest stands here. Lines of
listed proxies are not counted: theirs is the count.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from timetracking.devices.domain import Network
from timetracking.gateway import addresses, counters


@dataclass(frozen=True, slots=True)
class LineLimits:
    """Lines of one address, seconds until a head is whole, and octets until a request is at work."""

    an_address: int
    head_within_s: float
    head_octets: int


class Connections:
    """The lines that are open; `protocol` stands before aiohttp's own, `middleware` hears when a head is whole."""

    def __init__(self, limits: LineLimits, proxies: Sequence[Network] = ()) -> None:
        self._limits, self._proxies = limits, proxies
        self._open: Counter[str] = Counter()
        self._lines: dict[asyncio.BaseTransport, _Line] = {}

    def protocol(self, inner: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Returns what makes the protocol of a line out of aiohttp's."""
        return lambda: _Line(self, inner)

    @property
    def middleware(self) -> Middleware:
        """Hears of requests whose head is whole; while one is at work, its body is bounded by others."""

        @web.middleware
        async def heard(request: web.Request, handler: Handler) -> web.StreamResponse:
            line = self._lines.get(request.transport) if request.transport is not None else None
            if line is None:
                return await handler(request)
            line.head_is_whole()
            try:
                answer = await handler(request)
            except web.HTTPException:  # aiohttp answers it, and keeps the line
                line.next_head()
                raise
            if answer.keep_alive is not False:  # what is left of a refused body is thrown away, and no head
                line.next_head()
            return answer

        return heard

    def open(self, line: "_Line", transport: asyncio.BaseTransport) -> bool:
        """Takes a line in, or says that its address has too many."""
        address = _peer(transport)
        if self._open[address] >= self._limits.an_address and not self._of_proxy(address):
            counters.lines_refused.labels("too-many").inc()
            return False
        self._open[address] += 1
        self._lines[transport] = line
        return True

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Forgets a line."""
        if self._lines.pop(transport, None) is not None:
            address = _peer(transport)
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    @property
    def limits(self) -> LineLimits:
        """The limits of a line."""
        return self._limits

    def _of_proxy(self, address: str) -> bool:
        known = addresses.client(address, (), ())
        return known is not None and any(known in each for each in self._proxies)


class _Line(asyncio.Protocol):
    """One line: what comes is handed on to aiohttp's protocol while it is within bounds."""

    def __init__(self, connections: Connections, inner: Callable[[], asyncio.Protocol]) -> None:
        self._connections, self._make = connections, inner
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._in_head, self._octets = True, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._connections.open(self, transport):
            cast("asyncio.Transport", transport).abort()  # uvloop's is one without being derived from it
            return
        self._transport, self._inner = cast("asyncio.Transport", transport), self._make()
        self._timer = asyncio.get_running_loop().call_later(self._connections.limits.head_within_s, self._cut, "too-slow")
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._inner is None:
            return
        if self._in_head:
            if self._timer is None:  # a later request of the line begins
                self._timer = asyncio.get_running_loop().call_later(self._connections.limits.head_within_s, self._cut, "too-slow")
            self._octets += len(data)
            if self._octets > self._connections.limits.head_octets:
                self._cut("too-large")
                return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._inner is not None:
            self._inner.connection_lost(exc)
        if self._transport is not None:
            self._connections.closed(self._transport)

    def head_is_whole(self) -> None:
        """A request is at work."""
        self._stop_timer()
        self._in_head = False

    def next_head(self) -> None:
        """The request is done: what comes now is the head of the next."""
        self._in_head, self._octets = True, 0

    def _cut(self, why: str) -> None:
        self._stop_timer()
        counters.lines_refused.labels(why).inc()
        if self._transport is not None:
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _peer(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""
