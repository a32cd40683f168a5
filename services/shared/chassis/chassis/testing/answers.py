"""What an RPC answered, as tests ask for it."""

from collections.abc import Awaitable
from typing import Any

from grpc.aio import AioRpcError

from chassis.client import Refusal, refusal_of


async def refused(call: Awaitable[Any]) -> Refusal:
    """The refusal of an RPC that must be refused."""
    try:
        answer = await call
    except AioRpcError as error:
        return refusal_of(error)
    raise AssertionError(f"it was not refused but answered {answer}")


async def outcome(call: Awaitable[Any]) -> str:
    """ "OK" or the reason of the refusal."""
    try:
        await call
    except AioRpcError as error:
        return refusal_of(error).reason
    return "OK"
