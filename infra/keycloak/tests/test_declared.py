"""The realm's file, by itself."""

import json

import pytest
from realm.clients import TRUSTED_CLAIMS
from realm.declared import BEFORE_THE_PORTAL, FORMS, REALM, Declared, of_the_demo


def test_every_client_has_the_same_mappers_and_scopes() -> None:
    """Keycloak would take a shared scope for a reason to leave its own out, so each client says it, and this that they say the same."""
    clients = [*Declared.read().clients.values()]
    for part in ("protocolMappers", "defaultClientScopes", "optionalClientScopes"):
        assert [client[part] for client in clients] == [clients[0][part]] * len(clients)
    assert {mapper["config"].get("claim.name") for mapper in clients[0]["protocolMappers"]} - {None} == TRUSTED_CLAIMS
    assert "clientScopes" not in Declared.read().settings


def test_only_clients_of_the_demo_have_a_secret_or_take_passwords() -> None:
    for client in json.loads(REALM.read_text(encoding="utf-8"))["clients"]:
        if not of_the_demo(client):
            assert "secret" not in client
            assert not client["directAccessGrantsEnabled"]


def test_no_client_takes_a_token_out_of_the_address_and_the_portal_proves_itself() -> None:
    clients = Declared.read().clients
    assert not any(client["implicitFlowEnabled"] or client["fullScopeAllowed"] for client in clients.values())
    assert clients["portal"]["attributes"]["pkce.code.challenge.method"] == "S256"


def test_whoever_gives_a_code_to_any_program_of_a_machine_is_asked_first_and_gives_it_nothing_that_lasts() -> None:
    """A redirection to loopback reaches whatever listens there. The portal's stands there on one's own machine alone."""
    clients = [each for each in Declared.read().clients.values() if each["standardFlowEnabled"] and each["clientId"] != "portal"]
    assert [each["clientId"] for each in clients] == [BEFORE_THE_PORTAL]
    for each in clients:
        assert each["consentRequired"]
        assert each["attributes"] == {"pkce.code.challenge.method": "S256", "use.refresh.tokens": "false"}


@pytest.mark.parametrize(
    ("portal", "demo", "there"),
    [
        ("", False, {"operations"}),
        ("https://portal.example.kz/callback", False, {"portal"}),
        ("", True, {"operations", "portal", "command-line", "integration-egov", "device-gateway"}),
        ("https://portal.example.kz/callback", True, {"portal", "command-line", "integration-egov", "device-gateway"}),
    ],
)
def test_people_sign_in_by_one_client_and_those_of_the_demo_are_of_the_demo(
    monkeypatch: pytest.MonkeyPatch, portal: str, demo: bool, there: set[str]
) -> None:
    monkeypatch.setenv("TARTIP_PORTAL_CALLBACK", portal)
    declared = Declared.read()
    assert {name for name, client in declared.clients.items() if declared.wants(client, demo)} == there


@pytest.mark.parametrize("said", ["https://portal.example.kz/callback", 'a "quoted" one\\'])
def test_the_environment_fills_what_is_left_open(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    assert Declared.read().clients["portal"]["redirectUris"] == ["http://127.0.0.1/callback"]
    monkeypatch.setenv("TARTIP_PORTAL_CALLBACK", said)
    assert Declared.read().clients["portal"]["redirectUris"] == [said]


def test_a_secret_that_nobody_gives_is_left_to_keycloak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARTIP_INTEGRATION_SECRET", raising=False)
    assert "secret" not in Declared.read().clients["integration-egov"]
    monkeypatch.setenv("TARTIP_INTEGRATION_SECRET", "said")
    assert Declared.read().clients["integration-egov"]["secret"] == "said"


def test_what_onboarding_makes_has_the_form_of_a_declared_client_without_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARTIP_INTEGRATION_SECRET", "said")
    declared = Declared.read()
    for prefix, form in FORMS.items():
        made = declared.form_of(f"{prefix}new")
        assert made
        assert made["protocolMappers"] == declared.clients[form]["protocolMappers"]
        assert made.keys() & {"secret", "attributes"} == set()
    assert declared.form_of("integration-egov") is None
    assert declared.form_of("portal") is None
