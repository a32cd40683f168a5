"""A region lives through an upgrade, a rollback and the upgrade again, under load, and what became of everything is judged."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lawbook import load
from timetracking.workdays.fold import fold_document

from ..chaos.department import Department
from ..chaos.traffic import Traffic
from ..chaos.verdict import judged
from . import future
from .officials import Officials, at_work, officials
from .region import Region, migrators
from .tally import Tally
from .version import Version

Tell = Callable[[str], None]
# A round of load between two changes: so many records of devices are taken, and each official has done something.
RECORDS = 20
LOOK_AGAIN_S = 0.02
_WRITTEN = "SELECT count(*) FROM audit_records WHERE method LIKE $1 AND outcome = 'done'"
_MONTHS = {
    "regimes": "SELECT servant, month, revision FROM month_plans",
    "timetracking": "SELECT servant, month, revision FROM plan_months",
}


@dataclass(slots=True)
class Upgrade:
    """The story under way: from `old` to `new`, and `seconds` of load at least in each of its states.

    `turns`: how often all processes are replaced, by the new version first, and by each in turn.
    """

    region: Region
    department: Department
    old: Version
    new: Version
    seconds: float
    turns: int
    tell: Tell
    devices: Tally = field(default_factory=Tally)

    async def lived(self) -> Officials:
        """Lives through it and judges; what the officials did."""
        async with officials(self.region, self.department) as them:
            await them.found()
            async with at_work(them), self.region.stage.flowing(self.department) as traffic, self._watched(traffic):
                await self._told(traffic, them)
            await self._judged(them)
        return them

    async def _told(self, traffic: Traffic, them: Officials) -> None:
        began = time.monotonic()

        def say(text: str) -> None:
            self.tell(f"{time.monotonic() - began:5.0f} s  {text}")

        async def state(name: str) -> None:
            say(name)
            await asyncio.gather(traffic.more(RECORDS), them.a_round(), asyncio.sleep(self.seconds))

        async def rolled(version: Version) -> None:
            say(f"{version.name} comes in, each process beside the one before")
            await self.region.roll(version, beside=lambda: traffic.more(RECORDS))
            await state(f"{version.name} works")

        await state(f"{self.old.name} works")
        await asyncio.to_thread(self.new.migrate, migrators(self.region.insides))
        await self.region.stage.publisher.send_all(future.messages())
        await state(f"{self.old.name} works on the schema of {self.new.name}, and is told what it does not know")
        await rolled(self.new)
        tables = await self.region.expand()
        await state(f"{self.new.name} works, with more columns in all {tables} tables")
        for turn in range(1, self.turns):
            await rolled((self.new, self.old)[turn % 2])

    @asynccontextmanager
    async def _watched(self, traffic: Traffic) -> AsyncIterator[None]:
        """Counts when the gates' records are taken."""

        async def watch() -> None:
            taken = traffic.acknowledged
            while True:
                if traffic.acknowledged > taken:
                    taken = traffic.acknowledged
                    self.devices.answered("OK")
                await asyncio.sleep(LOOK_AGAIN_S)

        self.devices = Tally()
        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()

    async def _judged(self, them: Officials) -> None:
        """Nothing is lost, doubled or parked; each day is what both versions' fold says; each write was applied once and told to all."""
        await self.region.level()
        await judged(self.region.stage, self.department)
        assert await self.region.parked() == 0, "messages were parked"
        ours, theirs = await asyncio.to_thread(self._folded)
        assert ours == theirs, f"{self.old.name} and {self.new.name} fold the same reads to other days"
        for rpc, count in them.written.items():
            service = next(each for each, desk in them.desks.items() if rpc in desk.stubs)
            [row] = await self.region.insides[service].rows(_WRITTEN, f"%/{rpc}")
            assert row[0] == count, f"{rpc} was asked for {count} times, each twice, and done {row[0]} times"
        await self._plans_are_alike(them)

    def _folded(self) -> tuple[Any, Any]:
        """The days of all that the gates recorded, by this version and by the old one."""
        document = self.department.document()
        ours: Mapping[str, Any] = json.loads(json.dumps(fold_document(document, load()), default=str))
        source, target = (Path(self.region.stage.folder) / name for name in ("recorded.json", "folded.json"))
        source.write_text(json.dumps(document), encoding="utf-8")
        self.old.run("-m", "timetracking", "fold", str(source), str(target))
        theirs: Mapping[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        return ours["days"], theirs["days"]

    async def _plans_are_alike(self, them: Officials) -> None:
        """Timetracking has the plans of everybody who was hired, as regimes told of them last."""
        told, known = [
            {(row["servant"], row["month"]): row["revision"] for row in await self.region.insides[service].rows(query)}
            for service, query in _MONTHS.items()
        ]
        of_department = {key: revision for key, revision in told.items() if key[0].startswith(f"{self.department.name}-")}
        missing = {*them.hired, *self.department.servants} - {servant for servant, _ in of_department}
        assert not missing, f"regimes never planned for {missing}"
        beside = {key: (revision, known.get(key)) for key, revision in of_department.items() if known.get(key) != revision}
        assert not beside, f"plans as regimes told of them, and as timetracking has them: {beside}"


def report(upgrade: Upgrade, them: Officials) -> str:
    """What happened, as people read it."""
    lines = [
        f"{len(upgrade.department.recorded)} passages of {upgrade.department.people} people and {len(upgrade.department.gates)} gates, each there once"
    ]
    lines.append(f"{upgrade.region.replaced} processes replaced; {sum(them.written.values())} writes, each asked for twice, each done once")
    lines += [f"{service}: {desk.tally.said()}" for service, desk in them.desks.items()]
    lines.append(f"who follows days: cut and resumed {sum(them.resumed.codes.values())} times ({dict(them.resumed.codes)})")
    lines.append(f"devices: longest without a record taken {upgrade.devices.longest_s:.1f} s")
    return "\n".join(f"  {line}" for line in lines)
