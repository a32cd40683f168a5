"""The platform as `make run` starts it: all processes, in order and in bounded time."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from chassis.testing.waiting import until
from localstack import folder as folders
from localstack import processes
from localstack.folder import PROCESSES, AlreadyRunning, emptied, held
from localstack.log import Log, entry_of
from localstack.parts import SERVICES, free_addresses
from localstack.processes import Died, Process, end

WITHIN_S = 300  # machines that run tests are busy ones


class Run:
    """A platform that somebody started."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process, self.folder = process, folder

    def rows(self) -> dict[str, int]:
        """The pids of its processes by name, as far as they were started."""
        path = self.folder / PROCESSES
        rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        return {row["name"]: row["pid"] for row in rows}

    async def waits_for(self, condition: Callable[[], bool]) -> None:
        async def holds() -> bool:
            assert self.process.returncode is None, (await self.process.communicate())[0].decode()
            return condition()

        await until(holds, WITHIN_S)

    async def ends(self) -> str:
        """What it said in all, once it has ended."""
        return (await asyncio.wait_for(self.process.communicate(), WITHIN_S))[0].decode()


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Run]:
    command = [sys.executable, "-m", "localstack", "run"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield Run(process, folder)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


async def ask(*words: str) -> Any:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "localstack", "ask", *words, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def test_it_starts_answers_stands_alone_and_leaves_nothing(run_folder: Path) -> None:
    async with started(run_folder) as run:
        await run.waits_for((run_folder / "endpoints.json").exists)
        body = {"state_body_id": "KGD", "state_body": {"title": {"kk": "Комитет", "ru": "Комитет", "en": "Committee"}}}
        body["state_body"] |= {"kind": "STATE_BODY_KIND_CENTRAL", "region": "75", "zone": "Asia/Almaty"}  # type: ignore[operator]
        await ask("CreateStateBody", json.dumps(body), "--as", "operator")
        assert [each["name"] for each in (await ask("ListStateBodies"))["stateBodies"]] == ["stateBodies/KGD"]
        secrets = run_folder / "secrets.json"
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
        rows = run.rows()
        assert set(rows) == {
            "postgres",
            "broker",
            "issuer",
            *(f"{name} {part.command}" for name, parts in SERVICES.items() for part in parts),
        }

        async with started(run_folder) as second:
            said = await second.ends()
        assert second.process.returncode == 2
        assert f"runs here already, in process {run.process.pid}" in said

        run.process.terminate()
        said = await run.ends()
        assert run.process.returncode == 0, said
        assert not any(psutil.pid_exists(pid) for pid in rows.values())
        assert not secrets.exists()
        assert not (run_folder / "endpoints.json").exists()
        assert (run_folder / "logs" / "regimes-work.log").exists()


async def test_a_process_that_is_killed_is_named_and_brings_everything_down(run_folder: Path) -> None:
    async with started(run_folder) as run:
        await run.waits_for(lambda: "issuer is ready" in _log(run_folder, "platform"))
        rows = run.rows()
        os.kill(rows["issuer"], signal.SIGKILL)
        said = await run.ends()
        assert run.process.returncode == 1
        assert "issuer was ended by SIGKILL, so everything was ended. It said last:" in said
        assert "issuer ready: http://" in said
        assert "Traceback" not in said
        assert not any(psutil.pid_exists(pid) for pid in rows.values())


async def test_nothing_stays_behind_a_run_that_is_killed_itself(run_folder: Path) -> None:
    async with started(run_folder) as run:
        await run.waits_for(lambda: "broker is ready" in _log(run_folder, "platform"))
        rows = run.rows()
        run.process.kill()
        await run.process.communicate()
        await until(_all_gone(rows), WITHIN_S)


@pytest.fixture
async def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """A process that does not end when it is asked to; nobody waits long for it."""
    for module in (processes, folders):
        monkeypatch.setattr(module, "TERMINATED_WITHIN_S", 0.1)
    (tmp_path / "stubborn.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(600)\n"
    )
    process = await Process.start("stubborn", ["stubborn"], os.environ | {"PYTHONPATH": str(tmp_path)}, tmp_path, lambda _, __: None)
    await process.line("deaf")
    yield process
    await end([process])


async def test_a_process_that_does_not_listen_is_killed(stubborn: Process) -> None:
    await end([stubborn])
    assert stubborn.code == -signal.SIGKILL
    assert str(Died(stubborn)) == "stubborn was ended by SIGKILL"


async def test_what_a_crashed_run_left_is_ended_and_taken_away(stubborn: Process, run_folder: Path, tmp_path: Path) -> None:
    folders.remember(run_folder, [stubborn])
    for name in ("endpoints.json", "secrets.json"):
        (run_folder / name).write_text("{}")
    data = tmp_path / "data"
    data.mkdir()
    assert await asyncio.to_thread(emptied, run_folder, data) == 1
    assert not psutil.pid_exists(stubborn.pid)
    assert not (run_folder / "endpoints.json").exists()
    assert not data.exists()


async def test_a_number_that_is_another_process_by_now_is_left_alone(stubborn: Process, run_folder: Path, tmp_path: Path) -> None:
    row = {"name": "postgres", "pid": stubborn.pid, "created": psutil.Process(stubborn.pid).create_time() - 60}
    (run_folder / PROCESSES).write_text(json.dumps([row]))
    assert await asyncio.to_thread(emptied, run_folder, tmp_path / "data") == 0
    assert stubborn.code is None


def test_a_folder_is_held_once_and_let_go_of(run_folder: Path) -> None:
    with held(run_folder), pytest.raises(AlreadyRunning, match=str(os.getpid())), held(run_folder):
        pass
    with held(run_folder):
        pass


def test_a_line_is_shown_for_people_and_kept_as_it_is(tmp_path: Path) -> None:
    line = json.dumps(
        {"message": "a job failed", "job": "roll", "tries": 2, "level": "error", "service": "regimes work", "timestamp": "2026-11-24T08:55:00Z",
         "exception": "Traceback (most recent call last):\n  File x\nValueError: no"}
    )  # fmt: skip
    shown: list[str] = []
    log = Log(tmp_path / "logs", lambda name, entry: shown.append(f"{name}: {entry.level}: {entry.text}"))
    log.put("regimes work", line)
    log.put("postgres", "postgres ready: 127.0.0.1:5432")
    log.close()
    assert shown == [
        "regimes work: error: a job failed  job=roll  tries=2  ValueError: no",
        "postgres: info: postgres ready: 127.0.0.1:5432",
    ]
    path = log.path("regimes work")
    assert path.read_text() == line + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("line", ["", "{", "[1]", "17", '{"timestamp": 3}'])
def test_a_line_that_is_no_entry_is_shown_as_it_is(line: str) -> None:
    assert entry_of(line).text == line


def test_what_steers_a_terminal_or_is_no_letter_is_shown_as_its_code() -> None:
    assert entry_of('{"message": "knocked", "serial": "\\ud800\\u001b[2J\\u0000"}').text == r"knocked  serial=\ud800\x1b[2J\x00"
    assert entry_of("Айгүл\x1b[31m").text == r"Айгүл\x1b[31m"


def test_no_address_is_given_twice() -> None:
    given = free_addresses()
    assert len({next(given) for _ in range(50)}) == 50


def _log(folder: Path, name: str) -> str:
    path = folder / "logs" / f"{name}.log"
    return path.read_text() if path.exists() else ""


def _all_gone(rows: dict[str, int]) -> Any:
    async def gone() -> bool:
        return not any(psutil.pid_exists(pid) for pid in rows.values())

    return gone
