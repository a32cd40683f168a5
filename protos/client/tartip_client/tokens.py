"""Access tokens of a system: asked for with its secret or its key, renewed before they end, by one for all who wait."""

import copy
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tartip_client.refusals import Refusal, Refused, TartipError

ANSWERED_WITHIN_S = 10.0
ASKED_AGAIN_AFTER_S = 5.0
"""After an attempt that failed, or after a token that was asked for in the place of a refused one.

Those who call meanwhile are told of it at once, and the sign-in is not overrun.
"""
ASSERTION_LIVES_S = 60
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RENEWED_AT = 0.8
"""Of its life: the rest is for calls that are under way, and for a sign-in that is slow or away."""


class SignInFailed(TartipError):
    """No token could be had."""


class SignInRefused(SignInFailed):
    """The sign-in does not know the client, or not its secret or key; says what it answered."""


class SignInUntrusted(SignInFailed):
    """What proves the client is not sent: the issuer is not called over TLS, or what stands there is not the issuer's."""


class SignInAway(SignInFailed):
    """The sign-in does not answer, or with nothing that can be read; it may be tried again."""

    @property
    def refusal(self) -> Refusal:
        """What it means for a call: that something it needs is away."""
        return Refusal("UNAVAILABLE", str(self))


Ended = Refused | SignInAway
"""How a call or a stream ends that may be made again."""


class Credentials(Protocol):
    """What proves who asks for a token."""

    def form(self, issuer: str) -> Mapping[str, str]:
        """Returns what is posted to the token endpoint of the issuer."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A system that proves itself by a secret, which is shown nowhere; out of a file it is read each time, so that it may be replaced."""

    client: str
    secret: str | Path = field(repr=False)

    def form(self, issuer: str) -> Mapping[str, str]:
        """Returns the client with its secret."""
        secret = self.secret if isinstance(self.secret, str) else self.secret.read_text(encoding="utf-8").strip()
        return {"grant_type": "client_credentials", "client_id": self.client, "client_secret": secret}


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

    A token is renewed when four fifths of its life have passed, by a thread of its own and once for all; while it lives, everybody goes
    on with it at once, also where the sign-in is away. After an attempt that failed nobody asks again for a few seconds. An issuer
    without TLS (http://) is asked where it is `clear` that this is meant: on one's own machine alone.
    """

    def __init__(
        self,
        issuer: str,
        credentials: Credentials,
        ca_file: Path | None = None,
        *,
        clear: bool = False,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _trusted(issuer, clear=clear)
        self.issuer, self._credentials, self._clock = issuer.rstrip("/"), credentials, clock
        self._fetch = fetch or Http(ca_file, clear=clear).fetch
        self._endpoint = ""
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._attempt: Attempt | None = None
        self._again_at, self._replaced_again_at = 0.0, 0.0

    def token(self, within_s: float | None = None) -> str:
        """Returns a token that counts, after waiting for one where it must, at most so many seconds; SignInFailed says why there is none."""
        living = self.living()
        if living is not None:
            return living
        try:
            return given(self.asked().result(within_s))
        except TimeoutError:
            raise late() from None

    def living(self) -> str | None:
        """Returns the token while it lives, and has it renewed where it is time; waits for nobody."""
        held, now = self._held, self._clock()
        if held is None or now >= held.ends_at:
            return None
        if now >= held.renew_at:
            self.asked()
        return held.value

    def asked(self) -> "Attempt":
        """Returns the attempt that is under way, or the last one where it is too early for another; else begins one."""
        with self._lock:
            attempt = self._attempt
            if attempt is not None and (not attempt.done() or self._clock() < self._again_at):
                return attempt
            attempt = self._attempt = Future()
            attempt.set_running_or_notify_cancel()  # nobody who gives up waiting ends it for the others
        try:
            # A daemon: a process that ends does not wait for a sign-in that is away.
            threading.Thread(target=self._ask, args=(attempt,), name="tartip sign-in", daemon=True).start()
        except RuntimeError as error:
            self._ended(attempt, SignInAway(f"no thread can be had to sign in: {error}"))
        return attempt

    def refused(self, token: str) -> None:
        """Drops a token that the platform did not take, so that the next call asks for another, but not one after the other.

        Where its successor is not taken either, it is not the token: a clock, or a key that the platform does not know yet. The successor
        is kept for a few seconds, and who calls meanwhile is told by the platform.
        """
        with self._lock:
            held, now = self._held, self._clock()
            if held is None or held.value != token or now < self._replaced_again_at:
                return
            self._held, self._replaced_again_at = None, now + ASKED_AGAIN_AFTER_S
            if self._attempt is not None and self._attempt.done() and self._attempt.result() is held:
                self._attempt = None

    def _ask(self, attempt: "Attempt") -> None:
        try:
            self._ended(attempt, self._answered())
        except Exception as error:  # told to whoever waits, whatever it is
            self._ended(attempt, error)

    def _ended(self, attempt: "Attempt", outcome: "Token | Exception") -> None:
        with self._lock:
            if isinstance(outcome, Token):
                self._held, self._again_at = outcome, outcome.renew_at
            else:
                self._again_at = self._clock() + ASKED_AGAIN_AFTER_S
        attempt.set_result(outcome)

    def _answered(self) -> Token:
        if not self._endpoint:
            self._endpoint = self._discovered()
        now = self._clock()
        return Token.read(self._fetch(self._endpoint, self._credentials.form(self.issuer)), now)

    def _discovered(self) -> str:
        place = f"{self.issuer}/.well-known/openid-configuration"
        document = self._fetch(place, None)
        issuer, endpoint = document.get("issuer"), document.get("token_endpoint")
        if not isinstance(issuer, str) or not isinstance(endpoint, str):
            raise SignInAway(f"{place} answers without issuer and token_endpoint")
        if issuer != self.issuer:
            raise SignInUntrusted(f"what stands at {self.issuer} names another issuer, {issuer}: use the issuer's own name")
        return _trusted(endpoint, clear=not self.issuer.startswith("https://"))


Attempt = Future[Token | Exception]
"""A request for a token: what came of it is its result, be it an exception, so that many may be told."""


def given(outcome: Token | Exception) -> str:
    """Returns the token that an attempt brought, or raises what came instead: a copy for each who is told, as each adds a traceback."""
    if isinstance(outcome, Token):
        return outcome.value
    raise copy.copy(outcome) from None


def late() -> SignInAway:
    """Returns what is told to a call whose time passed while it waited for a token."""
    return SignInAway("no token came within the time of the call")


class Http:
    """HTTP as a sign-in needs it, with the authorities that are trusted; without TLS where it is `clear` that this is meant."""

    def __init__(self, ca_file: Path | None = None, *, clear: bool = False) -> None:
        self._ca_file, self._clear = ca_file, clear

    def fetch(self, url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
        """Gets a document, or posts a form; SignInRefused with what an OAuth error says, SignInUntrusted, SignInAway for all else."""
        request = urllib.request.Request(
            _trusted(url, clear=self._clear), urllib.parse.urlencode(form).encode() if form is not None else None
        )
        try:
            with self._opener().open(request, timeout=ANSWERED_WITHIN_S) as answer:
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

    def _opener(self) -> urllib.request.OpenerDirector:
        """The authorities are read each time, since their file may be replaced; a token is asked for once in minutes."""
        trusted = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file is not None else None)
        return urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted), _NoRedirects())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A sign-in answers where it is asked: a redirection could lead out of TLS."""

    def redirect_request(self, *_: Any) -> None:
        """Follows none."""


def _trusted(url: str, *, clear: bool) -> str:
    if not url.startswith(("https://", "http://") if clear else "https://"):
        raise SignInUntrusted(f"{url}: a sign-in begins with https://; http:// only where an issuer without TLS is meant (TARTIP_CLEAR=1)")
    return url


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
