"""A client's certificate speaks for that client alone."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from kernel.faults import Unauthenticated

from chassis.interceptors.authentication import UNAUTHENTICATED
from chassis.interceptors.incoming import Incoming, Layer

# What clients of ministries and portals are called in the realm: infra/keycloak/README.md.
INTEGRATIONS: Final = "integration-"


def bound_to_certificate(*, integrations_need_one: bool) -> Layer:
    """Returns the layer that lets a client's certificate speak for that client alone: its common name or a DNS name is the client's ID.

    Where integrating systems need one, a token of theirs counts on the port that asked for it, and nowhere else: a token that was stolen
    is worth nothing without the key.
    """

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        client = call.claims.client if call.claims is not None else ""
        names = certificate_names(call.context.auth_context())
        if names is None:
            if integrations_need_one and client.startswith(INTEGRATIONS):
                UNAUTHENTICATED.labels("no-certificate").inc()
                raise Unauthenticated()
        elif client not in names:
            UNAUTHENTICATED.labels("certificate").inc()
            raise Unauthenticated()
        yield

    return layer


def certificate_names(context: Mapping[str, Iterable[bytes]]) -> frozenset[str] | None:
    """The names in the certificate that a caller presented, or None without one."""
    if not context.get("x509_pem_cert"):
        return None
    named = (*context.get("x509_common_name", ()), *context.get("x509_subject_alternative_name", ()))
    return frozenset(name.decode(errors="replace") for name in named)
