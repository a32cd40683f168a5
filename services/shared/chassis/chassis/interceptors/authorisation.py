"""Finds out what the caller may do here: the grants of the token and the relationships of the records that open the method."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
from kernel.faults import Forbidden, Unauthenticated, Unavailable

from chassis.access import AccessRule, Control, Relationships, become, forbidden
from chassis.auth import Claims
from chassis.calls import Call, working_for
from chassis.interceptors.incoming import Incoming, Layer
from chassis.purposes import purpose_of, unsaid

log = structlog.get_logger("chassis.access")

NO_CONTROL: Final = Control()


def authorised(rules: Mapping[str, AccessRule], relationships: Relationships | None, recheck_s: float) -> Layer:
    """Returns the layer that denies by default: a method without a rule opens to nobody.

    Where the rule demands it, whoever asks for records of others says a purpose.

    Grants live as long as the token. Relationships are looked up at each call, and for a stream every `recheck_s` again: it
    ends when they are others.
    """

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        claims, rule = call.claims, rules.get(call.method)
        if claims is None:
            raise Unauthenticated()
        control = await _control(relationships, rule, claims)
        caller = rule.admits(claims.subject, claims.client, claims.servant, claims.grants, control) if rule else None
        if rule is None or caller is None:
            raise forbidden(call.method, rule.takes if rule else "—", claims.grants)
        purpose = purpose_of(call.metadata)
        if rule.purpose and purpose is None and not caller.on_own_behalf:
            raise unsaid()
        call.caller = caller
        become(caller)
        with working_for(Call(call.method, call.id, caller, purpose)):
            if not call.streaming or caller.control == NO_CONTROL or relationships is None or claims.servant is None:
                yield
                return
            ended = forbidden(call.method, rule.takes, claims.grants)
            async with _while_the_same(relationships, claims.servant, control, recheck_s, ended):
                yield

    return layer


async def _control(relationships: Relationships | None, rule: AccessRule | None, claims: Claims) -> Control:
    if relationships is None or rule is None or not rule.relationships or claims.servant is None:
        return NO_CONTROL
    return await relationships.control(claims.servant)


@asynccontextmanager
async def _while_the_same(
    relationships: Relationships, servant: str, control: Control, recheck_s: float, ended: Forbidden
) -> AsyncIterator[None]:
    """Ends the block with the refusal when the servant controls something else than at its beginning: who still may, calls again."""
    life = asyncio.timeout(None)

    async def watch() -> None:
        while True:
            await asyncio.sleep(recheck_s)
            try:
                same = await relationships.control(servant) == control
            except Unavailable:  # the stream needs the database as well, and tells by itself
                continue
            except Exception:
                log.exception("a relationship could not be looked up: the stream that it opened is ended", method=ended.facts["method"])
                same = False
            if not same:
                life.reschedule(asyncio.get_running_loop().time())
                return

    watching = asyncio.create_task(watch(), name="relationships of a stream")
    try:
        async with life:
            yield
    except TimeoutError:
        if not life.expired():
            raise
        raise ended from None
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
