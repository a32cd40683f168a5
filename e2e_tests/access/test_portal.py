"""A person signs in to the portal by a code with a proof, and calls the registry with what comes of it."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
from chassis.testing.answers import refused
from chassis.testing.keycloak import Keycloak
from tartip.registry.v1 import state_body_service_pb2 as sb

from .browser import Browser, Proof
from .doing import bodies, created, onboarded, opened


@pytest.fixture
async def browser(real_keycloak: Keycloak) -> AsyncIterator[Browser]:
    """A browser that has been nowhere yet."""
    async with opened(real_keycloak) as made:
        yield made


async def code_of(browser: Browser, keycloak: Keycloak, who: str, proof: Proof) -> str:
    """Signs in as somebody of the demo."""
    shown = await browser.fills(await browser.asks(proof), username=who, password=keycloak.secrets["TARTIP_DEMO_PASSWORD"])
    assert shown.back["state"] == "of-this-visit"
    return shown.back["code"]


async def signed_in(browser: Browser, keycloak: Keycloak, who: str) -> str:
    proof = Proof()
    status, answer = await browser.redeems(await code_of(browser, keycloak, who, proof), code_verifier=proof.verifier)
    assert status == 200, answer
    return str(answer["access_token"])


async def test_a_person_who_was_let_in_today_chooses_a_password_and_sees_their_body(
    registry: str, browser: Browser, real_keycloak: Keycloak
) -> None:
    body, username = f"E2E-{secrets.token_hex(3)}", f"p{secrets.token_hex(4)}"
    await onboarded(real_keycloak, "body", body)
    said = await onboarded(real_keycloak, "servant", username, "--servant", f"s-{username}", "--grant", f"/state-bodies/{body}/hr-officer")
    first = re.search(r"shown this once: (\S+)", said)
    assert first

    proof = Proof()
    choosing = await browser.fills(await browser.asks(proof), username=username, password=first[1])
    assert "password-new" in choosing.page
    too_short = await browser.fills(choosing, **{"password-new": "short", "password-confirm": "short"})
    assert "password-new" in too_short.page
    chosen = await browser.fills(too_short, **{"password-new": "what-they-have-chosen", "password-confirm": "what-they-have-chosen"})
    status, answer = await browser.redeems(chosen.back["code"], code_verifier=proof.verifier)
    assert status == 200, answer

    async with opened(real_keycloak) as another:
        operator = await signed_in(another, real_keycloak, "operator")
    await bodies(registry, operator, "CreateStateBody", created(body))
    seen = await bodies(registry, answer["access_token"], "ListStateBodies", sb.ListStateBodiesRequest())
    assert [each.name for each in seen.state_bodies] == [f"stateBodies/{body}"]


async def test_a_token_opens_what_its_grants_open_and_no_token_opens_nothing(
    registry: str, browser: Browser, real_keycloak: Keycloak
) -> None:
    token = await signed_in(browser, real_keycloak, "servant")
    answer = await refused(bodies(registry, token, "CreateStateBody", created("NOPE")))
    assert (answer.code, answer.reason) == ("PERMISSION_DENIED", "FORBIDDEN")
    for nothing in (None, "", token[:-4], token + "x"):
        answer = await refused(bodies(registry, nothing, "ListStateBodies", sb.ListStateBodiesRequest()))
        assert (answer.code, answer.reason) == ("UNAUTHENTICATED", "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "proved",
    [{}, {"code_verifier": ""}, {"code_verifier": Proof().verifier}, {"code_verifier": "short"}],
    ids=["without a verifier", "with an empty one", "with another", "with one that is none"],
)
async def test_a_code_is_worth_nothing_to_who_cannot_prove_that_they_asked_for_it(
    browser: Browser, real_keycloak: Keycloak, proved: dict[str, str]
) -> None:
    proof = Proof()
    code = await code_of(browser, real_keycloak, "servant", proof)
    status, answer = await browser.redeems(code, **proved)
    assert (status, answer["error"], "access_token" in answer) == (400, "invalid_grant", False)
    status, answer = await browser.redeems(code, code_verifier=proof.verifier)
    assert (status, answer["error"]) == (400, "invalid_grant")  # a code is tried once


async def test_a_code_is_redeemed_once(browser: Browser, real_keycloak: Keycloak) -> None:
    proof = Proof()
    code = await code_of(browser, real_keycloak, "servant", proof)
    assert (await browser.redeems(code, code_verifier=proof.verifier))[0] == 200
    status, answer = await browser.redeems(code, code_verifier=proof.verifier)
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "otherwise",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
    ],
    ids=["no challenge", "no method", "plain", "a token in the address"],
)
async def test_nobody_is_asked_to_sign_in_for_a_portal_that_proves_nothing(browser: Browser, otherwise: dict[str, str | None]) -> None:
    shown = await browser.asks(Proof(), **otherwise)
    assert "code" not in shown.back
    assert shown.back.get("error") in ("invalid_request", "unauthorized_client"), shown


async def test_nobody_is_sent_to_an_address_that_is_not_the_portals(browser: Browser) -> None:
    for elsewhere in ("https://evil.example/callback", "http://127.0.0.1:5173/elsewhere"):
        shown = await browser.asks(Proof(), redirect_uri=elsewhere)
        assert (shown.status, shown.back) == (400, {})


async def test_a_wrong_password_gives_no_code(browser: Browser) -> None:
    shown = await browser.fills(await browser.asks(Proof()), username="nobody", password="a guess")
    assert (shown.back, shown.status) == ({}, 200)
    assert shown.form
