"""What the gateway is told by its environment, with the reasons of its numbers."""

from dataclasses import dataclass

from chassis.rates import Rate
from chassis.settings import AtOnce, Settings, Zone
from pydantic import PositiveFloat, field_validator

from timetracking.devices.domain import Network
from timetracking.gateway.addresses import networks
from timetracking.gateway.connections import LineLimits


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch of passages is closed, whichever comes first, and how much may wait for Kafka at once."""

    passages: int
    octets: int
    linger_s: float
    late_linger_s: float
    waiting: int


class GatewaySettings(Settings):
    """What the process `gateway` is told."""

    gateway_listen: str
    """host:port of the HTTP that devices speak; their network alone should reach it."""

    gateway_batch_passages: int = 500
    """Faust costs about 90 µs a message whatever is in it: 500 passages make that 0.2 µs a passage; more gains nothing."""

    gateway_batch_octets: int = 256 * 1024
    """A quarter of the megabyte that brokers take in one message."""

    gateway_batch_linger_s: float = 0.05
    """Seconds that a first passage waits at most for company: nobody at a turnstile notices, and at 300 passages/s it saves most
    messages."""

    gateway_late_batch_linger_s: float = 0.1
    """The same for late ones, whose days come after those of live ones anyway: a region's backlog comes in half as many messages, and
    leaves the cores to what happens now. A controller that sends four events at once catches up at forty a second."""

    gateway_waiting_passages: int = 100_000
    """Passages taken in and not yet in Kafka, about 300 MB: with Kafka away, devices keep the rest themselves."""

    gateway_answer_within_s: float = 8.0
    """Seconds until a device is told "not taken", so that it hears it before it gives up by itself; terminals wait some 10 s and more."""

    gateway_body_octets: int = 10 * 1024 * 1024
    """The largest body read. An event with two pictures has 1 MB."""

    gateway_body_within_s: float = 30.0
    """Seconds within which a body has to arrive: 1 MB over a slow GSM line."""

    gateway_zone: Zone = "Asia/Almaty"
    """The zone that ADMS terminals are told to show. It tells late from live where neither the device nor its body says more,
    and moves no passage: the instant follows from the time policy."""

    trusted_proxies: str = ""
    """Networks in CIDR notation, parted by commas, of the proxies whose X-Forwarded-For says where a device stands; nobody else's is read."""

    gateway_device_records_per_second: PositiveFloat = 1_000.0
    """What one device may send for ever. The gateway took 3,339 passages a second from a nation's 220 gates at once (docs/benchmarks.md):
    a terminal that empties its memory stays far below, and one that runs wild leaves two thirds to the others."""

    gateway_device_records_at_once: AtOnce = 20_000.0
    """What one may send at once after a rest: the longest upload, or ten times what a gate of five hundred servants keeps in half a day."""

    gateway_client_records_per_second: PositiveFloat = 5_000.0
    """What one client may send over gRPC for all its devices: more than the gateway took from everybody."""

    gateway_client_records_at_once: AtOnce = 100_000.0
    """What it may send at once after a rest: as much as may wait for Kafka."""

    gateway_strangers_per_second: PositiveFloat = 100.0
    """Requests of one address that name no device, or one that is not the sender: behind one address may stand a ministry's terminals, of
    which each asks without its password first."""

    gateway_strangers_at_once: AtOnce = 2_000.0
    """The same at once after a rest: all terminals of a ministry, each some times."""

    gateway_lines_an_address: int = 1_000
    """Lines open at once from one address, three times what the gates of a nation hold open (docs/benchmarks.md). Those of listed proxies
    are not counted."""

    gateway_head_within_s: float = 10.0
    """Seconds until the head of a request is whole: some hundred bytes, over the slowest line too."""

    gateway_head_octets: int = 1024 * 1024
    """Octets until a request is at work: with the head, which is bounded otherwise too, comes the begin of its body."""

    gateway_rest_s: float = 75.0
    """Seconds after which a line at rest is closed: terminals ask for commands every ten."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        try:
            networks(value)
        except ValueError:
            raise ValueError("networks are written like 10.20.0.0/16, parted by commas, with no bit set beyond their length") from None
        return value

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of trusted proxies."""
        return networks(self.trusted_proxies)

    @property
    def device_rate(self) -> Rate:
        """How much is taken of a device."""
        return Rate(self.gateway_device_records_per_second, self.gateway_device_records_at_once)

    @property
    def client_rate(self) -> Rate:
        """How much is taken of a client over gRPC."""
        return Rate(self.gateway_client_records_per_second, self.gateway_client_records_at_once)

    @property
    def stranger_rate(self) -> Rate:
        """How many requests are heard of an address that prove nothing."""
        return Rate(self.gateway_strangers_per_second, self.gateway_strangers_at_once)

    @property
    def line_limits(self) -> LineLimits:
        """The limits of lines."""
        return LineLimits(self.gateway_lines_an_address, self.gateway_head_within_s, self.gateway_head_octets)

    @property
    def batch_limits(self) -> BatchLimits:
        """The limits of a batch."""
        return BatchLimits(
            passages=self.gateway_batch_passages,
            octets=self.gateway_batch_octets,
            linger_s=self.gateway_batch_linger_s,
            late_linger_s=self.gateway_late_batch_linger_s,
            waiting=self.gateway_waiting_passages,
        )


GATEWAY = ("database_url", "kafka", "issuer", "listen", "admin_listen", "gateway_listen")
"""What the gateway cannot do without."""
