"""One region's platform as a system of a ministry reaches it: its addresses, its sign-in, and what proves who calls."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc
import grpc.aio

from tartip_client import aio, blocking
from tartip_client.connection import Tls
from tartip_client.policy import Policy
from tartip_client.refusals import TartipError
from tartip_client.tokens import ClientKey, ClientSecret, Credentials, TokenSource

PARTS = ("registry", "regimes", "timetracking", "gateway")


class SettingMissing(TartipError):
    """The environment lacks something, or says what cannot be; names the variable."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the platform is, and who calls; channels are opened from it.

    `tokens` is the system's own sign-in, or the token of a person in whose name is called.
    """

    addresses: Mapping[str, str]
    tokens: TokenSource | str
    language: str = "kk"
    tls: Tls | None = Tls()  # noqa: RUF009  # it is frozen

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Reads the environment; SettingMissing names the variable.

        `TARTIP_REGISTRY`, `TARTIP_REGIMES`, `TARTIP_TIMETRACKING` and `TARTIP_GATEWAY` are host:port. Who calls is said by `TARTIP_TOKEN`,
        or by `TARTIP_ISSUER` and `TARTIP_CLIENT_ID` with `TARTIP_CLIENT_SECRET_FILE`, or `TARTIP_CLIENT_KEY_FILE` and, where keys are
        published, `TARTIP_CLIENT_KEY_ID`. Whom to trust by `TARTIP_CA_FILE`; mutual TLS by `TARTIP_CERTIFICATE_FILE` and `TARTIP_KEY_FILE`.
        `TARTIP_CLEAR=1` calls without TLS, and lets an issuer be without it. `TARTIP_LANGUAGE` is kk, ru or en.
        """
        addresses = {part: environment[name] for part in PARTS if environment.get(name := f"TARTIP_{part.upper()}")}
        language = environment.get("TARTIP_LANGUAGE") or "kk"
        if language not in ("kk", "ru", "en"):
            raise SettingMissing(f"TARTIP_LANGUAGE is {language!r}: kk, ru or en")
        ca, certificate, key = (_file(environment, f"TARTIP_{name}_FILE") for name in ("CA", "CERTIFICATE", "KEY"))
        clear = environment.get("TARTIP_CLEAR") == "1"
        tokens = environment.get("TARTIP_TOKEN") or _sign_in(environment, ca, clear=clear)
        return cls(addresses, tokens, language, None if clear else Tls(ca, certificate, key))

    def channel(self, part: str, policy: Policy = Policy()) -> grpc.Channel:  # noqa: B008  # it is frozen
        """Opens a channel to a part of the platform: registry, regimes, timetracking, or gateway for passages."""
        return blocking.channel(self._address(part), self.tokens, language=self.language, tls=self.tls, policy=policy)

    def aio_channel(self, part: str, policy: Policy | None = Policy()) -> grpc.aio.Channel:  # noqa: B008
        """Opens the same for asyncio."""
        return aio.channel(self._address(part), self.tokens, language=self.language, tls=self.tls, policy=policy)

    def _address(self, part: str) -> str:
        if part not in self.addresses:
            raise SettingMissing(f"TARTIP_{part.upper()} is not set: host:port of the {part}")
        return self.addresses[part]


def _sign_in(environment: Mapping[str, str], ca: Path | None, *, clear: bool) -> TokenSource:
    issuer = _required(environment, "TARTIP_ISSUER")
    if not clear and not issuer.startswith("https://"):
        raise SettingMissing(f"TARTIP_ISSUER is {issuer}: it begins with https://; http:// only with TARTIP_CLEAR=1, on one's own machine")
    return TokenSource(issuer, _credentials(environment), ca, clear=clear)


def _credentials(environment: Mapping[str, str]) -> Credentials:
    client = _required(environment, "TARTIP_CLIENT_ID")
    key_file = _file(environment, "TARTIP_CLIENT_KEY_FILE")
    if key_file is not None:
        return ClientKey(client, key_file, environment.get("TARTIP_CLIENT_KEY_ID", ""))
    secret_file = _file(environment, "TARTIP_CLIENT_SECRET_FILE")
    if secret_file is None:
        raise SettingMissing("set TARTIP_CLIENT_SECRET_FILE or TARTIP_CLIENT_KEY_FILE: what proves that it is the client")
    return ClientSecret(client, secret_file)


def _required(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise SettingMissing(f"{name} is not set")
    return environment[name]


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    if not environment.get(name):
        return None
    path = Path(environment[name])
    if not path.is_file():
        raise SettingMissing(f"{name}: there is no file {path}")
    return path
