"""Random `fold` documents from a seed: the same seed, the same document, on any machine.

Reads, sessions and corrections fall mostly where a definition changes its mind: at borders, at starts and ends of anything
planned or ordered, and 59, 60 or 61 seconds from another read.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from .document import read_document
from .windows import DAY, Windows, civil

Json = dict[str, Any]

MINUTE, HOUR = 60, 3600
CONTEXT = 3
"""Dates before `since` and after `until` that have plans and reads too."""
NUDGES = (0, 0, 0, 1, -1, 2, 30, 59, 60, 61, -59, -60, -61, 119, 120, 121, 300, -300, 900, -900, 1800, HOUR, -HOUR, 2 * HOUR, -2 * HOUR)
CALENDARS = (
    ("Asia/Almaty", date(2026, 11, 16)),
    ("Asia/Almaty", date(2026, 11, 23)),
    ("Asia/Almaty", date(2024, 2, 25)),
    ("Asia/Almaty", date(2024, 2, 27)),
    ("Asia/Qostanay", date(2024, 2, 28)),
    ("Asia/Aqtau", date(2026, 12, 12)),
    ("Asia/Kathmandu", date(2026, 3, 2)),
    ("Europe/Berlin", date(2026, 3, 26)),
    ("Europe/Berlin", date(2026, 10, 22)),
)


def documents(seed: int, count: int) -> Iterator[Json]:
    return (document(f"{seed}:{number}") for number in range(count))


def document(seed: object) -> Json:
    return Maker(Random(str(seed))).document()


class Maker:
    """One document in the making; instants are whole seconds until they are written."""

    def __init__(self, random: Random) -> None:
        self.random = random
        name, monday = random.choice(CALENDARS[:2] * 3 + CALENDARS)
        self.zone_name, self.zone = name, ZoneInfo(name)
        self.since = monday + DAY * random.randrange(3)
        self.until = self.since + DAY * random.randrange(3, 10)
        self.dates = [self.since + DAY * number for number in range(-CONTEXT, (self.until - self.since).days + CONTEXT + 1)]
        self.moments: list[int] = []
        self.keys = random.choice((0, 5, 95))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def document(self) -> Json:
        devices = self.devices()
        servants = [self.servant(f"S{number}", devices) for number in self.random.sample(range(1, 12), self.random.choice((1, 1, 2, 3)))]
        return {**self.heading(), "devices": devices, "servants": servants}

    def heading(self) -> Json:
        last = civil(self.zone, self.until + DAY * 9, "00:00")
        now = last if self.chance(0.7) or not self.moments else self.near(self.moments)
        heading: Json = {"zone": self.zone_name, "since": self.since.isoformat(), "until": self.until.isoformat(), "now": self.written(now)}
        if self.chance(0.3):
            heading["parameters"] = self.parameters()
        return heading

    def parameters(self) -> Json:
        choices: dict[str, Callable[[], Any]] = {
            "day-border": lambda: self.random.choice(("00:00", "03:30", "04:00", "05:00", "23:30")),
            "border-margin": lambda: self.random.choice((0, 1, 1801, HOUR, 3 * HOUR)),
            "double-read-window": lambda: self.random.choice((0, 1, 59, 61, 120)),
            "longest-stay": lambda: self.random.choice((4 * HOUR, 12 * HOUR, 20 * HOUR)),
            "rest-between-days": lambda: self.random.choice((0, 11 * HOUR, 16 * HOUR)),
            "daily-limit": lambda: self.random.choice((0, 7 * HOUR + 1, 8 * HOUR, 36000)),
            "night": lambda: self.random.choice((["22:00", "06:00"], ["00:00", "06:00"], ["23:00", "05:30"], ["20:00", "23:00"])),
        }
        return {name: choices[name]() for name in self.random.sample(sorted(choices), self.random.randrange(4))}

    def devices(self) -> list[Json]:
        names = ["1", "2", "03", "10", "3", "gate", "ворота"]
        found = [
            {
                "device": name,
                "role": self.random.choice(("perimeter",) * 5 + ("internal",)),
                "direction": self.random.choice(("as_sent",) * 3 + ("in", "out", "alternating")),
                "premises": self.random.choice(("HQ", "Annex")),
            }
            for name in self.random.sample(names, self.random.randrange(1, 6))
        ]
        if self.chance(0.8):
            found[0] |= {"role": "perimeter", "direction": self.random.choice(("as_sent", "as_sent", "as_sent", "alternating"))}
        return found

    def servant(self, name: str, devices: list[Json]) -> Json:
        plans = {day: self.plan(day) for day in self.dates if not self.chance(0.04)}
        orders = [order for day in self.dates for order in self.orders(day, plans.get(day))]
        self.moments = self.borders(plans, orders) + [
            moment for row in [*plans.values(), *orders] for span in spans_of(row) for moment in (span["start"], span["end"])
        ]
        reads = self.reads(plans, orders, devices) if not self.chance(0.05) else []
        sessions = self.sessions(plans)
        corrections = self.corrections(reads) if self.chance(0.5) else []
        rows: Json = {"plans": list(plans.values()), "orders": orders, "reads": reads, "sessions": sessions, "corrections": corrections}
        return {
            "servant": name,
            **{
                field: self.shuffled_rows(value)
                for field, value in rows.items()
                if value or self.chance(0.5) or field in ("plans", "reads")
            },
        }

    def shuffled_rows(self, rows: list[Json]) -> list[Json]:
        return [self.write(row) for row in self.random.sample(rows, len(rows))]

    # Plans and orders

    def wall(self, day: date, hours: float) -> int:
        """The instant of a wall time given in hours of the date; 24 and later are of the next date."""
        minutes = round(hours * 60)
        return civil(self.zone, day + DAY * (minutes // 1440), f"{minutes % 1440 // 60:02}:{minutes % 60:02}")

    def span(self, day: date, start: float, end: float) -> Json:
        return {"start": self.wall(day, start), "end": self.wall(day, end)}

    def interval(self, day: date, start: float, end: float, place: str) -> Json:
        return {**self.span(day, start, end), "place": place}

    def plan(self, day: date) -> Json:
        weekend = 0.8 if day.weekday() >= 5 else 0.1
        if self.chance(weekend):
            kind, intervals, breaks, core = self.rest_day()
        else:
            kind, intervals, breaks, core = self.random.choice(
                (self.office, self.office, self.remote, self.combined, self.flexible, self.shift, self.duty, self.split)
            )(day)
        plan: Json = {"date": day.isoformat(), "kind": kind, "intervals": intervals}
        if breaks or self.chance(0.5):
            plan["breaks"] = breaks
        if core is not None or self.chance(0.5):
            plan["core"] = core
        if intervals and self.chance(0.2):
            plan["excused"] = [self.excused(intervals) for _ in range(self.random.choice((1, 1, 2)))]
        if kind == "public_holiday" or self.chance(0.1):
            plan["holiday"] = True
        if self.chance(0.3):
            plan["grace"] = self.random.choice((0, 1, 60, 600))
        return plan

    def rest_day(self) -> tuple[str, list[Json], list[Json], Json | None]:
        return self.random.choice(("day_off", "public_holiday")), [], [], None

    def office(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        kind = self.random.choice(("office", "office", "office", "sliding", "summarised"))
        intervals, breaks = [self.interval(day, 9, 18.5, "office")], [self.span(day, 13, 14.5)]
        if self.chance(0.2):
            intervals, breaks = [self.interval(day, 9, 13, "office"), self.interval(day, 14.5, 18.5, "office")], []
        if self.chance(0.1):
            intervals, breaks = [self.interval(day, 8, 19, "office")], [self.span(day, 12, 12.5), self.span(day, 12.5, 13.25)]
        return kind, intervals, breaks, None

    def remote(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        return "remote", [self.interval(day, 9, 18.5, "remote")], [self.span(day, 13, 14.5)], None

    def combined(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        first, second = self.random.choice((("remote", "office"), ("office", "remote"), ("remote", "remote"), ("office", "office")))
        turn = self.random.choice((11, 12, 13.25))
        intervals = [
            self.interval(day, 9, turn, first),
            self.interval(day, turn, turn + 1, "way"),
            self.interval(day, turn + 1 + self.random.choice((0, 0, 0.5)), 18.5, second),
        ]
        return "combined", intervals, [self.span(day, 13, 14.5)], None

    def flexible(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        start = self.random.choice((7, 8, 9.5))
        kind = "office" if self.chance(0.1) else "flexible"
        core = None if self.chance(0.1) else self.span(day, 10, 16)
        place = self.random.choice(("office", "office", "remote"))
        return kind, [self.interval(day, start, start + 9.5, place)], [self.span(day, 13, 14.5)], core

    def shift(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        start, hours = self.random.choice(((20, 12), (22, 8), (0, 8), (14, 8), (16, 16), (8, 12), (23.75, 12)))
        breaks = [self.span(day, start + 5, start + 6)] if self.chance(0.5) else []
        place = self.random.choice(("office", "office", "office", "remote"))
        return "shift", [self.interval(day, start, start + hours, place)], breaks, None

    def duty(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        start, hours = self.random.choice(((9, 24), (9, 24), (8, 25), (0, 24), (12, 30), (20, 34), (23.75, 35)))
        breaks = [self.span(day, start + 4, start + 5), self.span(day, start + 15, start + 17)] if self.chance(0.5) else []
        return "shift", [self.interval(day, start, start + hours, "office")], breaks, None

    def split(self, day: date) -> tuple[str, list[Json], list[Json], Json | None]:
        """Three intervals at random places, with holes between some of them and a break at random."""
        edges = sorted(self.random.sample(range(6 * 4, 23 * 4), 6))
        if self.chance(0.5):
            edges[2] = edges[1]
        intervals = [self.interval(day, edges[n] / 4, edges[n + 1] / 4, self.random.choice(("office", "remote", "way"))) for n in (0, 2, 4)]
        start = self.random.choice(edges) / 4
        return self.random.choice(("combined", "office", "sliding")), intervals, [self.span(day, start, start + 0.5)], None

    def excused(self, intervals: list[Json]) -> Json:
        start = self.near([row[side] for row in intervals for side in ("start", "end")])
        return {
            "start": start,
            "end": start + self.random.choice((1, 600, HOUR, 2 * HOUR, 12 * HOUR)),
            "reason": self.random.choice(("leave", "permission")),
        }

    def orders(self, day: date, plan: Json | None) -> list[Json]:
        kept: list[Json] = []
        for _ in range(self.random.choice((0, 0, 0, 0, 0, 1, 1, 2))):
            start = self.wall(day, self.random.choice((6, 10, 14, 18.5, 20)))
            if plan and plan["intervals"] and self.chance(0.7):
                start = plan["intervals"][-1]["end"] + self.random.choice((0, 0, 0, HOUR, -HOUR))
                if self.chance(0.2):
                    start = plan["intervals"][0]["start"] - 2 * HOUR
            order: Json = {"start": start, "end": start + self.random.choice((HOUR, 2 * HOUR, 5 * HOUR, 20000))}
            order |= {"date": day.isoformat(), "kind": self.random.choice(("overtime", "rest_day"))}
            if self.chance(0.3):
                order["breaks"] = [{"start": start + 1800, "end": start + 3000}]
            fits = all(other["end"] <= order["start"] or order["end"] <= other["start"] for other in kept)
            if fits and duty_length([*kept, order, *(plan or {}).get("intervals", [])]) <= 36 * HOUR:
                kept.append(order)
        return kept

    def borders(self, plans: dict[date, Json], orders: list[Json]) -> list[int]:
        bare = {
            **self.heading(),
            "devices": [],
            "servants": [{"servant": "S", "plans": [self.write(row) for row in plans.values()], "reads": []}],
        }
        bare["servants"][0]["orders"] = [self.write(row) for row in orders]
        bare.pop("parameters", None)
        read = read_document(bare)
        windows = Windows(read, read.servants[0])
        return [windows.border_after(day) for day in self.dates] * 2

    # What happened

    def near(self, moments: list[int]) -> int:
        return self.random.choice(moments) + self.random.choice((*NUDGES, self.random.randrange(-3 * HOUR, 3 * HOUR)))

    def reads(self, plans: dict[date, Json], orders: list[Json], devices: list[Json]) -> list[Json]:
        found: list[Json] = []
        sloppiness = self.random.choice((0.02, 0.15, 0.4))
        for row in [*plans.values(), *orders]:
            parts = row.get("intervals", [row])
            for part in parts if self.chance(0.9) else []:
                turns = [(part["start"], "in"), (part["end"], "out")]
                turns += [(rest["start"], "out") for rest in row.get("breaks", [])] + [
                    (rest["end"], "in") for rest in row.get("breaks", [])
                ]
                for moment, sent in turns:
                    if not self.chance(sloppiness):
                        found.append(self.read(moment + self.random.choice((*NUDGES, self.random.randrange(-900, 900))), sent, devices))
        for _ in range(self.random.choice((0, 2, 5, 12))):
            found.append(self.read(self.near(self.moments), self.random.choice(("in", "out", None)), devices))
        for other in self.random.sample(found, len(found) // 8):
            longest = self.random.choice((16, 16, 13.5, 12, 28, 34)) * HOUR + self.random.choice((-1, 0, 0, 1))
            found.append(self.read(other["at"] + int(longest), "out", devices))
        for other in self.random.sample(found, len(found) // 4):
            later = other["at"] + self.random.choice((0, 0, 1, 2, 30, 59, 60, 61, 90))
            found.append(self.read(later, self.random.choice((other["direction"], None, "in", "out")), devices))
        return found

    def read(self, at: int, sent: str | None, devices: list[Json]) -> Json:
        fitting = [each for each in devices if sent is None or each["direction"] in (sent, "as_sent", "alternating")]
        device = self.random.choice(fitting if fitting and self.chance(0.95) else devices)
        if devices[0] in fitting and self.chance(0.7):
            device = devices[0]
        self.keys += self.random.choice((0, 1, 1, 1, 1, 1, 1, 1, 3))
        key = self.random.choice((str(self.keys),) * 4 + (f"0{self.keys}", f"e-{self.keys}"))
        return {"device": device["device"], "event_key": key, "at": at, "direction": sent}

    def sessions(self, plans: dict[date, Json]) -> list[Json]:
        found: list[Json] = []
        for plan in plans.values():
            for interval in plan["intervals"]:
                if interval["place"] == "remote" and self.chance(0.8):
                    middle = (interval["start"] + interval["end"]) // 2
                    found.append({"start": interval["start"] + self.random.choice(NUDGES), "end": middle})
                    last = interval["end"] + self.random.choice(NUDGES)
                    found.append({"start": middle + self.random.choice((0, 0, 600)), "end": None if self.chance(0.2) else last})
        for _ in range(self.random.choice((0, 0, 0, 1, 3))):
            start = self.near(self.moments)
            found.append({"start": start, "end": None if self.chance(0.2) else start + self.random.choice((1, HOUR, 5 * HOUR, 30 * HOUR))})
        return [row for row in found if row["end"] is None or row["end"] > row["start"]]

    def corrections(self, reads: list[Json]) -> list[Json]:
        found: list[Json] = []
        moments = [read["at"] for read in reads] + self.moments
        for _ in range(self.random.choice((1, 2, 4, 8))):
            kind = self.random.choice(("entry", "exit", "exit", "stay", "void"))
            if kind == "void" and reads:
                read = self.random.choice(reads)
                found.append({"kind": kind, "device": read["device"], "event_key": read["event_key"]})
            elif kind == "stay":
                start = self.near(moments)
                found.append({"kind": kind, "start": start, "end": start + self.random.choice((1, 600, HOUR, 5 * HOUR, 14 * HOUR))})
            elif kind != "void":
                found.append({"kind": kind, "at": self.random.choice(moments) if self.chance(0.4) else self.near(moments)})
        return found

    # Writing

    def write(self, row: Any) -> Any:
        """The row with its instants in RFC 3339, in one of the notations that mean the same."""
        if isinstance(row, list):
            return [self.write(each) for each in row]
        if isinstance(row, dict):
            return {
                name: self.written(value, fraction=name == "at" and "event_key" in row)
                if name in ("start", "end", "at") and value is not None
                else self.write(value)
                for name, value in row.items()
            }
        return row

    def written(self, second: int, fraction: bool = False) -> str:
        style = self.random.random()
        zone = self.zone if style < 0.9 else UTC if style < 0.95 else ZoneInfo("Asia/Tokyo")
        text = datetime.fromtimestamp(second, zone).isoformat()
        if fraction and self.chance(0.1):
            text = f"{text[:19]}.{self.random.randrange(1000):03}{text[19:]}"
        return text.replace("+00:00", "Z") if style < 0.93 else text


def spans_of(row: Any) -> list[Json]:
    """Every {start, end} in a row, the row itself too."""
    found: list[Json] = []
    if isinstance(row, list):
        return [span for each in row for span in spans_of(each)]
    if isinstance(row, dict):
        found = [row] if "start" in row else []
        found += [span for each in row.values() for span in spans_of(each)]
    return found


def duty_length(spans: list[Json]) -> int:
    return int(max(span["end"] for span in spans) - min(span["start"] for span in spans))


def shuffled(given: Json, random: Random) -> Json:
    """The same document with every list in another order, and some rows of every list standing twice."""

    def shuffle(value: Any) -> Any:
        if isinstance(value, dict):
            return {field: each if field == "parameters" else shuffle(each) for field, each in value.items()}
        if isinstance(value, list):
            rows = [shuffle(each) for each in value]
            rows += [copy.deepcopy(row) for row in random.sample(rows, random.randint(0, len(rows)))]
            random.shuffle(rows)
            return rows
        return value

    answer: Json = shuffle(given)
    return answer
