"""A realm on the real Keycloak becomes as it is declared, stays so, and a hand's change of it is seen and put right."""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chassis.testing.certificates import Authority
from chassis.testing.keycloak import Keycloak
from chassis.testing.tls_front import handed_on
from realm.declared import Declared

from .running import PASSWORD, Running, told

GRANTS = {
    "protocol": "openid-connect",
    "protocolMapper": "oidc-hardcoded-claim-mapper",
    "config": {"claim.name": "grants", "claim.value": '["/nation/inspector"]', "jsonType.label": "JSON", "access.token.claim": "true"},
}


def test_a_realm_is_made_as_declared_and_the_second_time_nothing_changes(fresh: Running) -> None:
    code, said = fresh.told("drift")
    assert (code, said.splitlines()[0]) == (1, "realm is absent, declared present")
    code, said = fresh.told("apply")
    assert code == 0
    assert "clients/operations is absent, declared present" in said
    assert fresh.told("apply") == (0, "0 changes\n")
    assert fresh.told("drift") == (0, "the realm is as declared\n")


def test_what_keycloak_imports_at_its_first_start_is_what_is_applied(real_keycloak: Keycloak) -> None:
    assert told(real_keycloak, "drift", "--demo") == (0, "the realm is as declared\n")


def portal(admin: Any) -> Any:
    return admin.get_client(admin.get_client_id("portal"))


def mapper(admin: Any, name: str) -> Any:
    return next(each for each in portal(admin)["protocolMappers"] if each["name"] == name)


def account(admin: Any, client: str) -> str:
    return str(admin.get_client_service_account_user(admin.get_client_id(client))["id"])


def scope(admin: Any, name: str) -> str:
    return str(admin.get_client_scope_by_name(name)["id"])


def administration(admin: Any, role: str) -> list[Any]:
    """A role that opens the realm's administration, as the API is given it."""
    return [admin.get_client_role(admin.get_client_id("realm-management"), role)]


def administers(admin: Any, user: str, role: str) -> None:
    admin.assign_client_role(user, admin.get_client_id("realm-management"), administration(admin, role))


def edited_by_people(admin: Any) -> None:
    profile = admin.get_realm_users_profile()
    next(each for each in profile["attributes"] if each["name"] == "servant")["permissions"]["edit"] = ["admin", "user"]
    admin.update_realm_users_profile(profile)


def without_grants(admin: Any) -> None:
    changed = mapper(admin, "grants")
    changed["config"]["full.path"] = "false"
    admin.update_client_mapper(portal(admin)["id"], changed["id"], changed)


# What a hand may do in the console, and what is said of it.
HANDS: list[tuple[Callable[[Any, str], object], str]] = [
    (lambda a, r: a.update_realm(r, {"accessTokenLifespan": 86400}), "realm: accessTokenLifespan is 86400, declared 300"),
    (lambda a, r: a.update_realm(r, {"bruteForceProtected": False}), "realm: bruteForceProtected is false, declared true"),
    (lambda a, r: a.update_realm(r, {"passwordPolicy": "length(4)"}), 'realm: passwordPolicy is "length(4)", declared "length(12) and'),
    (lambda a, r: edited_by_people(a), 'user-profile: attributes.servant.permissions.edit is ["admin", "user"], declared ["admin"]'),
    (
        lambda a, r: a.update_realm_users_profile({**a.get_realm_users_profile(), "unmanagedAttributePolicy": "ENABLED"}),
        'user-profile: unmanagedAttributePolicy is "ENABLED", declared absent',
    ),
    (
        lambda a, r: a.update_client(portal(a)["id"], {"attributes": {"pkce.code.challenge.method": ""}}),
        'clients/portal/attributes: pkce.code.challenge.method is absent, declared "S256"',
    ),
    (
        lambda a, r: a.update_client(portal(a)["id"], {"attributes": {"access.token.lifespan": "86400"}}),
        'clients/portal/attributes: access.token.lifespan is "86400", declared absent',
    ),
    (
        lambda a, r: a.update_client(portal(a)["id"], {"directAccessGrantsEnabled": True}),
        "clients/portal: directAccessGrantsEnabled is true, declared false",
    ),
    (
        lambda a, r: a.update_client(portal(a)["id"], {"redirectUris": ["*"]}),
        'clients/portal: redirectUris is ["*"], declared ["http://127.0.0.1/callback"]',
    ),
    (
        lambda a, r: a.remove_client_mapper(portal(a)["id"], mapper(a, "servant")["id"]),
        "clients/portal/mappers/servant is absent, declared present",
    ),
    (lambda a, r: without_grants(a), 'clients/portal/mappers/grants: config.full.path is "false", declared "true"'),
    (
        lambda a, r: a.add_mapper_to_client(portal(a)["id"], {**GRANTS, "name": "more"}),
        "clients/portal/mappers/more is present, declared absent",
    ),
    (
        lambda a, r: a.add_mapper_to_client_scope(scope(a, "basic"), {**GRANTS, "name": "more"}),
        "client-scopes/basic/mappers/more is present, declared absent",
    ),
    (
        lambda a, r: a.add_mapper_to_client(a.get_client_id("account-console"), {**GRANTS, "name": "more"}),
        "clients/account-console/mappers/more is present, declared absent",
    ),
    (
        lambda a, r: a.add_client_optional_client_scope(portal(a)["id"], scope(a, "offline_access"), {}),
        'clients/portal: optionalClientScopes is ["offline_access"], declared absent',
    ),
    (
        lambda a, r: a.delete_client_default_client_scope(portal(a)["id"], scope(a, "basic")),
        "clients/portal: defaultClientScopes is ",
    ),
    (
        lambda a, r: a.group_user_add(account(a, "device-gateway"), a.get_group_by_path("/nation/integrator")["id"]),
        "clients/device-gateway/grants/nation/integrator is present, declared absent",
    ),
    (
        lambda a, r: a.group_user_remove(account(a, "device-gateway"), a.get_group_by_path("/systems/hq/device-gateway")["id"]),
        "clients/device-gateway/grants/systems/hq/device-gateway is absent, declared present",
    ),
    (
        lambda a, r: administers(a, a.create_user({"username": "second-door"}, exist_ok=True), "realm-admin"),
        "users/second-door/roles/realm-management/realm-admin is present, declared absent",
    ),
    (
        lambda a, r: administers(a, account(a, "device-gateway"), "manage-users"),
        "users/service-account-device-gateway/roles/realm-management/manage-users is present, declared absent",
    ),
    (
        lambda a, r: a.assign_group_client_roles(
            a.get_group_by_path("/nation/inspector")["id"], a.get_client_id("realm-management"), administration(a, "manage-clients")
        ),
        "groups/nation/inspector/roles/realm-management/manage-clients is present, declared absent",
    ),
    (
        lambda a, r: a.add_composite_realm_roles_to_role(f"default-roles-{r}", administration(a, "realm-admin")),
        "roles/default-roles-",
    ),
    (
        lambda a, r: a.add_composite_client_roles_to_role(a.get_client_id("account"), "view-profile", administration(a, "view-users")),
        "clients/account/roles/view-profile/realm-management/view-users is present, declared absent",
    ),
    (
        lambda a, r: a.assign_client_role(
            account(a, "device-gateway"), a.get_client_id("account"), [a.get_client_role(a.get_client_id("account"), "delete-account")]
        ),
        "clients/device-gateway/roles/account/delete-account is present, declared absent",
    ),
    (
        lambda a, r: a.assign_realm_roles(account(a, "device-gateway"), [a.get_realm_role("offline_access")]),
        "clients/device-gateway/roles/offline_access is present, declared absent",
    ),
]


# The same for what other hands change above.
DELETING: list[tuple[Callable[[Any, str], object], str]] = [
    (lambda a, r: a.delete_group(a.get_group_by_path("/nation/inspector")["id"]), "groups/nation/inspector is absent, declared present"),
    (lambda a, r: a.delete_client(portal(a)["id"]), "clients/portal is absent, declared present"),
]


@pytest.mark.parametrize(("hands", "changes"), [(HANDS, 19), (DELETING, 2)], ids=["changed", "deleted"])
def test_a_hands_change_is_seen_and_put_right(realm: Running, hands: list[tuple[Callable[[Any, str], object], str]], changes: int) -> None:
    for change, _ in hands:
        change(realm.admin, realm.name)
    code, said = realm.told("drift", "--demo")
    assert code == 1
    *lines, last = said.splitlines()
    assert [says for _, says in hands if not any(line.startswith(says) for line in lines)] == []
    assert [line for line in lines if not line.startswith(tuple(says for _, says in hands))] == []
    assert (len(lines), last) == (len(hands), f"{len(hands)} differences; `apply` puts them right")
    code, said = realm.told("apply", "--demo")
    # What hands changed of one thing is put right at once.
    assert (code, sorted(said.splitlines())) == (0, sorted([*lines, f"{changes} changes"]))
    assert realm.told("drift", "--demo") == (0, "the realm is as declared\n")


def test_a_client_whose_account_was_taken_away_has_it_again_with_its_grants(realm: Running) -> None:
    realm.admin.update_client(realm.client("device-gateway")["id"], {"serviceAccountsEnabled": False})
    code, said = realm.told("drift", "--demo")
    assert (code, said.splitlines()[0]) == (1, "clients/device-gateway: serviceAccountsEnabled is false, declared true")
    assert "clients/device-gateway/grants/systems/hq/device-gateway" in realm.told("apply", "--demo")[1]
    assert realm.told("drift", "--demo") == (0, "the realm is as declared\n")


def test_any_declared_switch_and_number_that_is_turned_is_seen_and_put_right(realm: Running) -> None:
    declared = Declared.read(realm.file)
    turned = {name: value for name, value in dict(otherwise(declared.settings)).items() if name != "enabled"}
    assert len(turned) > 20
    realm.admin.update_realm(realm.name, turned)
    code, said = realm.told("drift", "--demo")
    assert code == 1
    assert {line.split()[1] for line in said.splitlines() if line.startswith("realm: ")} == set(turned)
    realm.told("apply", "--demo")
    assert realm.told("drift", "--demo") == (0, "the realm is as declared\n")


def otherwise(settings: Any) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, bool):
            yield name, not value
        elif isinstance(value, int):
            yield name, value + 1


def test_a_client_that_nobody_declared_is_shown_and_left_to_a_person(realm: Running) -> None:
    realm.admin.create_client({"clientId": "backdoor", "publicClient": True, "protocolMappers": [{**GRANTS, "name": "more"}]})
    code, said = realm.told("apply", "--demo")
    assert code == 0
    assert said.splitlines() == [
        "clients/backdoor is present, declared absent",
        "  left as it is: whether it may stay, a person decides",
        "clients/backdoor/mappers/more is present, declared absent",
        "1 changes",
    ]
    assert realm.told("drift", "--demo")[0] == 1
    realm.admin.delete_client(realm.client("backdoor")["id"])
    assert realm.told("drift", "--demo")[0] == 0


def test_clients_of_the_demo_are_switched_off_where_there_is_no_demo(fresh: Running) -> None:
    fresh.told("apply")
    assert fresh.admin.get_client_id("command-line") is None
    fresh.told("apply", "--demo")
    name = fresh.person()
    assert fresh.signed_in(name)[0] == 200
    code, said = fresh.told("drift")
    assert (code, "clients/command-line: enabled is true, declared false" in said) == (1, True)
    fresh.told("apply")
    status, refused = fresh.signed_in(name)
    assert (status, refused["error"]) == (401, "invalid_client")
    assert fresh.told("drift")[0] == 0


def test_the_client_for_before_the_portal_is_switched_off_where_the_portal_is(realm: Running) -> None:
    portal = {"TARTIP_PORTAL_CALLBACK": "https://portal.example.kz/callback"}
    code, said = realm.told("drift", "--demo", **portal)
    assert (code, "clients/operations: enabled is true, declared false" in said) == (1, True)
    realm.told("apply", "--demo", **portal)
    assert {name: realm.client(name)["enabled"] for name in ("portal", "operations")} == {"portal": True, "operations": False}
    for command in ("drift", "apply"):
        code, said = realm.told(command)
        assert (code, "the realm has a portal at https://portal.example.kz/callback" in said) == (3, True), "a variable was forgotten"
    assert realm.client("portal")["enabled"]
    realm.told("apply", "--demo")
    assert realm.told("drift", "--demo")[0] == 0


def test_no_secret_is_compared_or_shown(fresh: Running) -> None:
    secrets = {"TARTIP_INTEGRATION_SECRET": "the-first-secret", "TARTIP_DEVICE_GATEWAY_SECRET": "the-second-secret"}
    everything = fresh.told("apply", "--demo", **secrets)[1]
    form = {"grant_type": "client_credentials", "client_id": "integration-egov"}
    assert fresh.token(**form, client_secret="the-first-secret")[0] == 200
    fresh.admin.update_client(fresh.client("integration-egov")["id"], {"secret": "another-secret", "directAccessGrantsEnabled": True})
    for command in ("drift", "apply", "drift"):
        everything += fresh.told(command, "--demo", **secrets)[1]
    assert "integration-egov: directAccessGrantsEnabled" in everything
    assert [secret for secret in (*secrets.values(), "another-secret") if secret in everything] == []
    assert fresh.token(**form, client_secret="another-secret")[0] == 200


def test_people_their_sessions_and_groups_and_the_keys_outlive_an_apply(realm: Running) -> None:
    realm.told("onboard", "body", "MF")
    name = realm.person(["/state-bodies/MF/hr-officer"], servant="s-7")
    _, before = realm.signed_in(name)
    keys = key_ids(realm)
    realm.admin.update_realm(realm.name, {"accessTokenLifespan": 301})
    realm.admin.update_client(portal(realm.admin)["id"], {"redirectUris": ["*"]})
    realm.admin.update_client(realm.client("command-line")["id"], {"fullScopeAllowed": True})
    assert realm.told("apply", "--demo")[1].splitlines()[-1] == "3 changes"
    status, after = realm.token(grant_type="refresh_token", client_id="command-line", refresh_token=before["refresh_token"])
    assert status == 200, after
    claims = realm.verified(after["access_token"])
    assert (claims.servant, [grant.path for grant in claims.grants]) == ("s-7", ["/state-bodies/MF/hr-officer"])
    assert realm.signed_in(name, PASSWORD)[0] == 200
    assert key_ids(realm) == keys


def key_ids(realm: Running) -> set[str]:
    return {str(key["kid"]) for key in realm.admin.get_keys()["keys"]}


def test_who_may_not_come_in_is_told_what_to_look_at(real_keycloak: Keycloak) -> None:
    code, said = told(real_keycloak, "drift", TARTIP_KEYCLOAK_ADMIN_PASSWORD="a-guess")
    assert (code, "does not let admin in" in said, "a-guess" in said) == (3, True, False)
    code, said = told(real_keycloak, "drift", TARTIP_KEYCLOAK="http://127.0.0.1:9")
    assert (code, "(TARTIP_KEYCLOAK) does not answer" in said) == (3, True)


async def test_a_keycloak_with_a_certificate_of_our_own_authority_is_administered_and_another_is_not(
    real_keycloak: Keycloak, tmp_path: Path
) -> None:
    authority, context = Authority(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("sign-in").write(tmp_path))
    right, strange = authority.write(tmp_path), Authority("a strange one").write(tmp_path, "strange")

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", urlsplit(real_keycloak.origin).port)
        await asyncio.gather(handed_on(reader, outer), handed_on(inner, writer))

    door = await asyncio.start_server(come, "127.0.0.1", 0, ssl=context)
    at = f"https://127.0.0.1:{door.sockets[0].getsockname()[1]}"

    async def drift(ca: str) -> tuple[int, str]:
        return await asyncio.to_thread(told, real_keycloak, "drift", "--demo", TARTIP_KEYCLOAK=at, TARTIP_KEYCLOAK_CA=ca)

    try:
        assert await drift(str(right)) == (0, "the realm is as declared\n")
        for wrong in (str(strange), ""):
            code, said = await drift(wrong)
            assert (code, "look at TARTIP_KEYCLOAK_CA" in said) == (3, True), said
    finally:
        door.close()


def test_another_realm_of_the_file_is_another_realm(realm: Running, tmp_path: Path) -> None:
    other = tmp_path / "realm.json"
    other.write_text(json.dumps({**json.loads(realm.file.read_text(encoding="utf-8")), "accessTokenLifespan": 60}), encoding="utf-8")
    code, said = told(realm.keycloak, "drift", "--demo", "--realm", str(other))
    assert (code, said.splitlines()[0]) == (1, "realm: accessTokenLifespan is 300, declared 60")
