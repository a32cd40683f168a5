"""What the platform made of a department, beside the truth: `fold` over what the gates recorded."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from chassis.database import Database
from chassis.eras import era_and_revision
from chassis.supervision import closing
from lawbook import load
from tartip.timetracking.v1.events_pb2 import WorkdayChanged
from timetracking.accounts.domain import UNDATED
from timetracking.accounts.repository import StoredAccounts
from timetracking.workdays.domain import WorkdayContent
from timetracking.workdays.domain.kept import content_of
from timetracking.workdays.events import figures, presence
from timetracking.workdays.fold import fold_document

from .department import JUDGED, TODAY, Department
from .stage import Stage

WORKDAYS = "timetracking.workdays.v1"
Key = tuple[str, date]

_PASSAGES = "SELECT device, event_key, badge_number, direction, wall_time FROM passages WHERE device = ANY ($1::text[])"
_DAYS = "SELECT servant, date, revision, content FROM workdays WHERE servant = ANY ($1::text[])"


async def judged(stage: Stage, department: Department) -> None:
    """Waits until the platform is level, and asserts that nothing was lost, nothing doubled, and the newest is what was published last."""
    await stage.level()
    await _passages(stage, department)
    await _accounts(stage, department)
    days = {(row["servant"], row["date"]): row for row in await stage.inside.rows(_DAYS, department.servants)}
    contents = {key: content_of(key[1], row["content"]) for key, row in days.items()}
    expected, found = truth(department), {key: shown(each) for key, each in contents.items() if key[1] in JUDGED}
    assert found.keys() == expected.keys(), f"days beside: {found.keys() ^ expected.keys()}"
    for key, day in expected.items():
        assert found[key] == day, f"{key} is not what fold says"
    await _events(stage, {key: (row["revision"], contents[key]) for key, row in days.items()})
    circles = stage.inside.circles()
    assert not circles, f"transactions waited for one another in a circle: {circles}"


def truth(department: Department) -> dict[Key, Any]:
    """The days as `fold` computes them; those that have not ended and of which nothing was seen are not kept."""
    answer = fold_document(department.document(), load())
    days: dict[Key, Any] = {}
    for row in answer["days"]:
        if row["state"] != "in_progress" or row["reads"] or row["stays"]:
            days[row["servant"], date.fromisoformat(row["date"])] = {
                "state": row["state"],
                "seconds": row["seconds"],
                "stays": [(_instant(each["start"]), _instant(each["end"]), each["assumed"]) for each in row["stays"]],
                "reads": [(each["device"], each["event_key"], each["became"]) for each in row["reads"]],
                "findings": [(each["kind"], _instant(each["first"]), each["seconds"], each["rule"]) for each in row["findings"]],
            }
    return days


def shown(day: WorkdayContent) -> dict[str, Any]:
    """A stored day in the same words."""
    return {
        "state": day.state.value,
        "seconds": day.seconds._asdict(),
        "stays": [(stay.start, stay.end, stay.assumed) for stay in day.stays],
        "reads": [(read.device, read.event_key, became.value) for read, became in day.reads],
        "findings": [(each.kind.value, each.first, each.seconds, each.rule) for each in day.findings],
    }


async def _passages(stage: Stage, department: Department) -> None:
    """Every passage is stored, each once."""
    serials = [gate.serial for gate in department.gates]
    recorded = Counter(
        (each.gate.serial, each.event_key, each.badge, 1 if each.inwards else 2, each.wall_time) for each in department.recorded
    )
    stored = Counter(tuple(row) for row in await stage.inside.rows(_PASSAGES, serials))
    assert stored == recorded, f"lost: {list((recorded - stored).items())[:5]}, too many: {list((stored - recorded).items())[:5]}"


async def _accounts(stage: Stage, department: Department) -> None:
    """Of each date of a gate everything that came has become something: what came is counted from Kafka, beside those who store it."""
    database = Database(stage.inside.urls.worker, name="verdict")
    async with closing(database), database.transaction() as transaction:
        accounts = StoredAccounts(transaction)
        for gate in department.gates:
            days = await accounts.days(gate.serial, UNDATED, TODAY)
            for on, counts in days:
                assert counts.in_flight == 0, f"the account of {gate.serial} on {on} does not close: {counts}"
            assert sum(counts.stored for _, counts in days) == sum(each.gate == gate for each in department.recorded)


async def _events(stage: Stage, kept: Mapping[Key, tuple[int, WorkdayContent]]) -> None:
    """The last event of each day carries its newest revision, and is the day as it is stored."""
    told: dict[Key, list[WorkdayChanged]] = defaultdict(list)
    for message in await asyncio.to_thread(stage.kafka.read, WORKDAYS):
        event = WorkdayChanged.FromString(message.value())
        told[event.servant, date(event.date.year, event.date.month, event.date.day)].append(event)
    for key, (revision, content) in kept.items():
        revisions = [event.revision for event in told[key]]
        assert revisions, f"{key} was never published"
        assert revisions[-1] == max(revisions), f"{key} was published last in an older state: {revisions}"
        assert era_and_revision(revisions[-1])[1] == revision, f"{key} is kept as {revision}, and published as {revisions}"
        assert told[key][-1].seconds == figures(content.seconds)
        assert list(told[key][-1].presence) == presence(content)


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())
