"""What the image of each service is made of; all of it follows from the name of the service.

The services are those that the local stack starts (`localstack/parts.py`): one more there is one more image.
"""

import hashlib
import sys
import sysconfig
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from images.bill_of_materials import ROOT, Locked, locked, runtime

BUILD = ROOT / "build" / "images"
DOCKERFILE = ROOT / "infra" / "images" / "Dockerfile"
OURS = "tartip-"
PYTHON = "{}.{}".format(*sys.version_info)


@dataclass(frozen=True, slots=True)
class Image:
    """The image of a service: our packages in it, and the lines that name all others, with the sums of the lock."""

    service: str
    own: tuple[str, ...]
    libraries: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name, without where it is kept and without its version."""
        return f"{OURS}{self.service}"

    @property
    def set_of_libraries(self) -> str:
        """A name for the set of its libraries: images that run on the same share a layer."""
        return named("\n".join((PYTHON, sysconfig.get_platform(), *self.libraries)))


@dataclass(frozen=True, slots=True)
class Origin:
    """What an image is made from: the version of the project, the commit, and its time."""

    version: str
    revision: str
    created: str


def image(service: str, lock: Mapping[str, Locked] | None = None) -> Image:
    """What the package of a service leads to, from those that are installed here and from the lock."""
    packages, lock = sorted(runtime([OURS + service])), locked() if lock is None else lock
    own = tuple(each for each in packages if each.startswith(OURS))
    return Image(service, own, tuple(line(each, lock) for each in packages if each not in own))


def line(package: str, lock: Mapping[str, Locked]) -> str:
    """How pip is asked for a package by the lock."""
    found = lock[package]
    return " ".join([f"{package}=={found.version}", *(f"--hash=sha256:{digest}" for digest in found.hashes)])


def arguments(made: Image, base: str, origin: Origin) -> dict[str, str]:
    """What the Dockerfile is told for an image."""
    return {
        "BASE": base,
        "SERVICE": made.service,
        "LIBRARIES": made.set_of_libraries,
        "VERSION": origin.version,
        "REVISION": origin.revision,
        "CREATED": origin.created,
    }


def tags(made: Image, origin: Origin, registry: str) -> tuple[str, ...]:
    """Its names by commit and by version; `registry` is where it is kept, "" for nowhere but here.

    What was built of other files than the commit's is of no version: a version's image never changes.
    """
    kept_at = f"{registry}/{made.name}" if registry else made.name
    commit = f"{kept_at}:{origin.revision[:12]}"
    return (f"{commit}-dirty",) if origin.revision.endswith("-dirty") else (commit, f"{kept_at}:{origin.version}")


def official_base() -> str:
    """The base of which the Dockerfile speaks where none is named."""
    beginning = "ARG BASE="
    return next(each for each in DOCKERFILE.read_text(encoding="utf-8").splitlines() if each.startswith(beginning)).removeprefix(beginning)


def folders() -> dict[str, Path]:
    """Where our packages lie, by their names."""
    files = (file for place in ("protos", "services/*", "services/shared/*") for file in ROOT.glob(f"{place}/pyproject.toml"))
    return {tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"]: file.parent for file in files}


def named(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def sums(wheels: Sequence[Path]) -> str:
    """The list of wheels that goes into a build with them, each with its sum."""
    lines = (f"{wheel.name} --hash=sha256:{digest(wheel)}" for wheel in sorted(wheels))
    return "\n".join([f"# Python {PYTHON}", *lines]) + "\n"


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
