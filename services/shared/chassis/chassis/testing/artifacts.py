"""Servers that come from Maven: what infra/local/maven/<name>/pom.xml names, fetched once into the checkout and checked."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# The root of the repository, from services/shared/chassis/chassis/testing: the chassis is installed from its sources.
ROOT = Path(__file__).parents[5]
NAMED = ROOT / "infra" / "local" / "maven"
FETCHED = ROOT / "build" / "maven"
OLDEST_JAVA = 17

Say = Callable[[str], None]


class NotToBeHad(Exception):
    """This machine lacks what the server needs, or Maven could not fetch it; says what, and what would be right."""


def announce(text: str) -> None:
    """Tells people that they wait for something."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def java() -> str:
    """The path of a Java that is new enough; NotToBeHad."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    if path is None:
        raise NotToBeHad(f"there is no java {'in JAVA_HOME' if home else 'on the PATH'}: install Java {OLDEST_JAVA} or newer")
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise NotToBeHad(f"{path} is {said.partition(chr(10))[0] or 'not a Java'}: install Java {OLDEST_JAVA} or newer")
    return path


def fetched(name: str, say: Say = announce, prepare: Callable[[Path], None] = lambda _: None) -> Path:
    """The folder with what the pom of this name gathers: fetched by Maven the first time, checked against its sha256sums, prepared.

    Another pom makes another folder, and two that ask at once fetch it once. NotToBeHad where there is no Maven, or it fails.
    """
    pom, sums = NAMED / name / "pom.xml", NAMED / name / "sha256sums"
    folder = FETCHED / f"{name}-{hashlib.sha256(pom.read_bytes() + sums.read_bytes()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    with _alone(FETCHED / f"{name}.lock"):
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            say(f"{name}: Maven fetches what {pom.relative_to(ROOT)} names, once, and it is made ready; that may take a minute or two …")
            _gathered(pom, partial)
            _checked(partial, sums)
            for archive in partial.glob("*.zip"):
                shutil.unpack_archive(archive, partial)
                archive.unlink()
            prepare(partial)
            partial.rename(folder)
            say(f"{name}: in {folder.relative_to(ROOT)}")
    return folder


def _gathered(pom: Path, into: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotToBeHad("there is no mvn on the PATH: install Maven")
    command = [maven, "--batch-mode", "--no-transfer-progress", "--file", str(pom), "package", f"-Dgathered={into}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotToBeHad(f"Maven could not fetch what {pom} names:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")


def _checked(folder: Path, sums: Path) -> None:
    """Holds every file to its sum: what is not named, or is another, is not run."""
    named = {name: digest for digest, name in (line.split() for line in sums.read_text(encoding="ascii").splitlines())}
    found = {file.name: _sum(file) for file in sorted(folder.iterdir())}
    wrong = sorted(name for name in named.keys() | found.keys() if named.get(name) != found.get(name))
    if wrong:
        raise NotToBeHad(f"Maven brought something else than {sums} names: {', '.join(wrong)}")


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
