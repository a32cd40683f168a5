"""The demo sign-in gives the tokens that the realm says, to those who know their secret."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from chassis.access import Grant
from chassis.auth import Claims, IssuerRefused, TokenVerifier
from localstack.endpoints import REALM
from localstack.realm import Secrets
from localstack.token import SignInRefused, token_for

CALLBACK = "http://127.0.0.1:5173/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-everyone-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": "portal",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s1",
}


async def _verified(issuer: str, token: str) -> Claims:
    async with TokenVerifier(issuer, "tartip", allow_demo_issuer=True).running() as verifier:
        return await verifier.verify(token)


async def _asked_token(issuer: str, **form: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.post(f"{issuer}/protocol/openid-connect/token", data=form) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("who", "grants", "servant", "client"),
    [
        ("hr-officer", (Grant("hr-officer", "state-body", "KGD"),), None, "command-line"),
        ("inspector", (Grant("inspector", "region", "75"),), None, "command-line"),
        ("national-inspector", (Grant("inspector", "nation", ""),), None, "command-line"),
        ("operator", (Grant("operator", "region", "75"),), None, "command-line"),
        ("auditor", (Grant("auditor", "state-body", "KGD"),), None, "command-line"),
        ("servant", (), "s-0001", "command-line"),
        ("device-gateway", (Grant("device-gateway", "system", "hq"),), None, "device-gateway"),
        ("integration-egov", (Grant("integrator", "nation", ""),), None, "integration-egov"),
    ],
)
async def test_each_of_the_realm_signs_in_with_their_grants(
    issuer: str, who: str, grants: tuple[Grant, ...], servant: str | None, client: str
) -> None:
    claims = await _verified(issuer, await token_for(who))
    assert (claims.grants, claims.servant, claims.client) == (grants, servant, client)


@pytest.mark.parametrize(("who", "own"), [("servant", {"servant"}), ("inspector", {"grants"}), ("device-gateway", {"grants"})])
async def test_a_token_has_the_claims_of_keycloak(issuer: str, who: str, own: set[str]) -> None:
    """Keycloak 26.7.4 gave these for the same realm, and `sid` besides for a person's session."""
    payload = (await token_for(who)).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    common = {"exp", "iat", "jti", "iss", "aud", "sub", "typ", "azp", "acr", "scope", "email_verified", "preferred_username"}
    assert set(claims) == common | own
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["aud"], claims["typ"]) == ("tartip", "Bearer")


async def test_the_same_person_is_the_same_subject_after_a_restart(issuer: str) -> None:
    first, second = [await _verified(issuer, await token_for("servant")) for _ in range(2)]
    assert first.subject == second.subject
    assert first.subject != (await _verified(issuer, await token_for("inspector"))).subject


async def test_a_service_does_not_trust_the_demo_sign_in_by_itself(issuer: str) -> None:
    with pytest.raises(IssuerRefused, match="demo sign-in"):
        async with TokenVerifier(issuer, "tartip").running():
            pass


async def test_a_name_that_the_realm_does_not_know_is_refused_with_those_it_knows(issuer: str) -> None:
    with pytest.raises(SignInRefused, match="device-gateway, hr-officer, inspector"):
        await token_for("bolat")


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "client_id": "command-line", "username": "hr-officer", "password": "guess"},
        {"grant_type": "password", "client_id": "command-line", "username": "hr-officer"},
        {"grant_type": "password", "client_id": "command-line", "username": "nobody", "password": ""},
        {"grant_type": "password", "client_id": "command-line", "username": "service-account-device-gateway", "password": ""},
        {"grant_type": "client_credentials", "client_id": "device-gateway", "client_secret": "guess"},
        {"grant_type": "client_credentials", "client_id": "device-gateway"},
        {"grant_type": "client_credentials", "client_id": "command-line"},
        {"grant_type": "client_credentials"},
        {"grant_type": "refresh_token", "client_id": "portal"},
        {"client_id": "portal"},
        {},
    ],
)
async def test_without_the_right_secret_there_is_no_token(issuer: str, form: dict[str, str]) -> None:
    status, answer = await _asked_token(issuer, **form)
    assert status in {400, 401}
    assert "error" in answer
    assert "access_token" not in answer


async def test_the_portal_does_not_take_passwords(issuer: str, run_folder: Path) -> None:
    password = json.loads((run_folder / "secrets.json").read_text())["TARTIP_DEMO_PASSWORD"]
    form = {"grant_type": "password", "client_id": "portal", "username": "hr-officer", "password": password}
    assert (await _asked_token(issuer, **form))[1]["error"] == "unauthorized_client"


async def test_a_browser_signs_in_with_a_code_that_works_once(issuer: str, run_folder: Path) -> None:
    code = await _code(issuer, run_folder)
    form = {
        "grant_type": "authorization_code",
        "client_id": "portal",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    status, answer = await _asked_token(issuer, **form)
    assert status == 200
    assert (await _verified(issuer, answer["access_token"])).client == "portal"
    assert (await _asked_token(issuer, **form))[1]["error"] == "invalid_grant"


@pytest.mark.parametrize("wrong", [{"code_verifier": "another"}, {"redirect_uri": "http://127.0.0.1:1/callback"}, {"code": "guess"}])
async def test_a_code_is_good_only_for_the_one_who_asked_for_it(issuer: str, run_folder: Path, wrong: dict[str, str]) -> None:
    form = {
        "grant_type": "authorization_code",
        "client_id": "portal",
        "code": await _code(issuer, run_folder),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    assert (await _asked_token(issuer, **(form | wrong)))[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1/elsewhere"},
        {"client_id": "command-line"},
        {"client_id": "nobody"},
        {"response_type": "token"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_the_realm_does_not_name(issuer: str, wrong: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as http, http.get(_page(issuer), params=ASKED | wrong, allow_redirects=False) as answer:
        assert answer.status == 400


async def test_the_page_says_that_it_is_a_demo(issuer: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(_page(issuer), params=ASKED) as answer:
        assert "not a real sign-in" in await answer.text()


def test_no_secret_stands_in_the_repository(run_folder: Path) -> None:
    text = REALM.read_text()
    secrets = [value for key in ("secret", "value") for value in _values_of(json.loads(text), key)]
    assert len(secrets) == 8
    assert all(secret.startswith("${TARTIP_") and secret.endswith("}") and ":" not in secret for secret in secrets)


def test_secrets_are_new_at_each_start_and_for_their_user_only(run_folder: Path) -> None:
    first, second = Secrets(), Secrets()
    assert first.get("TARTIP_DEMO_PASSWORD", None) != second.get("TARTIP_DEMO_PASSWORD", None)
    path = run_folder / "secrets.json"
    path.write_text("{}")
    first.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Secrets.read(path).get("TARTIP_DEMO_PASSWORD", None) == first.get("TARTIP_DEMO_PASSWORD", None)


def test_secrets_of_the_environment_come_first_and_are_not_written(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARTIP_DEMO_PASSWORD", "from outside")
    known = Secrets()
    assert known.get("TARTIP_DEMO_PASSWORD", None) == "from outside"
    known.write(run_folder / "secrets.json")
    assert "from outside" not in (run_folder / "secrets.json").read_text()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:8180"])
def test_the_issuer_listens_on_loopback_only(run_folder: Path, address: str) -> None:
    done = subprocess.run(_issuer(address), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "loopback" in done.stdout


def test_the_issuer_says_when_it_is_ready_and_stops_when_asked(run_folder: Path) -> None:
    with subprocess.Popen(_issuer("127.0.0.1:0"), stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert line.startswith("issuer ready: http://127.0.0.1:")
    assert "demo" in line


def _issuer(address: str) -> list[str]:
    return [sys.executable, "-m", "localstack", "issuer", "--listen", address]


def _page(issuer: str) -> str:
    return f"{issuer}/protocol/openid-connect/auth"


async def _code(issuer: str, run_folder: Path) -> str:
    password = json.loads((run_folder / "secrets.json").read_text())["TARTIP_DEMO_PASSWORD"]
    form = {"username": "servant", "password": password}
    async with (
        aiohttp.ClientSession() as http,
        http.post(_page(issuer), params=ASKED, data=form, allow_redirects=False) as answer,
    ):
        assert answer.status == 302
        sent = urlsplit(answer.headers["location"])
    query = parse_qs(sent.query)
    assert f"{sent.scheme}://{sent.netloc}{sent.path}" == CALLBACK
    assert query["state"] == ["s1"]
    return query["code"][0]


def _values_of(value: Any, key: str) -> list[str]:
    if isinstance(value, dict):
        own = [value[key]] if isinstance(value.get(key), str) else []
        return own + [found for each in value.values() for found in _values_of(each, key)]
    return [found for each in value for found in _values_of(each, key)] if isinstance(value, list) else []
