"""The truth about the week, from the diary and the memories of the devices alone: plans, reads, sessions, findings, counts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from .diary import Diary
from .equipment import DEVICES
from .memory import Kept, Troubles, on_beat
from .people import BODY, FIRST, LAST
from .world import Counts, DeviceSends, ExpectedFinding, Fault, Outcome, Truth

Memories = Mapping[str, Sequence[Kept]]


def truth(diary: Diary, memories: Memories, sent: Sequence[DeviceSends], faults: Sequence[Fault], end: datetime) -> Truth:
    """Returns all that is compared at the end."""
    return Truth(
        document=document(diary, memories, end),
        findings=tuple(found for fault in faults for found in fault.expects),
        doubtful_days=frozenset(diary.doubtful),
        incomplete_days=frozenset(_incomplete(diary)),
        undetermined=frozenset((fault.servant, fault.date) for fault in faults if fault.undetermined and not fault.expects),
        counts={device.serial: counts([each for each in sent if each.device == device.serial]) for device in DEVICES},
    )


def document(diary: Diary, memories: Memories, end: datetime) -> dict[str, Any]:
    """Returns the week as `fold` reads it; reads of strangers' badges are nobody's."""
    reads: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for device, kept in memories.items():
        for each in kept:
            if each.holder:
                reads[each.holder].append(each.as_read(device))
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for session in diary.sessions:
        ended = session.end.isoformat() if session.end else None
        sessions[session.servant].append({"start": session.start.isoformat(), "end": ended})
    return {
        "zone": BODY.zone,
        "since": FIRST.isoformat(),
        "until": LAST.isoformat(),
        "now": end.isoformat(),
        "devices": [
            {"device": each.serial, "role": each.role.value, "direction": each.direction.value, "premises": each.premises}
            for each in DEVICES
        ],
        "servants": [
            {
                "servant": servant.id,
                "plans": [row.as_fold() for row in diary.rows[servant.id].values()],
                "reads": reads[servant.id],
                "sessions": sessions[servant.id],
            }
            for servant in diary.servants
        ],
    }


def settled(fault: Fault, memories: Memories, troubles: Mapping[str, Troubles]) -> Fault:
    """Returns the fault of a device with what only its memory tells: at which read the finding begins, and how far it is off."""
    if not fault.device or fault.servant:
        return fault
    return replace(fault, expects=tuple(_settled(each, memories[fault.device], troubles[fault.device]) for each in fault.expects))


def _settled(found: ExpectedFinding, kept: Sequence[Kept], troubles: Troubles) -> ExpectedFinding:
    passages = [each for each in kept if each.read_at is not None]
    if found.kind == "device_clock":
        clock = next(each for each in troubles.clocks if each.start.date() == found.date)
        off = [each for each in passages if clock.start <= each.at < clock.until]
        nearest = min(on_beat(each.at) - each.at for each in off)
        ahead = None if clock.corrected else int((clock.ahead - nearest).total_seconds())
        return replace(found, first=off[0].at + clock.ahead, seconds=ahead)
    if found.kind == "device_missing_numbers":
        since = next(since for since, _ in troubles.lost if since.date() == found.date)
        return replace(found, first=[each.at for each in passages if each.at < since][-1])
    if found.kind == "event_number_reused":
        since = next(since for since in troubles.reused if since.date() == found.date)
        return replace(found, first=[each.at for each in passages if each.at < since][-1])
    return found


def _incomplete(diary: Diary) -> set[tuple[str, date]]:
    """Days with a plan at premises whose perimeter lost events over it."""
    days = set()
    for servant in diary.servants:
        for row in diary.rows[servant.id].values():
            if (diary.premises(servant), row.date) in diary.blocked and row.start is not None and row.place == "office":
                days.add((servant.id, row.date))
    return days


def counts(sent: Sequence[DeviceSends]) -> Counts:
    """Returns what a device sends, and what is to become of it."""
    records = [record for each in sent for record in each.records]
    passages = [record for record in records if record.outcome is Outcome.PASSAGE]
    once = {record.text for record in passages if not record.repeats}
    return Counts(
        sent=len(records),
        passages=len(once),
        repeated=len(passages) - len(once),
        parked=sum(record.outcome is Outcome.PARKED for record in records),
        ignored=sum(record.outcome is Outcome.IGNORED for record in records),
    )
