"""A real Keycloak on this machine with the platform's realm in it, for tests and for the local stack.

It listens on 127.0.0.1 and keeps its data in a folder. Java and Maven are needed: see `chassis.testing.artifacts`.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from chassis.testing.artifacts import ROOT, NotToBeHad, Say, announce, fetched, java
from chassis.testing.daemons import Daemon, NotStarted
from chassis.testing.ports import free_ports

REALM = ROOT / "infra" / "keycloak" / "tartip-realm.json"
PLACEHOLDER = re.compile(r"\$\{(TARTIP_[A-Z_]+)\}")
ADMIN, ADMIN_PASSWORD = "admin", "admin-password"
READY = "Bootstrap completed"
HEALTH_WITHIN_S = 5.0
# Most of the time of a start goes into compiling what runs once.
JVM = {"JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx384m", "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1"}
# What is settled before a start; a server that was built so starts in half the time.
BUILT = ("--db=dev-file", "--health-enabled=true")


class Keycloak(Daemon):
    """A Keycloak on a folder, with one realm: `start`, `stop`, `kill`, `pause`, `resume`; its address stays the same.

    `secrets` are what the realm leaves open, by name. The realm is read at the first start alone.
    """

    def __init__(self, folder: Path, realm: Path, secrets: Mapping[str, str], port: int, say: Say = announce) -> None:
        super().__init__("keycloak", folder / "keycloak.log")
        self.folder, self.realm, self.secrets = folder, realm, secrets
        self.origin = f"http://127.0.0.1:{port}"
        self._java, self._installed = java(), installed(say)
        self._port, self._management = port, next(free_ports())

    @property
    def issuer(self) -> str:
        """The name that it gives itself, where its keys and tokens are asked for."""
        return f"{self.origin}/realms/{json.loads(self.realm.read_text(encoding='utf-8'))['realm']}"

    @property
    def admin_password_file(self) -> Path:
        """Where the password of `admin` stands, who administers every Keycloak that this checkout starts, and nothing else."""
        return self._installed / ADMIN_PASSWORD

    def start(self) -> None:
        """Starts the server; returns when it is healthy, the realm being read. Raises NotStarted."""
        if not (self.folder / "data").exists():
            _home(self._installed, self.folder)
            (self.folder / "data" / "import").mkdir()
            shutil.copyfile(self.realm, self.folder / "data" / "import" / "realm.json")
        command = _command(self._installed, self.folder, self._port, self._management)
        self.spawn(command, self.folder, {**_environment(self._java), **self.secrets})
        self.until(self._healthy)

    def _healthy(self) -> bool:
        """Whether it says so where operators ask; its log is looked at first, since it complains of each question that is too early."""
        if READY not in self.said:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._management}/health/ready", timeout=HEALTH_WITHIN_S) as answer:
                return bool(json.load(answer)["status"] == "UP")
        except (OSError, urllib.error.URLError):
            return False


def installed(say: Say = announce) -> Path:
    """Where Keycloak is, fetched and prepared the first time. Raises NotToBeHad, also where no Java would run it."""
    java()
    return _installed(fetched("keycloak", say, _prepared))


def left_open(realm: Path) -> set[str]:
    """The names of the secrets that a realm leaves open."""
    return set(PLACEHOLDER.findall(realm.read_text(encoding="utf-8")))


def start_keycloak(folder: Path, realm: Path, secrets: Mapping[str, str], port: int = 0, say: Say = announce) -> Keycloak:
    """Starts a Keycloak on the folder; `port` 0 takes a free one. Raises NotStarted."""
    # Another process may take a free port between our look and the server's bind: then look again.
    for chosen in [port] if port else islice(free_ports(), 5):
        keycloak = Keycloak(folder, realm, secrets, chosen, say)
        try:
            keycloak.start()
            return keycloak
        except NotStarted as failed:
            last = failed
            if "already in use" not in str(failed) and "already bound" not in str(failed):
                break
    raise last


@contextmanager
def temporary_keycloak(say: Say = announce, realm: Path = REALM) -> Iterator[Keycloak]:
    """A fresh server with the realm and secrets of its own, gone with its data at the end."""
    with tempfile.TemporaryDirectory(prefix="tartip-keycloak-", ignore_cleanup_errors=True) as folder:
        own = {name: secrets.token_urlsafe(24) for name in left_open(realm)}
        keycloak = start_keycloak(Path(folder), realm, own, say=say)
        try:
            yield keycloak
        finally:
            keycloak.stop()


def _prepared(fetched: Path) -> None:
    """Builds the server and lets it make its empty database once: a fresh one takes it from there, half a minute sooner."""
    installed, environment = _installed(fetched), _environment(java())
    built = subprocess.run(
        ["sh", str(installed / "bin" / "kc.sh"), "build", *BUILT], env=environment, capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        raise NotToBeHad(f"Keycloak could not be built:\n{built.stdout[-3000:]}{built.stderr[-1000:]}")
    with tempfile.TemporaryDirectory(prefix="tartip-keycloak-") as folder:
        home, first, ports = Path(folder), Daemon("keycloak", Path(folder) / "keycloak.log"), free_ports()
        _home(installed, home)
        password = secrets.token_urlsafe(24)
        (installed / ADMIN_PASSWORD).touch(mode=0o600)
        (installed / ADMIN_PASSWORD).write_text(password, encoding="ascii")
        admin = {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": password}
        first.spawn(_command(installed, home, next(ports), next(ports)), home, {**environment, **admin})
        first.until(lambda: READY in first.said)
        first.stop()
        shutil.copytree(home / "data", installed / "data", dirs_exist_ok=True)


def _installed(fetched: Path) -> Path:
    """The one folder that the archive holds."""
    [folder] = fetched.glob("keycloak-*")
    return folder


def _home(installed: Path, folder: Path) -> None:
    """Makes a folder a home of the server: its data are its own, the rest is what is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("lib", "providers", "themes", "conf", "version.txt"):
        (folder / part).unlink(missing_ok=True)
        (folder / part).symlink_to(installed / part)
    if (installed / "data").exists():
        shutil.copytree(installed / "data", folder / "data")
    else:
        (folder / "data").mkdir()


def _command(installed: Path, home: Path, port: int, management: int) -> list[str]:
    return [
        *("sh", str(installed / "bin" / "kc.sh"), f"-Dkc.home.dir={home}", "start", "--optimized", "--import-realm", "--cache=local"),
        *("--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}", f"--http-management-port={management}"),
        # Without it localhost and 127.0.0.1 would be two issuers.
        f"--hostname=http://127.0.0.1:{port}",
    ]


def _environment(java: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "JAVA": java, **JVM}
