"""Tokens for tests: an issuer of one's own, with real keys and real signatures, in the same process."""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Final
from uuid import uuid4

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from chassis.access import OWN_ROLE, Caller, Grant, grants_of
from chassis.auth import TokenVerifier
from chassis.issuer_keys import IssuerAway, Published

AUDIENCE: Final = "tartip"
LIFE_S: Final = 300


def caller(subject: str = "tester", grants: Collection[str] = (), servant: str | None = None, client: str = "portal") -> Caller:
    """Returns a caller as the server would make it for a method that allows all these grants, and servants their own."""
    own = (Grant(OWN_ROLE, "own", servant),) if servant else ()
    return Caller(subject, client, servant, grants_of(grants) + own)


class Tokens:
    """An issuer in memory: mints tokens and is itself the source of keys of a TokenVerifier.

    `away` makes it unreachable; `rotate` makes a new signing key, the old ones stay published.
    """

    def __init__(self, issuer: str = "http://issuer.test/realms/tartip", demo: bool = False) -> None:
        self.issuer, self.demo, self.away, self.fetches = issuer, demo, False, 0
        self.keys: list[RSAKey | ECKey] = []
        self.rotate()

    def rotate(self, kind: str = "RSA") -> None:
        """Makes the key that signs from now on."""
        parameters: KeyParameters = {"kid": uuid4().hex, "use": "sig", "alg": "RS256" if kind == "RSA" else "ES256"}
        made = RSAKey.generate_key(2048, parameters) if kind == "RSA" else ECKey.generate_key("P-256", parameters)
        self.keys.append(made)

    def mint(
        self,
        subject: str,
        grants: Collection[str] = (),
        servant: str | None = None,
        client: str = "portal",
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """Returns a token as the realm gives it; `claims` are put over the usual ones, None takes one away."""
        return self.sign(self.claims(subject, grants, servant, client) | dict(claims or {}))

    def claims(self, subject: str, grants: Collection[str] = (), servant: str | None = None, client: str = "portal") -> dict[str, object]:
        """Returns the claims of an access token of the realm."""
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "azp": client,
            "typ": "Bearer",
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + LIFE_S,
            "grants": list(grants),
            "servant": servant,
        }

    def sign(self, claims: Mapping[str, object], key: RSAKey | ECKey | None = None, **header: object) -> str:
        """Returns the claims signed with the newest key, or with another; claims of None are left out."""
        by = key or self.keys[-1]
        stated = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": by.alg, "typ": "JWT", "kid": by.kid, **header}, stated, by, algorithms=[str(by.alg)])

    def verifier(self, clock: Callable[[], float] = time.time) -> TokenVerifier:
        """Returns a verifier that reads its keys from here; enter its `running()`."""
        return TokenVerifier(self.issuer, AUDIENCE, source=self, clock=clock)

    async def published(self) -> Published:
        """What the issuer publishes now."""
        self.fetches += 1
        if self.away:
            raise IssuerAway("the test says so")
        return Published(self.issuer, {"keys": [key.as_dict(private=False) for key in self.keys]}, self.demo)

    async def close(self) -> None:
        """Nothing to let go of."""

    @asynccontextmanager
    async def serving(self, secured: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Answers discovery and JWKS over HTTP on loopback, or TLS, and takes that address for its own name."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secured).start()
            self.issuer = f"{'https' if secured else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
            yield self.issuer
        finally:
            await runner.cleanup()

    async def _discovery(self, _: web.Request) -> web.Response:
        document: dict[str, object] = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
        return web.json_response(document | ({"demo_issuer": True} if self.demo else {}))

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response((await self.published()).keys)


@cache
def issuer() -> Tokens:
    """One issuer for all tests that need nothing of their own in it: making its key costs more than most of them."""
    return Tokens()
