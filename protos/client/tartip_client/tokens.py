"""Access tokens of a system: asked for with its secret or its key, renewed before they end, by one for all who wait."""

import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tartip_client.refusals import TartipError

ANSWERED_WITHIN_S = 10.0
ASSERTION_LIVES_S = 60
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RENEWED_AT = 0.8
"""Of its life: the rest is for calls that are under way, and for a sign-in that is slow or away."""


class SignInFailed(TartipError):
    """No token could be had."""


class SignInRefused(SignInFailed):
    """The sign-in does not know the client, or not its secret or key; says what it answered."""


class SignInAway(SignInFailed):
    """The sign-in does not answer, or with nothing that can be read."""


class Credentials(Protocol):
    """What proves who asks for a token."""

    def form(self, issuer: str) -> Mapping[str, str]:
        """Returns what is posted to the token endpoint of the issuer."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A system that proves itself by a secret; it is shown nowhere."""

    client: str
    secret: str = field(repr=False)

    def form(self, issuer: str) -> Mapping[str, str]:
        """Returns the client with its secret."""
        return {"grant_type": "client_credentials", "client_id": self.client, "client_secret": self.secret}


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A system that proves itself by a key of its own (private_key_jwt), read from a PEM file each time, so that it may be replaced.

    `key_id` names it among the keys that the system publishes; empty where the sign-in knows it by a certificate.
    """

    client: str
    key_file: Path
    key_id: str = ""

    def form(self, issuer: str) -> Mapping[str, str]:
        """Returns the client with an assertion that counts once."""
        now = int(time.time())
        claims = {"iss": self.client, "sub": self.client, "aud": issuer, "jti": str(uuid4()), "iat": now, "exp": now + ASSERTION_LIVES_S}
        key, algorithm = _private_key(self.key_file)
        header = {"alg": algorithm, **({"kid": self.key_id} if self.key_id else {})}
        proof = jwt.encode(header, claims, key, algorithms=[algorithm])
        return {
            "grant_type": "client_credentials",
            "client_id": self.client,
            "client_assertion_type": ASSERTION,
            "client_assertion": proof,
        }


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, with the instants of a monotonic clock at which it is to be renewed and at which it ends."""

    value: str = field(repr=False)
    renew_at: float
    ends_at: float

    @classmethod
    def read(cls, answer: Mapping[str, Any], now: float) -> "Token":
        """Reads the answer of a token endpoint; SignInAway where it is none."""
        value, life = answer.get("access_token"), answer.get("expires_in", 0)
        if not isinstance(value, str) or not value or not isinstance(life, int | float):
            raise SignInAway("the sign-in answered without an access_token and the seconds it lives (expires_in)")
        return cls(value, now + RENEWED_AT * life, now + life)


Fetch = Callable[[str, Mapping[str, str] | None], Mapping[str, Any]]
"""Gets a JSON document, or posts a form and gets what is answered."""


class TokenSource:
    """Tokens of one issuer for one system, or person; may be asked by many threads at once.

    A token is renewed when four fifths of its life have passed, by one of those who ask; the others go on with the old one as long
    as it lives, and so does everybody where the sign-in is away.
    """

    def __init__(
        self,
        issuer: str,
        credentials: Credentials,
        ca_file: Path | None = None,
        *,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer, self._credentials, self._clock = issuer.rstrip("/"), credentials, clock
        self._fetch = fetch or Http(ca_file).fetch
        self._renewing = threading.Lock()
        self._held: Token | None = None
        self._endpoint = ""

    def fresh(self) -> str | None:
        """Returns the token where it need not be renewed; asks nobody."""
        held = self._held
        return held.value if held is not None and self._clock() < held.renew_at else None

    def token(self) -> str:
        """Returns a token that counts, after asking for one where it must; SignInRefused, SignInAway."""
        held, now = self._held, self._clock()
        if held is not None and now < held.renew_at:
            return held.value
        lives = held is not None and now < held.ends_at
        if not self._renewing.acquire(blocking=not lives):
            assert held is not None
            return held.value
        try:
            if self._held is held or self._held is None:
                self._held = self._asked()
            return self._held.value
        except SignInAway:
            if held is None or not lives:
                raise
            return held.value
        finally:
            self._renewing.release()

    def refused(self, token: str) -> None:
        """Drops a token that the platform did not take, so that the next call asks for another."""
        held = self._held
        if held is not None and held.value == token:
            self._held = None

    def _asked(self) -> Token:
        if not self._endpoint:
            document = self._fetch(f"{self.issuer}/.well-known/openid-configuration", None)
            if document.get("issuer") != self.issuer or not isinstance(document.get("token_endpoint"), str):
                raise SignInAway(f"what stands at {self.issuer} names another issuer, or no token_endpoint: use the issuer's own name")
            self._endpoint = document["token_endpoint"]
        now = self._clock()
        return Token.read(self._fetch(self._endpoint, self._credentials.form(self.issuer)), now)


class Http:
    """HTTP as a sign-in needs it, with the authorities that are trusted."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._trusted = ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)

    def fetch(self, url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
        """Gets a document, or posts a form; SignInRefused with what an OAuth error says, SignInAway for all else."""
        if not url.startswith(("https://", "http://")):
            raise SignInAway(f"{url}: an issuer begins with https://")
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=ANSWERED_WITHIN_S, context=self._trusted) as answer:
                return _document(answer.read(), url)
        except urllib.error.HTTPError as error:
            said = _document(error.read(), url) if error.code in (400, 401) and form is not None else {}
            if "error" in said:
                raise SignInRefused(
                    f"the sign-in refuses {form and form.get('client_id')}: {said.get('error_description') or said['error']}"
                ) from None
            raise SignInAway(f"{url} answers {error.code}") from None
        except (OSError, ValueError) as error:
            raise SignInAway(f"{url} does not answer: {error}") from None


def _document(raw: bytes, url: str) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SignInAway(f"{url} answers with no JSON object")
    return found


def _private_key(path: Path) -> tuple[RSAKey | ECKey, str]:
    """Reads an RSA key, which signs with RS256, or one of the curve P-256, with ES256."""
    pem = path.read_bytes()
    for kind, algorithm in ((RSAKey, "RS256"), (ECKey, "ES256")):
        try:
            key: RSAKey | ECKey = kind.import_key(pem)
        except (ValueError, JoseError):
            continue
        if key.is_private and (isinstance(key, RSAKey) or key.curve_name == "P-256"):
            return key, algorithm
    raise SignInRefused(f"{path} holds no private key in PEM: RSA, or of the curve P-256")
