"""Devices at the gateway's door: terminals speak ADMS, controllers ISAPI, over HTTP, and each waits for its answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from .world import Device, Protocol, Record

LINES_AT_ONCE = 100
"""Lines of one upload: terminals send what waits in pieces of about so many."""
PICTURE = b"\xff\xd8\xff\xe0" + bytes(1020) + b"\xff\xd9"
"""Where a face was seen, a picture comes along; the gateway has to step over it, whatever it shows."""
BOUNDARY = "MIME_boundary"


class DeviceRefused(Exception):
    """A device was not told that its records are taken; says by which answer."""


@dataclass(slots=True)
class Speaker:
    """All devices' line to the gateway, and how many records of each were answered with "taken"."""

    http: aiohttp.ClientSession
    gateway: str
    answered: Counter[str] = field(default_factory=Counter)

    async def greet(self, device: Device) -> None:
        """A terminal asks for its options when it is switched on."""
        if device.protocol is Protocol.ADMS:
            async with self.http.get(f"http://{self.gateway}/iclock/cdata?SN={device.serial}&options=all&pushver=2.4.1") as answer:
                await _expect(device, answer, f"GET OPTION FROM: {device.serial}")

    async def send(self, device: Device, records: Sequence[Record]) -> None:
        """Sends the records in their order; raises DeviceRefused where one is not taken."""
        if device.protocol is Protocol.ADMS:
            for start in range(0, len(records), LINES_AT_ONCE):
                await self._upload(device, records[start : start + LINES_AT_ONCE])
        else:
            for record in records:
                await self._push(device, record)

    async def _upload(self, device: Device, records: Sequence[Record]) -> None:
        lines = "".join(f"{record.text}\n" for record in records)
        url = f"http://{self.gateway}/iclock/cdata?SN={device.serial}&table=ATTLOG&Stamp=9999"
        async with self.http.post(url, data=lines.encode(), headers={"Content-Type": "text/plain"}) as answer:
            await _expect(device, answer, f"OK: {len(records)}")
        self.answered[device.serial] += len(records)

    async def _push(self, device: Device, record: Record) -> None:
        body, kind = record.text.encode(), "application/json"
        if record.picture:
            body, kind = _with_picture(body), f"multipart/form-data; boundary={BOUNDARY}"
        async with self.http.post(f"http://{self.gateway}/isapi/{device.serial}", data=body, headers={"Content-Type": kind}) as answer:
            await _expect(device, answer, '"statusCode": 1')
        self.answered[device.serial] += 1


async def _expect(device: Device, answer: aiohttp.ClientResponse, said: str) -> None:
    text = await answer.text()
    if answer.status != 200 or said not in text:
        raise DeviceRefused(f"{device.serial} was answered {answer.status} {text.strip()[:200]!r}, not {said!r}")


def _with_picture(event: bytes) -> bytes:
    """The body of an event beside its picture, as a controller pushes them."""
    edge = f"--{BOUNDARY}\r\n".encode()
    return (
        edge
        + b'Content-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n'
        + event
        + b"\r\n"
        + edge
        + b'Content-Disposition: form-data; name="Picture"; filename="face.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        + PICTURE
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
