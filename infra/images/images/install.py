"""Runs inside a build: installs the wheels that were laid there, each held to its sum, and compiles them.

With `--base` also what of Python itself the base left uncompiled: on a root that is read-only it would be compiled at every start.
It knows the standard library alone, and the wheel of `installer` beside it. Every time is the same one, so that a layer is too.
"""

import hashlib
import os
import py_compile
import re
import sys
import sysconfig
from collections.abc import Iterable
from importlib.util import cache_from_source
from pathlib import Path

BUILD, IMAGE = Path("/build"), Path("/image")
BILLS = "usr/share/sbom"
PYTHON = "opt/tartip/bin/python"
LAID_AT = 315_532_800  # 1980, the first instant that a wheel can tell
_NOT_RUN = ("test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "pydoc_data", "site-packages", "dist-packages")
_WANTED = re.compile(r"^(?P<file>\S+\.whl) --hash=sha256:(?P<sum>[0-9a-f]{64})$", re.MULTILINE)


class Wrong(Exception):
    """What was laid there is not what was to be installed."""


def main(target: str, *more: str) -> None:
    """Installs all wheels into a folder of the image."""
    into = IMAGE / target.lstrip("/")
    for wheel in wheels(BUILD / "wheels"):
        unpack(wheel, into)
    compiled(((each, each) for each in into.rglob("*.py")), into, Path(target))
    for bill in (BUILD / "wheels").glob("*.cdx.json"):
        (IMAGE / BILLS).mkdir(parents=True)
        (IMAGE / BILLS / bill.name).write_bytes(bill.read_bytes())
    if "--base" in more:
        link = IMAGE / PYTHON
        link.parent.mkdir(parents=True)
        link.symlink_to(sys.executable)
        library = Path(sysconfig.get_path("stdlib"))
        compiled(((each, IMAGE / each.relative_to("/")) for each in run(library)), library, library)
    same_time(IMAGE)


def wheels(folder: Path) -> list[Path]:
    """The wheels of a folder, after looking at the sum of each, and at Python's version. Raises Wrong."""
    listed = (folder / "wheels.txt").read_text(encoding="utf-8")
    made_for, _, wanted = listed.partition("\n")
    here = "# Python {}.{}".format(*sys.version_info)
    if made_for != here:
        raise Wrong(f"the wheels are for {made_for[2:]} and the base has {here[2:]}: name a BASE with {made_for[2:]}")
    found = {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in folder.glob("*.whl")}
    if found != dict(_WANTED.findall(wanted)):
        raise Wrong(f"{folder} holds other wheels than its wheels.txt names")
    return [folder / name for name in sorted(found)]


def unpack(wheel: Path, into: Path) -> None:
    """Installs a wheel; its scripts, which nobody calls, are left out."""
    from installer import install
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    schemes = dict.fromkeys(("purelib", "platlib"), str(into)) | {
        name: str(BUILD / "left-out" / wheel.stem / name) for name in ("scripts", "data", "headers")
    }
    with WheelFile.open(wheel) as source:
        install(source, SchemeDictionaryDestination(schemes, sys.executable, "posix"), {"INSTALLER": b"installer\n"})


def run(library: Path) -> Iterable[Path]:
    """The modules of Python's own library that a process may import and that are not compiled."""
    for file in library.rglob("*.py"):
        if not set(file.relative_to(library).parts) & set(_NOT_RUN) and not Path(cache_from_source(str(file))).exists():
            yield file


def compiled(files: Iterable[tuple[Path, Path]], folder: Path, shown: Path) -> None:
    """Compiles each file beside where it will lie; tracebacks show the paths of the image. Sources are never looked at again."""
    for source, place in files:
        told = str(shown / source.relative_to(folder))
        cache = cache_from_source(str(place))
        try:
            py_compile.compile(
                str(source), cache, told, doraise=True, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )
        except py_compile.PyCompileError:  # a file for another Python, which nothing imports here
            continue


def same_time(folder: Path) -> None:
    """Gives every file and folder the same time."""
    for place in (folder, *folder.rglob("*")):
        os.utime(place, (LAID_AT, LAID_AT), follow_symlinks=False)


if __name__ == "__main__":
    sys.path[:0] = map(str, (BUILD / "installer").glob("*.whl"))
    try:
        main(*sys.argv[1:])
    except Wrong as wrong:
        sys.exit(str(wrong))
