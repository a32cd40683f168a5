"""The bill of materials lists what the platform runs on, as the lock has it, and nothing of the machine."""

import json
import re
import subprocess
import sys
from importlib import metadata
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from images.bill_of_materials import ROOT, bill, bill_of_image, direct, locked, runtime
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "tartip"
# Imported where it happens to be there, by packages that can do without.
OPTIONAL = {"pyyaml", "setuptools", "pip", "grpcio-tools"}
# Whose metadata name no licence; it lies in a file of theirs.
SILENT = {"protobuf"}
# What each process imports, with what it imports only when it works.
LOADED = """
import importlib, json, sys
for name in ("registry.processes", "registry.__main__", "regimes.__main__", "timetracking.processes", "timetracking.__main__", "chassis.streams",
             "chassis.publisher", "chassis.tail", "chassis.rebuild", "chassis.migrations", "chassis.audit_log.checkpoints"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def text() -> str:
    return bill()


@pytest.fixture(scope="module")
def packages(text: str) -> dict[str, Any]:
    return {canonicalize_name(each["name"]): each for each in json.loads(text)["components"]}


def test_it_is_a_cyclonedx_document(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_lists_what_the_platform_runs_on_with_the_versions_and_hashes_of_the_lock(packages: dict[str, Any]) -> None:
    lock = locked()
    assert set(packages) == runtime(direct()) <= set(lock)
    assert {name: each["version"] for name, each in packages.items()} == {name: lock[name].version for name in packages}
    assert all([each["content"] for each in packages[name]["hashes"]] == list(lock[name].hashes) != [] for name in packages)


def test_whatever_the_processes_import_is_in_it_and_no_tool_that_only_checks(packages: dict[str, Any]) -> None:
    loaded = json.loads(subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout)
    owners = metadata.packages_distributions()
    imported = {canonicalize_name(owner) for name in loaded for owner in owners.get(name, ())[:1]}
    assert len(imported) > 30
    assert {name for name in imported - set(packages) if not name.startswith(OURS)} <= OPTIONAL
    assert {"pytest", "hypothesis", "mypy", "ruff", "cyclonedx-bom", "grpcio-tools"} & set(packages) == set()


def test_all_of_the_lock_is_in_it_or_serves_to_check_or_belongs_elsewhere(packages: dict[str, Any]) -> None:
    """By the other way round: what the tools lead to, and what no package installed here asks for."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    tools = re.findall(r'^  "([^"]+)",', project[project.index("\ndev = [") : project.index("\n[tool.setuptools]")], re.MULTILINE)
    assert tools
    checked_with = runtime(tools)
    here = {canonicalize_name(each.name) for each in metadata.distributions()}
    assert {name for name in set(locked()) - set(packages) - checked_with if name in here} == set()


def test_licences_are_told(packages: dict[str, Any]) -> None:
    assert {name for name, each in packages.items() if not each.get("licenses")} == SILENT


def test_the_bill_of_an_image_names_what_is_in_it_and_our_own_wheels_by_their_sums() -> None:
    own = {name: "0" * 64 for name in runtime(["tartip-registry"]) if name.startswith(OURS)}
    said = bill_of_image("registry", own)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(said) is None
    document = json.loads(said)
    listed: dict[str, Any] = {canonicalize_name(each["name"]): each for each in document["components"]}
    assert set(listed) == runtime(["tartip-registry"])
    assert all(listed[name]["hashes"] == [{"alg": "SHA-256", "content": digest}] for name, digest in own.items())
    root = document["metadata"]["component"]
    assert (root["name"], root["type"]) == ("tartip-registry", "container")
    assert {"ref": root["bom-ref"], "dependsOn": [listed["tartip-registry"]["bom-ref"]]} in document["dependencies"]
    assert re.findall(rf"{re.escape(str(ROOT))}|file://", said) == []


def test_it_is_the_same_again_and_tells_nothing_of_the_machine(text: str) -> None:
    assert bill() == text
    assert re.findall(rf"{re.escape(str(ROOT))}|/home/|/root/|/tmp/|file://|localhost|pypi\.org", text) == []
    assert not {"serialNumber"} & set(json.loads(text))
    assert "timestamp" not in json.loads(text)["metadata"]


def test_an_extra_that_is_not_asked_for_leads_nowhere() -> None:
    assert "grpcio-tools" in runtime([Requirement("grpcio[protobuf]").name + "[protobuf]"])
    assert "grpcio-tools" not in runtime(["grpcio"])
