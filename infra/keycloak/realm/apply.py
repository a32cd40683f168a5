"""The declared realm, made so on a running Keycloak.

What Keycloak keeps of people stays as it is: users, their passwords, sessions and groups, and the keys that sign.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from chassis.commands import NothingDone
from keycloak import KeycloakAdmin

from realm.administrators import administrators, role_changes
from realm.changes import Change, missing, undeclared
from realm.clients import AUTHENTICATORS, KEYS, account_changes, account_of, client_changes, create_client, strangers
from realm.declared import CALLBACK, PORTAL, Declared
from realm.differences import Difference, compared
from realm.server import create_group, group_id, loopback, realm_exists

# Clients that every realm of Keycloak has.
BUILT_IN = frozenset({"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"})


def changes(admin: KeycloakAdmin, declared: Declared, demo: bool) -> Iterator[Change]:
    """Yields what is not as declared, part by part; whoever makes each change before asking for the next leaves nothing out.

    `demo` says that the clients of the demo belong there too; else they are switched off where they are found. So is the portal where none
    is, and what stands in for it where one is. NothingDone where there is one that nobody names.
    """
    if not realm_exists(admin, declared.name):
        yield missing("realm", lambda: _create_realm(admin, declared))
        if not realm_exists(admin, declared.name):
            return
    elif not (declared.portal or demo):
        _require_no_portal(admin)
    yield from _settings(admin, declared)
    yield from _profile(admin, declared)
    for path in declared.groups:
        if group_id(admin, path) is None:
            yield missing(f"groups{path}", partial(create_group, admin, path))
    for client in declared.clients.values():
        yield from _client(admin, declared, client, declared.wants(client, demo))
    yield from _others(admin, declared)
    yield from administrators(admin)


def _create_realm(admin: KeycloakAdmin, declared: Declared) -> None:
    admin.create_realm(dict(declared.settings))
    admin.connection.get_token()  # the one at hand may do nothing in a realm that is younger than itself


def _settings(admin: KeycloakAdmin, declared: Declared) -> Iterator[Change]:
    differences = compared("realm", declared.settings, admin.get_realm(declared.name), known=None)
    if differences:
        body = {each.field: declared.settings[each.field] for each in differences}
        yield Change(differences, lambda: admin.update_realm(declared.name, body))


def _profile(admin: KeycloakAdmin, declared: Declared) -> Iterator[Change]:
    differences = compared("user-profile", _by_name(declared.profile), _by_name(admin.get_realm_users_profile()))
    if differences:
        yield Change(differences, lambda: admin.update_realm_users_profile(dict(declared.profile)))


def _by_name(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The profile with its attributes by name: an attribute more is one that somebody may edit."""
    return {**profile, "attributes": {each["name"]: each for each in profile["attributes"]}}


def _client(admin: KeycloakAdmin, declared: Declared, client: Mapping[str, Any], wanted: bool) -> Iterator[Change]:
    name = client["clientId"]
    id = admin.get_client_id(name)
    if not wanted:
        if id and admin.get_client(id)["enabled"]:
            yield Change([Difference(f"clients/{name}", "enabled", False, True)], partial(admin.update_client, id, {"enabled": False}))
        return
    if id is None:
        yield missing(f"clients/{name}", partial(create_client, admin, client))
        id = admin.get_client_id(name)
        if id is None:
            return
    yield from client_changes(admin, client, admin.get_client(id))
    account = account_of(admin, id)
    if account is not None:
        yield from account_changes(admin, f"clients/{name}/grants", account, declared.accounts.get(name, ()), lambda _: True)
        yield from role_changes(admin, f"clients/{name}", account)


def _require_no_portal(admin: KeycloakAdmin) -> None:
    """NothingDone where the realm has a portal that the environment does not name: whoever forgot a variable would lock everybody out."""
    id = admin.get_client_id(PORTAL)
    found: Mapping[str, Any] = admin.get_client(id) if id else {"enabled": False, "redirectUris": []}
    elsewhere = [each for each in found["redirectUris"] if not loopback(urlsplit(each).hostname)]
    if found["enabled"] and elsewhere:
        raise NothingDone(
            f"{CALLBACK} is not set, and the realm has a portal at {', '.join(elsewhere)}: set it to that address;"
            " where there is to be none any more, switch its client `portal` off in Keycloak first"
        )


def _others(admin: KeycloakAdmin, declared: Declared) -> Iterator[Change]:
    """What is not in the file: clients of onboarding have their form, and nobody else writes what services trust."""
    for found in admin.get_clients():
        name, where = found["clientId"], f"clients/{found['clientId']}"
        if name in declared.clients:
            continue
        form = declared.form_of(name)
        if form is not None:
            own = {"enabled": found["enabled"]}
            if found["clientAuthenticatorType"] in AUTHENTICATORS:
                own["clientAuthenticatorType"] = found["clientAuthenticatorType"]
            yield from client_changes(admin, {**form, **own}, found, KEYS)
            account = account_of(admin, found["id"])
            if account is not None:
                yield from role_changes(admin, where, account)
            continue
        if name not in BUILT_IN:
            yield undeclared(where, None)
        yield from strangers(where, found.get("protocolMappers", []), partial(admin.remove_client_mapper, found["id"]))
    for scope in admin.get_client_scopes():
        yield from strangers(
            f"client-scopes/{scope['name']}",
            scope.get("protocolMappers", []),
            partial(admin.delete_mapper_from_client_scope, scope["id"]),
        )
