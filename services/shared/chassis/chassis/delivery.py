"""A group of messages to one use case, and back as acknowledgements: nothing lost, nothing out of order, nothing
held up by one bad message.

What passes by itself (`chassis.transient`) is waited for in place. A refusal, or a bug after a second of trying, is
isolated by halving the group; the one bad piece is parked, the rest is applied. Only then is the group acknowledged,
in its order.

A tombstone is never parked: its topic keeps it for a while only, and whoever it erases would stay here for good. What lies behind
it waits until it is applied; who reads once, and can wait for nobody to mend it, is told where it lies.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from traceback import extract_tb
from typing import Generic, TypeVar

import structlog
from google.protobuf.message import DecodeError, Message
from kernel.faults import Fault, Malformed

from chassis.bug_limit import BugLimit
from chassis.clock import Clock, real_clock
from chassis.parking import BUG, UNREADABLE, Origin, Park, Rejected
from chassis.sources import Source, coming_from
from chassis.stream_metrics import APPLIED, APPLY_SECONDS, GROUP_WEIGHT, HOLDING, PARKED
from chassis.stream_traces import following
from chassis.transient import is_out_of_time, is_transient

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Message)

# A bug is tried again after these pauses, one second in all: what is a race may have gone by then, what is not stays.
_PAUSES_FOR_A_BUG = (0.1, 0.3, 0.6)
_FIRST_HOLD_S = 0.1
_LONGEST_HOLD_S = 5.0
# So often a group may run out of time before half of it is tried: the database may have been slow for a moment.
_OUT_OF_TIME_TRIES = 3


class TombstoneNotApplied(Exception):
    """A tombstone could not be applied, and is not waited for; its text says where it lies and what failed, and names nobody."""


def one(_message: Message) -> int:
    """The weight of a message that counts as one."""
    return 1


@dataclass(frozen=True, slots=True)
class Subscription(Generic[M]):
    """A topic, what it carries, and the use case its messages go to.

    `apply` takes a group of messages, opens its own transaction(s) and is idempotent: it may get any message again,
    in any grouping. A Fault from it refuses; it may raise anything. `weight` says how much one message holds and
    `most` how much a group may: one transaction's worth. `split` makes messages of one piece of a message of many, so
    that one bad piece can be parked alone. A lone message waits `linger_s` for others that share its transaction.
    While the topic `after` is behind or presses, messages of this one are applied in about a tenth of the time.
    `erase` takes the keys of tombstones, in their order among the messages, and is tried until it succeeds unless the key is Malformed;
    without it, or without a key that is text, a tombstone is unreadable.
    """

    topic: str
    message: type[M]
    apply: Callable[[Sequence[M]], Awaitable[None]]
    weight: Callable[[M], int] = one
    most: int = 500
    split: Callable[[M], Sequence[M]] | None = None
    linger_s: float = 0.0
    after: str | None = None
    erase: Callable[[Sequence[str]], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came. `current` is False once its partition was handed on: whoever has it now gets it again."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]
    current: Callable[[], bool]
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Letter(Generic[M]):
    """A received message, read; `message` is None where it could not be read, or where the key's state is `erased`."""

    received: Received
    message: M | None
    weight: int
    erased: bool = False


@dataclass(frozen=True, slots=True)
class _Piece(Generic[M]):
    """What can be applied or parked by itself: a message, the `index`-th part of one (`bytes_` are then its own), or a tombstone (None)."""

    received: Received
    message: M | None
    index: int
    bytes_: bytes
    whole: bool = True


class Delivery(Generic[M]):
    """The delivery of one subscription's messages; one task calls it, so that order stays.

    `park` resolves when the broker has the record. `pause` is real time; `now` is the clock by which something was parked.
    `waits` says whether a tombstone that cannot be applied is tried until it can be.
    """

    def __init__(
        self,
        subscription: Subscription[M],
        park: Park,
        limit: BugLimit | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Clock = real_clock,
        *,
        waits: bool = True,
    ) -> None:
        self._subscription = subscription
        self._park = park
        self._waits = waits
        self._limit = limit or BugLimit()
        self._pause = pause
        self._now = now
        self._holding = False
        self._first_failure: datetime | None = None
        # A counter that is born with its first one shows no increase: nobody would be told of the first bug.
        PARKED.labels(subscription.topic, BUG)

    @property
    def holding(self) -> bool:
        """Whether it waits for something that is away."""
        return self._holding

    def read(self, received: Received) -> Letter[M]:
        """The message of the bytes, or the tombstone of its key where the subscription erases; otherwise a missing value is unreadable."""
        if received.value is None and self._subscription.erase is not None and _text(received.key):
            return Letter(received, None, 1, erased=True)
        try:
            message = self._subscription.message.FromString(received.value) if received.value is not None else None
        except DecodeError:
            message = None
        weight = max(1, self._subscription.weight(message)) if message is not None else 1
        return Letter(received, message, weight)

    async def deliver(self, group: Sequence[Letter[M]]) -> None:
        """Applies the group, parks what is bad in it, then acknowledges it in order.

        Raises TooManyBugs before anything is parked or acknowledged, and TombstoneNotApplied where it does not wait. Cancelled, it
        has acknowledged nothing.
        """
        weight = sum(letter.weight for letter in group)
        GROUP_WEIGHT.labels(self._subscription.topic).observe(weight)
        self._first_failure = None
        self._limit.came(weight)
        readable = [letter.message is not None or letter.erased for letter in group]
        rejected = [self._unreadable(letter.received) for letter, is_readable in zip(group, readable, strict=True) if not is_readable]
        pieces = [
            _Piece(letter.received, letter.message, 0, letter.received.value or b"")
            for letter, is_readable in zip(group, readable, strict=True)
            if is_readable
        ]
        if pieces:
            rejected += await self._settle(pieces, 0, iter(_PAUSES_FOR_A_BUG))
        for each in rejected:
            await self._put_away(each)
        for letter in group:
            letter.received.acknowledge()

    async def _settle(self, pieces: Sequence[_Piece[M]], tries: int, patience: Iterator[float]) -> list[Rejected]:
        """Applies the pieces in order, in halves of halves where they fail; what is left over is rejected."""
        error, tries = await self._attempt(pieces, tries, patience)
        if error is None:
            APPLIED.labels(self._subscription.topic).inc(sum(map(self._weight, pieces)))
            return []
        if len(pieces) == 1:
            pieces = self._parts(pieces[0])
        if len(pieces) == 1:
            return [self._reject(pieces[0], error, tries)]
        middle = len(pieces) // 2
        first = await self._settle(pieces[:middle], tries, patience)
        return first + await self._settle(pieces[middle:], tries, patience)

    async def _attempt(self, pieces: Sequence[_Piece[M]], tries: int, patience: Iterator[float]) -> tuple[Exception | None, int]:
        """Tries until the pieces are applied or have to be halved or given up; gives the error, and the tries in all."""
        hold_s, out_of_time = _FIRST_HOLD_S, 0
        while True:
            try:
                await self._apply(pieces)
            except Exception as error:
                tries += 1
                self._first_failure = self._first_failure or self._now()
                if not is_transient(error) and not (self._waits and _must_succeed(pieces, error)):
                    self._go_on()
                    pause_s = None if isinstance(error, Fault) else next(patience, None)
                    if pause_s is None:
                        return error, tries
                    await self._pause(pause_s)
                    continue
                out_of_time += is_out_of_time(error)
                if out_of_time >= _OUT_OF_TIME_TRIES and (len(pieces) > 1 or len(self._parts(pieces[0])) > 1):
                    return error, tries
                await self._hold(error, hold_s)
                hold_s = min(2 * hold_s, _LONGEST_HOLD_S)
            else:
                self._go_on()
                return None, tries

    def _weight(self, piece: _Piece[M]) -> int:
        return self._subscription.weight(piece.message) if piece.message is not None else 1

    async def _apply(self, pieces: Sequence[_Piece[M]]) -> None:
        topic = self._subscription.topic
        headers = {id(piece.received): piece.received.headers for piece in pieces}
        sources = [Source(_origin(piece.received, piece.index), piece.received.headers, piece.whole) for piece in pieces]
        with APPLY_SECONDS.labels(topic).time(), following(topic, list(headers.values())), coming_from(sources):
            for erased, some in groupby(pieces, key=lambda piece: piece.message is None):
                await self._apply_alike(erased, list(some))

    async def _apply_alike(self, erased: bool, pieces: Sequence[_Piece[M]]) -> None:
        """Applies messages, or tombstones; that order among them stays is what compaction goes by too."""
        if not erased:
            await self._subscription.apply([piece.message for piece in pieces if piece.message is not None])
        elif self._subscription.erase is not None:
            await self._subscription.erase([_text(piece.received.key) for piece in pieces])

    def _parts(self, piece: _Piece[M]) -> list[_Piece[M]]:
        """The piece in parts of one, or itself where it is one."""
        split = self._subscription.split
        messages = split(piece.message) if split is not None and piece.whole and piece.message is not None else ()
        if len(messages) < 2:
            return [piece]
        return [_Piece(piece.received, part, index, part.SerializeToString(), whole=False) for index, part in enumerate(messages)]

    def _reject(self, piece: _Piece[M], error: Exception, tries: int) -> Rejected:
        if _must_succeed([piece], error):
            raise TombstoneNotApplied(f"{_origin(piece.received, piece.index)}: {describe(error)}") from error
        reason = error.reason if isinstance(error, Fault) else BUG
        log.warning("piece rejected", origin=str(_origin(piece.received, piece.index)), reason=reason, error=describe(error))
        if reason == BUG:
            self._limit.bug(max(1, self._weight(piece)))
        return self._rejected(piece.received, piece.index, piece.bytes_, reason, describe(error), tries)

    def _unreadable(self, received: Received) -> Rejected:
        log.warning("message unreadable", origin=str(_origin(received, 0)))
        error = f"not a {self._subscription.message.DESCRIPTOR.full_name}"
        return self._rejected(received, 0, received.value or b"", UNREADABLE, error, 1)

    def _rejected(self, received: Received, index: int, value: bytes, reason: str, error: str, tries: int) -> Rejected:
        now = self._now()
        first = self._first_failure or now
        return Rejected(_origin(received, index), received.key, value, received.headers, reason, error, first, now, tries)

    async def _put_away(self, rejected: Rejected) -> None:
        """Parks, however long the broker is away: what is neither applied nor parked would be lost."""
        hold_s = _FIRST_HOLD_S
        while True:
            try:
                await self._park(rejected.parking_lot, rejected.key, rejected.value, rejected.parking_headers)
            except Exception as error:
                await self._hold(error, hold_s)
                hold_s = min(2 * hold_s, _LONGEST_HOLD_S)
            else:
                self._go_on()
                PARKED.labels(self._subscription.topic, rejected.reason).inc()
                return

    async def _hold(self, error: Exception, pause_s: float) -> None:
        self._holding = True
        HOLDING.labels(self._subscription.topic).set(1)
        log.warning("stream held", topic=self._subscription.topic, error=describe(error), again_in_s=pause_s)
        await self._pause(pause_s)

    def _go_on(self) -> None:
        self._holding = False
        HOLDING.labels(self._subscription.topic).set(0)


def describe(error: BaseException) -> str:
    """What an error is and where it arose, without its text, which may hold what it was about."""
    if isinstance(error, Fault):
        return str(error)
    name = type(error).__name__
    cause = getattr(error, "orig", None) or error.__cause__
    if cause is not None:
        name = f"{name} from {type(cause).__name__}"
    frames = [frame for frame in extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    return f"{name} at {frames[-1].name}:{frames[-1].lineno}" if frames else name


def _must_succeed(pieces: Sequence[_Piece[M]], error: Exception) -> bool:
    """Whether it is a tombstone alone; one whose key is malformed erases nothing and may be parked."""
    return len(pieces) == 1 and pieces[0].message is None and not isinstance(error, Malformed)


def _text(key: bytes | None) -> str:
    """The key as text; "" where there is none, or no text that the database takes."""
    try:
        text = (key or b"").decode()
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def _origin(received: Received, index: int) -> Origin:
    return Origin(received.topic, received.partition, received.offset, index)
