"""Documents with one thing wrong, each of a kind that `fold.md` refuses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

Json = dict[str, Any]

BAD_INSTANTS: tuple[object, ...] = (
    "2026-02-30T09:00:00+05:00",
    "2026-11-24T24:01:00+05:00",
    "2026-11-24T09:00:00",
    "2026-11-24",
    "yesterday",
    "",
    7,
    True,
    [],
)
STRANGE: tuple[object, ...] = (
    None,
    0,
    -1,
    1.5,
    10**30,
    True,
    "",
    "x" * 300,
    "\u0000",
    [],
    [None],
    [[]],
    {},
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-11-24T09:00:00.999999999Z",
    "2026-11-24t09:00:00z",
    "2026-11-24T09:00:60Z",
    "2026-11-24T09:00:00+24:00",
    "2026-11-24T09:00:00-00:00",
    "２０２６-11-24T09:00:00Z",
)


def spoiled(given: Json, random: Random) -> tuple[str, Json]:
    """The document with one flaw, and its name."""
    for _ in range(50):
        broken = copy.deepcopy(given)
        name = random.choice(sorted(FLAWS))
        if FLAWS[name](broken, random):
            return name, broken
    raise AssertionError("no flaw fits the document")


def objects(value: Any) -> list[Json]:
    """Every object in the document, except `parameters`."""
    if isinstance(value, list):
        return [found for each in value for found in objects(each)]
    if isinstance(value, dict):
        return [value, *(found for name, each in value.items() if name != "parameters" for found in objects(each))]
    return []


def unknown_field(given: Json, random: Random) -> bool:
    random.choice(objects(given))[random.choice(("colour", "Start", "premise", "norm"))] = 1
    return True


def missing_field(given: Json, random: Random) -> bool:
    row = random.choice(objects(given))
    optional = {"parameters", "orders", "sessions", "corrections", "core", "excused", "breaks", "holiday", "grace"}
    names = sorted(set(row) - optional)
    del row[random.choice(names)]
    return True


def impossible_instant(given: Json, random: Random) -> bool:
    rows = [(row, name) for row in objects(given) for name in ("start", "end", "at", "now") if row.get(name) is not None]
    row, name = random.choice(rows)
    row[name] = random.choice(BAD_INSTANTS)
    return True


def impossible_date(given: Json, random: Random) -> bool:
    rows = [(row, name) for row in objects(given) for name in ("date", "since", "until") if name in row]
    row, name = random.choice(rows)
    row[name] = random.choice(("2026-02-30", "2026-13-01", "26-01-01", "20261124", 20261124, None, "2026-11-24T00:00:00+05:00"))
    return True


def reversed_span(given: Json, random: Random) -> bool:
    rows = [row for row in objects(given) if row.get("start") and row.get("end")]
    if rows:
        row = random.choice(rows)
        row["start"], row["end"] = row["end"], row["start"]
    return bool(rows)


def unlisted_device(given: Json, random: Random) -> bool:
    rows = [row for servant in given["servants"] for row in servant["reads"]]
    if rows:
        random.choice(rows)["device"] = "nowhere"
    return bool(rows)


def unknown_void(given: Json, random: Random) -> bool:
    random.choice(given["servants"])["corrections"] = [{"kind": "void", "device": given["devices"][0]["device"], "event_key": "none such"}]
    return True


def overlap(given: Json, random: Random) -> bool:
    """A row beside itself that differs in nothing but a later start."""
    lists = [rows for row in objects(given) for name in ("intervals", "breaks") if (rows := row.get(name))]
    lists += [rows for servant in given["servants"] if (rows := servant.get("orders"))]
    for rows in random.sample(lists, min(1, len(lists))):
        row = copy.deepcopy(random.choice(rows))
        row["start"] = f"{row['start'][:17]}{random.randrange(1, 60):02}{row['start'][19:]}"
        rows.append(row)
    return bool(lists)


def different_rows_of_one_key(given: Json, random: Random) -> bool:
    device = copy.deepcopy(random.choice(given["devices"]))
    device["premises"] += " 2"
    servant = copy.deepcopy(random.choice(given["servants"]))
    servant["sessions"] = [*servant.get("sessions", []), {"start": "2026-11-01T09:00:00+05:00", "end": None}]
    plans = random.choice(given["servants"])["plans"]
    plan = copy.deepcopy(random.choice(plans))
    plan["grace"] = plan.get("grace", 0) + 1
    rows, row = random.choice(((given["devices"], device), (given["servants"], servant), (plans, plan)))
    rows.append(row)
    return True


def too_long_duty(given: Json, random: Random) -> bool:
    plans = [plan for servant in given["servants"] for plan in servant["plans"] if plan["date"] < "2027"]
    plan = random.choice(plans)
    start = f"{plan['date']}T00:00:00Z"
    plan["intervals"] = [{"start": start, "end": f"{plan['date'][:8]}31T00:00:00Z", "place": "office"}]
    return plan["date"][8:] < "29" and plan["date"][5:7] in ("10", "12", "03")


def unknown_word(given: Json, random: Random) -> bool:
    rows = [(row, name) for row in objects(given) for name in ("kind", "place", "role", "direction", "zone") if row.get(name) is not None]
    row, name = random.choice(rows)
    row[name] = random.choice(("night", "IN", "", 1))
    return True


def reversed_dates(given: Json, _: Random) -> bool:
    given["since"], given["until"] = given["until"], given["since"]
    return True


def bad_parameter(given: Json, random: Random) -> bool:
    given["parameters"] = random.choice(
        (
            {"day-border": "25:00"},
            {"day-border": 4},
            {"border-margin": "2 h"},
            {"border-margin": -1},
            {"tea": 1},
            {"night": ["22:00"]},
            [],
            None,
        )
    )
    return True


def strange_value(given: Json, random: Random) -> bool:
    """Another value somewhere; it may happen to be a good one."""
    rows = objects(given)
    row = random.choice(rows)
    name = random.choice(sorted(row))
    row[name] = random.choice(STRANGE)
    return True


def span_of_no_length(given: Json, random: Random) -> bool:
    """An end at its start: a strange row, but the page does not refuse it."""
    rows = [row for row in objects(given) if row.get("start") and row.get("end")]
    if rows:
        row = random.choice(rows)
        row["end"] = row["start"]
    return bool(rows)


FLAWS: dict[str, Callable[[Json, Random], bool]] = {
    each.__name__: each
    for each in (
        unknown_field,
        missing_field,
        impossible_instant,
        impossible_date,
        reversed_span,
        unlisted_device,
        unknown_void,
        overlap,
        different_rows_of_one_key,
        too_long_duty,
        unknown_word,
        reversed_dates,
        bad_parameter,
        strange_value,
        strange_value,
        span_of_no_length,
    )
}
