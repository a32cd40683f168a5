"""The demo's conduct: set up, live, compare, report."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import aiohttp
from google.protobuf.json_format import MessageToDict
from localstack.platform import Platform
from rich.console import RenderableType

from . import asked, report
from .calls import Desks
from .compare import Verdict, compare_accounts, compare_counts, compare_days, compare_findings, compare_folded_findings, identity
from .devices import SimulatedDevice, simulated
from .level import Levels
from .screen import Screen
from .setup import set_up
from .week import Progress, Week
from .world import World


@dataclass(slots=True)
class Demo:
    """One run of the demo over a running platform."""

    world: World
    platform: Platform
    screen: Screen
    began: float
    http: aiohttp.ClientSession
    desks: Desks
    levels: Levels
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    devices: dict[str, SimulatedDevice] = field(default_factory=dict)
    first_seen: dict[tuple[Any, ...], datetime] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where truth, answers and report are written."""
        return self.platform.folder / "demo"

    async def conduct(self) -> Verdict:
        """Sets the ministry up, lives its week, compares and reports; returns what came of it."""
        shutil.rmtree(self.folder, ignore_errors=True)  # what an earlier run said is not said of this one
        self.folder.mkdir(parents=True)
        write(self.folder / "fold.json", self.world.truth.document)
        with self.screen.stage("ministry set up") as stage:
            self.secrets = await set_up(self.world, self.desks, self.levels, stage.says)
            stage.outcome = f"{len(self.world.servants)} servants in {len(self.world.units)} units, {len(self.world.devices)} devices"
        await self._live()
        with self.screen.stage("compared") as stage:
            verdict, parts = await self._compare(stage.says)
            stage.outcome = f"{verdict.days:,} days, {verdict.figures:,} figures, {verdict.reads:,} reads"
        took = f"{time.monotonic() - self.began:.0f} s from an empty platform to a compared week"
        parts.append(report.verdict_lines(verdict, took))
        for part in parts:
            self.screen.console.print(part)
        (self.folder / "report.txt").write_text(report.text_of(parts), encoding="utf-8")
        (self.folder / "differences.txt").write_text("".join(f"{each}\n" for each in verdict.differences), encoding="utf-8")
        return verdict

    async def _live(self) -> None:
        gateway = self.platform.endpoints.addresses["gateway"]["http"]
        self.devices |= {
            device.serial: simulated(device, self.http, gateway, self.secrets.get(device.serial, "")) for device in self.world.devices
        }
        with self.screen.stage("week lived", total=len(self.world.events)) as stage:

            async def level(progress: Progress) -> None:
                found = [each for each in await asked.findings(self.world, self.desks) if not each.withdrawn]
                for each in found:
                    self.first_seen.setdefault(identity(each), progress.at)
                closed = (await self.levels.metrics("timetracking work")).value("tartip_jobs_done_total", job_name="close-days")
                text = f"{progress.records:,} records, {int(closed):,} days closed, {len(found)} findings stand"
                stage.goes(progress.events, f"{self.screen.clock(progress.at)}   {text}")
                stage.outcome = text

            await Week(self.world, self.desks, self.levels, self.devices, self.platform.step, level).live()

    async def _compare(self, says: Callable[[str], None]) -> tuple[Verdict, list[RenderableType]]:
        world, verdict = self.world, Verdict()
        says("asking for all days and findings")
        days, findings = await asked.workdays(world, self.desks), await asked.findings(world, self.desks)
        says("fold over what the devices recorded")
        await asked.folded(self.folder / "fold.json", self.folder / "folded.json")
        folded = json.loads((self.folder / "folded.json").read_text(encoding="utf-8"))
        asked_for = 0

        def done() -> None:
            nonlocal asked_for
            asked_for += 1
            says(f"explanations: {asked_for:,} of {len(days):,}")

        explained = await asked.explanations(self.desks, days, done)
        compare_days(verdict, world, folded, days, explained)
        compare_folded_findings(verdict, world, folded, findings)
        compare_findings(verdict, world, findings, self.first_seen)
        lines = compare_counts(
            verdict,
            world,
            self.devices,
            await self.levels.metrics("timetracking gateway"),
            await self.levels.metrics("timetracking consume"),
        )
        says("asking for the accounts of all devices")
        compare_accounts(verdict, world, await asked.accounts(world, self.desks))
        write(self.folder / "days.json", [MessageToDict(row) for row in days.values()])
        write(self.folder / "findings.json", [asdict(each) for each in findings])
        write(self.folder / "expected-findings.json", [asdict(each) for each in world.truth.findings])
        fault = report.picked_fault(world)
        parts = [
            report.findings_table(verdict),
            report.faults_summary(world),
            report.explained_day(world, explained[fault.servant, fault.date]),
            report.counters(lines),
        ]
        return verdict, parts


def write(path: Path, value: Any) -> None:
    """Writes JSON for people and programs; dates and instants as texts."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, default=_text), encoding="utf-8")


def _text(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
