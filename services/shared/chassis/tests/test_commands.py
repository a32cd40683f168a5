"""The command line that every service has."""

import argparse
import asyncio
from datetime import UTC, datetime

import pytest
from chassis.commands import Errand, NotAsItMustBe, Process, instant, main, rebuilding, republication
from chassis.settings import Settings
from kernel.faults import Unavailable

TOPIC = "things.states.v1"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "MIGRATOR_DATABASE_URL", "KAFKA"):
        monkeypatch.setenv(f"TARTIP_{name}", f"the {name}")


async def again(settings: Settings, topic: str, since: datetime | None) -> int:
    assert (settings.database_url, topic) == ("the DATABASE_URL", TOPIC)
    return 7 if since is None else 1


async def anew(settings: Settings, projection: str) -> int:
    assert (settings.migrator_database_url, projection) == ("the MIGRATOR_DATABASE_URL", "people")
    return 3


async def greet(settings: Settings, arguments: argparse.Namespace) -> str:
    return "" if arguments.quietly else f"reads {settings.kafka}"


async def look(settings: Settings, arguments: argparse.Namespace) -> str:
    if arguments.away:
        raise Unavailable("PROJECTION_BEHIND", topic="registry.bodies.v1")
    raise NotAsItMustBe("two days differ")


COMMANDS = (
    republication(Settings, [TOPIC], again),
    rebuilding(Settings, ["people"], anew),
    Errand("look", "look for differences", Settings, (), look, lambda parser: parser.add_argument("--away", action="store_true")),
    Errand("greet", "say what it reads", Settings, ("kafka",), greet, lambda parser: parser.add_argument("--quietly", action="store_true")),
)


def said(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, str]:
    code = main("things", "Commands of things.", COMMANDS, given)
    return code, capsys.readouterr().out


def test_an_errand_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "republish", "--topic", TOPIC) == (0, f"7 states of {TOPIC} will be published again\n")
    assert said(capsys, "republish", "--topic", TOPIC, "--since", "2026-11-22T09:00:00+05:00")[1].startswith("1 states")
    assert said(capsys, "rebuild", "people") == (0, "people: built anew from 3 messages\n")
    assert said(capsys, "greet") == (0, "reads the KAFKA\n")
    assert said(capsys, "greet", "--quietly") == (0, "")


def test_a_missing_setting_is_named_and_nothing_is_done(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARTIP_KAFKA")
    assert main("things", "", COMMANDS, ["greet"]) == 2
    assert capsys.readouterr().err == "things: TARTIP_KAFKA: is not set\n"


def test_what_is_not_as_it_must_be_ends_with_one_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "look") == (1, "two days differ\n")
    assert main("things", "", COMMANDS, ["look", "--away"]) == 1
    assert capsys.readouterr().err == "things: PROJECTION_BEHIND\n  topic: registry.bodies.v1\n"


@pytest.mark.parametrize("given", [[], ["dance"], ["republish", "--topic", "others.states.v1"], ["rebuild"], ["greet", "loudly"]])
def test_what_nobody_knows_is_a_usage_error(given: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main("things", "", COMMANDS, given)
    assert ended.value.code == 2


def test_an_instant_of_the_command_line_has_an_offset() -> None:
    assert instant("2026-11-22T09:00:00+05:00") == datetime(2026, 11, 22, 4, tzinfo=UTC)
    with pytest.raises(argparse.ArgumentTypeError):
        instant("2026-11-22T09:00:00")


def test_a_process_runs_until_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    async def work(settings: Settings, stop: asyncio.Event) -> None:
        ran.append(settings.kafka)
        assert not stop.is_set()

    # Logs and traces of the tests' own process are not to change.
    monkeypatch.setattr("chassis.commands.start", lambda service, _: ran.append(service))
    assert main("things", "", (Process("work", "work", Settings, ("kafka",), work),), ["work"]) == 0
    assert ran == ["things work", "the KAFKA"]
