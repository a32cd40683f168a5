"""A demo sign-in: a local OpenID Connect issuer that reads Keycloak's realm. Not for anything but one's own machine."""

import argparse
import asyncio
import ipaddress
import secrets
import signal
import socket
import time
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64encode

from localstack.endpoints import REALM, run_folder
from localstack.realm import Client, Realm, Secrets, User

CODE_LIFE_S = 60
PAGE = """<!doctype html><meta charset="utf-8"><title>Tartip: demo sign-in</title>
<h1>Demo sign-in</h1><p>This is not a real sign-in. It runs on this machine only; the password stands in run/secrets.json.</p>
<form method="post"><p>{problem}</p><label>Name <input name="username"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form>"""


class OAuthError(Exception):
    """A request for a token that is refused, in OAuth's words and with Keycloak's status."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that was given out: for whom, to whom, against which PKCE challenge, until when."""

    user: User
    client: Client
    redirect: str
    challenge: str
    expires: float


class DemoIssuer:
    """Discovery, JWKS, client credentials, password, and authorization code with PKCE, on Keycloak's paths."""

    def __init__(self, realm: Realm, origin: str) -> None:
        self.realm = realm
        self.issuer = f"{origin}/realms/{realm.name}"
        self._key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": uuid4().hex})
        self._codes: dict[str, Code] = {}

    def app(self) -> web.Application:
        """Returns the web application."""
        base = f"/realms/{self.realm.name}"
        app = web.Application()
        app.add_routes(
            [
                web.get(f"{base}/.well-known/openid-configuration", self._discovery),
                web.get(f"{base}/protocol/openid-connect/certs", self._certs),
                web.post(f"{base}/protocol/openid-connect/token", self._token),
                web.get(f"{base}/protocol/openid-connect/auth", self._ask_to_sign_in),
                web.post(f"{base}/protocol/openid-connect/auth", self._sign_in),
            ]
        )
        return app

    async def _discovery(self, _: web.Request) -> web.Response:
        at = f"{self.issuer}/protocol/openid-connect"
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{at}/auth",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/certs",
                "grant_types_supported": ["authorization_code", "client_credentials", "password"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "none"],
                "demo_issuer": True,
            }
        )

    async def _certs(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        try:
            client = self._client(form)
            user = self._user(form, client)
        except OAuthError as refusal:
            return web.json_response({"error": refusal.error, "error_description": refusal.description}, status=refusal.status)
        answer = {"access_token": self._signed(user, client), "token_type": "Bearer", "expires_in": self.realm.life_s}
        return web.json_response(answer, headers={"cache-control": "no-store"})

    def _client(self, form: dict[str, str]) -> Client:
        client = self.realm.clients.get(form.get("client_id", ""))
        if client is None:
            raise OAuthError("invalid_client", "Invalid client or client credentials", 401)
        if not _same(client.secret or "", form.get("client_secret", "")):
            raise OAuthError("unauthorized_client", "Invalid client or client credentials", 401)
        if (asked := form.get("grant_type")) not in client.flows:
            status = 401 if asked == "client_credentials" else 400
            raise OAuthError("unauthorized_client", "The client may not use this grant type", status)
        return client

    def _user(self, form: dict[str, str], client: Client) -> User:
        match form["grant_type"]:
            case "client_credentials":
                user = self.realm.account_of(client)
            case "password":
                user = self._person(form)
            case _:
                user = self._redeemed(form, client)
        if user is None:
            raise OAuthError("invalid_grant", "Invalid user credentials")
        return user

    def _person(self, form: dict[str, str]) -> User | None:
        user = self.realm.users.get(form.get("username", ""))
        return user if user and user.password and _same(user.password, form.get("password", "")) else None

    def _redeemed(self, form: dict[str, str], client: Client) -> User:
        code = self._codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode()
        if (
            code is None
            or code.expires < time.time()
            or code.client.name != client.name
            or code.redirect != form.get("redirect_uri")
            or not _same(code.challenge, challenge)
        ):
            raise OAuthError("invalid_grant", "Code not valid")
        return code.user

    async def _ask_to_sign_in(self, request: web.Request) -> web.Response:
        self._asked(request)
        return _page("")

    async def _sign_in(self, request: web.Request) -> web.Response:
        client, redirect, challenge = self._asked(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        user = self._person(form)
        if user is None:
            return _page("The name or the password is wrong.")
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(user, client, redirect, challenge, time.time() + CODE_LIFE_S)
        answer = {"code": code, "state": request.query.get("state", ""), "iss": self.issuer}
        raise web.HTTPFound(f"{redirect}?{urlencode(answer)}")

    def _asked(self, request: web.Request) -> tuple[Client, str, str]:
        """Checks what the client asked for; nobody is redirected to an address that the realm does not name."""
        query = request.query
        client = self.realm.clients.get(query.get("client_id", ""))
        redirect, challenge = query.get("redirect_uri", ""), query.get("code_challenge", "")
        if client is None or "authorization_code" not in client.flows or not _allowed(redirect, client.redirects):
            raise web.HTTPBadRequest(text="unknown client or redirect_uri")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256" or not challenge:
            raise web.HTTPBadRequest(text="response_type must be code, with a PKCE code_challenge of method S256")
        return client, redirect, challenge

    def _signed(self, user: User, client: Client) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "iat": now, "exp": now + self.realm.life_s, "jti": uuid4().hex, "typ": "Bearer"}
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        return jwt.encode(header, claims | self.realm.claims(user, client), self._key)


def _page(problem: str) -> web.Response:
    return web.Response(text=PAGE.format(problem=escape(problem)), content_type="text/html")


def _same(expected: str, given: str) -> bool:
    return secrets.compare_digest(expected.encode(), given.encode())


def _allowed(redirect: str, allowed: tuple[str, ...]) -> bool:
    """A loopback address of the realm holds for every port (RFC 8252, section 7.3)."""
    asked = urlsplit(redirect)
    return any((asked.scheme, asked.hostname, asked.path) == (known.scheme, known.hostname, known.path) for known in map(urlsplit, allowed))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("--listen", default="127.0.0.1:8180", help="host:port on loopback; port 0 is chosen by the system")
    parser.add_argument("--realm", type=Path, default=REALM, help="the realm in Keycloak's export format")
    parser.add_argument("--secrets", type=Path, default=run_folder() / "secrets.json", help="where generated secrets are written")


def run(args: argparse.Namespace) -> int:
    """Serves until it is asked to stop; prints one line when it is ready."""
    host, _, port = args.listen.rpartition(":")
    if not ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
        print("The demo sign-in listens on loopback only: it is no protection for anything else.")
        return 2
    asyncio.run(_serve(args, host, int(port)))
    return 0


async def _serve(args: argparse.Namespace, host: str, port: int) -> None:
    known = Secrets()
    realm = Realm.read(args.realm, known)
    known.write(args.secrets)
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    issuer = DemoIssuer(realm, f"http://{host}:{listener.getsockname()[1]}")
    runner = web.AppRunner(issuer.app(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"issuer ready: {issuer.issuer} (a demo sign-in, not for production)", flush=True)
    await stop.wait()
    await runner.cleanup()
