"""What the platform answers about the week, asked as an HR officer asks, in the words of `fold` and of the truth."""

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from tartip.timetracking.v1 import device_service_pb2 as device_pb
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip_client.aio import pages

from .calls import HR, Desk, Desks, all_of, day, day_of
from .world import World

PAGE = 500
ACCOUNTS_PATIENCE_S = 30.0
ASK_AGAIN_S = 0.2
Key = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as the platform shows it."""

    kind: str
    on: date
    servant: str
    device: str
    badge: str
    until: date | None
    first: datetime
    seconds: int
    withdrawn: bool
    rule: str
    article: str
    message: str


class FoldRefused(Exception):
    """`fold` refused the document of the truth; says why."""


async def workdays(world: World, desks: Desks) -> dict[Key, pb.Workday]:
    """Returns all days of the week, by servant and date."""
    desk = await desks.of(HR)
    request = pb.ListWorkdaysRequest(parent=f"stateBodies/{world.body.id}", since=day(world.first), until=day(world.last), page_size=PAGE)
    rows = [row async for page in pages(desk.workdays.ListWorkdays, request) for row in page.workdays]
    return {(row.name.split("/")[1], day_of(row.date)): row for row in rows}


async def explanations(desks: Desks, keys: Iterable[Key], done: Any) -> dict[Key, pb.WorkdayExplanation]:
    """Returns the explanations of these days."""
    desk: Desk = await desks.of(HR)
    wanted = list(keys)
    answers = await all_of((desk.workdays.ExplainWorkday(pb.ExplainWorkdayRequest(name=name(*key))) for key in wanted), done=done)
    return dict(zip(wanted, answers, strict=True))


async def findings(world: World, desks: Desks) -> list[Found]:
    """Returns all findings of the week, of servants and devices, withdrawn ones too."""
    desk = await desks.of(HR)
    request = pb.ListFindingsRequest(
        parent=f"stateBodies/{world.body.id}", since=day(world.first), until=day(world.last), page_size=PAGE, include_withdrawn=True
    )
    return [_found(row) async for page in pages(desk.workdays.ListFindings, request) for row in page.findings]


async def accounts(world: World, desks: Desks) -> dict[str, device_pb.RecordCounts]:
    """Returns what became of every record, by device, as soon as nothing is in flight and all is known of, or after a while.

    What came is counted from beside, a moment behind those who record.
    """
    desk = await desks.of(HR)
    deadline = time.monotonic() + ACCOUNTS_PATIENCE_S
    while True:
        names = [device_name(world, each) for each in world.truth.counts]
        answers = await all_of([desk.devices.GetDeviceAccount(device_pb.GetDeviceAccountRequest(name=name)) for name in names])
        found = {device: answer.total for device, answer in zip(world.truth.counts, answers, strict=True)}
        known = all(each.received == world.truth.counts[device].sent and not each.in_flight for device, each in found.items())
        if known or time.monotonic() > deadline:
            return found
        await asyncio.sleep(ASK_AGAIN_S)


def device_name(world: World, serial: str) -> str:
    """The name of a device."""
    return f"stateBodies/{world.body.id}/devices/{serial}"


async def folded(truth: Path, answer: Path) -> None:
    """Computes the days of the truth with `fold`, as anyone can; FoldRefused where it does not take the document."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "timetracking", "fold", str(truth), str(answer), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        raise FoldRefused(said.decode().strip())


def name(servant: str, on: date) -> str:
    """The name of a working day."""
    return f"servants/{servant}/workdays/{on}"


def at(stamp: Timestamp) -> datetime:
    """An instant."""
    return stamp.ToDatetime(UTC)


def word(enum: Any, value: int, prefix: str) -> str:
    """A value of an enum as the documents have it: STATE_COMPUTED is "computed"."""
    return str(enum.Name(value)).removeprefix(prefix).lower()


def as_fold(workday: pb.Workday) -> Mapping[str, Any]:
    """A day in the words of `fold`, with instants as instants; sessions are no stays there."""
    stays = [stay for stay in workday.stays if stay.place == 1]
    return {
        "state": word(pb.WorkdayState, workday.state, "WORKDAY_STATE_"),
        "window": (at(workday.window_start), at(workday.window_end)),
        "seconds": {field.name: getattr(workday.seconds, field.name) for field in pb.WorkdaySeconds.DESCRIPTOR.fields},
        "stays": sorted((at(stay.start), at(stay.end), stay.assumed) for stay in stays),
    }


def reads_as_fold(explanation: pb.WorkdayExplanation) -> list[tuple[str, str, str]]:
    """What became of the reads of a day: device, event key, word."""
    return [(each.device, each.event_key, word(pb.ReadOutcome, each.outcome, "READ_OUTCOME_")) for each in explanation.reads]


def _found(row: pb.Finding) -> Found:
    return Found(
        kind=word(pb.FindingKind, row.kind, "FINDING_KIND_"),
        on=day_of(row.date),
        servant=row.servant.removeprefix("servants/"),
        device=row.device.rpartition("/")[2],
        badge=row.badge,
        until=day_of(row.until) if row.HasField("until") else None,
        first=at(row.first),
        seconds=row.seconds,
        withdrawn=row.state == pb.FINDING_STATE_WITHDRAWN,
        rule=row.basis.rule,
        article=row.basis.citation.en,
        message=row.message.en,
    )
