"""Who calls: access tokens checked offline against the issuer's keys."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from joserfc import errors as jose
from joserfc import jwt
from joserfc.jwk import KeySet
from kernel.faults import Unauthenticated, Unavailable

from chassis.access import Grant, grants_of
from chassis.issuer_keys import HttpIssuer, Issuer, IssuerKeys, IssuerRefused

__all__ = ["ALGORITHMS", "Claims", "IssuerRefused", "TokenVerifier"]

log = structlog.get_logger("chassis.auth")

ALGORITHMS: Final = ("RS256", "PS256", "ES256")  # asymmetric only: with HMAC the public key would sign
LEEWAY_S: Final = 30  # clocks of the issuer and of ours may differ by so much
CACHE_S: Final = 60  # a withdrawn key lives at most this long after the key set is read again
CACHE_SIZE: Final = 10_000  # tokens; about 2 MB
TOKEN_LIMIT: Final = 8192  # characters; the realm's tokens have about 1,200


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says: who, through which client, with which grants, until when (Unix seconds)."""

    subject: str
    client: str
    servant: str | None
    grants: tuple[Grant, ...]
    expires: float


class TokenRefused(Unauthenticated):
    """A token that does not count; `why` is for the metric and the log, the caller learns nothing of it."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class TokenVerifier:
    """Checks access tokens of one realm: algorithm, signature, issuer, audience, time and type.

    Keys come from the issuer in the background (see `IssuerKeys`) and survive its outage. A verified token is remembered
    by its digest until it expires, for 60 s at most.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        allow_demo_issuer: bool = False,
        ca: str = "",
        source: Issuer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._keys = IssuerKeys(source or HttpIssuer(issuer, ca), issuer, allow_demo_issuer)
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._seen: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TokenVerifier"]:
        """Reads the keys and keeps them fresh until the end; an issuer that is away is asked again and again."""
        await self._keys.refresh()
        task = asyncio.create_task(self._keys.keep_fresh(), name="issuer keys")
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._keys.close()

    @property
    def ready(self) -> bool:
        """Whether there are keys to check tokens with."""
        return self._keys.known

    async def verify(self, token: str) -> Claims:
        """Returns what the token says; TokenRefused where it does not count, Unavailable while no keys are known."""
        digest = hashlib.sha256(token.encode()).digest()
        now = self._clock()
        remembered = self._seen.get(digest)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        header = _header(token)
        keys = await self._keys.for_kid(_kid(header), header["alg"])
        if keys is None:
            if not self._keys.known:
                raise Unavailable()
            raise TokenRefused("unknown-key")
        claims = self._checked(token, keys)
        self._seen[digest] = (min(claims.expires, now + CACHE_S), claims)
        while len(self._seen) > CACHE_SIZE:
            self._seen.popitem(last=False)
        return claims

    def _checked(self, token: str, keys: KeySet) -> Claims:
        try:
            claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            self._registry.validate(claims)
        except jose.ExpiredTokenError as error:
            raise TokenRefused("expired") from error
        except jose.ClaimError as error:
            raise TokenRefused(f"claim-{error.claim}") from error
        except (jose.JoseError, ValueError, TypeError, KeyError) as error:
            raise TokenRefused("signature") from error
        if claims.get("typ", "Bearer") != "Bearer":  # an ID or a refresh token of the same realm
            raise TokenRefused("type")
        return _claims(claims)


def _claims(claims: Mapping[str, Any]) -> Claims:
    servant, client = claims.get("servant"), claims.get("azp", "")
    return Claims(
        subject=claims["sub"],
        client=client if isinstance(client, str) else "",
        servant=servant if isinstance(servant, str) and servant else None,
        grants=grants_of(_strings(claims.get("grants"))),
        expires=float(claims["exp"]),
    )


def _strings(value: object) -> Sequence[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _header(token: str) -> dict[str, str]:
    """Reads the header before anything is computed; a token whose algorithm is not on the list goes no further."""
    if len(token) > TOKEN_LIMIT or token.count(".") != 2:
        raise TokenRefused("form")
    first = token.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise TokenRefused("form") from error
    if not isinstance(header, dict):
        raise TokenRefused("form")
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("algorithm")
    return header


def _kid(header: Mapping[str, Any]) -> str:
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenRefused("unknown-key")
    return kid
