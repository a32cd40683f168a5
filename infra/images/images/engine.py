"""An engine that builds and runs containers: the one that runs here, or one of our own from Debian's packages, which ends with us.

Our own is not installed: its packages are unpacked into build/images/engine, where its images lie too, so that a second run is
quick. It has its own socket and pid, in a folder of the system's for such, no bridge and no rule in the firewall.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.testing.daemons import Daemon, NotStarted

from images.plan import BUILD

Say = Callable[[str], None]
OWN = BUILD / "engine"
# What dockerd needs to run, and mmdebstrap, which makes a base where none can be pulled.
PACKAGES = ("docker.io", "containerd", "runc", "libdevmapper1.02.1", "mmdebstrap")
UNPACKED = OWN / "packages"


class NoEngine(Exception):
    """There is no engine, and none can be started; says why."""


class NoPackages(Exception):
    """Debian's packages are not to be had here; says why."""


class Failed(Exception):
    """A command of the engine failed; says which, and ends with what it said."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: the client's program, and the socket where it listens, "" for the one of the machine."""

    client: str
    socket: str = ""

    def command(self, *arguments: str) -> list[str]:
        """A command line for it."""
        return [self.client, *(("--host", f"unix://{self.socket}") if self.socket else ()), *arguments]

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Runs a command to its end; what it printed. Raises Failed."""
        told = os.environ | {"DOCKER_BUILDKIT": "1"} | dict(environment or {})
        done = subprocess.run(self.command(*arguments), env=told, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"docker {arguments[0]} ended with {done.returncode}: {(done.stderr + done.stdout).strip()[-3000:]}")
        return done.stdout.strip()

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            self.run("info", "--format", "{{.ServerVersion}}")
        except (Failed, OSError):
            return False
        return True


@contextmanager
def engine(say: Say) -> Iterator[Engine]:
    """The engine that runs here, or our own until the end of the block. Raises NoEngine."""
    client = shutil.which("docker")
    if client and (running := Engine(client)).answers():
        say("engine: the one that runs here")
        yield running
        return
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NoEngine("no engine answers `docker info`, and only root on Linux may start one")
    try:
        unpacked(say)
    except NoPackages as lacking:
        raise NoEngine(f"no engine answers `docker info`, and {lacking}") from None
    sockets = Path(tempfile.mkdtemp(prefix="tartip-engine-"))  # a path within build/ may be longer than a socket's may be
    daemon = Daemon("dockerd", OWN / "dockerd.log")
    own = Engine(str(UNPACKED / "usr" / "bin" / "docker"), str(sockets / "docker.sock"))
    try:
        _start(daemon, own, sockets)
        say(f"engine: our own dockerd from Debian's docker.io, until the end (its log: {daemon.log.relative_to(BUILD.parents[1])})")
        yield own
    finally:
        daemon.stop()
        _unmount(sockets)
        shutil.rmtree(sockets, ignore_errors=True)


def unpacked(say: Say) -> None:
    """Unpacks the programs of an engine from Debian's packages, which apt checks; nothing of the machine's is replaced. NoPackages."""
    if UNPACKED.exists():
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NoPackages("this is no Debian, whose packages are needed")
    say(f"fetching Debian's {', '.join(PACKAGES)} …")
    partial = UNPACKED.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _download(partial)
        for package in sorted(partial.glob("*.deb")):
            subprocess.run(["dpkg", "--extract", package.name, "."], cwd=partial, capture_output=True, text=True, check=True)
            package.unlink()
    except subprocess.CalledProcessError as failed:
        raise NoPackages(f"Debian's packages could not be fetched: {failed.stderr.strip()[-500:]}") from None
    partial.rename(UNPACKED)


def programs() -> dict[str, str]:
    """The environment in which the unpacked programs find one another."""
    here = [str(UNPACKED / "usr" / each) for each in ("bin", "sbin")]
    libraries = {str(each.parent) for each in UNPACKED.glob("**/libdevmapper.so*")}
    return os.environ | {"PATH": os.pathsep.join([*here, os.environ["PATH"]]), "LD_LIBRARY_PATH": os.pathsep.join(sorted(libraries))}


def _download(folder: Path) -> None:
    """Asks apt for the packages; where it knows none, as on a machine that is new, its lists are brought up to date before."""
    command = ["apt-get", "--quiet", "--option", "APT::Sandbox::User=root", "download", *PACKAGES]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        subprocess.run(["apt-get", "--quiet", "update"], capture_output=True, text=True, check=True)
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)


def _start(daemon: Daemon, own: Engine, sockets: Path) -> None:
    places = {"data-root": OWN / "data", "exec-root": sockets / "exec", "pidfile": sockets / "pid", "host": f"unix://{own.socket}"}
    options = [f"--{name}={place}" for name, place in places.items()]
    # Builds have no network, and what is tried uses the machine's: no bridge is needed, nor the firewall touched.
    options += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
    try:
        daemon.spawn([str(UNPACKED / "usr" / "sbin" / "dockerd"), *options], OWN, programs())
        daemon.until(own.answers)
    except (NotStarted, OSError) as failed:
        raise NoEngine(f"no engine answers `docker info`, and our own dockerd does not start: {failed}") from None


def _unmount(sockets: Path) -> None:
    """Lets go of what dockerd left mounted, so that its folder can go."""
    for mounted in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        place = mounted.split()[1]
        if place.startswith(f"{sockets}/"):
            subprocess.run(["umount", place], capture_output=True, check=False)
