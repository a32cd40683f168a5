"""Who may administer the realm from inside it: nobody. What gives such a right is found wherever it was given, and taken away.

Administrators are users of Keycloak's realm `master`. Inside, a role of the client `realm-management` is a second door: it makes
users, grants and clients, past everything that is declared.
"""

from collections.abc import Iterator
from functools import partial

from keycloak import KeycloakAdmin

from realm.changes import Change, undeclared

ADMINISTRATION = "realm-management"


def administrators(admin: KeycloakAdmin) -> Iterator[Change]:
    """Yields who has a role of administration: other roles that hold it within, groups, users, and accounts of clients among them."""
    id = str(admin.get_client_id(ADMINISTRATION))
    yield from _roles_with(admin, id)
    for role in admin.get_client_roles(id):
        what = f"roles/{ADMINISTRATION}/{role['name']}"
        for group in admin.get_client_role_groups(id, role["name"]):
            yield undeclared(f"groups{group['path']}/{what}", partial(admin.delete_group_client_roles, group["id"], id, [role]))
        for user in admin.get_client_role_members(id, role["name"]):
            yield undeclared(f"users/{user['username']}/{what}", partial(admin.delete_client_roles_of_user, user["id"], id, [role]))


def role_changes(admin: KeycloakAdmin, where: str, user: str) -> Iterator[Change]:
    """Yields the roles of a client's account: it has groups, and of roles what everybody has; those of administration are told above."""
    held, everybodys = admin.get_all_roles_of_user(user), f"default-roles-{admin.connection.realm_name}".lower()
    for role in held.get("realmMappings", []):
        if role["name"] != everybodys:
            yield undeclared(f"{where}/roles/{role['name']}", partial(admin.delete_realm_roles_of_user, user, [role]))
    for client, given in held.get("clientMappings", {}).items():
        for role in given["mappings"] if client != ADMINISTRATION else ():
            yield undeclared(
                f"{where}/roles/{client}/{role['name']}", partial(admin.delete_client_roles_of_user, user, given["id"], [role])
            )


def _roles_with(admin: KeycloakAdmin, administration: str) -> Iterator[Change]:
    """Roles that hold one of administration: whoever has the role, be it everybody's, has both."""
    for role in admin.get_realm_roles():
        for inner in _of(admin, role, administration):
            yield undeclared(
                f"roles/{role['name']}/{ADMINISTRATION}/{inner['name']}",
                partial(admin.remove_composite_realm_roles_to_role, role["name"], [inner]),
            )
    for client in admin.get_clients():
        for role in admin.get_client_roles(client["id"]) if client["id"] != administration else ():
            for inner in _of(admin, role, administration):
                yield undeclared(
                    f"clients/{client['clientId']}/roles/{role['name']}/{ADMINISTRATION}/{inner['name']}",
                    partial(admin.remove_composite_client_roles_from_role, client["id"], role["name"], [inner]),
                )


def _of(admin: KeycloakAdmin, role: dict[str, object], administration: str) -> list[dict[str, object]]:
    inner = admin.get_role_composites_by_id(str(role["id"])) if role["composite"] else []
    return [each for each in inner if each["containerId"] == administration]
