"""What must hold of every day of every random document, and that the documents reach what they are drawn for."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest

from .document import read_document
from .fields import Refused
from .fold import fold
from .spoil import FLAWS, spoiled
from .streams import document, documents, shuffled

Json = dict[str, Any]

COUNT = 60
MAY_BE_GOOD = {"strange_value", "span_of_no_length"}


@cache
def folded() -> list[tuple[Json, Json]]:
    return [(given, fold(given)) for given in documents(20261124, COUNT)]


def test_the_same_seed_draws_the_same_document() -> None:
    assert document("7") == document("7")
    assert document("7") != document("8")


def test_neither_order_nor_repetition_changes_a_day() -> None:
    random = Random(1)
    for given, answer in folded():
        assert fold(shuffled(given, random)) == answer


def test_every_known_second_has_one_kind() -> None:
    """A session's ordered second may be no known one: documents without sessions are looked at."""
    for given in documents(5, COUNT):
        for servant in given["servants"]:
            servant["sessions"] = []
            for plan in servant["plans"]:
                plan["intervals"] = [each for each in plan["intervals"] if each["place"] != "way"]
        for day in fold(given)["days"]:
            seconds = day["seconds"]
            if day["state"] != "waiting":
                ordered = seconds["overtime"] + seconds["rest_day"]
                kinds = seconds["worked"] - seconds["assumed"] + ordered + seconds["gap"] + seconds["outside_hours"]
                assert kinds == seconds["known"], day


def test_planned_time_is_worked_or_missed_or_excused() -> None:
    for given, answer in folded():
        read = read_document(given)
        plans = {(servant.servant, str(day)): plan for servant in read.servants for day, plan in servant.plans.items()}
        for day in answer["days"]:
            plan = plans.get((day["servant"], day["date"]))
            if day["state"] != "computed" or plan is None or plan.core is not None:
                continue
            planned = sum(
                1
                for interval in plan.intervals
                for second in range(interval.start, interval.end)
                if not any(rest.holds(second) for rest in plan.breaks)
            )
            seconds = day["seconds"]
            assert (
                seconds["worked"] + seconds["late"] + seconds["early"] + seconds["left"] + seconds["absent"] == planned - seconds["excused"]
            )


def test_each_window_begins_where_the_one_before_ends() -> None:
    for _, answer in folded():
        for before, after in zip(answer["days"], answer["days"][1:], strict=False):
            assert before["window"]["start"] <= before["window"]["end"]
            if before["servant"] == after["servant"]:
                assert before["window"]["end"] == after["window"]["start"]


def test_every_read_of_the_answer_is_in_one_day() -> None:
    for given, answer in folded():
        shown = [(day["servant"], read["device"], read["event_key"]) for day in answer["days"] for read in day["reads"]]
        known = [(servant.servant, read.device, read.event_key) for servant in read_document(given).servants for read in servant.reads]
        assert all(shown.count(read) <= known.count(read) for read in shown)


def test_the_documents_reach_every_finding_and_every_figure() -> None:
    days = [day for _, answer in folded() for day in answer["days"]]
    kinds = {finding["kind"] for day in days for finding in day["findings"]}
    assert kinds == {
        "late",
        "early_leave",
        "left_during_day",
        "absent",
        "missing_entry",
        "missing_exit",
        "overnight_stay",
        "remote_without_session",
        "session_in_office_interval",
        "missing_end_of_session",
        "daily_limit",
    }
    assert all(any(day["seconds"][figure] for day in days) for figure in days[0]["seconds"])
    assert {day["state"] for day in days} == {"waiting", "in_progress", "computed"}
    assert {read["became"] for day in days for read in day["reads"]} == {"counted", "double_read", "internal", "void"}
    assert any("superseded" in day for day in days)
    assert any(answer["across_days"] for _, answer in folded())


def test_a_spoiled_document_is_refused() -> None:
    random = Random(3)
    seen = set()
    for given in documents(3, 5 * COUNT):
        name, broken = spoiled(given, random)
        seen.add(name)
        if name not in MAY_BE_GOOD:
            with pytest.raises(Refused):
                fold(broken)
    assert seen == set(FLAWS)
