"""RecordPassages: the stream of systems that speak our own protocol."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from chassis.access import Caller, current_caller
from chassis.clock import Clock
from chassis.errors import status_of
from chassis.rates import Buckets
from grpc.aio import ServicerContext
from kernel.faults import Fault, Malformed, TooMuch, Unavailable, WrongState
from tartip.timetracking.v1.passage_service_pb2 import RecordPassagesRequest, RecordPassagesResponse, RefusedPassage
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceServicer

from timetracking.devices.domain import Doubt, Protocol
from timetracking.gateway import canonical, counters
from timetracking.gateway.admission import TOO_MUCH, NoteRefused
from timetracking.gateway.allow_list import AllowList
from timetracking.gateway.batches import NotTaken
from timetracking.gateway.domain import EnrolledDevice, Reading, ReceivedPassage, Refused, Unreadable, is_serial, shown_serial
from timetracking.gateway.intake import Intake
from timetracking.gateway.rarely import Rarely

log = structlog.get_logger("timetracking.gateway")

PASSAGES_MOST = 1_000
"""Passages of one request, as the contract says."""

UNDER_WAY = 16
"""Requests of a stream that wait for Kafka side by side, so that a sender of single passages need not wait 50 ms for each."""

_LEAST, _MOST = -(2**63), 2**63 - 1  # of a sequence


@dataclass(slots=True)
class _Sorted:
    """The passages of one device in a request, with their places in it."""

    device: EnrolledDevice
    passages: list[ReceivedPassage] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


class PassageServicer(PassageServiceServicer):
    """Takes passages of the caller's own devices; each answer says up to where Kafka has them."""

    def __init__(
        self,
        allow_list: AllowList,
        intake: Intake,
        stop: asyncio.Event,
        by_device: Buckets,
        by_client: Buckets,
        clock: Clock,
        note_refused: NoteRefused = lambda *_: None,
    ) -> None:
        self._allow_list = allow_list
        self._intake = intake
        self._stop = stop
        self._by_device, self._by_client = by_device, by_client
        self._clock = clock
        self._note_refused = note_refused
        self._rarely = Rarely()

    async def RecordPassages(
        self,
        request_iterator: AsyncIterator[RecordPassagesRequest],
        context: ServicerContext[RecordPassagesRequest, RecordPassagesResponse],
    ) -> AsyncIterator[RecordPassagesResponse]:
        """Answers each request in its turn once all of it is in Kafka or refused; UNAVAILABLE ends the stream, and what is not acknowledged is to be sent again."""
        caller = current_caller()
        under_way: deque[asyncio.Task[RecordPassagesResponse]] = deque()
        coming: asyncio.Task[RecordPassagesRequest | None] | None = asyncio.ensure_future(_next(request_iterator))
        ending = asyncio.ensure_future(self._stop.wait())
        broken: Exception | None = None
        try:
            while coming is not None or under_way:
                watched: list[asyncio.Task[Any]] = [*list(under_way)[:1]]
                if coming is not None:
                    watched += [ending, coming] if len(under_way) < UNDER_WAY else [ending]
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                if under_way and under_way[0].done():
                    yield under_way.popleft().result()
                elif coming is not None and ending.done():  # what came is answered; the sender goes on with another gateway
                    coming.cancel()
                    coming, broken = None, Unavailable()
                elif coming is not None and coming.done():
                    try:
                        request = coming.result()
                    except Exception as error:  # bytes that are no message: what came before is answered first
                        request, broken = None, error
                    coming = None if request is None else asyncio.ensure_future(_next(request_iterator))
                    if request is not None:
                        under_way.append(asyncio.ensure_future(self._answer(caller, request)))
            if broken is not None:
                raise broken
        finally:
            await _end([*under_way, ending, *([coming] if coming is not None else [])])

    async def _answer(self, caller: Caller, request: RecordPassagesRequest) -> RecordPassagesResponse:
        if len(request.passages) > PASSAGES_MOST:
            raise Malformed({"passages": f"at most {PASSAGES_MOST}"})
        last = request.first_sequence + len(request.passages) - 1
        if not _LEAST <= last <= _MOST:  # before anything is taken: it could not be acknowledged
            raise Malformed({"first_sequence": "one from which the passages can be counted within 64 bits"})
        refusals: dict[int, Fault] = {}
        # A client that sends for devices of others pays for them as well.
        _hold_back(self._by_client.wait_s(caller.subject))
        self._by_client.spend(caller.subject, len(request.passages))
        by_device = list(await self._sort(caller, request, refusals))
        self._pay(by_device)
        try:
            outcomes = await asyncio.gather(*(self._take(one, refusals) for one in by_device), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
        except NotTaken as not_taken:
            log.warning("not taken: the sender is to send it again", why=str(not_taken))
            raise Unavailable() from not_taken
        response = RecordPassagesResponse(acknowledged_sequence=last)
        for place in sorted(refusals):
            response.refused.append(RefusedPassage(sequence=request.first_sequence + place, refusal=status_of(refusals[place])))
        return response

    def _pay(self, by_device: Iterable[_Sorted]) -> None:
        """Counts what each device sent; raises TooMuch, before anything is taken, where one has sent too much already."""
        for one in by_device:
            if wait_s := self._by_device.wait_s(one.device.serial):
                self._note_refused(one.device.serial, TOO_MUCH, self._clock())
                counters.received.labels(one.device.serial).inc()
                counters.refused.labels(one.device.serial, TOO_MUCH).inc()
                _hold_back(wait_s)
        for one in by_device:
            self._by_device.spend(one.device.serial, len(one.passages) + len(one.unreadable))

    async def _sort(self, caller: Caller, request: RecordPassagesRequest, refusals: dict[int, Fault]) -> Iterable[_Sorted]:
        known: dict[str, _Sorted | None] = {}
        for place, passage in enumerate(request.passages):
            serial = passage.device
            if serial not in known:
                device = await self._own_device(caller, serial)
                known[serial] = None if device is None else _Sorted(device)
            sorted_out = known[serial]
            if sorted_out is None:
                refusals[place] = WrongState("DEVICE_NOT_ENROLLED", device=serial[:64])
                counters.received.labels(counters.STRANGER).inc()
                counters.refused.labels(counters.STRANGER, "not-enrolled").inc()
                continue
            if sorted_out.device.revoked:
                refusals[place] = WrongState("DEVICE_REVOKED", device=serial)
                self._note_refused(serial, Doubt.REVOKED, self._clock())
                counters.received.labels(serial).inc()
                counters.refused.labels(serial, Doubt.REVOKED).inc()
                continue
            try:
                sorted_out.passages.append(canonical.read(sorted_out.device, passage))
                sorted_out.places.append(place)
            except Refused as refused:
                what, _, right = str(refused).partition(": ")
                refusals[place] = Malformed({f"passages[{place}].{what}": right})
                sorted_out.unreadable.append(Unreadable(place, str(refused), canonical.kept_passage(passage)))
        return [one for one in known.values() if one is not None]

    async def _own_device(self, caller: Caller, serial: str) -> EnrolledDevice | None:
        """Returns the device if it is enrolled for this stream and in an access system of the caller's; the difference is not told."""
        device = await self._allow_list.find(serial) if is_serial(serial) else None
        if device is None or device.protocol is not Protocol.GRPC or device.badge_system not in caller.reach.systems:
            if (before := self._rarely.again(caller.subject)) is not None:
                log.warning("a device is not enrolled", serial=shown_serial(serial), protocol=Protocol.GRPC.value, passed_over=before)
            return None
        return device

    async def _take(self, one: _Sorted, refusals: dict[int, Fault]) -> None:
        taken = await self._intake.take(one.device, Reading(tuple(one.passages), tuple(one.unreadable)))
        for index in taken.impossible:
            refusals[one.places[index]] = WrongState(
                "IMPOSSIBLE_TIME",
                device=one.device.serial,
                wallTime=one.passages[index].wall_time.isoformat(),
                receivedAt=taken.received_at,
            )


def _hold_back(wait_s: float) -> None:
    if wait_s:
        raise TooMuch("TOO_MUCH", wait_s)


async def _next(requests: AsyncIterator[RecordPassagesRequest]) -> RecordPassagesRequest | None:
    return await anext(requests, None)


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    """Ends what the stream left behind; what is on its way to Kafka goes on by itself."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
