"""A realm of one's own on a real Keycloak, and the command line that looks after it."""

import asyncio
import io
import json
import uuid
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chassis.auth import Claims, TokenVerifier
from chassis.testing.keycloak import Keycloak
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey
from keycloak import KeycloakAdmin
from pydantic import SecretStr
from realm.__main__ import main
from realm.declared import REALM
from realm.server import RealmSettings, server

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PASSWORD = "a-good-password-of-nobody"


@dataclass(frozen=True, slots=True)
class Running:
    """A realm, by its name: `told` runs `python -m realm` for it, `admin` does what a hand in the console would."""

    keycloak: Keycloak
    name: str
    file: Path
    admin: KeycloakAdmin

    @classmethod
    def on(cls, keycloak: Keycloak, folder: Path) -> "Running":
        """A realm that is not there yet, as the repository declares it but for its name."""
        name = f"tartip-{uuid.uuid4().hex[:8]}"
        file = folder / f"{name}.json"
        file.write_text(json.dumps({**json.loads(REALM.read_text(encoding="utf-8")), "realm": name}), encoding="utf-8")
        return cls(keycloak, name, file, administered(keycloak, name))

    @property
    def issuer(self) -> str:
        return f"{self.keycloak.origin}/realms/{self.name}"

    def told(self, *words: str, **environment: str) -> tuple[int, str]:
        """What the command line does for this realm: its exit code, and all that it says."""
        command, *rest = words
        return told(self.keycloak, command, "--realm", str(self.file), *rest, **environment)

    def token(self, **form: str) -> tuple[int, dict[str, Any]]:
        """What the realm answers to a request for a token."""
        return asyncio.run(_posted(f"{self.issuer}/protocol/openid-connect/token", form))

    def signed_in(self, username: str, password: str = PASSWORD) -> tuple[int, dict[str, Any]]:
        """The same for a person with a password, through the client of the demo."""
        return self.token(grant_type="password", client_id="command-line", username=username, password=password, scope="openid")

    def verified(self, token: str) -> Claims:
        """What a service makes of a token."""
        return asyncio.run(_verified(self.issuer, token))

    def person(self, groups: list[str] | None = None, **attributes: str) -> str:
        """An account with a password that is for good; its name."""
        name = f"p-{uuid.uuid4().hex[:8]}"
        credential = {"type": "password", "value": PASSWORD, "temporary": False}
        self.admin.create_user({
            "username": name, "enabled": True, "credentials": [credential], "groups": groups or [],
            "attributes": {key: [value] for key, value in attributes.items()},
        })  # fmt: skip
        return name

    def client(self, name: str) -> dict[str, Any]:
        """A client as the server has it."""
        id = self.admin.get_client_id(name)
        assert id, name
        return dict(self.admin.get_client(id))


def told(keycloak: Keycloak, *words: str, **environment: str) -> tuple[int, str]:
    """What `python -m realm` does on a server: its exit code, and all that it says."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(said), redirect_stderr(said):
        password = keycloak.admin_password_file.read_text(encoding="ascii")
        for name, value in {"TARTIP_KEYCLOAK": keycloak.origin, "TARTIP_KEYCLOAK_ADMIN_PASSWORD": password, **environment}.items():
            patched.setenv(name, value)
        try:
            code = main(words)
        except SystemExit as misused:
            code = int(misused.code or 0)
    return code, said.getvalue()


def administered(keycloak: Keycloak, realm: str) -> KeycloakAdmin:
    password = SecretStr(keycloak.admin_password_file.read_text(encoding="ascii"))
    return server(RealmSettings.model_construct(keycloak=keycloak.origin, keycloak_admin="admin", keycloak_admin_password=password), realm)


async def _posted(url: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.post(url, data=form) as answer:
        return answer.status, await answer.json()


async def _verified(issuer: str, token: str) -> Claims:
    async with TokenVerifier(issuer, "tartip").running() as verifier:
        return await verifier.verify(token)


@dataclass(frozen=True, slots=True)
class Signer:
    """A system with a key of its own: its certificate, and the proofs that it signs."""

    key: RSAKey
    certificate: bytes

    @classmethod
    def made(cls) -> "Signer":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(RSAKey.import_key(pem, {"kid": uuid.uuid4().hex, "use": "sig", "alg": "RS256"}), certificate(key, 30))

    def proof(self, client: str, audience: str, *, named: bool = False) -> str:
        """A client assertion (RFC 7523), to be used once; only among published keys does it say which one signed."""
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": client, "sub": client, "aud": audience, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 60}
        return jwt.encode({"alg": "RS256", **({"kid": str(self.key.kid)} if named else {})}, claims, self.key)


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, days: int) -> bytes:
    """A certificate in PEM that holds from a while ago to so many days from now."""
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a system")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    held = made.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    return held.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
