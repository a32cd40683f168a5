"""TLS of our own connections to others: whose certificates are taken, and with what we prove ourselves, from PEM files."""

import ssl


def client_context(ca: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """A context that takes certificates of the authorities in the file `ca` alone, which name the host that is called.

    With `certificate` and `key` it shows a certificate of its own to who asks. ValueError says which cannot be used and why,
    but not where it was to be, nor what stands there.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ValueError(f"no PEM file of authorities: {_said(error)}") from None
    if certificate:
        try:
            context.load_cert_chain(certificate, key or None, password=_no_password)
        except (OSError, ValueError) as error:
            raise ValueError(f"no PEM files of a certificate and its key: {_said(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _no_password() -> str:
    """A key that is locked is refused; without this OpenSSL would ask at the terminal."""
    return ""


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
