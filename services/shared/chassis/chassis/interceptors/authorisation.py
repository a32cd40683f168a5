"""Finds out what the caller may do here: the grants of the token, narrowed to those that open the method."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from kernel.faults import Forbidden, Unauthenticated

from chassis.access import AccessRule, become
from chassis.calls import Call, working_for
from chassis.interceptors.incoming import Incoming, Layer


def authorised(rules: Mapping[str, AccessRule]) -> Layer:
    """Returns the layer that denies by default: a method without a rule opens to nobody."""

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        claims, rule = call.claims, rules.get(call.method)
        if claims is None:
            raise Unauthenticated()
        caller = rule.admits(claims.subject, claims.client, claims.servant, claims.grants) if rule else None
        if caller is None:
            raise Forbidden(method=call.method.removeprefix("/"))
        call.caller = caller
        become(caller)
        with working_for(Call(call.method, call.id, caller)):
            yield

    return layer
