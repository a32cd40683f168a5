"""infra/compose.yaml says what `make stack` does: versions, settings, the realm. Where Docker is, the rest is for it to show."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from chassis.testing import kafka, keycloak, postgres
from chassis.testing.artifacts import NAMED
from localstack.endpoints import REALM, REPOSITORY
from ruamel.yaml import YAML

FILE = REPOSITORY / "infra" / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE)["services"]
    return found


def version(pom: str, artifact: str) -> str:
    """The version of an artifact that a pom names."""
    text = (NAMED / pom / "pom.xml").read_text(encoding="utf-8")
    found = re.search(rf"<artifactId>{artifact}</artifactId>\s*<version>([^<]+)</version>", text)
    assert found is not None
    return found[1]


def test_kafka_has_the_version_and_the_settings_of_the_local_one(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{version('kafka', 'kafka_2.13')}"
    told = services["kafka"]["environment"]
    assert told["CLUSTER_ID"] == kafka.CLUSTER
    as_told = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in kafka.SETTINGS.items()}
    own = {"NODE_ID", "PROCESS_ROLES", "LOG_DIRS", "INTER_BROKER_LISTENER_NAME"}
    assert as_told == {
        name: value
        for name, value in told.items()
        if name != "CLUSTER_ID" and name.removeprefix("KAFKA_") not in own and "LISTENER" not in name and "VOTERS" not in name
    }


def test_keycloak_has_the_version_the_realm_and_every_secret_that_the_realm_leaves_open(services: dict[str, Any]) -> None:
    found = services["keycloak"]
    assert found["image"] == f"keycloak/keycloak:{version('keycloak', 'keycloak-quarkus-dist')}"
    [mounted] = found["volumes"]
    here, there, how = mounted.split(":")
    assert (FILE.parent / here).resolve() == REALM
    assert (Path(there).parent, how) == (Path("/opt/keycloak/data/import"), "ro")
    assert "--import-realm" in found["command"]
    told = found["environment"]
    assert {name for name in told if name.startswith("TARTIP_")} == keycloak.left_open(REALM)
    assert {f"--db={told['KC_DB']}", f"--health-enabled={told['KC_HEALTH_ENABLED']}"} == set(keycloak.BUILT)


def test_postgres_has_the_version_and_the_settings_of_the_local_one(services: dict[str, Any]) -> None:
    program = postgres.binaries() / "postgres"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert services["postgres"]["image"] == f"postgres:{said.split()[-1]}"
    words = services["postgres"]["command"]
    told = dict(word.split("=", 1) for word in words if "=" in word)
    # Where it listens is settled by the container.
    assert told == {name: value for name, value in postgres.OPTIONS.items() if name not in ("listen_addresses", "unix_socket_directories")}
    assert services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split() == ["--auth=scram-sha-256", *postgres.LOCALE]


def test_everything_is_told_apart_from_ready_and_is_reached_from_this_machine_alone(services: dict[str, Any]) -> None:
    assert set(services) == {"kafka", "keycloak", "postgres"}
    for each in services.values():
        assert each["healthcheck"]["test"]
        assert all(port.startswith("127.0.0.1:") for port in each["ports"])
        assert not each["image"].endswith(":latest")


def test_no_secret_stands_in_the_file(services: dict[str, Any]) -> None:
    secrets = [value for each in services.values() for name, value in each["environment"].items() if re.search("PASSWORD|SECRET", name)]
    assert len(secrets) == 5
    assert all(re.fullmatch(r"\$\{TARTIP_[A-Z_]+:\?\}", value) for value in secrets)
