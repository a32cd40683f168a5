"""Versions of the platform that run beside one another: the one of this checkout, and one before it from the history.

The one before is exported into build/versions and runs on the packages that are installed here, as long as they are those that its
lock names; else it gets an environment of its own, which takes some minutes once.
"""

import fcntl
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

from chassis.testing.artifacts import ROOT, NotToBeHad, Say, announce
from packaging.requirements import Requirement

# The version that a region has when this one comes: whoever makes a release names the commit of the release before it here.
PREVIOUS = "d4a0675252560dc29a494809022bc92e72c2cc86"
# Its code asks these for all of their columns. What a connection has prepared fails where there is one more, and that version answers
# INTERNAL then, which no caller repeats. Once the version before answers UNAVAILABLE, as this one does, nothing stands here.
READ_WHOLE = ("workdays", "findings", "outbox")
EXPORTED = ROOT / "build" / "versions"
# What every process of a service runs on.
PROBED = ("kernel", "lawbook", "chassis", "registry", "regimes", "timetracking", "tartip.registry.v1.events_pb2")


@dataclass(frozen=True, slots=True)
class Version:
    """A version under a name, in its folder: the command that starts its Python, and what that is told."""

    name: str
    folder: Path
    python: tuple[str, ...] = (sys.executable,)
    told: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, told: Mapping[str, str] | None = None) -> str:
        """Runs its Python to the end, away from any checkout; what it said. AssertionError with that where it failed."""
        environment = {**os.environ, **(told or {}), **self.told}
        done = subprocess.run([*self.python, *arguments], cwd="/", env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: {done.stdout}{done.stderr}"
        return done.stdout

    def migrate(self, urls: Mapping[str, str]) -> None:
        """Brings databases to its schema: the migrator's URL by service."""
        code = "import asyncio, sys\nfrom chassis.migrations import migrate\n"
        code += "for service, url in zip(sys.argv[1::2], sys.argv[2::2]): asyncio.run(migrate(url, service + '.migrations'))"
        self.run("-c", code, *(word for service, url in urls.items() for word in (service, url)))

    def modules(self) -> Sequence[Path]:
        """Where its processes find our own packages."""
        code = "import importlib, sys\nfor name in sys.argv[1:]: print(importlib.import_module(name).__file__)"
        return [Path(line) for line in self.run("-c", code, *PROBED).splitlines()]


THIS = Version("this version", ROOT)


def before(commit: str = PREVIOUS, say: Say = announce) -> Version:
    """The version of a commit, ready to run. NotToBeHad where the history has it not."""
    full = _known(commit)
    folder = EXPORTED / full[:12]
    name = f"version {full[:7]}"
    with _alone(folder):
        if not (folder / "protos" / "generated").exists():
            _export(full, folder)
        version = _sharing(name, folder) if not lacking((folder / "requirements.lock").read_text(encoding="utf-8")) else None
        version = version or _apart(name, folder, say)
    strangers = [str(path) for path in version.modules() if not path.is_relative_to(folder)]
    assert not strangers, f"{version.name} is not run from {folder}, but with {strangers}"
    return version


def lacking(lock: str) -> list[str]:
    """What a lock names and this environment has not, or has in another version."""
    named = (Requirement(line) for line in re.findall(r"^([A-Za-z0-9][^\\\n]*?)\s*\\?$", lock, re.MULTILINE))
    wanted = [each for each in named if each.marker is None or each.marker.evaluate()]
    return [str(each) for each in wanted if not each.specifier.contains(_installed(each.name), prereleases=True)]


def _installed(name: str) -> str:
    try:
        return installed_version(name)
    except PackageNotFoundError:
        return "0+absent"


def _known(commit: str) -> str:
    """The whole name of a commit. NotToBeHad where this checkout has no history, or one without it."""
    asked = ["git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotToBeHad(f"the version before is the commit {commit}, and the history here has none such: clone the whole history")
    return done.stdout.strip()


def _export(commit: str, folder: Path) -> None:
    archive = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(folder, filter="data")


def _sharing(name: str, folder: Path) -> Version:
    """On the packages that are installed here; `-S` leaves out our own, which `site` would make known as they are now."""
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(sys.prefix)
    if not (folder / "protos" / "generated").exists():
        subprocess.run([folder / "protos" / "generate.sh"], check=True, capture_output=True)
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    ours = [str(folder / each) for each in settings["tool"]["mypy"]["mypy_path"].split(":")]
    theirs = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return Version(name, folder, (sys.executable, "-S"), {"PYTHONPATH": os.pathsep.join([*ours, *dict.fromkeys(theirs)])})


def _apart(name: str, folder: Path, say: Say) -> Version:
    """On an environment of its own, as its Makefile makes it."""
    if (folder / ".venv").is_symlink():
        (folder / ".venv").unlink()
    if not (folder / ".venv" / ".ready").exists():
        say(f"{name} needs other packages than are installed here: they are installed for it, once; that takes some minutes …")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "setup"], cwd=folder, env=environment, check=True, capture_output=True)
    return Version(name, folder, (str(folder / ".venv" / "bin" / "python"),))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two that ask at once export it once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
