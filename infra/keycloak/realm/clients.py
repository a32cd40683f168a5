"""A client of the realm on the server, held against what it must be: its settings, its scopes, its mappers, the groups of its account."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from keycloak import KeycloakAdmin

from realm.changes import Change, missing, undeclared
from realm.differences import compared
from realm.server import found_group

Client = Mapping[str, Any]

# What says how a system proves itself: with a secret, or with a key of its own.
AUTHENTICATORS = ("client-secret", "client-jwt")
KEYS = frozenset({"use.jwks.url", "jwks.url", "jwt.credential.certificate"})
# What Keycloak itself writes beside the attributes of a client.
BOOKKEEPING = frozenset(
    {
        "realm_client",
        "client.secret.creation.time",
        "post.logout.redirect.uris",
        "backchannel.logout.session.required",
        "backchannel.logout.revoke.offline.tokens",
    }
)
# Compared in their own ways, or (the secret) not at all.
APART = frozenset({"secret", "attributes", "protocolMappers", "defaultClientScopes", "optionalClientScopes"})
# Claims that services take for true, and the audience that they ask for: only declared mappers may write them.
TRUSTED_CLAIMS = frozenset({"grants", "servant"})
AUDIENCE = "tartip"


def client_changes(admin: KeycloakAdmin, wanted: Client, found: Client, may_have: Collection[str] = ()) -> Iterator[Change]:
    """Yields how a client that is there differs from what it must be; `may_have` names the attributes that are its own affair."""
    settings = [*_settings(admin, wanted, found, may_have)]
    yield from settings
    if settings:
        found = admin.get_client(found["id"])  # with an account Keycloak gives a scope besides
    yield from _scopes(admin, wanted, found)
    yield from _mappers(admin, wanted, found)


def create_client(admin: KeycloakAdmin, wanted: Client) -> str:
    """Creates a client, and takes away what Keycloak gives to each besides; returns Keycloak's ID of it."""
    id = admin.create_client(dict(wanted))
    for change in client_changes(admin, wanted, admin.get_client(id), KEYS):
        if change.make is not None:
            change.make()
    return id


def account_changes(
    admin: KeycloakAdmin, where: str, user: str, groups: Collection[str], within: Callable[[str], bool]
) -> Iterator[Change]:
    """Yields how the groups of an account differ from what they must be; those that are not `within` are left alone."""
    held = {str(group["path"]): str(group["id"]) for group in admin.get_user_groups(user) if within(str(group["path"]))}
    for path in sorted(set(groups) - held.keys()):
        yield missing(f"{where}{path}", partial(_join, admin, user, path))
    for path in sorted(held.keys() - set(groups)):
        yield undeclared(f"{where}{path}", partial(admin.group_user_remove, user, held[path]))


def account_of(admin: KeycloakAdmin, client: str) -> str | None:
    """Returns Keycloak's ID of the account of a client, whose own ID is given; None where the client has none."""
    if not admin.get_client(client)["serviceAccountsEnabled"]:
        return None
    return str(admin.get_client_service_account_user(client)["id"])


def strangers(where: str, mappers: Collection[Mapping[str, Any]], remove: Callable[[str], object]) -> Iterator[Change]:
    """Yields the mappers that write what services trust, in a place where none is declared."""
    for mapper in mappers:
        config = mapper.get("config", {})
        if config.get("claim.name") in TRUSTED_CLAIMS or config.get("included.custom.audience") == AUDIENCE:
            yield undeclared(f"{where}/mappers/{mapper['name']}", partial(remove, str(mapper["id"])))


def _settings(admin: KeycloakAdmin, wanted: Client, found: Client, may_have: Collection[str]) -> Iterator[Change]:
    where = f"clients/{found['clientId']}"
    plain = {name: value for name, value in wanted.items() if name not in APART}
    differences = compared(where, plain, found, known=None)
    attributes = compared(f"{where}/attributes", wanted.get("attributes", {}), found.get("attributes", {}), BOOKKEEPING | {*may_have})
    if differences or attributes:
        body = {each.field: plain[each.field] for each in differences}
        # Keycloak leaves an attribute that is not named as it is, and takes one away whose value is empty.
        body["attributes"] = {each.field: each.declared or "" for each in attributes}
        yield Change([*differences, *attributes], lambda: admin.update_client(found["id"], body))


def _scopes(admin: KeycloakAdmin, wanted: Client, found: Client) -> Iterator[Change]:
    for field in ("defaultClientScopes", "optionalClientScopes"):
        if differences := compared(f"clients/{found['clientId']}", {field: wanted[field]}, {field: found[field]}):
            yield Change(differences, partial(_rescope, admin, str(found["id"]), field, set(wanted[field]), set(found[field])))


def _rescope(admin: KeycloakAdmin, client: str, field: str, wanted: set[str], found: set[str]) -> None:
    ids = {each["name"]: each["id"] for each in admin.get_client_scopes()}
    add, delete = {
        "defaultClientScopes": (admin.add_client_default_client_scope, admin.delete_client_default_client_scope),
        "optionalClientScopes": (admin.add_client_optional_client_scope, admin.delete_client_optional_client_scope),
    }[field]
    for name in found - wanted:
        delete(client, ids[name])
    for name in wanted - found:
        add(client, ids[name], {})


def _mappers(admin: KeycloakAdmin, wanted: Client, found: Client) -> Iterator[Change]:
    ours = {each["name"]: each for each in wanted["protocolMappers"]}
    theirs = {each["name"]: each for each in found.get("protocolMappers", [])}
    id = str(found["id"])
    for name in sorted(ours.keys() | theirs.keys()):
        where = f"clients/{found['clientId']}/mappers/{name}"
        if name not in theirs:
            yield missing(where, partial(admin.add_mapper_to_client, id, dict(ours[name])))
        elif name not in ours:
            yield undeclared(where, partial(admin.remove_client_mapper, id, theirs[name]["id"]))
        elif differences := compared(where, ours[name], theirs[name], known=("id", "consentRequired")):
            body = {**ours[name], "id": theirs[name]["id"]}
            yield Change(differences, partial(admin.update_client_mapper, id, body["id"], body))


def _join(admin: KeycloakAdmin, user: str, path: str) -> None:
    admin.group_user_add(user, found_group(admin, path))
