"""`fold` as an auditor uses it: documents as docs/fold.md describes them, and their answers."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from lawbook import Lawbook
from timetracking.workdays.fold import fold_file

from .papers import DATE, FOUR, Json, at, document, office, read, span

Fold = Callable[[Json], Json]


def only(answer: Json) -> Json:
    (day,) = answer["days"]
    found: Json = day
    return found


def test_the_example_of_the_page_gives_the_answer_of_the_page(fold: Fold, law: Lawbook) -> None:
    assert fold(document()) == {
        "edition": law.edition,
        "parameters": {},
        "days": [
            {
                "servant": "S1",
                "date": DATE,
                "state": "computed",
                "window": {"start": "2026-11-24T04:00:00+05:00", "end": "2026-11-25T04:00:00+05:00"},
                "seconds": {
                    "worked": 28800,
                    "assumed": 0,
                    "overtime": 0,
                    "rest_day": 0,
                    "outside_hours": 480,
                    "remote_outside_hours": 0,
                    "gap": 420,
                    "night": 0,
                    "holiday": 0,
                    "late": 0,
                    "early": 0,
                    "left": 0,
                    "absent": 0,
                    "excused": 0,
                    "known": 29700,
                },
                "stays": [{**span("08:55", "13:02"), "assumed": False}, {**span("14:25", "18:33"), "assumed": False}],
                "reads": [{"device": "gate-1", "event_key": key, "became": "counted"} for key, _, _ in FOUR],
                "findings": [],
            }
        ],
        "across_days": [],
    }


def test_a_finding_is_shown_with_kind_first_second_seconds_and_rule(fold: Fold) -> None:
    day = only(fold(document(read("1", "10:00", "in"))))
    assert day["findings"] == [
        {"kind": "late", "first": at("09:00"), "seconds": 3600, "rule": "o121-p4"},
        {"kind": "missing_exit", "first": at("10:00"), "seconds": 8 * 3600 + 1800, "rule": "lc-79"},
    ]
    assert day["stays"] == [{**span("10:00", "18:30"), "assumed": True}]


def test_what_may_be_left_out_has_the_obvious_empty_default(fold: Fold) -> None:
    short = document()
    del short["parameters"]
    for name in ("core", "excused", "holiday", "grace"):
        del short["servants"][0]["plans"][0][name]
    assert fold(short) == fold(document(orders=[], sessions=[], corrections=[]))
    day_off = document(plans=[{"date": DATE, "kind": "day_off"}])
    assert fold(day_off) == fold(document(plans=[{"date": DATE, "kind": "day_off", "intervals": [], "breaks": []}]))


def rich() -> Json:
    """Two servants and three dates with something in every list."""
    given = document()
    given |= {"since": "2026-11-23", "until": "2026-11-26", "parameters": {"night": ["21:00", "06:00"], "daily-limit": 7200}}
    given["devices"] += [
        {"device": "7", "role": "internal", "direction": "in", "premises": "HQ"},
        {"device": "07", "role": "perimeter", "direction": "alternating", "premises": "Annex"},
    ]
    plan = office(25) | {
        "kind": "combined",
        "intervals": [{**span("09:00", "11:00", 25), "place": "remote"}, {**span("11:00", "18:30", 25), "place": "office"}],
        "breaks": [span("13:00", "14:00", 25), span("14:00", "14:30", 25)],
        "excused": [{**span("09:00", "09:30", 25), "reason": "leave"}, {**span("09:00", "09:30", 25), "reason": "permission"}],
    }
    given["servants"][0] |= {
        "plans": [office(23), office(), plan],
        "orders": [
            {"date": DATE, "kind": "overtime", **span("19:00", "22:00"), "breaks": [span("20:00", "20:10"), span("21:00", "21:10")]},
            {"date": DATE, "kind": "rest_day", **span("22:00", "23:00"), "breaks": []},
        ],
        "sessions": [{**span("09:30", "10:00", 25)}, {"start": at("10:30", 25), "end": None}],
        "corrections": [
            {"kind": "exit", "at": at("18:40")},
            {"kind": "entry", "at": at("08:00")},
            {"kind": "stay", **span("19:00", "22:30")},
            {"kind": "void", "device": "gate-1", "event_key": "17"},
            {"kind": "exit", "at": at("18:35")},
        ],
    }
    given["servants"][0]["reads"] += [
        {"device": device, "event_key": key, "at": at("14:45"), "direction": way}
        for device, key, way in (("7", "1", "in"), ("07", "2", None), ("gate-1", "a", "out"), ("gate-1", "10", "in"), ("07", "2", "in"))
    ]
    given["servants"].append({"servant": "S02", "plans": [office(24), office(26)], "reads": [read("1", "09:30", "in", 26)]})
    return given


def mixed(value: Any, rng: random.Random) -> Any:
    """The same sets: every list in another order, with rows standing twice; `night` is a pair and no set."""
    if isinstance(value, dict):
        return {name: each if name == "parameters" else mixed(each, rng) for name, each in value.items()}
    if isinstance(value, list):
        rows = [mixed(each, rng) for each in value]
        rows += deepcopy(rng.sample(rows, rng.randint(0, len(rows))))
        rng.shuffle(rows)
        return rows
    return value


def test_any_order_and_repetition_of_the_lists_give_the_same_file_byte_for_byte(law: Lawbook, tmp_path: Path) -> None:
    answers = set()
    for seed in range(60):
        source, target = tmp_path / "in.json", tmp_path / "out.json"
        source.write_text(json.dumps(mixed(rich(), random.Random(seed)) if seed else rich()), encoding="utf-8")
        fold_file(source, target, law)
        answers.add(target.read_bytes())
    assert len(answers) == 1


def test_rows_that_mean_the_same_are_the_same_row(fold: Fold) -> None:
    given = document()
    (servant,) = given["servants"]
    again = {"date": DATE, "kind": "office", "intervals": [{"start": "2026-11-24T04:00:00Z", "end": at("18:30"), "place": "office"}]}
    servant["plans"].append(again | {"breaks": [{"start": "2026-11-24T13:00:00.9+05:00", "end": "2026-11-24T09:30:00-00:00"}]})
    servant["reads"].append(servant["reads"][0] | {"at": "2026-11-24t03:55:00.999z"})
    given["servants"].append({"servant": "S1", "plans": [office()], "reads": servant["reads"][::-1], "sessions": []})
    assert fold(given) == fold(document())


def test_days_are_ordered_by_servant_as_text_and_by_date_and_reads_by_the_total_order(fold: Fold) -> None:
    answer = fold(rich())
    dates = ["2026-11-23", DATE, "2026-11-25", "2026-11-26"]
    assert [(day["servant"], day["date"]) for day in answer["days"]] == [(who, day) for who in ("S02", "S1") for day in dates]
    assert [day["state"] for day in answer["days"]] == ["waiting", "computed", "waiting", "computed", *["computed"] * 3, "waiting"]
    reads = [(each["device"], each["event_key"]) for each in answer["days"][5]["reads"]]
    assert reads == [
        ("gate-1", "17"),
        ("gate-1", "18"),
        ("gate-1", "19"),
        ("07", "2"),
        ("07", "2"),
        ("7", "1"),
        ("gate-1", "10"),
        ("gate-1", "a"),
        ("gate-1", "20"),
    ]


def test_what_was_not_used_is_numbered_among_the_corrections_by_kind_and_instant(fold: Fold) -> None:
    corrections = [
        {"kind": "stay", **span("21:00", "22:00")},
        {"kind": "exit", "at": at("17:00")},
        {"kind": "exit", "at": at("16:00")},
        {"kind": "exit", "at": at("17:00")},
        {"kind": "entry", "at": at("12:00")},
    ]
    day = only(fold(document(read("1", "08:55", "in"), corrections=corrections)))
    assert day["superseded"] == [0, 2]  # entry 12:00, exit 16:00, exit 17:00, stay
    assert day["stays"] == [{**span("08:55", "16:00"), "assumed": False}, {**span("21:00", "22:00"), "assumed": False}]


def test_dates_without_a_plan_wait_and_windows_after_now_are_in_progress(fold: Fold) -> None:
    given = document(plans=[office(24), office(26)])
    given |= {"since": "2026-11-23", "until": "2026-11-26", "now": at("03:59", 25)}
    assert [day["state"] for day in fold(given)["days"]] == ["waiting", "in_progress", "waiting", "in_progress"]
    assert [day["state"] for day in fold(given | {"now": at("04:00", 25)})["days"]] == ["waiting", "computed", "waiting", "in_progress"]
    waiting = fold(given | {"since": "2026-11-23", "until": "2026-11-23"})["days"][0]
    assert set(waiting["seconds"].values()) == {0}


NIGHT_DUTY = {"date": DATE, "kind": "shift", "intervals": [{"start": at("20:00"), "end": at("08:00", 25), "place": "office"}]}

OVERNIGHT = document(read("1", "19:00", "in"), read("2", "05:00", "out", 25), plans=[{"date": DATE, "kind": "day_off"}])


@pytest.mark.parametrize(
    ("name", "value", "given", "shown"),
    [
        ("day-border", "05:30", document(), lambda day: day["window"]["start"][11:19] == "05:30:00"),
        ("border-margin", 10_800, document(plans=[NIGHT_DUTY]), lambda day: day["window"]["end"][11:19] == "11:00:00"),
        ("double-read-window", 9, document(read("1", "09:00", "in"), read("2", "09:01", "in")), lambda day: len(day["stays"]) == 2),
        ("longest-stay", 35_999, OVERNIGHT, lambda day: day["stays"][0]["assumed"]),
        ("daily-limit", 28_799, document(), lambda day: [each["kind"] for each in day["findings"]] == ["daily_limit"]),
        ("night", ["17:30", "18:30"], document(), lambda day: day["seconds"]["night"] == 3600),
    ],
)
def test_a_parameter_of_the_document_holds_instead_of_the_lawbooks(
    fold: Fold, name: str, value: Any, given: Json, shown: Callable[[Json], bool]
) -> None:
    answer = fold(given | {"parameters": {name: value}})
    assert answer["parameters"] == {name: value}
    assert shown(only(answer))
    assert not shown(only(fold(given)))


def test_a_rest_too_short_stands_across_days(fold: Fold) -> None:
    order = {"date": DATE, "kind": "overtime", **span("18:30", "23:50")}
    late = [read("1", "08:55", "in"), read("2", "23:50", "out"), read("3", "08:55", "in", 25), read("4", "18:30", "out", 25)]
    given = document(*late, plans=[office(24), office(25)], orders=[order]) | {"until": "2026-11-25"}
    found = {"servant": "S1", "kind": "rest_too_short", "dates": [DATE, "2026-11-25"], "seconds": 33_000, "rule": "lc-83"}
    assert fold(given)["across_days"] == [found]
    assert fold(given | {"parameters": {"rest-between-days": 33_000}})["across_days"] == []
    assert fold(given | {"until": DATE})["across_days"] == []  # both dates stand in the answer


def test_a_wall_time_is_that_of_the_zone_on_its_date(fold: Fold) -> None:
    """Almaty went from +06:00 to +05:00 at the end of 29 February 2024: that day's window has an hour more."""
    given = document() | {"since": "2024-02-29", "until": "2024-02-29"}
    assert only(fold(given))["window"] == {"start": "2024-02-29T04:00:00+06:00", "end": "2024-03-01T04:00:00+05:00"}
