"""The way to Kafka: where its brokers are and how our clients come in, in the words of each of the libraries."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

from chassis.trust import client_context

Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True, slots=True)
class Brokers:
    """Brokers (`host:port[,host:port]`), and how our clients come in: in clear, or by TLS.

    With `ca` the way is TLS: the brokers' certificates are of the authorities in that PEM file and name their hosts. `certificate` and
    `key` are the client's own (PEM), for brokers that ask for one; with `user` and `password` it names itself by SASL, over TLS alone.
    ValueError, with the variable, where these do not make a way.
    """

    servers: str
    ca: str = ""
    certificate: str = ""
    key: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    mechanism: Mechanism = "SCRAM-SHA-512"

    def __post_init__(self) -> None:
        if (self.certificate == "") != (self.key == ""):
            raise ValueError("TARTIP_KAFKA_CERTIFICATE and TARTIP_KAFKA_KEY: set both, or neither")
        if (self.user == "") != (self.password == ""):
            raise ValueError("TARTIP_KAFKA_USER and TARTIP_KAFKA_PASSWORD: set both, or neither")
        if (self.certificate or self.user) and not self.ca:
            raise ValueError("TARTIP_KAFKA_CA: is not set, and without it what proves us would be told to anybody")
        try:
            self.context()
        except ValueError as wrong:
            raise ValueError(f"TARTIP_KAFKA_CA, TARTIP_KAFKA_CERTIFICATE, TARTIP_KAFKA_KEY: {wrong}") from None

    @property
    def protocol(self) -> str:
        """Kafka's own word for the way."""
        return f"SASL_{self._transport}" if self.user else self._transport

    def context(self) -> ssl.SSLContext | None:
        """What a connection is secured with; None in clear."""
        return client_context(self.ca, self.certificate, self.key) if self.ca else None

    def librdkafka(self) -> dict[str, Any]:
        """The settings of a client of librdkafka (confluent-kafka)."""
        named = {
            "bootstrap.servers": self.servers,
            "security.protocol": self.protocol,
            "ssl.ca.location": self.ca,
            "ssl.certificate.location": self.certificate,
            "ssl.key.location": self.key,
            "sasl.mechanisms": self.mechanism if self.user else "",
            "sasl.username": self.user,
            "sasl.password": self.password,
        }
        return {name: value for name, value in named.items() if value}

    def aiokafka(self) -> dict[str, Any]:
        """The arguments of a client of aiokafka."""
        way = {"bootstrap_servers": self.servers, "security_protocol": self.protocol, "ssl_context": self.context()}
        if not self.user:
            return way
        return {**way, "sasl_mechanism": self.mechanism, "sasl_plain_username": self.user, "sasl_plain_password": self.password}

    @property
    def _transport(self) -> str:
        return "SSL" if self.ca else "PLAINTEXT"
