"""How a channel is opened and what its calls carry: alike for threads and for asyncio."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from uuid6 import uuid7

from tartip_client.policy import has_request_id

Headers = Callable[[], Mapping[str, str]]
"""What every call carries besides: the trace, for one."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024  # what the platform takes and gives
KEEPALIVE_S = 30  # the platform ends connections that ask more often than every 20 s, and balancers those that are silent for minutes
KEEPALIVE_ANSWERED_WITHIN_S = 10
ROUND_ROBIN: Mapping[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
"""Calls go to all processes behind a name in turn."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and who one is where the platform asks for a certificate: PEM files.

    Without `ca` those authorities are trusted that gRPC brings along. Where a file is replaced, the next call goes over what it holds then.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files that there are, which may be replaced."""
        return [file for file in (self.ca, self.certificate, self.key) if file is not None]

    def credentials(self) -> grpc.ChannelCredentials:
        """Returns them as gRPC takes them."""
        roots, key, certificate = (None if file is None else file.read_bytes() for file in (self.ca, self.key, self.certificate))
        return grpc.ssl_channel_credentials(roots, key, certificate)


def options() -> list[tuple[str, Any]]:
    """Returns the limits of a channel as gRPC's channel arguments."""
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_S * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_ANSWERED_WITHIN_S * 1000),
        ("grpc.http2.max_pings_without_data", 0),  # a stream that follows changes may be silent for hours
        ("grpc.service_config", json.dumps(ROUND_ROBIN)),
        # A channel opened anew tries at once: else it would wait as long as older ones wait for an instance that was gone.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def metadata(*, language: str = "", purpose: str = "") -> tuple[tuple[str, str], ...]:
    """Returns the metadata of a single call: another language than the channel's, what a personal file is read for."""
    return tuple((name, value) for name, value in (("accept-language", language), ("tartip-purpose", purpose)) if value)


def signed(given: Iterable[tuple[str, Any]] | None, token: str | None, language: str, headers: Headers | None) -> list[tuple[str, Any]]:
    """Returns the metadata of a call with who calls and in which language, where the caller has not said so."""
    pairs = [(str(name), value) for name, value in given or ()]
    named = {name for name, _ in pairs}
    own = {"authorization": f"Bearer {token}"} if token else {}
    pairs += [(name, value) for name, value in (own | {"accept-language": language}).items() if name not in named]
    return [*pairs, *(headers().items() if headers is not None else ())]


def identified(request: Any) -> Any:
    """Returns the request with an ID that makes a repetition harmless, where it has a place for one and says none.

    The caller's own message stays as it is: with an ID in it, it could not be changed and sent as another.
    """
    if not isinstance(request, Message) or not has_request_id(request) or request_id_of(request):
        return request
    copy: Any = type(request)()
    copy.CopyFrom(request)
    copy.request_id = str(uuid7())
    return copy


def request_id_of(request: object) -> str:
    """Returns the ID that a request carries, "" where it has none."""
    return str(getattr(request, "request_id", ""))
