"""The base of the images: the one that is named, an official one, or, where none can be pulled, one made of Debian's packages.

The last is for trying: it holds Python 3.11 and what it links, not even a shell, and no certificates of authorities.
"""

import subprocess
from collections.abc import Callable
from typing import Final

from images.engine import OWN, UNPACKED, Engine, Failed, NoPackages, programs, unpacked
from images.install import LAID_AT
from images.plan import named, official_base

Say = Callable[[str], None]
RELEASE: Final = "bookworm"
# grpcio and confluent-kafka link the library of C++; base-files tell which system it is.
CONTENTS: Final = ("base-files", "python3.11", "libstdc++6")
# An engine lays its own hosts and resolv.conf over those of an image; where there are none, each step of a build makes some.
HOOK: Final = 'ln --symbolic python3.11 "$1/usr/bin/python3" && touch "$1/etc/hosts" "$1/etc/resolv.conf"'
PATH: Final = "/usr/local/bin:/usr/bin:/bin"


class NoBase(Exception):
    """There is nothing to build on; says why."""


def base(engine: Engine, asked: str, say: Say) -> str:
    """The base that was asked for, "" for any: the name by which the engine has it now. Raises NoBase."""
    wanted = asked or official_base()
    if _has(engine, wanted):
        return wanted
    try:
        say(f"pulling {wanted} …")
        engine.run("pull", "--quiet", wanted)
        return wanted
    except Failed as failed:
        why = str(failed).splitlines()[-1]
        if asked:
            raise NoBase(f"the base {asked} is not here and cannot be pulled: {why}") from None
    say(f"{wanted} cannot be pulled ({why}): the base is made of Debian's packages")
    return _made(engine, say)


def _made(engine: Engine, say: Say) -> str:
    """A base of Debian's packages: the same packages give the same bytes."""
    name = f"tartip-base:{RELEASE}-{named(' '.join((*CONTENTS, HOOK)))}"
    if _has(engine, name):
        return name
    try:
        unpacked(say)
        say(f"making a base of {', '.join(CONTENTS)} …")
        archive = OWN / "base.tar"
        subprocess.run(
            [
                str(UNPACKED / "usr" / "bin" / "mmdebstrap"),
                *("--quiet", "--variant=extract", f"--include={','.join(CONTENTS)}", f"--extract-hook={HOOK}"),
                *(RELEASE, str(archive)),
            ],
            env=programs() | {"SOURCE_DATE_EPOCH": str(LAID_AT)},
            capture_output=True,
            text=True,
            check=True,
        )
        engine.run("import", "--change", f"ENV PATH={PATH}", str(archive), name)
        archive.unlink()
    except NoPackages as lacking:
        raise NoBase(f"no base can be pulled, nor made: {lacking}") from None
    except (OSError, subprocess.CalledProcessError) as failed:
        said = getattr(failed, "stderr", "") or str(failed)
        raise NoBase(f"no base can be pulled, nor made by mmdebstrap: {said.strip()[-500:]}") from None
    return name


def _has(engine: Engine, name: str) -> bool:
    try:
        engine.run("image", "inspect", "--format", "{{.Id}}", name)
    except Failed:
        return False
    return True
