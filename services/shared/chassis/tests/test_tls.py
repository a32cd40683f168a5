"""TLS on gRPC and HTTP ports, certificates put in place while the process runs, and clients bound to theirs."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from chassis.process import Admin
from chassis.server import Limits, Server
from chassis.settings import SettingsError
from chassis.testing.certificates import Authority, Signed
from chassis.testing.client import channel, refusal_of
from chassis.testing.servers import Loopback
from chassis.testing.tokens import Tokens
from chassis.tls import EXPIRES, Certificates, TlsSettings
from cryptography import x509
from tartip.regimes.v1 import law_service_pb2, law_service_pb2_grpc

from .test_server import STATUTE, _services, _texts

GRANTS = ["/nation/integrator"]
ASKED = law_service_pb2.GetProvisionRequest(name="provisions/x")


class Law(law_service_pb2_grpc.LawServiceServicer):
    """Answers at once."""

    async def GetProvision(self, request: law_service_pb2.GetProvisionRequest, context: Any) -> law_service_pb2.Provision:
        return law_service_pb2.Provision(name=request.name)


@dataclass
class Serving:
    """A server over TLS, its authority and its files."""

    port: int
    mutual_port: int
    authority: Authority
    certificate: Path
    key: Path
    tokens: Tokens

    async def ask(self, client: str, *, mutual: bool = False, own: Signed | None = None, trusted: Authority | None = None) -> str:
        """What a call answers: its code, or that of the connection."""
        roots = (trusted or self.authority).certificate
        credentials = grpc.ssl_channel_credentials(roots, own.key if own else None, own.certificate if own else None)
        port = self.mutual_port if mutual else self.port
        async with channel(f"127.0.0.1:{port}", self.tokens.mint("anna", GRANTS, client=client), credentials=credentials) as opened:
            stub: Any = law_service_pb2_grpc.LawServiceStub(opened)
            try:
                await stub.GetProvision(ASKED, timeout=20)
            except grpc.aio.AioRpcError as error:
                return refusal_of(error).code
        return "OK"


@asynccontextmanager
async def serving(folder: Path, tokens: Tokens, *, mutual: bool = False) -> AsyncIterator[Serving]:
    authority = Authority()
    certificate, key = authority.sign("server").write(folder)
    clients = folder / "clients.pem"
    clients.write_bytes(authority.certificate)
    listen = "127.0.0.1:0" if mutual else ""
    certificates = Certificates(TlsSettings(certificate=certificate, key=key, client_ca=clients, mutual_listen=listen))
    async with tokens.verifier().running() as verifier:
        limits = Limits(grace_seconds=0.2)
        law: Any = Law  # the generated base is abstract in its types
        server = Server(Loopback(), _services(law()), verifier, _texts(), STATUTE, limits=limits, certificates=certificates)
        async with server.running():
            yield Serving(server.port, server.mutual_port, authority, certificate, key, tokens)


def replace(serving: Serving, by: Signed) -> None:
    """Puts another certificate in place, as a volume of the cluster does: at once, under the old names."""
    for path, content in ((serving.key, by.key), (serving.certificate, by.certificate)):
        fresh = path.with_suffix(".new")
        fresh.write_bytes(content)
        os.replace(fresh, path)


async def test_a_server_with_a_certificate_speaks_tls_and_nothing_else(tmp_path: Path, tokens: Tokens) -> None:
    async with serving(tmp_path, tokens) as served:
        assert await served.ask("portal") == "OK"
        assert await served.ask("portal", trusted=Authority("another")) == "UNAVAILABLE"
        async with channel(f"127.0.0.1:{served.port}", tokens.mint("anna", GRANTS)) as opened:
            stub: Any = law_service_pb2_grpc.LawServiceStub(opened)
            with pytest.raises(grpc.RpcError) as error:
                await stub.GetProvision(ASKED, timeout=20)
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_put_in_place_serves_the_next_connection(tmp_path: Path, tokens: Tokens) -> None:
    async with serving(tmp_path, tokens) as served:
        assert await served.ask("portal") == "OK"
        later = Authority("the next authority")
        replace(served, later.sign("server"))
        assert await served.ask("portal", trusted=later) == "OK"
        assert await served.ask("portal") == "UNAVAILABLE", "the old one is out of service"
        in_service = x509.load_pem_x509_certificate(served.certificate.read_bytes())
        assert EXPIRES._value.get() == in_service.not_valid_after_utc.timestamp(), "operators see when it ends"


async def test_a_certificate_that_cannot_be_used_leaves_the_old_one_in_service(tmp_path: Path, tokens: Tokens) -> None:
    async with serving(tmp_path, tokens) as served:
        one, other = served.authority.sign("server"), served.authority.sign("server")
        replace(served, Signed(one.certificate, other.key))
        assert await served.ask("portal") == "OK"
        replace(served, Signed(b"half a fi", one.key))
        assert await served.ask("portal") == "OK"
        later = Authority("the next authority")
        replace(served, later.sign("server"))
        assert await served.ask("portal", trusted=later) == "OK"


@pytest.mark.parametrize(
    ("client", "certificate", "mutual", "answer"),
    [
        ("integration-egov", "integration-egov", True, "OK"),
        ("integration-egov", "integration-other", True, "UNAUTHENTICATED"),
        ("integration-egov", None, True, "UNAVAILABLE"),
        ("integration-egov", None, False, "UNAUTHENTICATED"),
        ("portal", None, False, "OK"),
        ("portal", "integration-egov", True, "UNAUTHENTICATED"),
    ],
)
async def test_a_systems_token_counts_with_the_systems_own_certificate_alone(
    tmp_path: Path, tokens: Tokens, client: str, certificate: str | None, mutual: bool, answer: str
) -> None:
    async with serving(tmp_path, tokens, mutual=True) as served:
        own = served.authority.sign(certificate) if certificate else None
        assert await served.ask(client, mutual=mutual, own=own) == answer


async def test_a_certificate_of_a_strange_authority_does_not_even_connect(tmp_path: Path, tokens: Tokens) -> None:
    async with serving(tmp_path, tokens, mutual=True) as served:
        assert await served.ask("integration-egov", mutual=True, own=Authority("strange").sign("integration-egov")) == "UNAVAILABLE"


async def test_probes_and_metrics_speak_tls_as_well_and_take_another_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, later = Authority("first"), Authority("later")
    certificate, key = first.sign("server").write(tmp_path)
    monkeypatch.setenv("TARTIP_TLS_CERTIFICATE", str(certificate))
    monkeypatch.setenv("TARTIP_TLS_KEY", str(key))
    async with Admin("127.0.0.1:0").running() as admin:

        async def live(trusted: Authority) -> int:
            context = ssl.create_default_context(cadata=trusted.certificate.decode())
            async with aiohttp.ClientSession() as http, http.get(f"https://127.0.0.1:{admin.port}/live", ssl=context) as answer:
                return answer.status

        assert await live(first) == 200
        replace(Serving(0, 0, first, certificate, key, Tokens()), later.sign("server"))
        assert await live(later) == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await live(first)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"certificate": "server.crt"}, "set both, or neither"),
        ({"mutual_listen": "127.0.0.1:0"}, "TARTIP_TLS_CLIENT_CA"),
        ({"certificate": "none.crt", "key": "server.key"}, "none.crt"),
        ({"certificate": "server.key", "key": "server.key"}, "SSLError"),
    ],
)
def test_certificates_that_cannot_be_used_are_told_at_the_start(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    Authority().sign("server").write(tmp_path)
    paths: dict[str, Any] = {name: value if ":" in value else tmp_path / value for name, value in settings.items()}
    with pytest.raises(SettingsError, match=said):
        Certificates(TlsSettings(**paths))
