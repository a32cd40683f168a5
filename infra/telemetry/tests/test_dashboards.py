"""The dashboards are what the code describes, Grafana can lay them out, and each panel asks for what there is."""

import json
from itertools import combinations
from typing import Any

import pytest
from telemetry.__main__ import FILES, written
from telemetry.boards import GRID, Board, Panel, Query, Row, document
from telemetry.catalogue import series
from telemetry.dashboards import BOARDS
from telemetry.queries import check

from .conftest import rules

PANELS = [(board, panel) for board in BOARDS for panel in board.panels]


def test_the_files_are_what_make_dashboards_would_write() -> None:
    wanted = {path: text for path, text in written().items() if path.suffix == ".json"}
    assert {path: path.read_text(encoding="utf-8") for path in (FILES / "dashboards").iterdir()} == wanted


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=lambda each: each.name if isinstance(each, Board) else each.title)
def test_a_panel_answers_a_question_by_what_there_is(board: Board, panel: Panel) -> None:
    recorded = {rule["record"]: frozenset(rule.get("labels", ())) for rule in rules() if "record" in rule}
    known = {**series(), **recorded, "ALERTS": frozenset({"alertname", "alertstate", "severity"})}
    assert "?" in panel.question
    for query in panel.queries:
        check(query.expr, known)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_grafana_can_lay_a_board_out(board: Board) -> None:
    shown = document(board)
    assert json.loads(json.dumps(shown)) == shown
    panels = shown["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(each["x"] >= 0 and each["x"] + each["w"] <= GRID and each["w"] > 0 and each["h"] > 0 for each in map(_place, panels))
    assert [(one["title"], other["title"]) for one, other in combinations(panels, 2) if _overlap(_place(one), _place(other))] == []
    assert {query["datasource"]["uid"] for panel in panels for query in panel.get("targets", ())} == {"${source}"}
    assert len({panel.title for panel in board.panels}) == len(board.panels), "whoever tells of a panel names it by its title"


def test_no_two_boards_have_one_address() -> None:
    assert len({document(board)["uid"] for board in BOARDS}) == len(BOARDS)


def test_panels_that_do_not_fit_go_to_the_next_line() -> None:
    panels = tuple(Panel(f"p{number}", "?", (Query("up"),), width=width) for number, width in enumerate((8, 8, 8, 8, 20, 12)))
    shown = document(Board("b", "b", "", (Row("one", panels), Row("two", panels))))["panels"]
    assert [(each["x"], each["y"]) for each in map(_place, shown)] == [
        *[(0, 0), (0, 1), (8, 1), (16, 1), (0, 9), (0, 17), (0, 25)],
        *[(0, 33), (0, 34), (8, 34), (16, 34), (0, 42), (0, 50), (0, 58)],
    ]


def _place(panel: dict[str, Any]) -> dict[str, int]:
    place: dict[str, int] = panel["gridPos"]
    return place


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
