"""The first operator of a region, where no portal is yet: let in, signed in at their own machine, and heard by the registry."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from chassis.commands import NothingDone
from chassis.testing.keycloak import Keycloak
from realm.signing_in import signed_in

from .browser import Proof
from .doing import bodies, created, onboarded, opened


@asynccontextmanager
async def signing_in(keycloak: Keycloak) -> AsyncIterator[tuple[str, "asyncio.Task[str]"]]:
    """The address that the command shows, and the command."""
    shown: asyncio.Queue[str] = asyncio.Queue()
    command = asyncio.create_task(signed_in(keycloak.issuer, shown.put_nowait))
    try:
        yield await shown.get(), command
    finally:
        command.cancel()
        await asyncio.gather(command, return_exceptions=True)


def back(address: str, **said: str) -> str:
    """Where the browser is to come back to, with what stands in the address then."""
    return f"{parse_qs(urlsplit(address).query)['redirect_uri'][0]}?{'&'.join(f'{name}={value}' for name, value in said.items())}"


async def test_the_first_operator_of_a_region_signs_in_without_a_portal_and_makes_its_first_body(
    registry: str, real_keycloak: Keycloak
) -> None:
    region, username = secrets.token_hex(3), f"p{secrets.token_hex(4)}"
    await onboarded(real_keycloak, "region", region)
    said = await onboarded(real_keycloak, "servant", username, "--servant", f"s-{username}", "--grant", f"/regions/{region}/operator")
    first = re.search(r"shown this once: (\S+)", said)
    assert first
    async with signing_in(real_keycloak) as (address, command), opened(real_keycloak) as browser:
        choosing = await browser.fills(await browser.opens(address), username=username, password=first[1])
        asking = await browser.fills(choosing, **{"password-new": "what-they-have-chosen", "password-confirm": "what-they-have-chosen"})
        page = await browser.fills(asking, accept="yes")
        assert page.page.startswith("Close this window")
        token = await command
    request = created(f"E2E-{secrets.token_hex(3)}")
    request.state_body.region = region
    made = await bodies(registry, token, "CreateStateBody", request)
    assert made.region == region


async def test_a_program_that_asks_in_an_open_session_gets_nothing_until_the_person_says_yes_and_then_nothing_that_lasts(
    real_keycloak: Keycloak,
) -> None:
    proof, password = Proof(), real_keycloak.secrets["TARTIP_DEMO_PASSWORD"]
    async with opened(real_keycloak) as browser:
        assert "code" in (await browser.fills(await browser.asks(proof), username="inspector", password=password)).back
        no = await browser.fills(await browser.asks(proof, client_id="operations"), cancel="no")
        assert (no.back["error"], "code" in no.back) == ("access_denied", False)
        yes = await browser.fills(await browser.asks(proof, client_id="operations"), accept="yes")
        status, answer = await browser.redeems(yes.back["code"], client_id="operations", code_verifier=proof.verifier)
    assert (status, "access_token" in answer, "refresh_token" in answer) == (200, True, False), answer


async def test_a_code_of_another_sign_in_is_not_taken_and_the_command_goes_on_waiting(real_keycloak: Keycloak) -> None:
    async with signing_in(real_keycloak) as (address, command), aiohttp.ClientSession() as http:
        for said in ({"code": "of-somebody", "state": "of-another"}, {"code": "of-somebody"}, {}):
            async with http.get(back(address, **said)) as answer:
                assert answer.status == 400
        assert not command.done()


@pytest.mark.parametrize(
    ("said", "why"),
    [({"error": "access_denied"}, "let nobody in: access_denied"), ({"code": "of-nobody"}, "gave no token: invalid_grant")],
)
async def test_whoever_is_not_let_in_is_told_so(real_keycloak: Keycloak, said: dict[str, str], why: str) -> None:
    async with signing_in(real_keycloak) as (address, command), aiohttp.ClientSession() as http:
        state = parse_qs(urlsplit(address).query)["state"][0]
        async with http.get(back(address, state=state, **said)) as answer:
            assert answer.status == 200
        with pytest.raises(NothingDone, match=why):
            await command
