"""A part of the demo's world that is lived in a fraction of the time: one department, and the first days of its week."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from .plans import HQ, instant
from .truth import counts
from .wire import findings_of_devices
from .world import BadgeAssigned, DeviceSends, Event, Protocol, SessionEnds, SessionStarts, SettingsChanged, World

DEPARTMENT = "international"
"""Its people work in the headquarters, by all patterns but shifts; the terminals there do not number their events."""


def part_of(whole: World, last: date) -> World:
    """The world of the department until the morning after a date of the week."""
    end = min(whole.end, instant(last + timedelta(days=1), time(6)))
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
        last=last,
        end=end,
        events=tuple(events),
        faults=tuple(fault for fault in whole.faults if fault.servant in kept and fault.date <= last),
    )
    findings = [each for fault in part.faults for each in fault.expects if (each.until or each.date) <= last]
    truth = replace(
        whole.truth,
        document=_part_of_document(whole.truth.document, part),
        findings=(*findings, *findings_of_devices(part, end)),
        doubtful_days=frozenset(key for key in whole.truth.doubtful_days if key[0] in kept and key[1] <= last),
        incomplete_days=frozenset(key for key in whole.truth.incomplete_days if key[0] in kept and key[1] <= last),
        counts={each.serial: counts([it for it in events if isinstance(it, DeviceSends) and it.device == each.serial]) for each in devices},
    )
    return replace(part, truth=truth)


def _part_of_event(whole: World, event: Event, kept: Collection[str], numbers: Collection[tuple[str, str]]) -> Event | None:
    match event:
        case SessionStarts() | SessionEnds():
            return event if event.servant in kept else None
        case SettingsChanged():
            return event if whole.device(event.device).premises == HQ else None
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
