"""Where there is no engine, that is said, with why; whoever needs one says so."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import images.__main__ as command
import pytest
from images.base import NoBase
from images.bill_of_materials import ROOT
from images.engine import Engine, NoEngine, Say


@contextmanager
def none(_: Say) -> Iterator[Engine]:
    raise NoEngine("no engine answers `docker info`, and only root on Linux may start one")
    yield


@pytest.fixture(autouse=True)
def _without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "engine", none)
    monkeypatch.delenv("REQUIRE_ENGINE", raising=False)


def test_it_is_said_why_no_image_was_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    assert capsys.readouterr().out == "no image was built: no engine answers `docker info`, and only root on Linux may start one\n"


def test_whoever_requires_an_engine_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REQUIRE_ENGINE", "1")
    assert command.main(["registry"]) == 1
    assert "no image was built" in capsys.readouterr().err


def test_a_service_that_does_not_exist_is_named_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["registrar"])
    assert "no service registrar; there are registry, regimes, timetracking" in capsys.readouterr().err


def test_a_base_that_was_asked_for_and_cannot_be_had_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def baseless(_: Say) -> Iterator[Engine]:
        raise NoBase("the base registry.example/python is not here and cannot be pulled: no such host")
        yield

    monkeypatch.setattr(command, "engine", baseless)
    assert command.main(["--base", "registry.example/python"]) == 1
    assert "registry.example/python is not here" in capsys.readouterr().err
    assert command.main([]) == 0


@pytest.mark.parametrize(
    ("asked", "handed"),
    [
        ("", []),
        ("SERVICE=registry BASE=registry.example/python:3.11", ["registry", "--base", "registry.example/python:3.11"]),
        ("REGISTRY=registry.example/tartip SAVE=1 AGAIN=1", ["--registry", "registry.example/tartip", "--save", "--again"]),
    ],
)
def test_make_hands_over_what_it_is_told(asked: str, handed: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    words = ["make", "--dry-run", "--silent", "images", *asked.split()]
    told = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert shlex.split(told.replace("\\\n", " ").partition(" -m images ")[2]) == handed


def test_nothing_that_answers_is_no_engine() -> None:
    assert not Engine("no-such-client").answers()
    assert Engine("docker", "/nowhere.sock").command("info") == ["docker", "--host", "unix:///nowhere.sock", "info"]
