"""A region's manifests are commands and variables that processes of this machine start with."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from chassis.testing.artifacts import ROOT
from cluster.helm import EXAMPLE, rendered
from cluster.region import NotOurs, region_of
from localstack.parts import SERVICES


@pytest.fixture(scope="module")
def deployments() -> list[Any]:
    return rendered(EXAMPLE).of_kind("Deployment")


def test_each_deployment_is_a_process_with_the_variables_of_its_manifest(deployments: list[Any]) -> None:
    region = region_of(deployments)
    assert {service: {part.command for part in parts} for service, parts in region.services.items()} == {
        service: {part.command for part in parts} for service, parts in SERVICES.items()
    }
    [gateway] = [part for part in region.services["timetracking"] if part.command == "gateway"]
    assert gateway.told["TARTIP_DRAIN_SECONDS"] == "5"
    assert {"TARTIP_KAFKA_CA", "TARTIP_DATABASE_URL", "TARTIP_TRACES"} <= set(region.replaced)
    assert not gateway.told.keys() & set(region.replaced)


def test_a_process_that_enters_the_database_in_anothers_role_is_refused(deployments: list[Any]) -> None:
    planted = deepcopy(deployments[0])
    [container] = planted["spec"]["template"]["spec"]["containers"]
    [url] = [each for each in container["env"] if each["name"] == "TARTIP_DATABASE_URL"]
    url["valueFrom"]["secretKeyRef"]["key"] = "database-migrator"
    with pytest.raises(NotOurs, match="database-migrator"):
        region_of([planted])


def test_a_command_that_the_service_does_not_have_is_refused(deployments: list[Any]) -> None:
    planted = deepcopy(deployments[0])
    planted["spec"]["template"]["spec"]["containers"][0]["args"] = ["sevre"]
    with pytest.raises(NotOurs, match="sevre; .* has the processes"):
        region_of([planted])


def test_a_second_region_starts_here_from_its_values_file(tmp_path: Path) -> None:
    other = EXAMPLE.read_text(encoding="utf-8").replace("75", "71")
    values = tmp_path / "region-71.yaml"
    values.write_text(other, encoding="utf-8")
    told = {**os.environ, "TARTIP_RUN": str(tmp_path / "run")}
    command = [sys.executable, "-m", "cluster", "region", str(values), "--until-ready"]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 9 processes of the region are ready." in done.stdout
