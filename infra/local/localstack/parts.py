"""The services' processes: their commands, the role in which each enters its database, and what it listens on."""

import random
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

# Below the ports that systems choose themselves, so that nobody's outgoing connection takes one between our look and its use.
PORTS = range(18_000, 32_000)


@dataclass(frozen=True, slots=True)
class Part:
    """A process of a service. `listens` maps its variables of addresses to where `endpoints.json` names them."""

    command: str
    role: Literal["app", "worker"]
    listens: Mapping[str, tuple[str, ...]]


def _serve(service: str) -> Part:
    return Part("serve", "app", {"TARTIP_LISTEN": (service,)})


CONSUME, WORK = Part("consume", "worker", {}), Part("work", "worker", {})
GATEWAY = Part("gateway", "app", {"TARTIP_LISTEN": ("gateway", "grpc"), "TARTIP_GATEWAY_LISTEN": ("gateway", "http")})

# In the order in which they are told of; all of them start at once.
SERVICES: Mapping[str, tuple[Part, ...]] = {
    "registry": (_serve("registry"), WORK),
    "regimes": (_serve("regimes"), CONSUME, WORK),
    "timetracking": (_serve("timetracking"), GATEWAY, CONSUME, WORK),
}


def free_addresses() -> Iterator[str]:
    """Gives addresses on loopback that nobody listens on, none of them twice."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield f"127.0.0.1:{port}"
