"""Keycloak and the demo sign-in read one realm: their tokens are held against each other claim by claim."""

import base64
import hashlib
import hmac
import html
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from chassis.auth import Claims, IssuerRefused, TokenRefused, TokenVerifier
from chassis.testing.keycloak import ADMIN, Keycloak
from joserfc.jwk import RSAKey
from localstack.endpoints import REALM
from localstack.realm import Realm, Secrets
from localstack.token import people_and_systems, token_for

AUDIENCE = "tartip"
SYSTEMS = ("device-gateway", "integration-egov")
PEOPLE = ("auditor", "hr-officer", "inspector", "national-inspector", "operator", "servant")
CALLBACK = "http://127.0.0.1:5173/callback"
PKCE = "a-verifier-that-is-long-enough-for-everyone-0123456789"

# What a token of Keycloak's has that ours has not, or has otherwise, each with the reason; all else is the same.
OTHERWISE = {
    "iss": "each issuer goes by its own name",
    "iat": "the two were asked one after the other",
    "exp": "counted from the moment of asking; the life of a token is the same, and compared",
    "jti": "a token is another each time",
    "sub": "Keycloak draws one when it creates an account, ours is made from the name and outlives a restart; people are known by `servant`",
}
OF_KEYCLOAK_ALONE = {"sid": "a person's session, that can be ended; the demo sign-in keeps none, and a system has none"}


class Asked:
    """Both issuers, for the same names."""

    def __init__(self, keycloak: Keycloak, secrets: Path, demo: str) -> None:
        self.keycloak, self.demo = keycloak, demo
        self._secrets = secrets

    async def both(self, who: str) -> tuple[str, str]:
        """A token of Keycloak's and one of the demo sign-in's."""
        return await token_for(who, self.keycloak.issuer, self._secrets), await token_for(who, self.demo)

    async def form(self, issuer: str, **form: str) -> tuple[int, dict[str, Any]]:
        """What an issuer answers to a request for a token."""
        async with aiohttp.ClientSession() as http, http.post(f"{issuer}/protocol/openid-connect/token", data=form) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def asked(real_keycloak: Keycloak, issuer: str, run_folder: Path) -> Asked:
    path = run_folder / "secrets-of-keycloak.json"
    path.write_text(json.dumps(dict(real_keycloak.secrets)))
    return Asked(real_keycloak, path, issuer)


def part(token: str, number: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token."""
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def as_part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_everybody_of_the_realm_is_compared(run_folder: Path) -> None:
    assert people_and_systems(Realm.read(REALM, Secrets())) == sorted((*PEOPLE, *SYSTEMS))


@pytest.mark.parametrize("who", [*PEOPLE, *SYSTEMS])
async def test_a_token_of_ours_says_what_keycloaks_says(asked: Asked, who: str) -> None:
    theirs, ours = await asked.both(who)
    their_claims, our_claims = part(theirs, 1), part(ours, 1)
    assert their_claims.keys() - our_claims.keys() == (set(OF_KEYCLOAK_ALONE) if who in PEOPLE else set())
    assert our_claims.keys() <= their_claims.keys()
    for claims in (their_claims, our_claims):
        claims["scope"] = set(claims["scope"].split())  # in any order
    compared = our_claims.keys() - OTHERWISE
    assert {name: our_claims[name] for name in compared} == {name: their_claims[name] for name in compared}
    assert our_claims["exp"] - our_claims["iat"] == their_claims["exp"] - their_claims["iat"]
    assert all(their_claims[name] != our_claims[name] for name in ("iss", "jti", "sub"))
    their_header, our_header = part(theirs, 0), part(ours, 0)
    assert {**our_header, "kid": ""} == {**their_header, "kid": ""}


@pytest.mark.parametrize("who", [*PEOPLE, *SYSTEMS])
async def test_a_service_understands_both_alike(asked: Asked, who: str) -> None:
    theirs, ours = await asked.both(who)
    async with TokenVerifier(asked.keycloak.issuer, AUDIENCE).running() as real:
        by_keycloak = await real.verify(theirs)
    async with TokenVerifier(asked.demo, AUDIENCE, allow_demo_issuer=True).running() as demo:
        by_us = await demo.verify(ours)
    assert seen(by_keycloak) == seen(by_us)
    assert by_us.servant or by_us.grants


def seen(claims: Claims) -> tuple[object, ...]:
    return claims.client, claims.servant, claims.grants


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "client_id": "command-line", "username": "auditor", "password": "guess"},
        {"grant_type": "password", "client_id": "command-line", "username": "nobody", "password": "guess"},
        {"grant_type": "client_credentials", "client_id": "device-gateway", "client_secret": "guess"},
        {"grant_type": "client_credentials", "client_id": "device-gateway"},
        {"grant_type": "client_credentials", "client_id": "command-line"},
        {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "guess"},
        {"grant_type": "password", "client_id": "portal", "username": "auditor", "password": "guess"},
        {"grant_type": "authorization_code", "client_id": "portal", "code": "guess", "redirect_uri": CALLBACK},
    ],
    ids=lambda form: " ".join(form.values()),
)
async def test_both_refuse_the_same_with_the_same_word(asked: Asked, form: dict[str, str]) -> None:
    their_status, theirs = await asked.form(asked.keycloak.issuer, **form)
    our_status, ours = await asked.form(asked.demo, **form)
    assert (our_status, ours["error"]) == (their_status, theirs["error"])
    assert "access_token" not in theirs


async def test_the_portal_signs_people_in_by_a_code_with_a_proof(asked: Asked) -> None:
    signed_in = await through_the_portal(asked)
    claims = part(signed_in["access_token"], 1)
    assert (claims["azp"], claims["aud"], claims["servant"]) == ("portal", AUDIENCE, "s-0001")
    async with TokenVerifier(asked.keycloak.issuer, AUDIENCE).running() as verifier:
        assert (await verifier.verify(signed_in["access_token"])).servant == "s-0001"
        assert await why(verifier, signed_in["id_token"]) == "claim-aud"
        assert await why(verifier, signed_in["refresh_token"]) == "algorithm"


async def test_a_token_is_refused_where_it_is_not_meant_for_us_or_no_longer_holds(asked: Asked) -> None:
    token, _ = await asked.both("inspector")
    async with TokenVerifier(asked.keycloak.issuer, "another").running() as elsewhere:
        assert await why(elsewhere, token) == "claim-aud"
    async with TokenVerifier(asked.keycloak.issuer, AUDIENCE, clock=lambda: time.time() + 331).running() as later:
        assert await why(later, token) == "expired"


async def test_a_token_that_keycloak_did_not_sign_is_refused(asked: Asked) -> None:
    token, _ = await asked.both("inspector")
    head, claims, signature = token.split(".")
    key = await signing_key(asked.keycloak.issuer, part(token, 0)["kid"])
    async with TokenVerifier(asked.keycloak.issuer, AUDIENCE).running() as verifier:
        unsigned = as_part({**part(token, 0), "alg": "none"})
        assert await why(verifier, f"{unsigned}.{claims}.") == "algorithm"
        shared = as_part({**part(token, 0), "alg": "HS256"})
        for secret in (key.as_pem(private=False), json.dumps(key.as_dict(private=False)).encode()):
            signed = hmac.digest(secret, f"{shared}.{claims}".encode(), hashlib.sha256)
            by_public_key = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
            assert await why(verifier, f"{shared}.{claims}.{by_public_key}") == "algorithm"
        more = as_part({**part(token, 1), "grants": ["/nation/inspector"]})
        assert await why(verifier, f"{head}.{more}.{signature}") == "signature"


async def test_a_token_of_another_realm_of_the_same_server_is_refused(asked: Asked) -> None:
    password = asked.keycloak.admin_password_file.read_text()
    form = {"grant_type": "password", "client_id": "admin-cli", "username": ADMIN, "password": password}
    status, answer = await asked.form(f"{asked.keycloak.origin}/realms/master", **form)
    assert status == 200
    async with TokenVerifier(asked.keycloak.issuer, AUDIENCE).running() as verifier:
        assert await why(verifier, answer["access_token"]) == "unknown-key"


async def test_keycloak_under_another_name_is_another_issuer(asked: Asked) -> None:
    for name in (f"{asked.keycloak.issuer}/", asked.keycloak.issuer.replace("127.0.0.1", "localhost")):
        with pytest.raises(IssuerRefused, match="calls itself"):
            async with TokenVerifier(name, AUDIENCE).running():
                pass


async def why(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    return refused.value.why


async def signing_key(issuer: str, kid: str) -> RSAKey:
    async with aiohttp.ClientSession() as http, http.get(f"{issuer}/protocol/openid-connect/certs") as answer:
        [found] = [key for key in (await answer.json())["keys"] if key["kid"] == kid]
    return RSAKey.import_key(found)


async def through_the_portal(asked: Asked) -> dict[str, Any]:
    """Signs in as a browser does: the page, the form, the code, the tokens."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(PKCE.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": "portal",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": "s1",
    }
    answer = {"username": "servant", "password": asked.keycloak.secrets["TARTIP_DEMO_PASSWORD"]}
    page = f"{asked.keycloak.issuer}/protocol/openid-connect/auth"
    # The cookies are for a protected line only; a browser takes loopback for one, and this client is told so.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with http.get(page, params=query) as shown:
            action = re.search(r'<form[^>]*action="([^"]+)"', await shown.text())
            cookies = "; ".join(f"{name}={cookie.coded_value}" for name, cookie in shown.cookies.items())
        assert action is not None
        back_to = html.unescape(action[1])
        async with http.post(back_to, data=answer, headers={"cookie": cookies}, allow_redirects=False) as sent:
            assert sent.status == 302
            back = urlsplit(sent.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == CALLBACK
    form = {"grant_type": "authorization_code", "client_id": "portal", "redirect_uri": CALLBACK, "code_verifier": PKCE}
    status, tokens = await asked.form(asked.keycloak.issuer, **form, code=parse_qs(back.query)["code"][0])
    assert status == 200, tokens
    return tokens
