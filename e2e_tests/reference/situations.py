"""Documents for the table of cases in `workday.md`, written the way the table speaks: "Tue 09:00", "in 08:55".

Office 09:00–18:30, break 13:00–14:30, Almaty, the week of Monday 23 November 2026; Saturday and Sunday are days off.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ALMATY = ZoneInfo("Asia/Almaty")
MONDAY = date(2026, 11, 23)
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
FOUR = "in 08:55, out 13:02, in 14:25, out 18:33"

Json = dict[str, Any]


def at(day: int, wall_time: str, monday: date = MONDAY) -> str:
    """The instant of a wall time ("24:00" and later are of the next date) of a day of the week."""
    hour, minute, second = (int(part) for part in f"{wall_time}:00".split(":")[:3])
    moment = datetime.combine(monday + timedelta(days=day), datetime.min.time(), ALMATY) + timedelta(
        hours=hour, minutes=minute, seconds=second
    )
    return moment.isoformat()


def on(day: int, monday: date = MONDAY) -> str:
    return (monday + timedelta(days=day)).isoformat()


def span(day: int, words: str) -> Json:
    """ "09:00-18:30" of a day; an end that is not after the start is of the next date."""
    start, end = words.split("-")
    later = day if end > start else day + 1
    return {"start": at(day, start), "end": at(later, end)}


def interval(day: int, words: str, place: str = "office") -> Json:
    return {**span(day, words), "place": place}


def plan(day: int, kind: str, intervals: list[Json], breaks: list[Json] | None = None, **more: Any) -> Json:
    return {"date": on(day), "kind": kind, "intervals": intervals, "breaks": breaks or [], **more}


def office(day: int, **more: Any) -> Json:
    return plan(day, "office", [interval(day, "09:00-18:30")], [span(day, "13:00-14:30")], **more)


def off(day: int, **more: Any) -> Json:
    return plan(day, "day_off", [], **more)


def order(day: int, kind: str, words: str, starts: int | None = None) -> Json:
    return {"date": on(day), "kind": kind, **span(day if starts is None else starts, words)}


def reads(day: int, words: str, device: str = "gate") -> list[Json]:
    """ "in 08:55, out 13:02, undirected 14:25:10": the keys are the words themselves."""
    found = []
    for each in words.split(", "):
        direction, wall_time = each.split(" ")
        sent = None if direction == "undirected" else direction
        found.append({"device": device, "event_key": f"{on(day)} {wall_time}", "at": at(day, wall_time), "direction": sent})
    return found


def session(day: int, words: str) -> Json:
    return span(day, words)


DEVICES = [
    {"device": "gate", "role": "perimeter", "direction": "as_sent", "premises": "HQ"},
    {"device": "turnstile", "role": "perimeter", "direction": "alternating", "premises": "HQ"},
    {"device": "house", "role": "internal", "direction": "in", "premises": "HQ"},
]


def document(plans: list[Json], reads: list[Json], since: int = TUE, until: int | None = None, now: str | None = None, **more: Any) -> Json:
    """One servant's document. Dates without a plan of their own are office dates, at weekends days off."""
    given = {each["date"] for each in plans}
    usual = [office(day) if day % 7 < SAT else off(day) for day in range(-4, 11)]
    return {
        "zone": "Asia/Almaty",
        "since": on(since),
        "until": on(since if until is None else until),
        "now": now or at(30, "00:00"),
        "devices": DEVICES,
        "servants": [{"servant": "S1", "plans": [*plans, *(each for each in usual if each["date"] not in given)], "reads": reads, **more}],
    }
