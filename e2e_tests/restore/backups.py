"""Backups of a PostgreSQL server by its own programs: its files with every change since, or the contents of its databases."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncpg
from chassis.testing.daemons import Daemon
from chassis.testing.postgres import SECRET, SUPERUSER, Postgres, as_user, binaries, start_postgres
from chassis.urls import plain_url

# The name under which the server knows who streams its changes away: a commit is answered when that one has it on its disk.
ARCHIVE = "archive"


class BackupFailed(Exception):
    """A program of PostgreSQL's refused; the message ends with what it said."""


class Backup(Protocol):
    """A way to back a server up and to bring it back; what it writes lies beside the server's data."""

    def begin(self) -> None:
        """What must be at work before the loss."""

    async def take(self) -> None:
        """Backs up, while others write."""

    async def restore(self) -> Postgres:
        """Brings the server back, at the address it had; its data are gone."""


@dataclass(slots=True)
class _Programs:
    """PostgreSQL's programs on a server, in the name of its superuser."""

    server: Postgres
    password: str
    folder: Path

    def run(self, program: str, *arguments: str) -> str:
        """Runs one to its end; what it said."""
        done = subprocess.run(
            self.command(program, *arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            **as_user(),
        )
        if done.returncode:
            raise BackupFailed(f"{program} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
        return str(done.stdout)

    def of_the_system(self, *command: str) -> None:
        """Runs a program that is not PostgreSQL's, as the server's user."""
        subprocess.run(command, cwd=self.folder, check=True, **as_user())

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(binaries() / program), *arguments]

    @property
    def environment(self) -> Mapping[str, str]:
        own = {"PGHOST": "127.0.0.1", "PGPORT": str(self.server.port), "PGUSER": SUPERUSER, "PGPASSWORD": self.password}
        return {**os.environ, **own, "PGAPPNAME": ARCHIVE}


def _programs(server: Postgres) -> _Programs:
    return _Programs(server, server.password_of(SUPERUSER), server.data.parent)


def destroy(server: Postgres) -> None:
    """The server is killed and its data are deleted."""
    server.kill()
    shutil.rmtree(server.data)


@dataclass(slots=True)
class Physical:
    """A base backup, and the log of all changes, streamed to another disk before a commit is answered."""

    server: Postgres
    _streaming: Daemon = field(init=False)

    def begin(self) -> None:
        """Starts the stream, and lets commits wait for it from here on."""
        (self.server.data / SECRET).unlink()  # it is nobody's but ours, and the server's user could not copy it
        log = self._folder("log")
        programs, where = _programs(self.server), ("--directory", str(log), "--slot", ARCHIVE)
        programs.run("pg_receivewal", *where, "--create-slot", "--if-not-exists")
        self._streaming = Daemon("pg_receivewal", self.server.data.parent / "pg_receivewal.log")
        command = programs.command("pg_receivewal", *where, "--synchronous", "--no-loop", "--verbose")
        self._streaming.spawn(command, self.server.data.parent, programs.environment, **as_user())
        self._streaming.until(lambda: "starting log streaming" in self._streaming.said)
        programs.run("psql", "-qc", f"ALTER SYSTEM SET synchronous_standby_names = '{ARCHIVE}'", "-c", "SELECT pg_reload_conf()")

    async def take(self) -> None:
        """Copies the files of the server at work."""
        copying = ("-D", str(self._base), "-X", "none", "--checkpoint=fast")
        await asyncio.to_thread(_programs(self.server).run, "pg_basebackup", *copying)

    async def restore(self) -> Postgres:
        """Copies the files back and lets the server do all changes again, to the last one that was streamed."""
        return await asyncio.to_thread(self._restored)

    def _restored(self) -> Postgres:
        self._streaming.stop()
        log, data = self._folder("log"), self.server.data
        for unfinished in log.glob("*.partial"):
            unfinished.rename(unfinished.with_suffix(""))
        _programs(self.server).of_the_system("cp", "-a", str(self._base), str(data))
        _programs(self.server).of_the_system("touch", str(data / "recovery.signal"))
        (data / SECRET).write_text(self.server.secret.hex(), encoding="ascii")
        # What the lost server was told goes with its files: nobody streams from the new one yet, and no commit may wait for that.
        # It lets nobody in before it has done all changes again: until then it could not be locked, and would take no writes.
        options = {"restore_command": f"cp {log}/%f %p", "synchronous_standby_names": "", "hot_standby": "off"}
        return start_postgres(data, self.server.port, options=options)

    @property
    def _base(self) -> Path:
        return self.server.data.parent / "base"

    def _folder(self, name: str) -> Path:
        folder = self.server.data.parent / name
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o777)  # the server's user writes into it
        return folder


@dataclass(slots=True)
class Logical:
    """The contents of each database, and the roles: read into another server, with numbers of transactions of its own."""

    server: Postgres
    databases: Sequence[str]
    _epoch: int = 0

    def begin(self) -> None:
        """Nothing: what is written after a dump is in none."""
        self._folder.mkdir()
        self._folder.chmod(0o777)

    async def take(self) -> None:
        """Writes roles and databases down, each as it was at an instant, and the epoch of the server's numbers."""
        connection = await asyncpg.connect(plain_url(self.server.url))
        try:
            self._epoch = int(await connection.fetchval("SELECT pg_current_xact_id()::text::numeric")) >> 32
        finally:
            await connection.close()
        await asyncio.to_thread(self._dump)

    def _dump(self) -> None:
        programs = _programs(self.server)
        programs.run("pg_dumpall", "--globals-only", "-f", str(self._folder / "roles.sql"))
        for name in self.databases:
            programs.run("pg_dump", "--format=custom", "-f", str(self._folder / f"{name}.dump"), name)

    async def restore(self) -> Postgres:
        """Makes a server whose numbers of transactions begin above those of the rows, and reads all into it."""
        return await asyncio.to_thread(self._restored)

    def _restored(self) -> Postgres:
        lost, data = self.server, self.server.data
        made = start_postgres(data, lost.port)
        made.stop()
        programs = _programs(made)
        programs.run("pg_resetwal", f"--epoch={self._epoch + 1}", "-D", str(data))
        made.start()
        roles = self._folder / "roles.sql"
        # The superuser is there already, and gets the password it had.
        roles.write_text(
            re.sub(rf"^CREATE ROLE {SUPERUSER};$", "", roles.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8"
        )
        programs.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", str(roles))
        made.secret = lost.secret
        for name in self.databases:
            _programs(made).run("pg_restore", "--create", "--exit-on-error", "-d", "postgres", str(self._folder / f"{name}.dump"))
        return made

    @property
    def _folder(self) -> Path:
        return self.server.data.parent / "dumps"
