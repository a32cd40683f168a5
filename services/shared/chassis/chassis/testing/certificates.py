"""Certificates for tests: an authority of one's own, and what it signs, as PEM files."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate with its key, in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str = "server") -> tuple[Path, Path]:
        """Puts both into files, the certificate last; their paths."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        key.write_bytes(self.key)
        certificate.write_bytes(self.certificate)
        return certificate, key


class Authority:
    """An authority that signs certificates of loopback and of clients; it lasts for so many days, and they for one."""

    def __init__(self, name: str = "test authority", days: int = 1) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._name, self._key.public_key(), days)
        made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self._key, hashes.SHA256())
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def write(self, folder: Path, name: str = "authority") -> Path:
        """Puts its own certificate into a file, for those who trust it; the path."""
        path = folder / f"{name}.pem"
        path.write_bytes(self.certificate)
        return path

    def sign(self, name: str, *, loopback: bool = True) -> Signed:
        """A certificate of that common name, good for loopback, or else for a host of that name alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        names = here if loopback else [x509.DNSName(name)]
        made = _builder(subject, self._name, key.public_key()).add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = made.sign(self._key, hashes.SHA256())
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        return Signed(signed.public_bytes(serialization.Encoding.PEM), pem)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int = 1) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )
