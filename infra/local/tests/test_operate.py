"""Operators' commands on the running platform: they are told where it is and what its clock says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chassis.clock import clock_from
from localstack.operate import environment

WORKER = "postgresql://timetracking_worker:secret@127.0.0.1:1/timetracking"


@pytest.fixture
def running(run_folder: Path) -> Path:
    """A platform that was started, and whose database has gone."""
    (run_folder / "entrances.json").write_text(json.dumps({"timetracking": {"app": "another", "worker": WORKER}}))
    found = {"postgres": str(run_folder / "entrances.json"), "kafka": "127.0.0.1:2"}
    (run_folder / "endpoints.json").write_text(json.dumps(found))
    return run_folder


def operate(*words: str, **told: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "localstack", "operate", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | told)
    return done.returncode, done.stdout + done.stderr


def test_a_command_enters_as_the_worker_and_goes_by_the_clock_of_the_platform(running: Path) -> None:
    assert environment() == {"TARTIP_DATABASE_URL": WORKER, "TARTIP_KAFKA": "127.0.0.1:2", "TARTIP_CLOCK": ""}
    (running / "clock").write_text("2026-12-21T00:00:00+05:00")
    assert clock_from(environment()["TARTIP_CLOCK"])().isoformat() == "2026-12-20T19:00:00+00:00"


def test_it_is_asked_where_the_platform_is_whatever_the_shell_was_told(running: Path) -> None:
    code, said = operate("parked", TARTIP_DATABASE_URL="postgresql://other@127.0.0.1:3/other", TARTIP_CLOCK="nope")
    assert (code, said.splitlines()[-1].strip()) == (3, "database timetracking at 127.0.0.1:1")
    assert "secret" not in said


def test_its_arguments_are_read_from_the_environment_and_by_no_shell(running: Path) -> None:
    code, said = operate("parked", ARGS="--reason '$(touch here) nothing'")
    assert code == 2
    assert "'$(touch here) nothing'" in said
    code, said = operate("parked", ARGS="--reason 'nothing")
    assert (code, said) == (2, "ARGS=--reason 'nothing cannot be read: No closing quotation.\n")


def test_without_a_running_platform_it_says_what_to_do(run_folder: Path) -> None:
    code, said = operate("reconcile")
    assert code == 2
    assert "make demo KEEP=1" in said
