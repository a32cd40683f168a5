"""Signing in: ahead of time, once for all who wait, and without a word of the secret."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import tartip_client
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from tartip_client import ClientKey, ClientSecret, SignInAway, SignInRefused, TokenSource
from tartip_client.tokens import Http, Token

ISSUER = "http://issuer.test/realms/tartip"
SECRET = ClientSecret("integration-egov", "the secret itself")


class SignIn:
    """A sign-in that numbers its tokens, each of 100 seconds, and is away when told."""

    def __init__(self) -> None:
        self.now, self.given, self.away = 0.0, 0, False
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.answer.set()

    def fetch(self, url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
        """Answers both questions of a client."""
        if self.away:
            raise SignInAway("the test says so")
        if form is None:
            return {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}
        self.asked.set()
        self.answer.wait(20)
        self.given += 1
        return {"access_token": f"token {self.given}", "expires_in": 100}

    def source(self) -> TokenSource:
        """One who signs in here."""
        return TokenSource(ISSUER, SECRET, fetch=self.fetch, clock=lambda: self.now)


def test_a_token_is_renewed_before_it_ends() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    assert source.fresh() is None
    assert (source.token(), source.fresh()) == ("token 1", "token 1")
    sign_in.now = 79.9
    assert source.token() == "token 1"
    sign_in.now = 80
    assert source.fresh() is None
    assert source.token() == "token 2"


@given(st.floats(0, 10**7), st.floats(0, 10**9))
def test_a_token_of_whatever_life_is_renewed_within_it(life: float, now: float) -> None:
    token = Token.read({"access_token": "t", "expires_in": life}, now)
    assert now <= token.renew_at <= token.ends_at


def test_all_who_wait_for_the_first_token_are_given_the_same_one() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    sign_in.answer.clear()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(source.token) for _ in range(8)]
        assert sign_in.asked.wait(20)
        sign_in.answer.set()
        assert {each.result(20) for each in waiting} == {"token 1"}


def test_while_one_renews_the_others_go_on_with_the_token_that_lives() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    source.token()
    sign_in.now = 90
    sign_in.asked.clear()
    sign_in.answer.clear()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(source.token)
        assert sign_in.asked.wait(20)
        assert source.token() == "token 1"
        sign_in.answer.set()
        assert renewing.result(20) == "token 2"


def test_while_the_sign_in_is_away_a_token_is_used_as_long_as_it_lives() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    source.token()
    sign_in.away, sign_in.now = True, 99.0
    assert source.token() == "token 1"
    sign_in.now = 100.0
    with pytest.raises(SignInAway):
        source.token()
    sign_in.away = False
    assert source.token() == "token 2"


def test_a_token_that_was_refused_is_dropped_and_its_successor_is_not() -> None:
    source = SignIn().source()
    first = source.token()
    source.refused(first)
    second = source.token()
    source.refused(first)
    assert (first, second, source.token()) == ("token 1", "token 2", "token 2")


def test_what_is_secret_is_not_shown(tmp_path: Path) -> None:
    source = SignIn().source()
    shown = f"{SECRET!r} {Token(source.token(), 1, 2)!r} {source!r} {ClientKey('c', tmp_path)!r}"
    assert "the secret itself" not in shown
    assert "token 1" not in shown


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_system_with_a_key_proves_itself_by_an_assertion_that_counts_once(tmp_path: Path, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forms = [ClientKey("integration-ehr", file, key_id).form(ISSUER) for key_id in ("key 1", "")]
    known = RSAKey.import_key(public) if kind == "rsa" else ECKey.import_key(public)
    read = [jwt.decode(form["client_assertion"], known) for form in forms]
    assert {form["grant_type"] for form in forms} == {"client_credentials"}
    assert [(each.claims["iss"], each.claims["sub"], each.claims["aud"]) for each in read] == [("integration-ehr",) * 2 + (ISSUER,)] * 2
    assert [each.header.get("kid") for each in read] == ["key 1", None]
    assert read[0].claims["jti"] != read[1].claims["jti"]
    assert read[0].claims["exp"] - read[0].claims["iat"] == 60


@pytest.mark.parametrize("content", ["nothing", "public", "another curve"])
def test_a_file_without_a_key_that_signs_is_named(tmp_path: Path, content: str) -> None:
    file, key = tmp_path / "key.pem", ec.generate_private_key(ec.SECP384R1())
    pems = {
        "nothing": b"half a fi",
        "public": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "another curve": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    file.write_bytes(pems[content])
    with pytest.raises(SignInRefused, match=r"key\.pem holds no private key"):
        ClientKey("c", file).form(ISSUER)


@asynccontextmanager
async def answering(answers: Mapping[str, tuple[int, Any]]) -> AsyncIterator[str]:
    """An HTTP server that answers these paths."""

    async def answer(request: web.Request) -> web.Response:
        status, body = answers.get(request.path, (404, "nothing here"))
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text.replace("HERE", str(request.url.origin())))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


DISCOVERY = {"/.well-known/openid-configuration": (200, {"issuer": "HERE", "token_endpoint": "HERE/token"})}


async def test_a_token_comes_over_http() -> None:
    async with answering({**DISCOVERY, "/token": (200, {"access_token": "t", "expires_in": 300})}) as issuer:
        assert await asyncio.to_thread(TokenSource(f"{issuer}/", SECRET).token) == "t"


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        (
            {**DISCOVERY, "/token": (401, {"error": "unauthorized_client", "error_description": "no"})},
            SignInRefused,
            "integration-egov: no",
        ),
        ({**DISCOVERY, "/token": (400, {"error": "invalid_grant"})}, SignInRefused, "invalid_grant"),
        ({**DISCOVERY, "/token": (503, "busy")}, SignInAway, "answers 503"),
        ({**DISCOVERY, "/token": (200, "<html>")}, SignInAway, "no JSON object"),
        ({**DISCOVERY, "/token": (200, {"expires_in": 300})}, SignInAway, "without an access_token"),
        ({"/.well-known/openid-configuration": (200, {"issuer": "https://another"})}, SignInAway, "names another issuer"),
        ({}, SignInAway, "answers 404"),
    ],
)
async def test_a_sign_in_that_gives_no_token_says_why(answers: Mapping[str, tuple[int, Any]], kind: type[Exception], said: str) -> None:
    async with answering(answers) as issuer:
        with pytest.raises(kind, match=said) as error:
            await asyncio.to_thread(TokenSource(issuer, SECRET).token)
    assert "the secret itself" not in f"{error.value!r} {error.value.__cause__!r} {error.value.__context__!r}"


def test_an_issuer_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(SignInAway, match=r"http://127\.0\.0\.1:9/x does not answer"):
        Http().fetch("http://127.0.0.1:9/x", None)
    with pytest.raises(SignInAway, match="begins with https"):
        Http().fetch("file:///etc/passwd", None)
    assert issubclass(SignInAway, tartip_client.TartipError)
