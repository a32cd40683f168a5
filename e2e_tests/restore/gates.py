"""Two gates that a backup knows otherwise: one that was revoked after it, and one that was enrolled after it.

A gateway that starts on the restored database would let the first in and turn the second away.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
from chassis.testing.client import channel
from tartip.timetracking.v1 import device_service_pb2 as devices
from tartip.timetracking.v1.device_service_pb2_grpc import DeviceServiceStub
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from tartip_client import refusal_in

from ..chaos.department import NOW, SYSTEM, Gate
from ..chaos.patience import until
from .region import Region

# Whoever has the stolen gate tries so often.
TRIES_EVERY_S = 0.3


REVOKED = "DEVICE_REVOKED"


@dataclass(slots=True)
class LaterGates:
    """The two gates; `tried` counts how often the stolen one was refused."""

    region: Region
    tried: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def stolen(self) -> str:
        """The serial of the gate that is revoked."""
        return f"{self.region.department.name}-stolen"

    async def before(self) -> None:
        """Enrols the gate that will be stolen."""
        device = devices.Device(protocol=devices.DEVICE_PROTOCOL_GRPC, badge_system=SYSTEM, settings=[self._settings()])
        await self._asked("EnrolDevice", devices.EnrolDeviceRequest(parent=self._body, device_id=self.stolen, device=device))

    async def after(self) -> None:
        """Revokes it, and enrols a new gate that somebody passes; returns when the gateway knows."""
        department = self.region.department
        department.kinds = (*department.kinds, None)
        await self.as_they_are()
        await until(self._is_refused)
        await self.passed()

    async def as_they_are(self) -> bool:
        """Enrols and revokes what the database does not know to be so, as an operator does by the lists of the body; whether it knew both."""
        *_, new = self.region.department.enrolments()
        enrolled = await self._asked("EnrolDevice", new, "ALREADY_EXISTS")
        stolen = devices.RevokeDeviceRequest(name=f"{self._body}/devices/{self.stolen}")
        return await self._asked("RevokeDevice", stolen, REVOKED) and enrolled

    async def passed(self) -> None:
        """Somebody passes the new gate, which sends it until it is taken."""
        *_, new = self.region.department.gates
        [crossing] = self.region.department.crossings(new, 1)

        async def taken() -> bool:
            return await self._sent(crossing.passage()) == []

        await until(taken)

    @asynccontextmanager
    async def tried_again(self) -> AsyncIterator[None]:
        """Whoever has the stolen gate tries for the length of the block, at least once in vain, and must never be let in."""
        trying = asyncio.create_task(self._try())
        try:
            yield
            # Who passes the new gate may be quicker than who tries with the stolen one, or did before the loss.
            before = self.tried
            await until(lambda: self.tried > before or trying.done())
        finally:
            trying.cancel()
            with suppress(asyncio.CancelledError):
                await trying

    async def _try(self) -> None:
        while True:
            refused = await self._sent(self._of_stolen())
            assert refused in (None, [REVOKED]), (
                f"a gate that was revoked after the backup was let in, or refused for another reason: {refused}"
            )
            self.tried += refused is not None
            await asyncio.sleep(TRIES_EVERY_S)

    async def _is_refused(self) -> bool:
        return await self._sent(self._of_stolen()) == [REVOKED]

    async def _sent(self, passage: Passage) -> list[str] | None:
        """What a passage is refused for; nothing where it is taken, None where nobody answers."""
        try:
            async with channel(self.region.stage.systems, await self.region.stage.token()) as opened:
                stub: Any = PassageServiceStub(opened)
                request = RecordPassagesRequest(first_sequence=1, passages=[passage])
                [answer] = [each async for each in stub.RecordPassages(iter([request]))]
        except grpc.aio.AioRpcError:
            return None
        return [refusal_in(each.refusal).reason for each in answer.refused]

    async def _asked(self, method: str, request: Any, already: str = "") -> bool:
        """Asks for a change until it is made, or refused as made `already`, and says whether it was: what must be read again is waited for."""
        refused = list[str]()

        async def made() -> bool:
            async with channel(self.region.stage.rpcs, await self.region.stage.token()) as opened:
                try:
                    await getattr(DeviceServiceStub(opened), method)(request)
                except grpc.aio.AioRpcError as error:
                    said = f"{error.code()} {error.details()} {error.trailing_metadata()}"
                    if error.code() is grpc.StatusCode.UNAVAILABLE:
                        return False
                    if not already or already not in said:
                        raise
                    refused.append(said)
            return True

        await until(made)
        return bool(refused)

    @property
    def _body(self) -> str:
        return f"stateBodies/{self.region.department.body}"

    def _settings(self) -> devices.DeviceSettings:
        return devices.DeviceSettings(
            role=devices.DEVICE_ROLE_PERIMETER,
            direction=devices.DEVICE_DIRECTION_AS_SENT,
            premises=self.region.department.body,
            as_sent=True,
        )

    def _of_stolen(self) -> Passage:
        """Nobody's passage: the department does not have it in its memory."""
        gate, number = Gate(self.stolen, None), next(self._numbers)
        return Passage(
            device=gate.serial,
            event_key=str(number),
            wall_time=f"{NOW:%Y-%m-%dT%H:%M:%S}",
            utc_offset_seconds=5 * 3600,
            badge_system=SYSTEM,
            badge_number="0",
        )
