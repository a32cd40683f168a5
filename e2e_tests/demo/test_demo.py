"""The demo from end to end on the whole platform: one department of its ministry, the first day of its week."""

import ast
import asyncio
import json
import os
import shlex
import subprocess
import sys
import time as real_time
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, time, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from localstack.log import Log
from localstack.platform import running
from rich.console import Console

from .__main__ import ENVIRONMENT
from .calls import desks
from .conduct import Demo
from .generate import world
from .level import Levels
from .plans import HQ, instant
from .report import how_to_ask
from .screen import Screen
from .truth import counts
from .wire import findings_of_devices
from .world import BadgeAssigned, DeviceSends, Event, Pattern, Protocol, SessionEnds, SessionStarts, World

SEED = 7
"""A week in which several things go wrong there on Monday."""
DEPARTMENT = "international"
"""Its people work in the headquarters, by all patterns but shifts; the terminals there do not number their events."""


def part_of(whole: World) -> World:
    """The world of one department on its first day, until the next morning."""
    first, end = whole.first, instant(whole.first + timedelta(days=1), time(6))
    late_badges = {event.badge.servant for event in whole.events if isinstance(event, BadgeAssigned)}
    servants = [each for each in whole.servants if each.unit == DEPARTMENT and each.id not in late_badges]
    kept = {servant.id for servant in servants}
    badges = [badge for badge in whole.badges if badge.servant in kept]
    numbers = {(badge.system, badge.number) for badge in badges}
    devices = [device for device in whole.devices if device.premises == HQ]
    events = [some for event in whole.events if event.at < end and (some := _part_of_event(whole, event, kept, numbers))]
    part = replace(
        whole,
        units=tuple(replace(unit, parent="") for unit in whole.units if unit.id == DEPARTMENT),
        positions=tuple(position for position in whole.positions if position.unit == DEPARTMENT),
        servants=tuple(servants),
        rules=tuple(rules for rules in whole.rules if not rules.unit),
        assignments=tuple(each for each in whole.assignments if each.servant in kept),
        devices=tuple(devices),
        badges=tuple(badges),
        last=first,
        end=end,
        events=tuple(events),
        faults=tuple(fault for fault in whole.faults if fault.servant in kept and fault.date == first),
    )
    findings = [each for fault in part.faults for each in fault.expects if each.until is None]
    truth = replace(
        whole.truth,
        document=_part_of_document(whole.truth.document, part),
        findings=(*findings, *findings_of_devices(part, end)),
        doubtful_days=frozenset(key for key in whole.truth.doubtful_days if key[0] in kept and key[1] == first),
        incomplete_days=frozenset(),
        counts={each.serial: counts([it for it in events if isinstance(it, DeviceSends) and it.device == each.serial]) for each in devices},
    )
    return replace(part, truth=truth)


def _part_of_event(whole: World, event: Event, kept: Collection[str], numbers: Collection[tuple[str, str]]) -> Event | None:
    match event:
        case SessionStarts() | SessionEnds():
            return event if event.servant in kept else None
        case DeviceSends():
            device = whole.device(event.device)
            if device.premises != HQ or device.protocol is not Protocol.ADMS:
                return None
            records = [record for record in event.records if (device.badge_system, record.text.split("\t")[0]) in numbers]
            return replace(event, records=tuple(records)) if records else None
    return None


def _part_of_document(whole: Any, part: World) -> dict[str, Any]:
    def before_the_end(rows: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
        return [row for row in rows if datetime.fromisoformat(row[field]) < part.end]

    servants = [
        {**row, "reads": before_the_end(row["reads"], "at"), "sessions": before_the_end(row["sessions"], "start")}
        for row in whole["servants"]
        if row["servant"] in {servant.id for servant in part.servants}
    ]
    return {**whole, "until": part.last.isoformat(), "now": part.end.isoformat(), "servants": servants}


def test_the_demo_knows_the_platform_by_its_public_apis_alone() -> None:
    allowed = {"tartip", "localstack", "chassis.client"}
    ours = {"kernel", "lawbook", "chassis", "registry", "regimes", "timetracking", "localstack", "tartip", "reference", "e2e_tests"}
    here = Path(__file__).parent
    for file in sorted(here.glob("*.py")):
        if file.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                known = name.partition(".")[0] not in ours or any(name == each or name.startswith(f"{each}.") for each in allowed)
                assert known, f"{file.name} imports {name}"


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TARTIP_RUN", str(tmp_path))
    return tmp_path


async def test_a_department_lives_its_day_and_nothing_differs(run_folder: Path) -> None:
    part = part_of(world(SEED))
    assert part.truth.findings
    of_an_earlier_run = run_folder / "demo" / "answer.json"
    of_an_earlier_run.parent.mkdir()
    of_an_earlier_run.touch()
    screen = Screen(Console(file=StringIO()), ZoneInfo(part.body.zone))
    people = {servant.id: servant.id for servant in part.servants}
    async with (
        running(Log(run_folder / "logs"), clock=part.begin, people=people, environment=ENVIRONMENT) as platform,
        aiohttp.ClientSession() as http,
        desks(platform.endpoints) as opened,
    ):
        levels = Levels(platform.endpoints.addresses["admin"], http)
        verdict = await platform.alive(Demo(part, platform, screen, real_time.monotonic(), http, opened, levels).conduct())
        assert [str(each) for each in verdict.differences] == []
        assert not of_an_earlier_run.exists()
        assert verdict.days == len(part.servants)
        assert verdict.reads == sum(len(servant["reads"]) for servant in part.truth.document["servants"])
        assert (verdict.precision, verdict.recall, verdict.expected) == (1.0, 1.0, len(part.truth.findings))
        assert "Everything is as it must be." in (platform.folder / "demo" / "report.txt").read_text()
        remote = next(each.id for each in part.servants if each.pattern is Pattern.REMOTE)
        for line in how_to_ask(part, remote):
            if "WatchWorkdays" not in line:  # it never ends
                assert await asked(line)


async def asked(line: str) -> Any:
    """What the platform answers to a line that the demo shows."""
    assignments = dict(word.split("=", 1) for word in shlex.split(line)[2:])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localstack", "ask", env=os.environ | assignments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)
