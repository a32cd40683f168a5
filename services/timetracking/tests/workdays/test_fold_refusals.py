"""What `fold` refuses, with the path of what is wrong, and that nothing is written then."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lawbook import Lawbook
from timetracking.workdays.fold import Refused, fold_file

from .papers import DATE, Json, at, document, office, read, span

Fold = Callable[[Json], Json]


def on_plan(**fields: Any) -> Callable[[Json], Any]:
    return lambda given: given["servants"][0]["plans"][0].update(fields)


def on_read(**fields: Any) -> Callable[[Json], Any]:
    return lambda given: given["servants"][0]["reads"][2].update(fields)


def on_servant(**fields: Any) -> Callable[[Json], Any]:
    return lambda given: given["servants"][0].update(fields)


def on_top(**fields: Any) -> Callable[[Json], Any]:
    return lambda given: given.update(fields)


def without(*path: str | int) -> Callable[[Json], Any]:
    def cut(given: Any) -> None:
        for name in path[:-1]:
            given = given[name]
        del given[path[-1]]

    return cut


OVERTIME = {"date": DATE, "kind": "overtime", **span("19:00", "21:00")}
REVERSED = {"start": at("12:00"), "end": at("11:59")}
INTERVAL = {**span("09:00", "12:00"), "place": "office"}
PLAN, READ, ORDER, CORRECTION = "servants[0].plans[0]", "servants[0].reads[2]", "servants[0].orders[0]", "servants[0].corrections[0]"

WRONG: list[tuple[str, Callable[[Json], Any]]] = [
    # unknown fields
    ("colour", on_top(colour=1)),
    ("devices[0].port", lambda given: given["devices"][0].update(port=1)),
    ("servants[0].norm", on_servant(norm=1)),
    (f"{PLAN}.norm", on_plan(norm=8)),
    (f"{PLAN}.intervals[0].premises", lambda given: given["servants"][0]["plans"][0]["intervals"][0].update(premises="HQ")),
    (f"{READ}.badge", on_read(badge="1")),
    (f"{ORDER}.consent", on_servant(orders=[OVERTIME | {"consent": True}])),
    (f"{CORRECTION}.device", on_servant(corrections=[{"kind": "exit", "at": at("18:00"), "device": "gate-1"}])),
    ("parameters.tea", on_top(parameters={"tea": 1})),
    ("parameters.border_margin", on_top(parameters={"border_margin": 1})),
    # missing ones
    *((name, without(name)) for name in ("zone", "since", "until", "now", "devices", "servants")),
    *((f"devices[0].{name}", without("devices", 0, name)) for name in ("device", "role", "direction", "premises")),
    *((f"servants[0].{name}", without("servants", 0, name)) for name in ("servant", "plans", "reads")),
    *((f"{READ}.{name}", without("servants", 0, "reads", 2, name)) for name in ("device", "event_key", "at", "direction")),
    *((f"{PLAN}.{name}", without("servants", 0, "plans", 0, name)) for name in ("date", "kind", "intervals")),
    *((f"{PLAN}.intervals[0].{name}", without("servants", 0, "plans", 0, "intervals", 0, name)) for name in ("start", "end", "place")),
    (f"{PLAN}.breaks[0].end", without("servants", 0, "plans", 0, "breaks", 0, "end")),
    (f"{PLAN}.excused[0].reason", on_plan(excused=[span("09:00", "10:00")])),
    *((f"{ORDER}.{name}", on_servant(orders=[{field: value for field, value in OVERTIME.items() if field != name}])) for name in OVERTIME),
    ("servants[0].sessions[0].end", on_servant(sessions=[{"start": at("09:00")}])),
    (f"{CORRECTION}.kind", on_servant(corrections=[{"at": at("09:00")}])),
    (f"{CORRECTION}.at", on_servant(corrections=[{"kind": "entry"}])),
    (f"{CORRECTION}.end", on_servant(corrections=[{"kind": "stay", "start": at("09:00")}])),
    (f"{CORRECTION}.event_key", on_servant(corrections=[{"kind": "void", "device": "gate-1"}])),
    # values of the wrong kind
    ("servants", on_top(servants={})),
    ("servants[0]", on_top(servants=["S1"])),
    ("servants[0].servant", on_servant(servant=1)),
    ("servants[0].servant", on_servant(servant="\ud800")),
    (f"{READ}.event_key", on_read(event_key=17)),
    (f"{READ}.event_key", on_read(event_key="\udfff")),
    (f"{READ}.direction", on_read(direction="IN")),
    (f"{READ}.direction", on_read(direction=1)),
    (f"{PLAN}.kind", on_plan(kind="night")),
    (f"{PLAN}.intervals", on_plan(kind="day_off", intervals=None)),
    (f"{PLAN}.grace", on_plan(grace=True)),
    (f"{PLAN}.grace", on_plan(grace=60.0)),
    (f"{PLAN}.grace", on_plan(grace="60")),
    (f"{PLAN}.grace", on_plan(grace=-1)),
    (f"{PLAN}.holiday", on_plan(holiday=1)),
    (f"{PLAN}.excused[0].reason", on_plan(excused=[{**span("09:00", "10:00"), "reason": "\ud800"}])),
    ("devices[0].role", lambda given: given["devices"][0].update(role="outer")),
    ("devices[0].direction", lambda given: given["devices"][0].update(direction=None)),
    ("zone", on_top(zone="Asia/Nowhere")),
    ("zone", on_top(zone="../Almaty")),
    ("zone", on_top(zone="Asia")),
    ("zone", on_top(zone="")),
    ("parameters", on_top(parameters=None)),
    ("parameters.night[1]", on_top(parameters={"night": ["22:00"]})),
    ("parameters.night[0]", on_top(parameters={"night": ["24:00", "06:00"]})),
    ("parameters.day-border", on_top(parameters={"day-border": "4:00"})),
    ("parameters.day-border", on_top(parameters={"day-border": "0４:00"})),
    ("parameters.border-margin", on_top(parameters={"border-margin": -1})),
    ("parameters.border-margin", on_top(parameters={"border-margin": 10**30})),
    ("parameters.longest-stay", on_top(parameters={"longest-stay": True})),
    (f"{CORRECTION}.kind", on_servant(corrections=[{"kind": "badge", "at": at("09:00")}])),
    (CORRECTION, on_servant(corrections=["void"])),
    # impossible dates and instants
    *((f"{READ}.at", on_read(at=text)) for text in ("2026-02-30T09:00:00+05:00", "2026-11-24T24:00:00+05:00", "2026-11-24T09:00:60Z")),
    *((f"{READ}.at", on_read(at=text)) for text in ("2026-11-24T09:00:00", "2026-11-24T09:00:00+24:00", "2026-11-24T09:00:00+05:60")),
    *((f"{READ}.at", on_read(at=text)) for text in ("2026-11-24 09:00:00Z", "2026-11-24T09:00Z", "２０２６-11-24T09:00:00Z", "", 7, None)),
    *((f"{READ}.at", on_read(at=text)) for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")),
    ("now", on_top(now="2026-13-01T00:00:00Z")),
    ("since", on_top(since="2026-11-31")),
    ("since", on_top(since="20261124")),
    ("until", on_top(until="2026-11-24T00:00:00Z")),
    ("until", on_top(until="2026-11-23")),
    ("since", on_top(since="1999-12-31")),  # before the lawbook
    (f"{PLAN}.date", on_plan(date="1999-12-31")),
    (f"{PLAN}.date", on_plan(date="2026-02-29")),
    # ends before starts
    (f"{PLAN}.intervals[0].end", on_plan(intervals=[REVERSED | {"place": "office"}])),
    (f"{PLAN}.breaks[0].end", on_plan(breaks=[REVERSED])),
    (f"{PLAN}.core.end", on_plan(core=REVERSED)),
    (f"{PLAN}.excused[0].end", on_plan(excused=[REVERSED | {"reason": "leave"}])),
    (f"{ORDER}.end", on_servant(orders=[OVERTIME | REVERSED])),
    ("servants[0].sessions[0].end", on_servant(sessions=[REVERSED])),
    (f"{CORRECTION}.end", on_servant(corrections=[{"kind": "stay", **REVERSED}])),
    # overlaps inside a date
    (f"{PLAN}.intervals[1]", on_plan(intervals=[INTERVAL, {**span("11:59", "18:00"), "place": "remote"}])),
    (f"{PLAN}.intervals[2]", on_plan(intervals=[{**span("11:59", "18:00"), "place": "office"}] * 2 + [INTERVAL])),
    (f"{PLAN}.intervals[1]", on_plan(intervals=[INTERVAL, INTERVAL | {"place": "way"}])),
    (f"{PLAN}.breaks[1]", on_plan(breaks=[span("13:00", "14:00"), span("13:30", "13:40")])),
    (f"{ORDER}.breaks[1]", on_servant(orders=[OVERTIME | {"breaks": [span("19:30", "20:00"), span("19:00", "19:31")]}])),
    ("servants[0].orders[1]", on_servant(orders=[OVERTIME, {"date": DATE, "kind": "rest_day", **span("20:59", "22:00")}])),
    ("servants[0].orders[1]", on_servant(orders=[OVERTIME, OVERTIME | {"kind": "rest_day"}])),
    # two rows with one key
    ("devices[1]", lambda given: given["devices"].append(given["devices"][0] | {"premises": "Annex"})),
    ("servants[1]", lambda given: given["servants"].append({"servant": "S1", "plans": [office()], "reads": []})),
    ("servants[0].plans[1]", lambda given: given["servants"][0]["plans"].append(office() | {"grace": 1})),
    # what is not there
    (f"{READ}.device", on_read(device="gate-2")),
    (CORRECTION, on_servant(corrections=[{"kind": "void", "device": "gate-1", "event_key": "1"}])),
    # a duty longer than 36 h
    (PLAN, on_plan(intervals=[{"start": at("00:00"), "end": "2026-11-25T12:00:01+05:00", "place": "office"}])),
    (PLAN, on_servant(orders=[OVERTIME | {"start": at("20:00", 25), "end": at("21:01", 25)}])),
    (ORDER, on_servant(plans=[], orders=[OVERTIME | {"start": at("09:00"), "end": at("21:01", 25)}])),
]


@pytest.mark.parametrize(("path", "change"), WRONG, ids=[f"{number}-{path}" for number, (path, _) in enumerate(WRONG)])
def test_a_wrong_document_is_refused_at_the_place_that_is_wrong(fold: Fold, path: str, change: Callable[[Json], Any]) -> None:
    given = document()
    change(given)
    with pytest.raises(Refused) as refused:
        fold(given)
    assert refused.value.path == path
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("change", "right"),
    [
        (on_read(direction="IN"), "should be 'in', 'out' or null"),
        (on_top(since="2026-13-01"), "there is no date 2026-13-01: month must be in 1..12"),
        (on_read(at="2026-11-31T09:00:00Z"), "there is no instant 2026-11-31T09:00:00Z: day is out of range"),
        (on_top(since="1999-12-31"), "the lawbook has no values for all dates from here on; it begins with 2"),
        (on_servant(plans=[office() | {"date": "1999-12-31"}]), "the lawbook has no values for this date; it begins with 2"),
    ],
)
def test_a_refusal_says_what_would_be_right(fold: Fold, change: Callable[[Json], Any], right: str) -> None:
    given = document()
    change(given)
    with pytest.raises(Refused) as refused:
        fold(given)
    assert right in str(refused.value)


RIGHT: list[Callable[[Json], Any]] = [
    on_plan(intervals=[INTERVAL, {**span("12:00", "18:30"), "place": "remote"}], breaks=[]),  # touching
    on_plan(intervals=[INTERVAL, INTERVAL, {**span("12:00", "12:00"), "place": "way"}], breaks=[span("13:00", "13:00")]),
    on_plan(excused=[{**span("09:00", "10:00"), "reason": ""}, {**span("09:30", "10:00"), "reason": "leave"}], core=span("08:00", "20:00")),
    on_plan(intervals=[{"start": at("00:00"), "end": "2026-11-25T12:00:00+05:00", "place": "office"}]),  # 36 h
    on_servant(orders=[OVERTIME, OVERTIME, OVERTIME | span("21:00", "22:00")]),
    on_servant(orders=[OVERTIME, OVERTIME | {"date": "2026-11-25"}]),  # of two dates
    on_servant(sessions=[span("09:00", "12:00"), span("11:00", "13:00"), span("11:00", "11:00"), {"start": at("11:00"), "end": None}]),
    on_servant(plans=[office(24), {**office(25), "intervals": office(24)["intervals"]}]),  # plans of neighbours may overlap
    on_servant(plans=[], reads=[]),
    on_read(event_key="", at="2026-11-24T09:00:00.123456789-00:00"),
    on_read(at="1970-01-02T00:00:00Z"),
    on_top(servants=[], devices=[]),
    on_top(parameters={"daily-limit": 10**30, "longest-stay": 0, "day-border": "23:59"}),
]


@pytest.mark.parametrize("change", RIGHT)
def test_what_is_only_unusual_is_computed(fold: Fold, change: Callable[[Json], Any]) -> None:
    given = document()
    change(given)
    assert len(fold(given)["days"]) == len(given["servants"])


SOUND = json.dumps(document())
NO_DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON in UTF-8"),
    "words": (b"in 08:55, out 18:33", "not JSON in UTF-8"),
    "cut in the middle": (SOUND.encode()[:-40], "not JSON in UTF-8"),
    "two documents": (SOUND.encode() * 2, "not JSON in UTF-8"),
    "a letter that is no UTF-8": (SOUND.encode().replace(b"HQ", b"\xff"), "not JSON in UTF-8"),
    "UTF-16": (SOUND.encode("utf-16"), "not JSON in UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + SOUND.encode(), "byte order mark"),
    "a name that stands twice": (SOUND.replace('"until"', '"since"').encode(), "'since' stands twice"),
    "a name that stands twice inside": (SOUND.replace('"grace": 0', '"grace": 0, "grace": 0').encode(), "'grace' stands twice"),
    "no number": (SOUND.replace('"grace": 0', '"grace": NaN').encode(), "NaN is no number"),
    "an endless number": (SOUND.replace('"grace": 0', '"grace": -Infinity').encode(), "Infinity is no number"),
    "a number of thousands of digits": (SOUND.replace('"grace": 0', f'"grace": {"9" * 5000}').encode(), "digits"),
    "lists without end": (b"[" * 200_000, "nested too deeply"),
    "lists in lists": (SOUND.replace('"parameters": {}', f'"parameters": {"[" * 9999}{"]" * 9999}').encode(), "nested too deeply"),
    "a list": (b"[]", "a JSON object"),
    "null": (b"null", "a JSON object"),
    "a field whose name is half a letter": (SOUND.replace('"parameters"', '"\\ud800"').encode(), "unicode"),
}


@pytest.mark.parametrize("name", NO_DOCUMENTS)
def test_what_is_no_document_is_refused_and_nothing_is_written(law: Lawbook, tmp_path: Path, name: str) -> None:
    content, words = NO_DOCUMENTS[name]
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    source.write_bytes(content)
    target.write_text("of yesterday", encoding="utf-8")
    with pytest.raises(Refused, match=words) as refused:
        fold_file(source, target, law)
    assert str(refused.value).startswith(f"{source}: ")
    assert target.read_text(encoding="utf-8") == "of yesterday"


def test_files_that_cannot_be_read_or_written_are_named(law: Lawbook, tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    with pytest.raises(Refused, match=r"in\.json cannot be read"):
        fold_file(source, tmp_path / "out.json", law)
    with pytest.raises(Refused, match="cannot be read"):
        fold_file(tmp_path, tmp_path / "out.json", law)
    source.write_text(SOUND, encoding="utf-8")
    with pytest.raises(Refused, match=r"out\.json cannot be written"):
        fold_file(source, tmp_path / "nowhere" / "out.json", law)


def test_the_command_answers_with_exit_code_2_and_one_line_where_it_refuses(tmp_path: Path) -> None:
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    command = [sys.executable, "-m", "timetracking", "fold", str(source), str(target)]
    given = document()
    given["servants"] += [{"servant": f"S{number}", "plans": [], "reads": given["servants"][0]["reads"]} for number in (2, 3)]
    given["servants"].append({"servant": "S4", "plans": [], "reads": [*given["servants"][0]["reads"], read("21", "25:00", "in")]})
    source.write_text(json.dumps(given), encoding="utf-8")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout, target.exists()) == (2, "", False)
    assert refused.stderr.startswith("refused: servants[3].reads[4].at: ")
    assert len(refused.stderr.splitlines()) == 1
    source.write_text(SOUND, encoding="utf-8")
    computed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (computed.returncode, computed.stdout, computed.stderr) == (0, "", "")
    assert json.loads(target.read_text(encoding="utf-8"))["days"][0]["seconds"]["worked"] == 28800
