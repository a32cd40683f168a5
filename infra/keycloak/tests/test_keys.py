"""The keys of the real Keycloak change, are withdrawn, and Keycloak is away: what that means for those who call."""

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from chassis import issuer_keys
from chassis.auth import CACHE_S, TokenRefused, TokenVerifier
from chassis.issuer_keys import HttpIssuer, Published
from chassis.testing.keycloak import Keycloak
from chassis.testing.tokens import Tokens
from chassis.testing.waiting import until
from kernel.faults import Unavailable
from localstack.endpoints import NotRunning
from localstack.token import token_for

from .running import Running

AUDIENCE = "tartip"
BOUND_S = 300
REFRESH_S = issuer_keys.REFRESH_S


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Counting(HttpIssuer):
    """Keycloak, and how often its keys were read."""

    reads = 0

    async def published(self) -> Published:
        read = await super().published()
        self.reads += 1
        return read


class Caller:
    """A system that asks the realm for a token, and what a service makes of it."""

    def __init__(self, realm: Running) -> None:
        self._realm = realm
        _, said = realm.told("onboard", "integrator", "caller", "--grant", "/nation/integrator")
        self._secret = said.split("shown this once: ")[1].split()[0]

    async def token(self) -> str:
        status, answer = await asyncio.to_thread(
            self._realm.token, grant_type="client_credentials", client_id="integration-caller", client_secret=self._secret
        )
        assert status == 200, answer
        return str(answer["access_token"])


def key_of(token: str) -> str:
    head = token.split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def signing(realm: Running, name: str, priority: int, enabled: bool = True) -> dict[str, Any]:
    """A provider of a signing key; the one with the highest priority signs."""
    parent = realm.admin.get_realm(realm.name)["id"]
    config = {"priority": [str(priority)], "enabled": [str(enabled).lower()], "active": [str(enabled).lower()], "algorithm": ["RS256"]}
    kind = "org.keycloak.keys.KeyProvider"
    return {"name": name, "providerId": "rsa-generated", "providerType": kind, "parentId": parent, "config": config}


async def test_no_call_fails_for_a_new_key_and_one_that_is_withdrawn_is_dead_within_five_minutes(
    fresh: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(fresh.told, "apply")
    caller = await asyncio.to_thread(Caller, fresh)
    [first] = [each for each in fresh.admin.get_components() if each["providerId"] == "rsa-generated"]
    async with TokenVerifier(fresh.issuer, AUDIENCE).running() as verifier:
        old, unseen = await caller.token(), await caller.token()
        fresh.admin.create_component(signing(fresh, "rotated", 200))
        new = await caller.token()
        assert key_of(new) != key_of(old) == key_of(unseen)
        for token in (new, old, await caller.token()):
            assert (await verifier.verify(token)).client == "integration-caller"

    # The set is read anew every few minutes, here all the time; what was remembered of a token is forgotten after a minute more.
    assert REFRESH_S + CACHE_S <= BOUND_S
    monkeypatch.setattr(issuer_keys, "REFRESH_S", 0.05)
    source, clock = Counting(fresh.issuer), Clock()
    async with TokenVerifier(fresh.issuer, AUDIENCE, source=source, clock=clock).running() as verifier:
        assert (await verifier.verify(old)).client == "integration-caller"
        fresh.admin.update_component(first["id"], {**first, "config": signing(fresh, "", 100, enabled=False)["config"]})
        read_before = source.reads
        await until(lambda: source.reads >= read_before + 2)
        assert await why(verifier, unseen) == "unknown-key"
        clock.ahead = CACHE_S + 1
        assert await why(verifier, old) == "unknown-key"
        assert (await verifier.verify(new)).client == "integration-caller"
        assert (await verifier.verify(await caller.token())).client == "integration-caller"


async def test_while_keycloak_is_away_known_keys_go_on_and_when_it_is_back_nothing_is_restarted(
    killable_keycloak: Keycloak, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps(dict(killable_keycloak.secrets)), encoding="utf-8")
    async with TokenVerifier(killable_keycloak.issuer, AUDIENCE).running() as verifier:
        unseen = await token_for("inspector", killable_keycloak.issuer, secrets)
        killable_keycloak.stop()
        # A key that nobody knows is asked for, in vain; what is known is not lost by it.
        assert await why(verifier, Tokens(killable_keycloak.issuer).mint("nobody")) == "unknown-key"
        assert (await verifier.verify(unseen)).grants
        with pytest.raises(NotRunning, match="does not answer"):
            await token_for("inspector", killable_keycloak.issuer, secrets)
        async with TokenVerifier(killable_keycloak.issuer, AUDIENCE).running() as begun_without:
            assert not begun_without.ready
            with pytest.raises(Unavailable):
                await begun_without.verify(unseen)
            killable_keycloak.start()
            after = await token_for("inspector", killable_keycloak.issuer, secrets)
            assert key_of(after) == key_of(unseen)
            assert (await verifier.verify(after)).grants
            await until(lambda: begun_without.ready)
            assert (await begun_without.verify(unseen)).grants


async def why(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    return refused.value.why
