"""Realms on the real Keycloak of the session."""

from collections.abc import Iterator

import pytest
from chassis.testing.keycloak import Keycloak

from .running import Running


@pytest.fixture
def fresh(real_keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A realm for one test alone that is declared and not yet made."""
    made = Running.on(real_keycloak, tmp_path_factory.mktemp("realm"))
    yield made
    if made.name in [each["realm"] for each in made.admin.get_realms()]:
        made.admin.delete_realm(made.name)


@pytest.fixture(scope="session")
def realm(real_keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """A realm of this session, made by `apply --demo`; who changes what is declared puts it right again."""
    made = Running.on(real_keycloak, tmp_path_factory.mktemp("realm"))
    code, said = made.told("apply", "--demo")
    assert code == 0, said
    return made
