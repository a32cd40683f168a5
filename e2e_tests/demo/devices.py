"""Simulated devices: terminals that speak ZKTeco ADMS and controllers that speak Hikvision ISAPI, over HTTP.

Each keeps its records until the gateway has answered that they are taken, and sends again what was not: an answer that
was refused, cut or never came loses nothing. They import nothing of the platform; what they say is what such devices say.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import aiohttp

from .world import Device, Outcome, Protocol, Record

LINES_AT_ONCE = 100
"""Lines of one upload: terminals send what waits in pieces of about so many."""
EVENTS_AT_ONCE = 4
"""Events of a controller on their way at once: one for each of its doors."""
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(1_000) + b"\xff\xd9"
"""A picture comes along where a face was seen; the gateway has to step over it, whatever it shows."""
BOUNDARY = "MIME_boundary"


class NotTaken(Exception):
    """After all its tries a device still has records that the gateway has not taken."""


@dataclass(slots=True)
class SimulatedDevice(ABC):
    """A device with its memory and its line to the gateway ("host:port"); `secret` is "" where its network is its proof.

    `sent` counts records put on the line, with every repetition; `acknowledged` those that were answered as taken.
    """

    device: Device
    http: aiohttp.ClientSession
    gateway: str
    secret: str = ""
    tries: int = 20
    pause_s: float = 0.25
    waiting: deque[Record] = field(default_factory=deque)
    sent: int = 0
    acknowledged: int = 0
    greeted: bool = False

    async def send(self, records: Iterable[Record]) -> None:
        """Puts records into the memory and sends all that waits; returns when the gateway has taken it, else raises NotTaken."""
        self.waiting.extend(records)
        last = ""
        for attempt in range(self.tries):
            if attempt:
                await asyncio.sleep(self.pause_s)
            try:
                await self.greet()
                while self.waiting:
                    await self._send_some()
                return
            except (aiohttp.ClientError, ConnectionError, TimeoutError, NotTaken) as error:
                last = f"{type(error).__name__}: {error}"
        raise NotTaken(f"{self.device.serial} keeps {len(self.waiting)} records: {last}")

    async def greet(self) -> None:
        """Says hello where the protocol has a word for it, once."""
        self.greeted = True

    @abstractmethod
    async def _send_some(self) -> None:
        """Sends the first of what waits and forgets what was taken; raises NotTaken for any other answer."""

    @property
    def _secret_path(self) -> str:
        """The part of the path in which the secret stands, where there is one."""
        return f"/{self.secret}" if self.secret else ""

    async def _say(self, method: str, path: str, expected: str, body: bytes | None = None, kind: str = "text/plain") -> None:
        headers = {"Content-Type": kind} if body is not None else {}
        async with self.http.request(method, f"http://{self.gateway}{path}", data=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200 or not text.startswith(expected):
                raise NotTaken(f"answered {answer.status} {text.strip()[:120]!r}")


class AdmsDevice(SimulatedDevice):
    """A ZKTeco terminal: it asks for its options, uploads lines in batches until it reads "OK: n", and asks for commands."""

    __slots__ = ()

    async def greet(self) -> None:
        """Asks for the options when it is switched on."""
        if not self.greeted:
            await self._say(
                "GET",
                f"{self._secret_path}/iclock/cdata?SN={self.device.serial}&options=all&pushver=2.4.1",
                f"GET OPTION FROM: {self.device.serial}",
            )
            self.greeted = True

    async def _send_some(self) -> None:
        batch = [self.waiting[place] for place in range(min(LINES_AT_ONCE, len(self.waiting)))]
        self.sent += len(batch)
        lines = "".join(f"{record.text}\n" for record in batch).encode()
        await self._say(
            "POST", f"{self._secret_path}/iclock/cdata?SN={self.device.serial}&table=ATTLOG&Stamp=9999", f"OK: {len(batch)}", lines
        )
        for _ in batch:
            self.waiting.popleft()
        self.acknowledged += len(batch)
        if not self.waiting:
            await self._say("GET", f"{self._secret_path}/iclock/getrequest?SN={self.device.serial}", "OK")


class IsapiDevice(SimulatedDevice):
    """A Hikvision controller: it pushes each event by itself, with a picture or without, a few of them side by side.

    What is no passage is pushed alone and in its turn, as a controller does: its number is needed to judge the one after it.
    """

    __slots__ = ()

    async def _send_some(self) -> None:
        batch = self._side_by_side()
        self.sent += len(batch)
        answers = await asyncio.gather(*(self._push(record) for record in batch), return_exceptions=True)
        kept = []
        for record, answer in zip(batch, answers, strict=True):
            self.waiting.popleft()
            if answer is None:
                self.acknowledged += 1
            else:
                kept.append(record)
        self.waiting.extendleft(reversed(kept))
        for answer in answers:
            if answer is not None:
                raise answer

    def _side_by_side(self) -> Sequence[Record]:
        batch: list[Record] = []
        for record in self.waiting:
            alone = record.outcome is not Outcome.PASSAGE
            if len(batch) == EVENTS_AT_ONCE or (batch and alone):
                break
            batch.append(record)
            if alone:
                break
        return batch

    async def _push(self, record: Record) -> None:
        body, kind = record.text.encode(), "application/json"
        if record.picture:
            body, kind = with_picture(body), f"multipart/form-data; boundary={BOUNDARY}"
        await self._say("POST", f"/isapi/{self.device.serial}{self._secret_path}", "{", body, kind)


def simulated(device: Device, http: aiohttp.ClientSession, gateway: str, secret: str = "") -> SimulatedDevice:
    """Returns the simulation of a device, in its protocol."""
    kind = AdmsDevice if device.protocol is Protocol.ADMS else IsapiDevice
    return kind(device, http, gateway, secret)


def with_picture(event: bytes) -> bytes:
    """Returns the body of an event beside its picture, as a controller pushes them."""
    edge = f"--{BOUNDARY}\r\n".encode()
    return b"".join(
        (
            edge,
            b'Content-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n',
            event,
            b"\r\n",
            edge,
            b'Content-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
            PICTURE,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
    )
