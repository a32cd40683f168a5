"""The issuer's signing keys: read in the background, kept through its outage, re-read once for a key never seen."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp
import structlog
from joserfc import errors as jose
from joserfc.jwk import KeySet

from chassis.settings import variable
from chassis.trust import client_context

log = structlog.get_logger("chassis.auth")

REFRESH_S: Final = 240.0  # with the 60 s of the token cache a withdrawn key is dead within 5 minutes
RETRY_S: Final = 5.0  # while the issuer is away and no key is known
UNKNOWN_KEY_S: Final = 10.0  # a flood of made-up key IDs costs the issuer one request in so many seconds
TIMEOUT_S: Final = 5.0
ANSWER_LIMIT: Final = 1_000_000  # bytes


class IssuerRefused(Exception):
    """An issuer that must not be trusted here: a demo sign-in, or one that calls itself by another name."""


class IssuerAway(Exception):
    """The issuer cannot be reached or does not answer as one."""


@dataclass(frozen=True, slots=True)
class Published:
    """What an issuer publishes: its own name, its keys (JWKS) and whether it is only a demo sign-in."""

    issuer: str
    keys: Mapping[str, Any]
    demo: bool


class Issuer(Protocol):
    """Where the keys come from."""

    async def published(self) -> Published:
        """Reads what the issuer publishes now; IssuerAway where it cannot."""

    async def close(self) -> None:
        """Lets go of connections."""


class HttpIssuer:
    """An issuer by OpenID Connect discovery over HTTP; over TLS with a certificate of the authorities in `ca`, or of the machine's."""

    def __init__(self, url: str, ca: str = "") -> None:
        self._trusted = client_context(ca) if ca else True
        self._discovery = url.rstrip("/") + "/.well-known/openid-configuration"
        self._session: aiohttp.ClientSession | None = None

    async def published(self) -> Published:
        """Reads the discovery document and the keys that it names."""
        metadata = await self._json(self._discovery)
        keys = await self._json(str(metadata.get("jwks_uri")))
        return Published(str(metadata.get("issuer")), keys, metadata.get("demo_issuer") is True)

    async def close(self) -> None:
        """Closes the HTTP session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _json(self, url: str) -> Mapping[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._trusted), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
            )
        try:
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise IssuerAway(f"{url} answered {answer.status}")
                body = json.loads(await answer.content.read(ANSWER_LIMIT))
        except aiohttp.ClientConnectorCertificateError as error:
            why = getattr(error.certificate_error, "verify_message", "")
            raise IssuerAway(f"{url}: {variable('issuer_ca')}: its certificate is of none of the authorities there: {why}") from error
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            raise IssuerAway(f"{url}: {error!r}") from error
        if not isinstance(body, dict):
            raise IssuerAway(f"{url} did not answer with an object")
        return body


class IssuerKeys:
    """The keys of one issuer by their IDs.

    `refresh` raises IssuerRefused for an issuer that must not be trusted, and only logs one that is away: what is known
    goes on working.
    """

    def __init__(self, source: Issuer, name: str, allow_demo: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._source, self._name, self._allow_demo, self._clock = source, name, allow_demo, clock
        self._keys: dict[str, dict[str, Any]] = {}
        self._asked_for_unknown = -UNKNOWN_KEY_S
        self._fetch = asyncio.Lock()

    @property
    def known(self) -> bool:
        """Whether any key is known."""
        return bool(self._keys)

    async def for_kid(self, kid: str, algorithm: str) -> KeySet | None:
        """Returns the key of this ID as a set of one, or None where the issuer has none for the algorithm."""
        if kid not in self._keys:
            await self._ask_for_unknown(kid)
        key = self._keys.get(kid)
        if key is None or key.get("alg", algorithm) != algorithm:
            return None
        return KeySet.import_key_set({"keys": [key]})

    async def refresh(self) -> None:
        """Reads the keys anew."""
        async with self._fetch:
            await self._read()

    async def keep_fresh(self) -> None:
        """Reads the keys anew from time to time, for ever."""
        while True:
            await asyncio.sleep(REFRESH_S if self.known else RETRY_S)
            try:
                await self.refresh()
            except IssuerRefused as refusal:
                log.error("the issuer is refused; its keys are dropped", why=str(refusal))
                self._keys = {}

    async def close(self) -> None:
        """Lets go of the source."""
        await self._source.close()

    async def _ask_for_unknown(self, kid: str) -> None:
        async with self._fetch:
            if kid in self._keys or self._clock() - self._asked_for_unknown < UNKNOWN_KEY_S:
                return
            self._asked_for_unknown = self._clock()
            try:
                await self._read()
            except IssuerRefused as refusal:
                log.error("the issuer is refused", why=str(refusal))

    async def _read(self) -> None:
        try:
            published = await self._source.published()
        except IssuerAway as away:
            log.warning("the issuer is away", why=str(away), keys=len(self._keys))
            return
        if published.issuer != self._name:
            raise IssuerRefused(f"the issuer {self._name} calls itself {published.issuer}")
        if published.demo and not self._allow_demo:
            raise IssuerRefused(f"{self._name} is a demo sign-in; only TARTIP_ALLOW_DEMO_ISSUER=1 lets it in")
        self._keys = _usable(published.keys)


def _usable(keys: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Keeps the public keys that sign and have an ID: no encryption keys, no shared secrets."""
    usable: dict[str, dict[str, Any]] = {}
    listed = keys.get("keys")
    for key in listed if isinstance(listed, list) else ():
        kid = key.get("kid") if isinstance(key, dict) else None
        if not isinstance(kid, str) or key.get("use", "sig") != "sig" or key.get("kty") not in ("RSA", "EC"):
            continue
        try:
            KeySet.import_key_set({"keys": [key]})
        except (jose.JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("a key of the issuer cannot be read", kid=kid, error=type(error).__name__)
            continue
        usable[kid] = key
    return usable
