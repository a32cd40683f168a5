"""The realm as code, read from the same JSON as Keycloak reads: who there is, and what stands in whose token."""

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import NAMESPACE_URL, uuid5

PLACEHOLDER = re.compile(r"\$\{(TARTIP_[A-Z_]+)(?::([^}]*))?\}")


class Secrets:
    """The secrets that the realm leaves open: from the environment, else generated, and kept for the others to read."""

    def __init__(self, generated: Mapping[str, str] | None = None) -> None:
        self.generated = dict(generated or {})

    def get(self, name: str, default: str | None) -> str:
        """Returns the secret of this name, the same one each time."""
        if name in os.environ:
            return os.environ[name]
        if default is not None:
            return default
        return self.generated.setdefault(name, secrets.token_urlsafe(24))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the secrets that the issuer generated; none where there is no file."""
        return cls(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})

    def write(self, path: Path) -> None:
        """Writes the generated secrets, for this operating-system user only."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(self.generated, file, indent=2)


@dataclass(frozen=True, slots=True)
class User:
    """A person of the realm, or the account of a client."""

    name: str
    password: str | None = field(repr=False)
    groups: tuple[str, ...]
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the realm: what it may ask for, and the mappers of its tokens."""

    name: str
    secret: str | None = field(repr=False)
    flows: frozenset[str]
    redirects: tuple[str, ...]
    mappers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Realm:
    """The realm: its name, the life of a token in seconds, its people and clients by name."""

    name: str
    life_s: int
    users: Mapping[str, User]
    clients: Mapping[str, Client]

    @classmethod
    def read(cls, path: Path, known: Secrets) -> Self:
        """Reads the realm; the secrets that it leaves open are taken from, and added to, `known`."""
        text = PLACEHOLDER.sub(lambda found: known.get(found[1], found[2]), path.read_text(encoding="utf-8"))
        realm = json.loads(text)
        users = [_user(row) for row in realm["users"] if row.get("enabled")]
        clients = [_client(row) for row in realm["clients"] if row.get("enabled")]
        named = {client.name: client for client in clients}
        return cls(realm["realm"], realm["accessTokenLifespan"], {user.name: user for user in users}, named)

    def account_of(self, client: Client) -> User | None:
        """Returns the account of a client's own, for client credentials."""
        return self.users.get(f"service-account-{client.name}")

    def claims(self, user: User, client: Client) -> dict[str, object]:
        """Returns what the mappers of the client put into a token of the user, beside who they are."""
        claims: dict[str, object] = {
            "sub": str(uuid5(NAMESPACE_URL, f"{self.name}/{user.name}")),
            "azp": client.name,
            "preferred_username": user.name,
            "email_verified": False,
            "scope": "profile email",
            "acr": "1",
        }
        for mapper in client.mappers:
            claims |= MAPPERS[mapper["protocolMapper"]](user, mapper["config"])
        return claims


def _grants(user: User, config: Mapping[str, str]) -> dict[str, object]:
    return {config["claim.name"]: list(user.groups)} if user.groups else {}  # Keycloak leaves an empty claim out


def _attribute(user: User, config: Mapping[str, str]) -> dict[str, object]:
    value = user.attributes.get(config["user.attribute"])
    return {} if value is None else {config["claim.name"]: value}


def _audience(_: User, config: Mapping[str, str]) -> dict[str, object]:
    return {"aud": config["included.custom.audience"]}


def with_people(realm: Mapping[str, Any], people: Mapping[str, str]) -> dict[str, Any]:
    """Returns the realm, as JSON, with an account for each of these servants: the registry's ID by user name.

    They have no grants: like the account `servant` they reach their own records only.
    """
    password = {"type": "password", "value": "${TARTIP_DEMO_PASSWORD}", "temporary": False}
    accounts = [
        {"username": name, "enabled": True, "credentials": [password], "groups": [], "attributes": {"servant": [servant]}}
        for name, servant in people.items()
    ]
    return {**realm, "users": [*realm["users"], *accounts]}


REGION = "75"
"""The region whose inspector and operator the realm of the demo has."""


def in_region(realm: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Returns the realm, as JSON, with the people of its region in another one."""
    text = json.dumps(realm).replace(f"/regions/{REGION}/", f"/regions/{region}/").replace(f'"name": "{REGION}"', f'"name": "{region}"')
    moved: dict[str, Any] = json.loads(text)
    return moved


MAPPERS: Mapping[str, Callable[[User, Mapping[str, str]], dict[str, object]]] = {
    "oidc-group-membership-mapper": _grants,
    "oidc-usermodel-attribute-mapper": _attribute,
    "oidc-audience-mapper": _audience,
}


def _user(row: Mapping[str, Any]) -> User:
    passwords = [credential["value"] for credential in row.get("credentials", ()) if credential["type"] == "password"]
    attributes = {name: values[0] for name, values in row.get("attributes", {}).items()}
    return User(row["username"], passwords[0] if passwords else None, tuple(row.get("groups", ())), attributes)


def _client(row: Mapping[str, Any]) -> Client:
    flows = {
        "authorization_code": row.get("standardFlowEnabled"),
        "password": row.get("directAccessGrantsEnabled"),
        "client_credentials": row.get("serviceAccountsEnabled"),
    }
    return Client(
        name=row["clientId"],
        secret=row.get("secret"),
        flows=frozenset(flow for flow, enabled in flows.items() if enabled),
        redirects=tuple(row.get("redirectUris", ())),
        mappers=tuple(row.get("protocolMappers", ())),
    )
