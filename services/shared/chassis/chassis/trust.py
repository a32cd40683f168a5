"""TLS of our own connections to others: whose certificates are taken, and with what we prove ourselves, from PEM files."""

import ssl

from chassis.metrics import gauge

AUTHORITIES_END = gauge(
    "tartip_trusted_authorities_end_seconds",
    "seconds",
    "When the last of the authorities in a file, of those whose certificates this process takes, ends, since 1970",
    ("file",),
)


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
    measure(context, ca)
    return context


def measure(context: ssl.SSLContext, file: str) -> None:
    """Shows when the authorities that a context took from a file end; while two are in it, as when one is replaced, the last counts."""
    if ends := [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]:
        AUTHORITIES_END.labels(file=file).set(max(ends))


def _no_password() -> str:
    """A key that is locked is refused; without this OpenSSL would ask at the terminal."""
    return ""


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
