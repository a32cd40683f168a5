"""TLS on the ports of a process, from files that may be replaced while it runs; and mutual TLS for systems that integrate.

A certificate that is put in place of the old one serves the next connection. What cannot be used (a key of another certificate, half a
file) is told once and leaves the old one in service.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

import grpc
import structlog
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.metrics import gauge
from chassis.settings import SettingsError
from chassis.trust import measure

EXPIRES = gauge(
    "tartip_tls_certificate_expires_seconds",
    "seconds",
    "When the certificate in service ends, since 1970; 0 where the process speaks in clear",
)

log = structlog.get_logger("chassis.tls")

Files = tuple[bytes, ...]


class TlsSettings(BaseSettings):
    """Where the certificates lie; `TARTIP_TLS_CERTIFICATE` and so on. Without a certificate a process speaks in clear: on loopback, or behind a mesh.

    `certificate` and `key` are PEM files. `client_ca` names the authorities of the clients' certificates, and
    `mutual_listen` the port (host:port) that asks for one; with it, integrating systems are let in there alone.
    """

    model_config = SettingsConfigDict(env_prefix="TARTIP_TLS_", frozen=True, extra="ignore")

    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    mutual_listen: str = ""


class Certificates:
    """The files of a process's certificate, read anew when they were replaced.

    Raises SettingsError where they cannot be used at the start: that would be found out by the first client.
    """

    def __init__(self, settings: TlsSettings) -> None:
        if (settings.certificate is None) != (settings.key is None):
            raise SettingsError("TARTIP_TLS_CERTIFICATE and TARTIP_TLS_KEY: set both, or neither")
        if settings.mutual_listen and (settings.certificate is None or settings.client_ca is None):
            raise SettingsError("TARTIP_TLS_MUTUAL_LISTEN needs TARTIP_TLS_CERTIFICATE, TARTIP_TLS_KEY and TARTIP_TLS_CLIENT_CA")
        self._paths = tuple(path for path in (settings.certificate, settings.key, settings.client_ca) if path is not None)
        self.mutual_listen = settings.mutual_listen
        self._changed: tuple[tuple[int, int], ...] = ()
        self._files: Files = ()
        self._context: ssl.SSLContext | None = None
        if self.there:
            self._changed = self._stamps()
            try:
                self._take()
            except (OSError, ssl.SSLError, ValueError) as error:
                raise SettingsError(f"TARTIP_TLS_CERTIFICATE, TARTIP_TLS_KEY, TARTIP_TLS_CLIENT_CA: {_said(error)}") from None

    @property
    def there(self) -> bool:
        """Whether the process speaks TLS."""
        return bool(self._paths)

    def grpc(self, *, mutual: bool = False) -> grpc.ServerCredentials:
        """What a gRPC port is opened with; a `mutual` one lets in nobody without a certificate of the clients' authorities."""

        def current() -> grpc.ServerCertificateConfiguration:
            self._look()
            certificate, key, *authorities = self._files
            roots = authorities[0] if mutual else None
            return grpc.ssl_server_certificate_configuration([(key, certificate)], roots)

        return grpc.dynamic_ssl_server_credentials(current(), current, require_client_authentication=mutual)

    def http(self) -> ssl.SSLContext | None:
        """What an HTTP port is opened with, or None in clear."""
        if self._context is None:
            return None

        def current(connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _first: ssl.SSLContext) -> None:
            self._look()
            assert self._context is not None
            connection.context = self._context

        opened = _context(self._paths)
        opened.sni_callback = current
        return opened

    def _look(self) -> None:
        """Takes the files if they were replaced and fit each other."""
        stamps = self._stamps()
        if stamps == self._changed:
            return
        self._changed = stamps
        try:
            self._take()
            log.info("another certificate is in service", file=str(self._paths[0]))
        except (OSError, ssl.SSLError, ValueError) as error:
            log.error(
                "the certificate that was put in place cannot be used; the old one stays", file=str(self._paths[0]), error=_said(error)
            )

    def _take(self) -> None:
        files = tuple(path.read_bytes() for path in self._paths)
        self._context, self._files = _context(self._paths), files
        EXPIRES.set(_end_of(files[0]))

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        """By what it is seen that a file was replaced; nothing while one is missing."""
        try:
            return tuple((stat.st_mtime_ns, stat.st_ino) for stat in (path.stat() for path in self._paths))
        except OSError:
            return ()


def _context(paths: Sequence[Path]) -> ssl.SSLContext:
    """A server's context of these files; ssl.SSLError where certificate and key do not belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(paths[0], paths[1])
    if len(paths) > 2:
        context.load_verify_locations(paths[2])
        measure(context, str(paths[2]))
    return context


def _end_of(certificate: bytes) -> float:
    """Until when a certificate counts, in seconds since 1970: the first of a file is the server's own."""
    from cryptography import x509  # processes that speak in clear start without it

    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()


def _said(error: Exception) -> str:
    """What is wrong with the files, without what stands in them."""
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else type(error).__name__
