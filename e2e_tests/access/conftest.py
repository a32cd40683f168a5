"""The registry of those who sign in."""

from collections.abc import AsyncIterator

import pytest
from chassis.testing.keycloak import Keycloak
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command, environment_of, running


@pytest.fixture(scope="package")
async def registry(real_keycloak: Keycloak, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a registry that trusts the real Keycloak alone, with the body KGD in it."""
    environment, _ = await environment_of("registry", postgres, "127.0.0.1:9")
    told = {**environment, "TARTIP_ISSUER": real_keycloak.issuer, "TARTIP_ALLOW_DEMO_ISSUER": "false"}
    assert await command("registry", told, "migrate") == (0, "")
    async with running("registry", {"serve": told}, tmp_path_factory.mktemp("registry")) as addresses:
        yield addresses["serve"]
