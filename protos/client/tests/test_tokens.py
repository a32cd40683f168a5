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
from tartip_client import ClientKey, ClientSecret, SignInAway, SignInRefused, SignInUntrusted, TokenSource
from tartip_client.tokens import ASKED_AGAIN_AFTER_S, Http, Token

ISSUER = "https://issuer.test/realms/tartip"
SECRET = ClientSecret("integration-egov", "the secret itself")
FAILS: Mapping[str, type[Exception]] = {"away": SignInAway, "refused": SignInRefused}


class SignIn:
    """A sign-in that numbers its tokens, each of 100 seconds, and is away when told."""

    def __init__(self) -> None:
        self.now, self.given, self.away, self.attempts = 0.0, 0, "", 0
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.answer.set()

    def fetch(self, url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
        """Answers both questions of a client."""
        if form is None:
            return {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}
        self.attempts += 1
        self.asked.set()
        self.answer.wait(20)
        if self.away:
            raise FAILS[self.away]("the test says so")
        self.given += 1
        return {"access_token": f"token {self.given}", "expires_in": 100}

    def source(self) -> TokenSource:
        """One who signs in here."""
        return TokenSource(ISSUER, SECRET, fetch=self.fetch, clock=lambda: self.now)


def test_a_token_is_renewed_before_it_ends() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    assert source.living() is None
    assert (source.token(), source.living()) == ("token 1", "token 1")
    sign_in.now = 79.9
    assert source.token() == "token 1"
    assert sign_in.attempts == 1
    sign_in.now = 80
    source.token()
    source.asked().result(20)
    assert (source.token(), sign_in.attempts) == ("token 2", 2)


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


def test_while_a_token_lives_nobody_waits_for_the_next_one() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    source.token()
    sign_in.now = 90
    sign_in.answer.clear()
    assert [source.token() for _ in range(50)] == ["token 1"] * 50
    sign_in.answer.set()
    source.asked().result(20)
    assert (source.token(), sign_in.attempts) == ("token 2", 2)


@pytest.mark.parametrize("why", ["away", "refused"])
def test_while_the_sign_in_gives_none_a_token_is_used_as_long_as_it_lives_and_asked_for_every_few_seconds(why: str) -> None:
    sign_in = SignIn()
    source = sign_in.source()
    source.token()
    sign_in.away, sign_in.now = why, 80.0
    for _ in range(50):
        assert source.token() == "token 1"
        source.asked().result(20)
    assert sign_in.attempts == 2
    sign_in.now = 99.0
    assert source.token() == "token 1"
    source.asked().result(20)
    sign_in.now = 100.0
    with pytest.raises(FAILS[why]):
        source.token()
    assert sign_in.attempts == 3
    sign_in.away, sign_in.now = "", 104.0
    assert (source.token(), sign_in.attempts) == ("token 2", 4)


@pytest.mark.parametrize("why", ["away", "refused"])
def test_after_an_attempt_that_failed_nobody_asks_again_for_a_few_seconds(why: str) -> None:
    sign_in = SignIn()
    source, sign_in.away = sign_in.source(), why
    for now in (0.0, 0.0, ASKED_AGAIN_AFTER_S - 0.1):
        sign_in.now = now
        with pytest.raises(FAILS[why], match="the test says so"):
            source.token()
    assert sign_in.attempts == 1
    sign_in.away, sign_in.now = "", ASKED_AGAIN_AFTER_S
    assert (source.token(), sign_in.attempts) == ("token 1", 2)


def test_all_who_wait_are_told_at_once_that_the_sign_in_is_away() -> None:
    sign_in = SignIn()
    source, sign_in.away = sign_in.source(), "away"
    sign_in.answer.clear()
    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(source.token) for _ in range(50)]
        assert sign_in.asked.wait(20)
        sign_in.answer.set()
        said = {str(each.exception(20)) for each in waiting}
    assert (said, sign_in.attempts) == ({"the test says so"}, 1)


def test_nobody_waits_longer_than_their_call_may_take() -> None:
    sign_in = SignIn()
    source = sign_in.source()
    sign_in.answer.clear()
    for _ in range(50):
        with pytest.raises(SignInAway, match="within the time of the call"):
            source.token(within_s=0.001)
    sign_in.answer.set()
    assert (source.token(), sign_in.attempts) == ("token 1", 1), "the attempt goes on, for whoever has more time"


def test_each_who_is_told_of_a_failure_has_an_exception_of_their_own() -> None:
    sign_in = SignIn()
    source, sign_in.away = sign_in.source(), "away"
    raised = []
    for _ in range(2):
        with pytest.raises(SignInAway) as error:
            source.token()
        raised.append(error.value)
    assert raised[0] is not raised[1]


def test_a_token_that_was_refused_is_dropped_and_its_successor_is_not() -> None:
    source = SignIn().source()
    first = source.token()
    source.refused(first)
    second = source.token()
    source.refused(first)
    assert (first, second, source.token()) == ("token 1", "token 2", "token 2")


def test_tokens_that_are_refused_one_after_the_other_are_asked_for_every_few_seconds() -> None:
    sign_in = SignIn()
    source, asked = sign_in.source(), []
    for tenth in range(200):
        sign_in.now = tenth / 10
        source.refused(source.token())
        asked.append(sign_in.attempts)
    assert (asked[0], asked[1]) == (1, 2), "the first one is replaced at once"
    assert asked[-1] == 1 + len(range(0, 199, int(ASKED_AGAIN_AFTER_S * 10)))
    assert source.token() == f"token {sign_in.given}", "the last one is kept"


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
        headers = {"Location": text} if status == 302 else {}
        return web.Response(status=status, text=text.replace("HERE", str(request.url.origin())), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


DISCOVERY = {"/.well-known/openid-configuration": (200, {"issuer": "HERE", "token_endpoint": "HERE/token"})}
ANOTHER = {"issuer": "https://another", "token_endpoint": "https://another/token"}
FILE = {"issuer": "HERE", "token_endpoint": "file:///etc/passwd"}


async def test_a_token_comes_over_http() -> None:
    async with answering({**DISCOVERY, "/token": (200, {"access_token": "t", "expires_in": 300})}) as issuer:
        assert await asyncio.to_thread(TokenSource(f"{issuer}/", SECRET, clear=True).token) == "t"


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
        ({**DISCOVERY, "/.well-known/openid-configuration": (200, {"state": "busy"})}, SignInAway, "without issuer and token_endpoint"),
        ({"/.well-known/openid-configuration": (200, ANOTHER)}, SignInUntrusted, "names another issuer, https://another"),
        ({"/.well-known/openid-configuration": (200, FILE)}, SignInUntrusted, "file:///etc/passwd: a sign-in begins with https://"),
        ({}, SignInAway, "answers 404"),
    ],
)
async def test_a_sign_in_that_gives_no_token_says_why(answers: Mapping[str, tuple[int, Any]], kind: type[Exception], said: str) -> None:
    async with answering(answers) as issuer:
        with pytest.raises(kind, match=said) as error:
            await asyncio.to_thread(TokenSource(issuer, SECRET, clear=True).token)
    assert "the secret itself" not in f"{error.value!r} {error.value.__cause__!r} {error.value.__context__!r}"


def test_an_issuer_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(SignInAway, match=r"http://127\.0\.0\.1:9/x does not answer"):
        Http(clear=True).fetch("http://127.0.0.1:9/x", None)
    assert issubclass(SignInAway, tartip_client.TartipError)


def test_nothing_is_asked_without_tls_unless_that_is_meant() -> None:
    for url in ("http://127.0.0.1:9/x", "file:///etc/passwd"):
        with pytest.raises(SignInUntrusted, match="begins with https"):
            Http().fetch(url, None)
    with pytest.raises(SignInUntrusted, match="file:"):
        Http(clear=True).fetch("file:///etc/passwd", None)
    with pytest.raises(SignInUntrusted, match="TARTIP_CLEAR=1"):
        TokenSource("http://issuer.test", SECRET)


@pytest.mark.parametrize("clear", [False, True])
def test_an_issuer_with_tls_leads_nobody_out_of_it(*, clear: bool) -> None:
    posted = []

    def fetch(url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
        if form is not None:
            posted.append(url)
        return {"issuer": ISSUER, "token_endpoint": "http://issuer.test/token", "access_token": "t", "expires_in": 300}

    with pytest.raises(SignInUntrusted, match=r"http://issuer\.test/token"):
        TokenSource(ISSUER, SECRET, clear=clear, fetch=fetch).token()
    assert posted == []


async def test_a_sign_in_that_leads_elsewhere_is_not_followed() -> None:
    async with answering({"/elsewhere": (200, {}), "/moved": (302, "/elsewhere")}) as site:
        with pytest.raises(SignInAway, match="/moved answers 302"):
            await asyncio.to_thread(Http(clear=True).fetch, f"{site}/moved", None)
