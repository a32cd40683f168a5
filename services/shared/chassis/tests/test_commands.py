"""The command line that every service has."""

import argparse
import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from chassis.commands import Errand, NotAsItMustBe, NothingDone, Process, count, day, instant, main, migration, rebuilding, republication
from chassis.database import Database
from chassis.entering import NotLetIn
from chassis.settings import Settings
from chassis.testing.postgres import Postgres
from chassis.urls import plain_url
from kernel.faults import Malformed, Unavailable
from sqlalchemy import make_url

TOPIC = "things.states.v1"
NOBODY = "127.0.0.1:1"
TOLD = {
    "TARTIP_DATABASE_URL": f"postgresql://worker:secret@{NOBODY}/things",
    "TARTIP_MIGRATOR_DATABASE_URL": f"postgresql://migrator:secret@{NOBODY}/things",
    "TARTIP_KAFKA": NOBODY,
}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOLD.items():
        monkeypatch.setenv(name, value)


async def again(settings: Settings, topic: str, since: datetime | None) -> int:
    assert (settings.database_url, topic) == (TOLD["TARTIP_DATABASE_URL"], TOPIC)
    return 7 if since is None else 1


async def anew(settings: Settings, projection: str) -> int:
    assert (settings.migrator_database_url, projection) == (TOLD["TARTIP_MIGRATOR_DATABASE_URL"], "people")
    return 3


async def greet(settings: Settings, arguments: argparse.Namespace) -> str:
    return "" if arguments.quietly else f"reads {settings.kafka}"


async def look(settings: Settings, arguments: argparse.Namespace) -> str:
    if arguments.away:
        raise Unavailable("PROJECTION_BEHIND", topic="registry.bodies.v1")
    if arguments.blind:
        raise NothingDone("there are no days")
    if arguments.wrong:
        raise Malformed({"since": "at the latest today"})
    raise NotAsItMustBe("two days differ")


def flags(parser: argparse.ArgumentParser, *names: str) -> None:
    for name in names:
        parser.add_argument(name, action="store_true")


async def enter(settings: Settings, _: argparse.Namespace) -> str:
    database = Database(settings.database_url, role="worker")
    try:
        async with database.transaction():
            return "we are in"
    finally:
        await database.close()


COMMANDS = (
    Errand("enter", "enter the database", Settings, ("database_url",), enter),
    migration("chassis.testing.bare", Settings),
    republication(Settings, [TOPIC], again),
    rebuilding(Settings, ["people"], anew),
    Errand("look", "look for differences", Settings, (), look, lambda parser: flags(parser, "--away", "--blind", "--wrong")),
    Errand("greet", "say what it reads", Settings, ("kafka",), greet, lambda parser: parser.add_argument("--quietly", action="store_true")),
)


def said(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, str]:
    code = main("things", "Commands of things.", COMMANDS, given)
    return code, capsys.readouterr().out


def test_an_errand_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "republish", "--topic", TOPIC) == (0, f"7 states of {TOPIC} will be published again\n")
    assert said(capsys, "republish", "--topic", TOPIC, "--since", "2026-11-22T09:00:00+05:00")[1].startswith("1 states")
    assert said(capsys, "rebuild", "people") == (0, "people: built anew from 3 messages\n")
    assert said(capsys, "greet") == (0, f"reads {NOBODY}\n")
    assert said(capsys, "greet", "--quietly") == (0, "")


def test_a_missing_setting_is_named_and_nothing_is_done(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARTIP_KAFKA")
    assert main("things", "", COMMANDS, ["greet"]) == 2
    assert capsys.readouterr().err == "things: TARTIP_KAFKA: is not set\n"


def test_what_is_not_as_it_must_be_ends_with_one_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "look") == (1, "two days differ\n")


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (
            "--away",
            "PROJECTION_BEHIND: The data have not all arrived yet (registry.bodies.v1). Try again shortly.\n  topic: registry.bodies.v1\n",
        ),
        ("--wrong", "MALFORMED: The request is not well formed: correct the named fields.\n  since: at the latest today\n"),
        ("--blind", "there are no days\n"),
    ],
)
def test_what_is_refused_or_cannot_be_done_ends_with_three_and_says_why(
    capsys: pytest.CaptureFixture[str], refused: str, says: str
) -> None:
    assert main("chassis", "", COMMANDS, ["look", refused]) == 3
    assert capsys.readouterr() == ("", f"chassis: {says}")


@pytest.mark.parametrize("command", ["enter", "migrate"])
def test_a_database_that_is_away_is_named_without_its_password(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main("chassis", "", COMMANDS, [command]) == 3
    said = capsys.readouterr().err
    assert f"database things at {NOBODY}" in said
    assert "secret" not in said


@pytest.mark.parametrize(("wrong", "why"), [("password", "this password"), ("database", "no such database")])
@pytest.mark.parametrize(("command", "setting"), [("enter", "TARTIP_DATABASE_URL"), ("migrate", "TARTIP_MIGRATOR_DATABASE_URL")])
def test_a_database_that_does_not_let_us_in_is_a_setting_that_is_wrong(
    postgres: Postgres,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    setting: str,
    wrong: str,
    why: str,
) -> None:
    right = make_url(postgres.url)
    given = right.set(password="hunter2") if wrong == "password" else right.set(database="nowhere")
    monkeypatch.setenv(setting, plain_url(given))
    assert main("chassis", "", COMMANDS, [command]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"chassis: {setting}: database {given.database} at {right.host}:{right.port} does not let us in: ")
    assert why in said
    assert "hunter2" not in said
    assert str(right.password) not in said


def test_a_process_whose_settings_turn_out_wrong_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(settings: Settings, stop: asyncio.Event) -> None:
        raise NotLetIn("TARTIP_DATABASE_URL: not let in")

    monkeypatch.setattr("chassis.commands.start", lambda *_: None)
    assert main("chassis", "", (Process("work", "work", Settings, ("kafka",), work),), ["work"]) == 2
    assert capsys.readouterr().err == "chassis: TARTIP_DATABASE_URL: not let in\n"


def test_what_a_service_reads_itself_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main("things", "", COMMANDS, ["dance"], elsewhere={"fold": "check days"})
    assert "'fold'" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[], ["dance"], ["republish", "--topic", "others.states.v1"], ["rebuild"], ["greet", "loudly"]])
def test_what_nobody_knows_is_a_usage_error(given: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main("things", "", COMMANDS, given)
    assert ended.value.code == 2


def test_an_instant_of_the_command_line_has_an_offset() -> None:
    assert instant("2026-11-22T09:00:00+05:00") == datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "given", "right"),
    [
        (instant, "2026-11-22T09:00:00", "with an offset, like 2026-11-22T09:00:00+05:00"),
        (instant, "yesterday", "with an offset, like 2026-11-22T09:00:00+05:00"),
        (day, "2026-13-01", "a date is YYYY-MM-DD"),
        (day, "yesterday", "a date is YYYY-MM-DD"),
        *((count, each, "1 or more") for each in ("0", "-5", "many", "1.5")),
    ],
)
def test_an_argument_of_another_form_is_told_the_right_one(read: Callable[[str], object], given: str, right: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read(given)
    assert right in str(refused.value)
    assert repr(given) in str(refused.value)


def test_a_process_runs_until_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    async def work(settings: Settings, stop: asyncio.Event) -> None:
        ran.append(settings.kafka)
        assert not stop.is_set()

    # Logs and traces of the tests' own process are not to change.
    monkeypatch.setattr("chassis.commands.start", lambda service, _: ran.append(service))
    assert main("things", "", (Process("work", "work", Settings, ("kafka",), work),), ["work"]) == 0
    assert ran == ["things work", NOBODY]
