"""The life of a process."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import aiohttp
import pytest
from chassis.process import Admin

PROCESS = """
import asyncio, sys
from chassis.process import run
from chassis.telemetry import log_as_json

log_as_json("test")

async def main(stop):
    print("up", flush=True)
    {body}

run(main, shutdown_s=0.5)
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a test started; none is left behind."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def _start(started: list[subprocess.Popen[str]], body: str) -> subprocess.Popen[str]:
    code = PROCESS.format(body=body)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_asked_to_stop_ends_in_peace(started: list[subprocess.Popen[str]], number: signal.Signals) -> None:
    process = _start(started, "await stop.wait(); print('done', flush=True)")
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "done\n")


def test_a_process_that_does_not_stop_is_ended(started: list[subprocess.Popen[str]]) -> None:
    process = _start(started, "await asyncio.Event().wait()")
    asked = time.monotonic()
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert time.monotonic() - asked < 10
    assert "cancelled" in err


def test_a_second_signal_ends_a_process_at_once(started: list[subprocess.Popen[str]]) -> None:
    process = _start(started, "await stop.wait(); print('stopping', flush=True); await asyncio.Event().wait()")
    process.terminate()
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping\n"
    process.terminate()
    assert process.wait(20) == 130


def test_a_process_that_fails_says_so(started: list[subprocess.Popen[str]]) -> None:
    process = _start(started, "raise KeyError('k')")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "KeyError" in err


async def test_a_process_is_ready_when_all_that_it_expects_is_there() -> None:
    admin = Admin("127.0.0.1:0")
    admin.expect("database", "keys")
    async with admin.running(), aiohttp.ClientSession(f"http://127.0.0.1:{admin.port}") as http:
        async with http.get("/live") as answer:
            assert answer.status == 200
        admin.met("database")
        async with http.get("/ready") as answer:
            assert answer.status == 503
            assert await answer.json() == {"ready": False, "waitingFor": {"keys": "starting"}}
        admin.met("keys")
        async with http.get("/ready") as answer:
            assert answer.status == 200
        admin.unmet("database", "refused")
        async with http.get("/ready") as answer:
            assert (await answer.json())["waitingFor"] == {"database": "refused"}
        async with http.get("/metrics") as answer:
            shown = (await answer.text()).splitlines()
        assert {'tartip_process_condition{condition="database"} 0.0', 'tartip_process_condition{condition="keys"} 1.0'} <= set(shown)


async def test_a_process_serves_from_when_it_was_ready_until_it_is_to_end() -> None:
    admin, seen = Admin("127.0.0.1:0"), []
    admin.expect("database", "server")
    async with admin.running(), aiohttp.ClientSession(f"http://127.0.0.1:{admin.port}") as http:

        async def ask() -> None:
            async with http.get("/serving") as answer:
                seen.append(answer.status)

        await ask()
        admin.met("database")
        await ask()
        admin.met("server")
        await ask()
        admin.unmet("database", "away")
        await ask()
        admin.stopping("server")
        await ask()
        admin.met("database")
        await ask()
    assert seen == [503, 503, 200, 200, 503, 503]


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    admin = Admin("127.0.0.1:0")
    async with admin.running(), aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{admin.port}/metrics") as answer:
        assert answer.headers["content-type"].startswith("text/plain")
        assert "process_cpu_seconds_total" in await answer.text()
