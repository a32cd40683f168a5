"""Bodies, regions, systems and people, let into the realm: each by what is true afterwards, so that asking twice changes nothing."""

import base64
import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from chassis.access import SCOPE_KINDS, Grant, ScopeKind
from chassis.commands import NothingDone
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from kernel.faults import Malformed
from kernel.identifiers import check_id
from kernel.names import SERVANT_ID
from keycloak import KeycloakAdmin

from realm.changes import Change, missing
from realm.clients import KEYS, account_changes, account_of, client_changes, create_client
from realm.declared import Declared
from realm.differences import Difference
from realm.roles import Holder, grant_for, groups_of
from realm.server import create_group, group_id, groups_below, protected

NAME = "[a-z0-9][a-z0-9-]{1,39}"
USERNAME = "[a-z][a-z0-9._-]{2,63}"
LEAST_RSA_BITS = 2048
TEMPORARY_OCTETS = 15  # 20 characters: more than the policy of passwords asks for


@dataclass(frozen=True, slots=True)
class Key:
    """With what a system proves itself instead of a secret: attributes of its client, a JWKS URL or a certificate in them."""

    attributes: Mapping[str, str]

    @classmethod
    def at(cls, url: str) -> "Key":
        """The keys that a system publishes itself; by https, or on this machine. Malformed."""
        if not protected(url):
            raise Malformed({"jwks_url": f"{url!r} must begin with https://: whoever changes it on its way becomes the system"})
        return cls({"use.jwks.url": "true", "jwks.url": url, "jwt.credential.certificate": ""})

    @classmethod
    def certified(cls, pem: bytes, now: datetime) -> "Key":
        """The key of a certificate in PEM, which must hold at `now`: RSA of 2,048 bits at least, or an elliptic curve. Malformed."""
        try:
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise Malformed({"certificate": "is no certificate in PEM: it begins with -----BEGIN CERTIFICATE-----"}) from None
        key = certificate.public_key()
        strong = isinstance(key, EllipticCurvePublicKey) or (isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS)
        if not strong:
            raise Malformed({"certificate": f"its key must be RSA of {LEAST_RSA_BITS} bits or more, or of an elliptic curve"})
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not since <= now <= until:
            raise Malformed({"certificate": f"holds from {since.isoformat()} to {until.isoformat()}, not now"})
        der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii")
        return cls({"use.jwks.url": "false", "jwks.url": "", "jwt.credential.certificate": der})


@dataclass(frozen=True, slots=True)
class Onboarded:
    """What was changed, in order, and what is told once and kept nowhere: the secret of a system, a password for one sign-in."""

    changed: tuple[str, ...]
    secret: str | None = None


def scope(admin: KeycloakAdmin, kind: ScopeKind, id: str) -> Onboarded:
    """Makes the groups of a state body or a region, one a role that may stand under it. Malformed."""
    return Onboarded(_made(_missing_groups(admin, groups_of(kind, id))))


def integrator(admin: KeycloakAdmin, declared: Declared, name: str, grants: Collection[str], key: Key | None) -> Onboarded:
    """Makes the client `integration-NAME` with exactly these grants.

    Without a key a new client gets a secret, and one that is there keeps what it has. Malformed, NothingDone.
    """
    check_id(name, "name", NAME)
    wanted = _granted(admin, "system", "integrator", grants)
    return _system(admin, declared, f"integration-{name}", wanted, key)


def device_gateway(admin: KeycloakAdmin, declared: Declared, system: str, key: Key | None) -> Onboarded:
    """Makes the client `device-gateway-SYSTEM` of an access-control system, which submits passages of its own devices. Malformed."""
    groups = groups_of("system", system)
    made = _made(_missing_groups(admin, groups))
    onboarded = _system(admin, declared, f"device-gateway-{system}", groups, key)
    return Onboarded((*made, *onboarded.changed), onboarded.secret)


def servant(admin: KeycloakAdmin, username: str, servant: str, grants: Collection[str]) -> Onboarded:
    """Makes an account of a civil servant, by the registry's ID, with exactly these grants and a password for the first time.

    An account is bound to one servant, and a servant to one account, for good. Malformed, NothingDone.
    """
    user = _bound(admin, username, servant)
    wanted = _granted(admin, "person", None, grants)
    for other in admin.get_users({"q": f"servant:{servant}", "briefRepresentation": "false"}):
        if other["username"] != username and servant in other.get("attributes", {}).get("servant", []):
            raise NothingDone(f"The servant {servant} signs in as {other['username']} already; a servant has one account.")
    password, changed = None, []
    if user is None:
        password = secrets.token_urlsafe(TEMPORARY_OCTETS)
        credential = {"type": "password", "value": password, "temporary": True}
        user = admin.create_user({"username": username, "enabled": True, "attributes": {"servant": [servant]}, "credentials": [credential]})
        changed.append(f"users/{username}: made, bound to {servant}")
    changes = account_changes(admin, f"users/{username}/grants", user, wanted, _is_grant)
    return Onboarded((*changed, *_made(changes)), password)


def new_secret(admin: KeycloakAdmin, declared: Declared, client: str) -> Onboarded:
    """Draws a new secret for a client that onboarding made ("integration-esalary"), and changes nothing else; the old one is worth nothing.

    Malformed, NothingDone.
    """
    _form(declared, client)
    id = admin.get_client_id(client)
    if id is None:
        raise NothingDone(f"There is no client {client}: `onboard` it first, without --new-secret; its first secret is shown then.")
    if admin.get_client(id)["clientAuthenticatorType"] != "client-secret":
        raise NothingDone(f"{client} proves itself by a key of its own and has no secret: --certificate or --jwks-url names another key.")
    secret = str(admin.generate_client_secrets(id)["value"])
    return Onboarded((f"clients/{client}: has a new secret, the old one counts no more",), secret)


def new_password(admin: KeycloakAdmin, username: str, servant: str) -> Onboarded:
    """Gives the account of a servant a new password for one sign-in, and changes nothing else; the old one and its sessions end.

    Malformed, NothingDone.
    """
    user = _bound(admin, username, servant)
    if user is None:
        raise NothingDone(f"There is no account {username}: `onboard` it first, without --new-password; its first one is shown then.")
    password = secrets.token_urlsafe(TEMPORARY_OCTETS)
    admin.set_user_password(user, password, temporary=True)
    admin.user_logout(user)
    return Onboarded((f"users/{username}: has a new password, the old one and its sessions count no more",), password)


def _system(admin: KeycloakAdmin, declared: Declared, client: str, groups: Collection[str], key: Key | None) -> Onboarded:
    form = _form(declared, client)
    id, changed, secret = admin.get_client_id(client), [], None
    wanted = {**form, **({"clientAuthenticatorType": "client-jwt", "attributes": dict(key.attributes)} if key else {})}
    if id is None:
        id = create_client(admin, wanted)
        changed.append(f"clients/{client}: made, with {'a key of its own' if key else 'a secret'}")
        secret = None if key else str(admin.get_client_secrets(id)["value"])
    else:
        found = admin.get_client(id)
        if key is None:
            has = {name: value for name, value in found["attributes"].items() if name in KEYS}
            wanted |= {"clientAuthenticatorType": found["clientAuthenticatorType"], "attributes": has}
        changed.extend(_made(client_changes(admin, wanted, found)))
    account = account_of(admin, id)
    assert account is not None  # its form has one
    changes = account_changes(admin, f"clients/{client}/grants", account, groups, lambda _: True)
    return Onboarded((*changed, *_made(changes)), secret)


def _form(declared: Declared, client: str) -> dict[str, Any]:
    form = declared.form_of(client)
    if form is None:
        raise Malformed({"name": f"{client} stands in the realm's file: onboarding leaves it alone"})
    return form


def _bound(admin: KeycloakAdmin, username: str, servant: str) -> str | None:
    """Returns Keycloak's ID of the account of that name, None where there is none; it is the servant's, or NothingDone."""
    check_id(username, "username", USERNAME)
    check_id(servant, "servant", SERVANT_ID)
    user = admin.get_user_id(username)
    bound = admin.get_user(user).get("attributes", {}).get("servant", []) if user else [servant]
    if bound != [servant]:
        raise NothingDone(
            f"The account {username} is bound to {bound[0] if bound else 'no servant'}, not to {servant}: "
            "take another user name, or have an administrator look whose it is."
        )
    return user


def _granted(admin: KeycloakAdmin, holder: Holder, role: str | None, paths: Collection[str]) -> list[str]:
    """The grants, each of a form that the holder may have, under a scope that is known."""
    for path in paths:
        grant = grant_for(holder, path)
        if role is not None and grant.role != role:
            raise Malformed({"grant": f"{path!r}: what is onboarded so has the role {role} alone"})
        if group_id(admin, path) is None:
            raise NothingDone(_unknown(admin, grant))
    return sorted(set(paths))


def _unknown(admin: KeycloakAdmin, grant: Grant) -> str:
    folder = next((folder for folder, kind in SCOPE_KINDS.items() if kind == grant.scope_kind), "nation")
    command = {"state-body": "onboard body", "region": "onboard region"}.get(grant.scope_kind, "apply")
    known = ", ".join(groups_below(admin, f"/{folder}")) or "none"
    return f"The realm has no {grant.path}: first `{command} {grant.scope}`, if that is its ID. Under /{folder} there are: {known}."


def _missing_groups(admin: KeycloakAdmin, paths: Collection[str]) -> Iterator[Change]:
    for path in paths:
        if group_id(admin, path) is None:
            yield missing(f"groups{path}", partial(create_group, admin, path))


def _made(changes: Iterator[Change]) -> tuple[str, ...]:
    """Makes each change, and says what was done."""
    said: list[str] = []
    for change in changes:
        if change.make is not None:
            change.make()
            said.extend(_done(each) for each in change.differences)
    return tuple(said)


def _done(difference: Difference) -> str:
    if difference.field:
        return f"{difference.where}: {difference.field} is now {json.dumps(difference.declared)}"
    return f"{difference.where}: {'taken away' if difference.declared is None else 'made'}"


def _is_grant(path: str) -> bool:
    return Grant.parse(path) is not None
