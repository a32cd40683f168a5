import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

WITHIN_S = 60


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's own user can reach: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="tartip-local-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def running(data: Path) -> Iterator[dict[str, dict[str, str]]]:
    command = [sys.executable, "-m", "localstack", "postgres", "--data", str(data), "--services", "registry"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("postgres ready: 127.0.0.1:")
            entrances = data / "entrances.json"
            assert stat.S_IMODE(entrances.stat().st_mode) == 0o600
            yield json.loads(entrances.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0


async def test_each_service_has_its_database_and_its_data_outlive_the_process(folder: Path) -> None:
    data = folder / "data"
    with running(data) as entrances:
        owner = await asyncpg.connect(entrances["registry"]["migrator"])
        await owner.execute("CREATE TABLE kept (number int); INSERT INTO kept VALUES (7)")
        await owner.close()
    assert not (data / "postmaster.pid").exists()
    with running(data) as entrances:
        owner = await asyncpg.connect(entrances["registry"]["migrator"])
        assert await owner.fetchval("SELECT number FROM kept") == 7
        assert await owner.fetchval("SHOW fsync") == "on"
        await owner.close()
        app = await asyncpg.connect(entrances["registry"]["app"])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE mine (number int)")
        await app.close()


def test_a_folder_that_the_server_may_not_enter_is_named(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as another user")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    command = [sys.executable, "-m", "localstack", "postgres", "--data", str(closed / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    assert done.returncode == 1
    assert f"may not pass to {closed / 'data'}" in done.stdout
