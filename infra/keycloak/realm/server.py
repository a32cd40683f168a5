"""A running Keycloak, spoken to over its administration API."""

import ipaddress
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

from chassis.commands import NothingDone
from chassis.settings import Authorities, Settings
from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakConnectionError, KeycloakError, KeycloakGetError, KeycloakPostError
from pydantic import SecretStr, field_validator
from requests.exceptions import SSLError

# A busy server makes a realm in a minute.
TIMEOUT_S = 120


class SignInSettings(Settings):
    """Where Keycloak is ("https://sign-in.example.kz"), and the authorities of its certificate, those of the machine unless told."""

    keycloak: str
    keycloak_ca: Authorities = ""

    @field_validator("keycloak")
    @classmethod
    def _is_protected(cls, value: str) -> str:
        if value and not protected(value):
            raise ValueError("begins with https://, since passwords and tokens go there; http:// is for this machine alone, 127.0.0.1")
        return value


class RealmSettings(SignInSettings):
    """The same, and who administers it: a user of its realm `master`, with a password."""

    keycloak_admin: str = "admin"
    keycloak_admin_password: SecretStr


NEEDED = ("keycloak", "keycloak_admin_password")


def protected(url: str) -> bool:
    """Whether nobody on the way there can read or change what is said: by https, or on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and loopback(parts.hostname)))


def loopback(host: str | None) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def server(settings: RealmSettings, realm: str) -> KeycloakAdmin:
    """Signs in as an administrator, to look after one realm. NothingDone where Keycloak does not take the password."""
    admin = KeycloakAdmin(
        server_url=settings.keycloak,
        username=settings.keycloak_admin,
        password=settings.keycloak_admin_password.get_secret_value(),
        realm_name=realm,
        user_realm_name="master",
        verify=settings.keycloak_ca or True,
        timeout=TIMEOUT_S,
        max_retries=0,  # what was made and not answered yet would be asked for again, and refused
    )
    try:
        admin.connection.get_token()
    except (KeycloakAuthenticationError, KeycloakPostError):
        raise NothingDone(
            f"Keycloak at {settings.keycloak} does not let {settings.keycloak_admin} in: "
            "look at TARTIP_KEYCLOAK_ADMIN and TARTIP_KEYCLOAK_ADMIN_PASSWORD, a user of its realm master."
        ) from None
    return admin


@contextmanager
def told_plainly(settings: RealmSettings) -> Iterator[None]:
    """Turns what Keycloak refuses into a sentence for the one who asked; it shows no answer that may hold a secret."""
    try:
        yield
    except KeycloakConnectionError as away:
        if isinstance(away.__cause__, SSLError):
            raise NothingDone(not_trusted(settings.keycloak)) from None
        raise NothingDone(f"Keycloak at {settings.keycloak} (TARTIP_KEYCLOAK) does not answer: {_said(away)}") from None
    except KeycloakError as refused:
        raise NothingDone(f"Keycloak at {settings.keycloak} refused with {refused.response_code}: {_said(refused)}") from None


def not_trusted(where: str) -> str:
    """What is told of a server that does not prove who it is: nothing was said to it."""
    return f"{where}: its certificate is of none of the authorities that are trusted, or names another host: look at TARTIP_KEYCLOAK_CA"


def _said(error: KeycloakError) -> str:
    said = error.error_message
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def realm_exists(admin: KeycloakAdmin, realm: str) -> bool:
    """Whether Keycloak has such a realm."""
    try:
        admin.get_realm(realm)
    except KeycloakGetError as refused:
        if refused.response_code != 404:
            raise
        return False
    return True


def group_id(admin: KeycloakAdmin, path: str) -> str | None:
    """Returns Keycloak's ID of a group by its path, None where there is none."""
    try:
        return found_group(admin, path)
    except KeycloakGetError as refused:
        if refused.response_code != 404:
            raise
        return None


def found_group(admin: KeycloakAdmin, path: str) -> str:
    """Returns Keycloak's ID of a group that is there."""
    return str(admin.get_group_by_path(quote(path))["id"])


def create_group(admin: KeycloakAdmin, path: str) -> None:
    """Creates a group, and those above it that are not there."""
    above, _, name = path.rpartition("/")
    if above and group_id(admin, above) is None:
        create_group(admin, above)
    admin.create_group({"name": name}, parent=found_group(admin, above) if above else None)


def groups_below(admin: KeycloakAdmin, path: str) -> Collection[str]:
    """Returns the names of the groups right below a path, in order."""
    found = group_id(admin, path)
    return sorted(str(each["name"]) for each in admin.get_group_children(found)) if found else []
