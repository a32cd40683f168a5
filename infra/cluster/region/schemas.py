"""Manifests held to the schemas of Kubernetes, in three versions and strictly; custom resources to those in infra/cluster/schemas."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
from chassis.testing.artifacts import ROOT
from referencing import Registry, Resource

from region.helm import VERSIONS, Manifest

# Written from the documented fields, as far as the charts use them: whoever serves these resources has them in full.
OWN = ROOT / "infra" / "cluster" / "schemas"


def faults(manifests: Iterable[Manifest], versions: Iterable[str] = VERSIONS) -> list[str]:
    """What is wrong in them, each with the resource, the place in it and the version; a resource without a schema is wrong too."""
    return [each for manifest in manifests for each in _faults(manifest, tuple(versions))]


def _faults(manifest: Manifest, versions: tuple[str, ...]) -> Iterator[str]:
    group, _, version = manifest["apiVersion"].rpartition("/")
    named = f"{manifest['kind']} {manifest['metadata'].get('name', manifest['metadata'].get('generateName'))}"
    if (own := OWN / f"{manifest['kind'].lower()}-{group}-{version}.json").exists():
        for error in jsonschema.Draft202012Validator(_read(own)).iter_errors(manifest):
            yield f"{named}: {error.json_path}: {error.message}"
        return
    # The part of a group that the schemas are named by: `autoscaling/v2` and `networking.k8s.io/v1`, and nothing for the core.
    short = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", manifest["apiVersion"])
    for each in versions:
        folder = _folder(each)
        schema = folder / f"{manifest['kind'].lower()}-{short}.json"
        if not schema.exists():
            yield f"{named}: Kubernetes {each} has no {manifest['kind']} in {manifest['apiVersion']}, and infra/cluster/schemas neither"
            continue
        for error in jsonschema.Draft202012Validator(_read(schema), registry=_definitions(folder)).iter_errors(manifest):
            yield f"{named}: {error.json_path}: {error.message} (Kubernetes {each})"


def _folder(version: str) -> Path:
    """Where the package kubernetes-validate has the strict schemas of a version. Its own check reads all definitions anew for each resource."""
    every = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema"
    [folder] = every.glob(f"v{version}.*-local-strict")
    return folder


@cache
def _definitions(folder: Path) -> Any:
    definitions = Resource.from_contents(_read(folder / "_definitions.json"))
    return definitions @ Registry()


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
