"""The wheels of an image, outside of any build: others' as the lock has them, ours from the sources that lie here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from images.bill_of_materials import bill_of_image, locked
from images.install import LAID_AT
from images.plan import BUILD, Image, digest, folders, line, named, sums

Say = Callable[[str], None]
LIST = "wheels.txt"
AT_ONCE = 2  # one waits for the network while another computes
_NO_SOURCE = shutil.ignore_patterns("tests", "__pycache__", "*.egg-info", "build")


class NoWheels(Exception):
    """pip could not fetch a wheel, or build one; says what it said."""


def lay(made: Sequence[Image], say: Say) -> None:
    """Lays into build/images what the builds of the images take, as far as it is not there."""
    fetched = {BUILD / "libraries" / each.set_of_libraries: each.libraries for each in made}
    fetched[BUILD / "installer"] = (line("installer", locked()),)
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        fetching = [at_once.submit(_fetch, folder, lines, say) for folder, lines in fetched.items()]
        own = _own({name for each in made for name in each.own}, at_once, say)
        for begun in fetching:
            begun.result()
    for each in made:
        _lay_own(each, {name: own[name] for name in each.own})


def _fetch(folder: Path, lines: Sequence[str], say: Say) -> None:
    """Fetches the wheels that the lines name, by pip, from wherever it is told to; one whose sum is another is refused."""
    if (folder / LIST).exists():
        return
    say(f"fetching {len(lines)} wheels by requirements.lock …")
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    asked = partial.with_suffix(".txt")
    asked.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _pip("download", "--only-binary", ":all:", "--require-hashes", "--requirement", str(asked), "--dest", str(partial))
    asked.unlink()
    (partial / LIST).write_text(sums([*partial.glob("*.whl")]), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _own(names: Collection[str], at_once: Executor, say: Say) -> dict[str, Path]:
    """The wheels of our packages by name, built anew where their sources are others than they were."""
    everywhere = folders()
    sources = {name: _source(everywhere[name]) for name in sorted(names)}
    found = {name: BUILD / "own" / f"{name}-{key}" for name, (_, key) in sources.items()}
    missing = [name for name, folder in found.items() if not folder.exists()]
    if missing:
        say(f"building {len(missing)} wheels of our own …")
    list(at_once.map(lambda name: _build(sources[name][0], found[name]), missing))
    return {name: next(folder.glob("*.whl")) for name, folder in found.items()}


def _source(folder: Path) -> tuple[Path, str]:
    """A copy of the sources of a package, in which setuptools may leave what it likes, and a name for what they hold."""
    copy = BUILD / "sources" / folder.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, ignore=_NO_SOURCE)
    files = sorted(file for file in copy.rglob("*") if file.is_file())
    return copy, named("\n".join(f"{file.relative_to(copy)} {digest(file)}" for file in files))


def _build(source: Path, folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _pip("wheel", "--no-build-isolation", "--wheel-dir", str(partial), str(source))
    partial.rename(folder)


def _lay_own(made: Image, wheels: dict[str, Path]) -> None:
    """Lays our packages of an image, with the bill of all that is in it, where its build takes them; anew where something changed."""
    folder, bill = BUILD / "services" / made.service, BUILD / f"{made.name}.cdx.json"
    listed = sums(list(wheels.values())) + "".join(f"# {each}\n" for each in made.libraries)
    if (folder / LIST).exists() and (folder / LIST).read_text(encoding="utf-8") == listed and bill.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for wheel in wheels.values():
        shutil.copyfile(wheel, folder / wheel.name)
    bill.write_text(bill_of_image(made.service, {name: digest(wheel) for name, wheel in wheels.items()}), encoding="utf-8")
    shutil.copyfile(bill, folder / bill.name)
    (folder / LIST).write_text(listed, encoding="utf-8")


def _pip(command: str, *arguments: str) -> None:
    """Runs pip on what is named alone; a wheel that it builds has the same bytes each time."""
    words = [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-deps", *arguments]
    told = os.environ | {"SOURCE_DATE_EPOCH": str(LAID_AT)}
    done = subprocess.run(words, env=told, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoWheels(f"pip {command} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
