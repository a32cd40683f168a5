"""Builds an image: without network, from what was laid for it, told where it comes from."""

import json
import os
import subprocess
import time
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from images.bill_of_materials import ROOT
from images.engine import Engine
from images.plan import BUILD, DOCKERFILE, Image, Origin, arguments, tags


@dataclass(frozen=True, slots=True)
class Built:
    """An image that is there: its names, its layers from the base's on, its size in octets, and the seconds that it took."""

    image: Image
    names: tuple[str, ...]
    layers: tuple[str, ...]
    size: int
    took_s: float


def origin() -> Origin:
    """What is built here: the commit, with `-dirty` where files are others than in it, and its time, or SOURCE_DATE_EPOCH."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    revision = _git("rev-parse", "HEAD") + ("-dirty" if _git("status", "--porcelain") else "")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct"))
    return Origin(project["version"], revision, datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z"))


def build(engine: Engine, made: Image, base: str, since: Origin, registry: str = "", *, anew: bool = False) -> Built:
    """Builds an image; `anew` uses nothing of earlier builds. Raises images.engine.Failed."""
    began, names = time.monotonic(), tags(made, since, registry)
    told = (f"--build-arg={name}={value}" for name, value in arguments(made, base, since).items())
    options = ["--network=none", f"--file={DOCKERFILE}", *told, *(f"--tag={name}" for name in names), *(["--no-cache"] if anew else [])]
    engine.run("build", "--quiet", *options, str(ROOT))
    took_s = time.monotonic() - began
    told_of = json.loads(engine.run("image", "inspect", names[0]))[0]
    return Built(made, names, tuple(told_of["RootFS"]["Layers"]), int(told_of["Size"]), took_s)


def save(engine: Engine, built: Built) -> Path:
    """Writes the image into a file that `docker load` takes where there is no way to a registry."""
    file = BUILD / f"{built.image.name}.tar"
    engine.run("save", "--output", str(file), *built.names)
    return file


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
