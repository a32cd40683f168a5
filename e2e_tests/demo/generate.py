"""Generates the world of the demo from a seed: people and plans, what goes wrong, an ordinary life for the rest, and the truth."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from random import Random

from .diary import Diary
from .equipment import DEVICES, PREMISES, badges, numbers
from .faults_of_devices import plant_faults_of_devices
from .faults_of_people import plant_faults_of_people
from .faults_of_sessions import ordinary_session, plant_faults_of_sessions
from .memory import Kept, remembered, sendings
from .people import BODY, FIRST, LAST, people
from .plans import RULES, PlanRow, assignments, instant, plan_rows
from .routine import Crossing, day_at_office, day_on_shift, into_the_house, is_campus
from .truth import settled, truth
from .world import BadgeAssigned, DeviceSends, Event, Servant, SessionEnds, SessionStarts, SettingsChanged, World

BEGIN = instant(FIRST, time(6))
END = instant(LAST + timedelta(days=1), time(4, 8))
"""All windows of the week have ended by then, and Monday has not begun."""

_RANKS = (SettingsChanged, BadgeAssigned, SessionEnds, SessionStarts, DeviceSends)


def world(seed: int) -> World:
    """Returns the world of a seed; the same seed gives the same world."""
    random = Random(seed)
    everybody = people(random)
    regimes = assignments(everybody.servants)
    diary = Diary(random, everybody, regimes, plan_rows(everybody.servants, everybody.units, regimes))
    diary.numbers = numbers(random, everybody.servants)
    plant_faults_of_devices(diary)
    plant_faults_of_sessions(diary)
    plant_faults_of_people(diary)
    _live(diary)
    memories = _memories(diary)
    sent = [each for device in DEVICES for each in sendings(device, memories[device.serial], diary.troubles[device.serial])]
    faults = [settled(fault, memories, diary.troubles) for fault in diary.faults]
    given = badges({key: number for key, number in diary.numbers.items() if key[1].startswith("s-")})
    at_once = [each for each in given if (each.system, each.servant) not in diary.assigned_later]
    later = [BadgeAssigned(diary.assigned_later[each.system, each.servant], each) for each in given if each not in at_once]
    return World(
        seed=seed,
        body=BODY,
        premises=PREMISES,
        units=everybody.units,
        positions=everybody.positions,
        servants=everybody.servants,
        rules=RULES,
        assignments=tuple(diary.regimes),
        devices=DEVICES,
        badges=tuple(at_once),
        first=FIRST,
        last=LAST,
        begin=BEGIN,
        end=END,
        events=tuple(sorted([*sent, *later, *diary.actions, *_sessions(diary)], key=_in_order)),
        faults=tuple(faults),
        truth=truth(diary, memories, sent, faults, END),
    )


def _live(diary: Diary) -> None:
    """Writes an ordinary day wherever nothing was planted."""
    for servant in diary.servants:
        for row in diary.rows[servant.id].values():
            if row.date <= LAST and (servant.id, row.date) not in diary.written and row.start is not None:
                _ordinary(diary, servant, row)


def _ordinary(diary: Diary, servant: Servant, row: PlanRow) -> None:
    if row.place == "remote":
        ordinary_session(diary, servant, row)
        return
    gates = diary.gates(servant, row, directed=False)
    walk = day_on_shift(gates, servant.id, row) if row.kind == "shift" else day_at_office(gates, servant.id, row)
    diary.write(servant, row.date, into_the_house(diary.random, walk) if is_campus(gates.premises) else walk)


def _memories(diary: Diary) -> dict[str, list[Kept]]:
    """What each device remembers; the reads of strangers are nobody's."""
    crossings: list[Crossing] = [each for walk in diary.written.values() for each in walk.crossings()] + diary.strangers
    names = {servant.id: servant.display_name for servant in diary.servants}
    strangers = {each.holder for each in diary.strangers}
    memories = {}
    for device in DEVICES:
        passed = [each for each in crossings if each.device == device.serial]
        kept = remembered(device, passed, diary.numbers, names, diary.troubles[device.serial], diary.random)
        memories[device.serial] = [replace(each, holder="") if each.holder in strangers else each for each in kept]
    return memories


def _sessions(diary: Diary) -> list[Event]:
    started: list[Event] = [SessionStarts(each.start, each.servant) for each in diary.sessions]
    return started + [SessionEnds(each.end, each.servant) for each in diary.sessions if each.end is not None]


def _in_order(event: Event) -> tuple[datetime, int, str]:
    about = (
        event.badge.servant
        if isinstance(event, BadgeAssigned)
        else event.servant
        if isinstance(event, (SessionEnds, SessionStarts))
        else event.device
    )
    return event.at, _RANKS.index(type(event)), about
