"""What the gateway is told by its environment, with the reasons of its numbers."""

from dataclasses import dataclass

from chassis.settings import Settings


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
    """Passages taken in and not yet in Kafka, about 50 MB: with Kafka away, devices keep the rest themselves."""

    gateway_answer_within_s: float = 8.0
    """Seconds until a device is told "not taken", so that it hears it before it gives up by itself; terminals wait some 10 s and more."""

    gateway_body_octets: int = 10 * 1024 * 1024
    """The largest body read. An event with two pictures has 1 MB."""

    gateway_body_within_s: float = 30.0
    """Seconds within which a body has to arrive: 1 MB over a slow GSM line."""

    gateway_zone: str = "Asia/Almaty"
    """The zone that ADMS terminals are told to show. It tells late from live where neither the device nor its body says more,
    and moves no passage: the instant follows from the time policy."""

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
