"""Whose certificates are taken: it is shown until when."""

from pathlib import Path

import pytest
from chassis.testing.certificates import Authority
from chassis.tls import Certificates, TlsSettings
from chassis.trust import AUTHORITIES_END, client_context
from chassis.urls import asyncpg_url
from cryptography import x509


def end_of(authority: Authority) -> float:
    return x509.load_pem_x509_certificate(authority.certificate).not_valid_after_utc.timestamp()


def shown(file: Path) -> float | None:
    return next((each.value for metric in AUTHORITIES_END.collect() for each in metric.samples if each.labels["file"] == str(file)), None)


def test_the_end_of_an_authority_is_shown_by_whoever_trusts_it(tmp_path: Path) -> None:
    authority = Authority()
    file = authority.write(tmp_path)
    asyncpg_url(f"postgresql://registry_app:x@db:5432/registry?sslmode=verify-full&sslrootcert={file}")
    assert shown(file) == end_of(authority)


def test_so_is_that_of_the_authorities_of_clients(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.sign("server").write(tmp_path)
    file = authority.write(tmp_path)
    Certificates(TlsSettings(certificate=certificate, key=key, client_ca=file, mutual_listen="127.0.0.1:0"))
    assert shown(file) == end_of(authority)


@pytest.mark.parametrize("first_is_old", [True, False])
def test_while_one_authority_takes_the_place_of_another_the_later_end_counts(tmp_path: Path, first_is_old: bool) -> None:
    old, new = Authority("old", days=3), Authority("new", days=90)
    file = tmp_path / "both.pem"
    file.write_bytes(b"".join(each.certificate for each in ((old, new) if first_is_old else (new, old))))
    client_context(str(file))
    assert shown(file) == end_of(new)


def test_a_file_that_cannot_be_read_shows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "none.pem"
    with pytest.raises(ValueError, match="no PEM file of authorities"):
        client_context(str(file))
    assert shown(file) is None
