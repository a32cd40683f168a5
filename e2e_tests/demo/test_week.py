"""The demo from end to end on the whole platform: a department of its ministry lives its week, on embedded parts and on real ones."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
import time as real_time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio
from chassis.testing.artifacts import Say
from chassis.testing.real_stack import had
from localstack.log import Log
from localstack.parts import EMBEDDED, REAL, Stack
from localstack.platform import running
from rich.console import Console

from .__main__ import ENVIRONMENT
from .calls import desks
from .compare import Verdict
from .conduct import Demo
from .department import part_of
from .examples import Ran, examples
from .generate import world
from .left import NAMES_TOLD, left, named
from .level import Levels
from .own_data import Kept, own_data
from .people import LAST
from .report import how_to_ask
from .screen import Screen
from .world import Pattern, World

SEED = 9
"""A week in which many things go wrong there, a clock among them, and no terminal is silent: few people leave long silences."""


OPERATED = (
    "parked",
    "redrive --since 2026-01-01T00:00:00Z --dry-run",
    "redrive --reason impossible-time --dry-run",
    "accounts --level",
    "reconcile",
    "reconcile --all",
)
# What the operators' commands do is shown on embedded parts; on real ones, that they find what they read.
OPERATED_ON_REAL = ("parked", "accounts --level", "reconcile --all")


@dataclass(frozen=True, slots=True)
class Lived:
    """A week that was lived, and what the platform said of it before it ended."""

    verdict: Verdict
    folder: Path
    processes: frozenset[str]
    answers: tuple[Any, ...]
    operated: Mapping[str, tuple[int, str]]
    own: Mapping[str, tuple[Kept, ...]]
    """What each of two people is given of themselves."""
    examples: Mapping[str, Ran]
    """What the integrators' examples showed."""
    left: Mapping[str, bytes]
    """What lies outside of the databases, by where it lies."""

    def told(self, what: str) -> list[dict[str, Any]]:
        """The days or the findings as the platform showed them at the end, in one order.

        How often a day was computed, and what was found on the way and withdrawn again, depends on how messages were grouped;
        what it came to does not.
        """
        rows: list[dict[str, Any]] = json.loads((self.folder / f"{what}.json").read_text(encoding="utf-8"))
        stand = [{name: value for name, value in row.items() if name != "revision"} for row in rows if not row.get("withdrawn")]
        return sorted(stand, key=lambda row: json.dumps(row, sort_keys=True))


@pytest.fixture(scope="module")
def week() -> World:
    """The week of the department; things go wrong in it."""
    part = part_of(world(SEED), LAST)
    assert part.truth.findings
    return part


async def lived(week: World, folder: Path, stack: Stack, commands: Sequence[str]) -> Lived:
    """Lets the week be lived on a stack, and asks as the demo proposes to."""
    of_an_earlier_run = folder / "demo" / "answer.json"
    of_an_earlier_run.parent.mkdir()
    of_an_earlier_run.touch()
    screen = Screen(Console(file=StringIO()), ZoneInfo(week.body.zone))
    people = {servant.id: servant.id for servant in week.servants}
    remote = next(each.id for each in week.servants if each.pattern is Pattern.REMOTE)
    # Every call and every message is traced, so that whatever a span could say is said.
    environment = {**ENVIRONMENT, "TARTIP_TRACES": f"file:{folder / 'traces.jsonl'}"}
    with pytest.MonkeyPatch.context() as told:
        told.setenv("TARTIP_RUN", str(folder))
        async with (
            running(Log(folder / "logs"), stack=stack, clock=week.begin, people=people, environment=environment) as platform,
            aiohttp.ClientSession() as http,
            desks(platform.endpoints) as opened,
        ):
            levels = Levels(platform.endpoints.addresses["admin"], http)
            demo = Demo(week, platform, screen, real_time.monotonic(), http, opened, levels)
            verdict = await platform.alive(demo.conduct())
            assert not of_an_earlier_run.exists()
            lines = [line for line in how_to_ask(week, remote) if "WatchWorkdays" not in line]  # it never ends
            answers = tuple([await asked(line) for line in lines])
            operated = {line: await done(line) for line in commands}
            own = {each.id: await own_data(platform.endpoints, each.id) for each in week.servants[:2]}
            shown = await examples(week, platform, opened) if stack is EMBEDDED else {}
            processes = frozenset(process.name for process in platform.processes)
            addresses = platform.endpoints.addresses
            remains = await left(folder, addresses["admin"], addresses["kafka"], http)
            return Lived(verdict, platform.folder / "demo", processes, answers, operated, own, shown, remains)


@pytest_asyncio.fixture(scope="module")
async def embedded(week: World, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The week on embedded parts."""
    return await lived(week, tmp_path_factory.mktemp("embedded"), EMBEDDED, OPERATED)


@pytest.fixture(scope="module")
def real(say: Say) -> Stack:
    """The real stack, where it is to be had."""
    had(lambda: REAL.fetch(say))
    return REAL


def is_as_it_must_be(week: World, once: Lived) -> None:
    """Every day as `fold` has it and every finding as planted, and nothing else."""
    verdict = once.verdict
    assert [str(each) for each in verdict.differences] == []
    assert verdict.days == len(week.servants) * ((week.last - week.first).days + 1)
    assert verdict.reads == sum(len(servant["reads"]) for servant in week.truth.document["servants"])
    assert (verdict.precision, verdict.recall, verdict.expected) == (1.0, 1.0, len(week.truth.findings))
    assert "Everything is as it must be." in (once.folder / "report.txt").read_text()
    assert all(once.answers)
    assert "parked" in once.operated["parked"][1]
    assert {line: code for line, (code, _) in once.operated.items()} == dict.fromkeys(once.operated, 0)
    # There are fewer days than the sample takes: it takes them all, and by the clock of the week each is as its facts give it.
    compared = {said for line, (_, said) in once.operated.items() if line.startswith("reconcile")}
    (said,) = compared
    assert said.endswith("compared: all are as their facts give them\n")
    assert not said.startswith("0 ")


async def test_a_department_lives_its_week_and_nothing_differs(week: World, embedded: Lived) -> None:
    is_as_it_must_be(week, embedded)


async def test_on_real_kafka_and_keycloak_it_is_the_same_week(week: World, embedded: Lived, real: Stack, tmp_path: Path) -> None:
    once = await lived(week, tmp_path, real, OPERATED_ON_REAL)
    is_as_it_must_be(week, once)
    assert once.processes - embedded.processes == {"kafka", "keycloak"}
    names_nobody(week, once)
    for what in ("days", "findings"):
        assert once.told(what) == embedded.told(what)


def names_nobody(week: World, once: Lived) -> None:
    """Neither logs nor traces nor metrics nor messages hold a number or a name of a person, but for the one topic that tells names."""
    assert {where.partition(" ")[0] for where in once.left} == {"file", "metrics", "topic"}
    assert once.left["file traces.jsonl"], "everything was traced"
    told = named(week, once.left)
    assert set(told) == {f"topic {NAMES_TOLD}"}, {where: sorted(words)[:3] for where, words in told.items()}
    assert not {servant.iin for servant in week.servants} & told[f"topic {NAMES_TOLD}"]


async def test_people_are_given_what_three_services_keep_of_them_and_nothing_of_each_other(week: World, embedded: Lived) -> None:
    days = (week.last - week.first).days + 1
    for each, other in (week.servants[:2], reversed(week.servants[:2])):
        given = embedded.own[each.id]
        (file,) = [row.content for row in given if (row.service, row.table) == ("registry", "servants")]
        assert (file["id"], file["iin"]) == (each.id, each.iin)
        kept = {(row.service, row.table) for row in given}
        assert kept >= {
            ("registry", "appointments"),
            ("regimes", "month_plans"),
            ("timetracking", "workdays"),
            ("timetracking", "plan_days"),
        }
        assert sum((row.service, row.table) == ("timetracking", "workdays") for row in given) == days
        badges = {row.content["badge_number"] for row in given if row.table == "badges"}
        assert {row.content["badge_number"] for row in given if row.table == "passages"} <= badges
        assert not [row for row in given if other.id in row.content.values() or other.iin in row.content.values()]


async def test_the_examples_of_integrators_show_what_they_say(week: World, embedded: Lived) -> None:
    shown, days = embedded.examples, (week.last - week.first).days + 1
    assert {name: ran.code for name, ran in shown.items()} == dict.fromkeys(shown, 0) | {"flexible_hours": 1}, shown
    assert shown["list_bodies"].lines == [f"stateBodies/{week.body.id}\t{week.body.region}\t{week.body.title.ru}"]
    assert len(shown["month_of_days"].lines) == 1 + len(week.servants) * days
    assert sum(int(line.split(",")[1]) for line in shown["month_of_days"].lines[1:]) > 0
    first, again = shown["follow_days"].lines, shown["follow_days, once more"].lines
    assert first[0] == f"{len(week.servants) * days} days copied"
    assert len({line.split("\t")[0] for line in first[1:]}) >= len(week.servants) * days
    assert again[-1].startswith(f"servants/{week.servants[0].id}/workdays/{week.first + timedelta(days=2)}\t")
    assert len(set(first) & set(again)) <= 1, "it goes on where it was ended; the last day may come twice"
    text, article, limit = shown["flexible_hours"].lines
    assert "Приказ" in article
    assert limit == "limitMonths=6"
    assert text
    assert shown["send_passages"].lines == ["2 taken, 0 refused, 0 to be sent again"]


async def test_what_is_left_of_the_week_names_nobody(week: World, embedded: Lived) -> None:
    names_nobody(week, embedded)


async def asked(line: str) -> Any:
    """What the platform answers to a line that the demo shows."""
    code, out, err = await localstack("ask", **dict(word.split("=", 1) for word in shlex.split(line)[2:]))
    assert code == 0, err
    return json.loads(out)


async def done(line: str) -> tuple[int, str]:
    """How an operator's command ended, and what it said."""
    name, _, given = line.partition(" ")
    code, out, err = await localstack("operate", name, ARGS=given)
    return code, out + err


async def localstack(*command: str, **assignments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localstack", *command),
        env=os.environ | assignments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()
