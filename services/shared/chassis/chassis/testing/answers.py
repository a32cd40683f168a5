"""What an RPC answered, as tests ask for it."""

from collections.abc import Awaitable, Callable
from typing import Any

from grpc.aio import AioRpcError

from chassis.testing.client import Refusal, refusal_of


async def refused(call: Awaitable[Any]) -> Refusal:
    """The refusal of an RPC that must be refused."""
    try:
        answer = await call
    except AioRpcError as error:
        return refusal_of(error)
    raise AssertionError(f"it was not refused but answered {answer}")


async def answered(call: Awaitable[Any], shows: Callable[[Any], bool] = lambda _: True) -> str:
    """ "OK", "NOTHING" where the answer does not show what was asked for, or the reason of the refusal."""
    try:
        answer = await call
    except AioRpcError as error:
        return refusal_of(error).reason
    return "OK" if shows(answer) else "NOTHING"


async def outcome(call: Awaitable[Any]) -> str:
    """ "OK" or the reason of the refusal."""
    return await answered(call)
