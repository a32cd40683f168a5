"""What stands around parsers when they are given something: an edge behind which nothing is, and a loop of their own."""

import asyncio
from base64 import b64encode
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from registry.protected.keys import KEY_BYTES, SensitiveKeys

Answer = TypeVar("Answer")
KEYS = SensitiveKeys.told(f"fuzz:{b64encode(bytes(KEY_BYTES)).decode()}")


class Reached(Exception):
    """What was given was read: the next thing would be asked of a database."""


class Edge:
    """In place of a database and all that hangs on it: whatever is done with it, it is itself, and who waits for it has read everything."""

    def __getattr__(self, name: str) -> Self:
        return self

    def __call__(self, *_: Any, **__: Any) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def __await__(self) -> Any:
        raise Reached


_LOOP = asyncio.new_event_loop()


def done(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs a coroutine to its end, beside the loop of the tests."""
    return _LOOP.run_until_complete(coroutine)
