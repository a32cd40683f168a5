"""The services' processes: their commands, the role in which each enters its database, and what it listens on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chassis.testing import kafka, keycloak
from chassis.testing.artifacts import Say
from chassis.testing.ports import free_ports


@dataclass(frozen=True, slots=True)
class Stack:
    """What the services stand on beside PostgreSQL: the command that is Kafka, and the one that is the sign-in."""

    kafka: str
    issuer: str
    demo_issuer: bool
    installed: tuple[Callable[[Say], object], ...] = ()

    def fetch(self, say: Say) -> None:
        """Fetches what is not yet there, which may take minutes. Raises NotToBeHad."""
        for fetch in self.installed:
            fetch(say)


EMBEDDED = Stack("broker", "issuer", demo_issuer=True)
REAL = Stack("kafka", "keycloak", demo_issuer=False, installed=(kafka.installed, keycloak.installed))


@dataclass(frozen=True, slots=True)
class Part:
    """A process of a service. `listens` maps its variables of addresses to where `endpoints.json` names them.

    `told` is what it is told beside what this machine tells it, which goes before.
    """

    command: str
    role: Literal["app", "worker"]
    listens: Mapping[str, tuple[str, ...]]
    told: Mapping[str, str] = field(default_factory=dict)


def _serve(service: str) -> Part:
    return Part("serve", "app", {"TARTIP_LISTEN": (service,)})


CONSUME, WORK = Part("consume", "worker", {}), Part("work", "worker", {})
GATEWAY = Part("gateway", "app", {"TARTIP_LISTEN": ("gateway", "grpc"), "TARTIP_GATEWAY_LISTEN": ("gateway", "http")})

Services = Mapping[str, tuple[Part, ...]]

# In the order in which they are told of; all of them start at once.
SERVICES: Services = {
    "registry": (_serve("registry"), WORK),
    "regimes": (_serve("regimes"), CONSUME, WORK),
    "timetracking": (_serve("timetracking"), GATEWAY, CONSUME, WORK),
}


def free_addresses() -> Iterator[str]:
    """Gives addresses on loopback that nobody listens on, none of them twice."""
    return (f"127.0.0.1:{port}" for port in free_ports())
