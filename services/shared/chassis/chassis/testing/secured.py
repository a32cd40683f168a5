"""Servers that speak TLS, for tests: whom their clients trust, and the secured doors of a Kafka."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from chassis.testing.certificates import Authority
from chassis.testing.kafka import KafkaAt

# Who comes in by name.
USER, PASSWORD = "platform", "a-password-of-kafka"
_MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class Trusted:
    """The authority of servers that speak TLS, its file, the file of another that signed nothing, and a folder for more."""

    authority: Authority
    file: Path
    strange: Path
    folder: Path

    @classmethod
    def within(cls, folder: Path) -> "Trusted":
        """An authority of one's own, with its files in a folder."""
        authority = Authority()
        return cls(authority, authority.write(folder), Authority("a strange one").write(folder, "strange"), folder)

    def own(self, name: str, authority: Authority | None = None) -> tuple[str, str]:
        """The files of a certificate of that name, and its key."""
        certificate, key = (authority or self.authority).sign(name).write(self.folder, f"{name}-{uuid4().hex}")
        return str(certificate), str(key)


def known(kafka: KafkaAt, passwords: Mapping[str, str]) -> None:
    """Makes names known to a Kafka, each with its password, for its door SASL_SSL."""
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    asked = [UserScramCredentialUpsertion(name, scram, password.encode()) for name, password in passwords.items()]
    for done in kafka.handle.alter_user_scram_credentials(asked).values():
        done.result()


def doors(trusted: Trusted) -> Mapping[str, Mapping[str, str]]:
    """Two doors of a Kafka, in its own words: SSL for who has a certificate, SASL_SSL for who has a name and a password."""
    signed, shown = trusted.authority.sign("kafka"), trusted.folder / "kafka.pem"
    shown.write_bytes(signed.key + signed.certificate)
    pem = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(shown),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(trusted.file),
    }
    by_name = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "scram-sha-512.sasl.jaas.config": f"{_MODULES}.scram.ScramLoginModule required;",
        "plain.sasl.jaas.config": f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    }
    return {"SSL": {**pem, "ssl.client.auth": "required"}, "SASL_SSL": {**pem, **by_name}}
