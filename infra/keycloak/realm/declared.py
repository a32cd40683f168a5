"""The realm as it is declared: `infra/keycloak/tartip-realm.json`, which Keycloak imports and the demo sign-in reads."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

REALM = Path(__file__).resolve().parents[1] / "tartip-realm.json"
PLACEHOLDER = re.compile(r"\$\{(TARTIP_[A-Z_]+)(?::([^}]*))?\}")
PROFILE = "org.keycloak.userprofile.UserProfileProvider"
# Clients that exist for the sake of a demo bear this attribute; elsewhere they are switched off.
DEMO = "tartip.demo"
# The client by which people sign in, the one where no portal is yet, and the variable that says where it is. Without a portal each gives
# its codes to whatever listens on the person's own machine, so of the two only the one that is needed is there.
PORTAL, BEFORE_THE_PORTAL, CALLBACK = "portal", "operations", "TARTIP_PORTAL_CALLBACK"
# What is not a setting of the realm itself.
PARTS = ("groups", "users", "clients", "components")
# How the clients that onboarding makes are named, and the client of the file in whose form they are.
FORMS = {"integration-": "integration-egov", "device-gateway-": "device-gateway"}


@dataclass(frozen=True, slots=True)
class Declared:
    """The realm: its settings, its groups as paths, its clients by name, the groups of their accounts, the profile of its users,
    and whether the environment says where the portal is.

    Clients are as Keycloak's API takes them, with their mappers and the names of their scopes; a secret that the environment does not
    give is left out, so that Keycloak draws one.
    """

    name: str
    settings: Mapping[str, Any]
    groups: tuple[str, ...]
    clients: Mapping[str, Mapping[str, Any]]
    accounts: Mapping[str, tuple[str, ...]]
    profile: Mapping[str, Any]
    portal: bool

    @classmethod
    def read(cls, path: Path = REALM) -> Self:
        """Reads the file; `${TARTIP_…}` stands for a variable of the environment, or for the default behind the colon."""
        realm = json.loads(path.read_text(encoding="utf-8"))
        [provider] = realm["components"][PROFILE]
        [profile] = provider["config"]["kc.user.profile.config"]
        return cls(
            name=realm["realm"],
            settings={name: value for name, value in realm.items() if name not in PARTS},
            groups=tuple(_paths("", realm["groups"])),
            clients={row["clientId"]: _filled(row) for row in realm["clients"]},
            accounts={row["serviceAccountClientId"]: tuple(row["groups"]) for row in realm["users"] if "serviceAccountClientId" in row},
            profile=json.loads(profile),
            portal=bool(os.environ.get(CALLBACK)),
        )

    def wants(self, client: Mapping[str, Any], demo: bool) -> bool:
        """Whether a client of the file is to be there: those of the demo where it is meant, the portal where it is, or else its stand-in."""
        if client["clientId"] == BEFORE_THE_PORTAL:
            return not self.portal
        return demo or (self.portal if client["clientId"] == PORTAL else not of_the_demo(client))

    def form_of(self, client: str) -> dict[str, Any] | None:
        """Returns what a client that onboarding has made must be, by its name ("integration-esalary"); None for any other."""
        form = next((form for prefix, form in FORMS.items() if client.startswith(prefix)), None)
        if form is None or client in self.clients:
            return None
        like = {name: value for name, value in self.clients[form].items() if name not in ("secret", "description", "attributes")}
        return {**like, "clientId": client}


def of_the_demo(client: Mapping[str, Any]) -> bool:
    """Whether a client exists for the sake of a demo alone."""
    return bool(client.get("attributes", {}).get(DEMO) == "true")


def _paths(above: str, groups: list[Mapping[str, Any]]) -> Iterator[str]:
    for group in groups:
        path = f"{above}/{group['name']}"
        yield path
        yield from _paths(path, group.get("subGroups", []))


def _filled(client: Mapping[str, Any]) -> dict[str, Any]:
    """The client with what the environment says; without its secret where that is not said."""
    found = PLACEHOLDER.fullmatch(client.get("secret", ""))
    said = {name: value for name, value in client.items() if name != "secret" or found is None or found[1] in os.environ}
    filled: dict[str, Any] = json.loads(PLACEHOLDER.sub(lambda found: _value(found[1], found[2]), json.dumps(said)))
    return filled


def _value(name: str, default: str | None) -> str:
    return json.dumps(os.environ.get(name, default or ""))[1:-1]
