"""What the platform runs on, and what is in an image, as CycloneDX documents: versions, the hashes of the lock, licences.

`make sbom` writes the first, build/sbom.json; each image holds its own. What is installed is asked of cyclonedx-py; kept is what the
dependencies of pyproject.toml, or those of a service, lead to, none of what it is only checked with. The same lock gives the same
bytes, and nothing in them tells of the machine.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
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
    """The document of all that the platform runs on."""
    hashes = {name: each.hashes for name, each in locked().items()}
    return _document(_installed(), runtime(direct()), hashes)


def bill_of_image(service: str, own: Mapping[str, str]) -> str:
    """The document of the image of a service; `own` are the SHA-256 of the wheels of our packages by their names."""
    said, package = _installed(), f"tartip-{service}"
    named = runtime([package])
    hashes = {name: each.hashes for name, each in locked().items()} | {name: (digest,) for name, digest in own.items()}
    entry = next(each for each in said["components"] if each["name"] == package)
    root = {"bom-ref": f"image of {package}", "type": "container", "name": package, "version": entry["version"]}
    said["metadata"]["component"] = root
    said["dependencies"].append({"ref": root["bom-ref"], "dependsOn": [entry["bom-ref"]]})
    return _document(said, named, hashes)


def _installed() -> dict[str, Any]:
    """What cyclonedx-py says of all that is installed here."""
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
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout, object_hook=_without_places)
    return said


def _document(said: dict[str, Any], named: Collection[str], hashes: Mapping[str, Sequence[str]]) -> str:
    """What is said of those that are named alone."""
    components = [_component(each, hashes) for each in said["components"] if canonicalize_name(each["name"]) in named]
    root = said["metadata"]["component"]
    kept = {each["bom-ref"] for each in [root, *components]}
    said["components"] = components
    said["dependencies"] = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in kept]}
        for each in said["dependencies"]
        if each["ref"] in kept
    ]
    return json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _component(said: Mapping[str, Any], hashes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A package with the hashes that are known of it."""
    known = [{"alg": "SHA-256", "content": each} for each in hashes[canonicalize_name(said["name"])]]
    return {**said, "hashes": known}


def _without_places(said: dict[str, Any]) -> dict[str, Any]:
    """What is said of something without where it came from and where it lies, which is the machine's own affair."""
    return {name: value for name, value in said.items() if name not in ("externalReferences", "properties", "evidence")}


if __name__ == "__main__":
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(bill(), encoding="utf-8")
    print(f"{BILL.relative_to(ROOT)}: {len(runtime(direct()))} packages")
