"""Certificates that are replaced while a channel is in use: gRPC reads them once, so a channel is opened anew with what the files hold now."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import grpc
import grpc.aio

log = logging.getLogger("tartip_client")
CALLS_END_WITHIN_S = 60.0
"""Of a channel for threads that was replaced. A stream that is longer is cut, and goes on over the new one."""

C = TypeVar("C", grpc.Channel, grpc.aio.Channel)
Mark = tuple[tuple[int, int, int], ...]


class Renewed(Generic[C]):
    """The channel of the certificates as they are now; may be asked by many threads at once, before each call."""

    def __init__(self, opened: Callable[[], C], files: Sequence[Path], retired: Callable[[C], None] = lambda _: None) -> None:
        self._opened: Callable[[], C] = opened
        self._retired: Callable[[C], None] = retired
        self._files, self._lock = files, threading.Lock()
        self._mark = _mark(files)
        self._channel: C = opened()

    def now(self) -> C:
        """Returns it, after opening another where a file was replaced; the one before is retired."""
        mark = _mark(self._files)
        if mark is None or mark == self._mark:
            return self._channel
        with self._lock:
            if mark != self._mark:
                try:
                    channel = self._opened()
                except OSError:  # it is being replaced just now: the next call looks again
                    return self._channel
                before, self._channel, self._mark = self._channel, channel, mark
                self._retired(before)
                log.info("the certificates were replaced: they are read again")
            return self._channel


class BlockingChannel(grpc.Channel):
    """A channel for threads over certificates that may be replaced; it is asked for a method before each call, by the one that signs."""

    def __init__(self, opened: Callable[[], grpc.Channel], files: Sequence[Path]) -> None:
        self._renewed, self._before = Renewed(opened, files, self._retire), list[tuple[grpc.Channel, threading.Timer]]()

    def unary_unary(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._renewed.now().unary_unary(*args, **options)

    def unary_stream(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._renewed.now().unary_stream(*args, **options)

    def stream_unary(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._renewed.now().stream_unary(*args, **options)

    def stream_stream(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._renewed.now().stream_stream(*args, **options)

    def subscribe(self, callback: Any, try_to_connect: Any = False) -> None:
        """As gRPC's, of the channel as it is now."""
        self._renewed.now().subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Any) -> None:
        """As gRPC's, of the channel as it is now."""
        self._renewed.now().unsubscribe(callback)

    def close(self) -> None:
        """Ends all calls."""
        self._renewed.now().close()
        for channel, timer in self._before:
            timer.cancel()
            channel.close()

    def __enter__(self) -> "BlockingChannel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _retire(self, channel: grpc.Channel) -> None:
        timer = threading.Timer(CALLS_END_WITHIN_S, channel.close)
        timer.daemon = True
        timer.start()
        self._before = [(channel, timer), *(each for each in self._before if each[1].is_alive())]


class AwaitedChannel(grpc.aio.Channel):
    """A channel for asyncio over certificates that may be replaced.

    One that was replaced closes itself when its last call is gone: were it closed before, whoever awaits a call would seem to be cancelled.
    """

    def __init__(self, opened: Callable[[], grpc.aio.Channel], files: Sequence[Path]) -> None:
        self._renewed, self._under_way = Renewed(opened, files), WeakKeyDictionary[Any, grpc.aio.Channel]()

    def unary_unary(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._method("unary_unary", args, options)

    def unary_stream(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._method("unary_stream", args, options)

    def stream_unary(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._method("stream_unary", args, options)

    def stream_stream(self, *args: Any, **options: Any) -> Any:
        """As gRPC's."""
        return self._method("stream_stream", args, options)

    async def close(self, grace: float | None = None) -> None:
        """Ends all calls, or lets them end within the grace."""
        await asyncio.gather(*(each.close(grace) for each in {self._renewed.now(), *self._under_way.values()}))

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """As gRPC's, of the channel as it is now."""
        return self._renewed.now().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """As gRPC's, of the channel as it is now."""
        await self._renewed.now().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """As gRPC's, of the channel as it is now."""
        await self._renewed.now().channel_ready()

    async def __aenter__(self) -> "AwaitedChannel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _method(self, kind: str, args: Any, options: Any) -> Any:
        """Returns the method of the channel as it is at each call: a stub keeps what it was given when it was made."""

        def call(*given: Any, **how: Any) -> Any:
            channel = self._renewed.now()
            made = getattr(channel, kind)(*args, **options)(*given, **how)
            self._under_way[made] = channel
            return made

        return call


def _mark(files: Sequence[Path]) -> Mark | None:
    """What changes where one of the files is replaced; None while one is missing."""
    try:
        return tuple((found.st_ino, found.st_mtime_ns, found.st_size) for found in (file.stat() for file in files))
    except OSError:
        return None
