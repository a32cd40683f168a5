"""`make sbom`: build/sbom.json, what the platform runs on, as a CycloneDX document: versions, the hashes of the lock, licences.

What is installed is asked of cyclonedx-py; kept is what the dependencies of pyproject.toml lead to, none of what it is only checked
with. The same lock gives the same bytes, and nothing in them tells of the machine.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BILL = ROOT / "build" / "sbom.json"
VERSION = "1.6"  # of CycloneDX

_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Locked:
    """A package as the lock has it; whichever of its files was installed, its SHA-256 is among the hashes."""

    version: str
    hashes: tuple[str, ...]


def locked() -> Mapping[str, Locked]:
    """All that the lock names."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {
        canonicalize_name(found["name"]): Locked(
            found["version"], tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", found["rest"])))
        )
        for found in _LOCKED.finditer(text)
    }


def direct() -> list[str]:
    """What pyproject.toml says that the platform runs on."""
    project: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def runtime(requirements: Iterable[str]) -> set[str]:
    """The names of the packages that the requirements lead to, with what each of them requires here."""
    seen, waiting = set[tuple[str, str]](), [Requirement(each) for each in requirements]
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        for extra in {"", *asked.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            needed = (Requirement(each) for each in metadata.requires(name) or ())
            waiting += [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def bill() -> str:
    """The document."""
    asked = [
        "environment",
        "--pyproject",
        "pyproject.toml",
        "--no-validate",
        "--output-reproducible",
        "--spec-version",
        VERSION,
        "--output-format",
        "JSON",
    ]
    command = [sys.executable, "-m", "cyclonedx_py", *asked, "--output-file", "-", sys.executable]
    said = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout, object_hook=_without_places)
    named, lock = runtime(direct()), locked()
    components = [_component(each, lock) for each in said["components"] if canonicalize_name(each["name"]) in named]
    root = said["metadata"]["component"]
    kept = {each["bom-ref"] for each in [root, *components]}
    said["components"] = components
    said["dependencies"] = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in kept]}
        for each in said["dependencies"]
        if each["ref"] in kept
    ]
    return json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _component(said: Mapping[str, Any], lock: Mapping[str, Locked]) -> dict[str, Any]:
    """A package with the hashes of the lock."""
    hashes = [{"alg": "SHA-256", "content": each} for each in lock[canonicalize_name(said["name"])].hashes]
    return {**said, "hashes": hashes}


def _without_places(said: dict[str, Any]) -> dict[str, Any]:
    """What is said of something without where it came from and where it lies, which is the machine's own affair."""
    return {name: value for name, value in said.items() if name not in ("externalReferences", "properties", "evidence")}


if __name__ == "__main__":
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(bill(), encoding="utf-8")
    print(f"{BILL.relative_to(ROOT)}: {len(runtime(direct()))} packages")
