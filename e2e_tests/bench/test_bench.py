"""Benches run, in a small size, and the document has the form in which they are written down. No time is asserted.

Those that take long even so run by `make try-benches` (`try_benches.py`).
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from chassis.testing.artifacts import fetched, java
from chassis.testing.real_stack import had

from e2e_tests.bench import fold, history, latency, memory_fold, quarter
from e2e_tests.bench.catalogue import BENCHES, Bench, chosen
from e2e_tests.bench.figures import Figure, at_least, at_most, median, number
from e2e_tests.bench.report import DOCUMENT, HEAD, NOT_MEASURED, RULE, UNEXPLAINED, document, obstacles, row
from e2e_tests.bench.stand import Stand, stand

SMALL = 0.001
WITHOUT_KAFKA = ("fold", "echo")
# Each has two platforms, or a past, or waits for what comes late.
NOT_AMONG_TESTS = ("backlog", "quarter", "history", "memory")
ROW = re.compile(
    r"\| [^|]+ \| -?[0-9,.e+-]+[^|]* \| ([0-9]+%)? ?\| ([≥≤] [0-9,.]+(, in full [0-9,.]+)?)? ?\| (yes|not decided|\*\*missed\*\*)? ?\|"
)


@pytest.fixture(scope="session")
async def small() -> AsyncIterator[Stand]:
    """What benches stand on, in a small size."""
    async with stand(SMALL, lambda _: None) as on:
        yield on


def small_ones(*, among_tests: bool) -> pytest.MarkDecorator:
    """The benches that run among the tests, or the others, each for a test."""
    those = [each for each in BENCHES if (each.name in NOT_AMONG_TESTS) is not among_tests]
    return pytest.mark.parametrize("bench", those, ids=[each.name for each in those])


@small_ones(among_tests=True)
async def test_a_bench_measures_in_a_small_size(small: Stand, bench: Bench) -> None:
    await measures(small, bench)


async def measures(small: Stand, bench: Bench) -> None:
    """Lets a bench measure; its figures are numbers, in the form in which they are written."""
    if bench.name not in WITHOUT_KAFKA:
        had(lambda: (java(), fetched("kafka")))
    figures = await bench.measure(small)
    assert len({each.name for each in figures}) == len(figures) > 1
    for each in figures:
        assert math.isfinite(each.value), each
        assert each.value >= 0, each
        assert ROW.fullmatch(row(each)), row(each)
    wanted = [each for each in figures if each.unit in ("passages", "days") or (each.target is not None and each.target.value > 0)]
    assert all(each.value > 0 for each in wanted)


def test_the_document_has_every_bench_in_the_form_in_which_they_are_written() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "`make bench`" in text
    for bench in BENCHES:
        section = text.partition(f"\n## {bench.name}\n")[2].partition("\n## ")[0]
        assert section.startswith(f"\n{bench.shows}\n\n{HEAD}\n{RULE}\n"), f"{bench.name} is not in the document as it is written now"
        rows = [line for line in section.partition(RULE)[2].splitlines() if line.startswith("| ")]
        assert rows
        assert all(ROW.fullmatch(each) for each in rows), rows
        missed = [each.split(" | ")[0].removeprefix("| ") for each in rows if "**missed**" in each]
        assert [line.partition("*: ")[0].removeprefix("- *") for line in section.splitlines() if line.startswith("- *")] == missed


def test_every_miss_is_explained() -> None:
    assert UNEXPLAINED not in DOCUMENT.read_text(encoding="utf-8")


def test_what_stands_in_the_way_is_said_of_figures_that_there_are() -> None:
    text, names = DOCUMENT.read_text(encoding="utf-8"), {each.name for each in BENCHES}
    for bench, words in obstacles().items():
        assert bench in names
        assert all(f"| {figure} |" in text for figure in words)


def test_a_miss_is_written_with_its_words_and_what_is_reached_without() -> None:
    figures = [Figure("slow", 1.0, "calls/s", at_least(2.0)), Figure("quick", 1.0, "s", at_most(1.0)), median("both", [9.0, 10.0, 12.0])]
    text = document({"processor": "one"}, [(BENCHES[0], figures)], 0.5, 3.0)
    assert "| slow | 1 calls/s |  | ≥ 2 | **missed** |\n| quick | 1 s |  | ≤ 1 | yes |\n| both | 10 | 30% |  |  |\n" in text
    assert "What stands in the way:\n\n- *slow*: not yet looked into\n" in text
    assert "| processor | one |" in text
    assert "at 0.5 of the size of the targets" in text
    assert NOT_MEASURED in document({}, [(BENCHES[0], [])], 1, 3.0)


def test_rounds_that_lie_too_far_apart_decide_nothing_and_show_a_miss_all_the_same() -> None:
    target = at_most(1.1, tolerance=0.1)
    near, far, missed = (median("cost", rounds, "×", target) for rounds in ([0.98, 1.0, 1.05], [0.5, 1.0, 1.05], [1.0, 1.2, 1.9]))
    assert [row(each).split(" | ")[-1] for each in (near, far, missed)] == ["yes |", "not decided |", "**missed** |"]
    assert row(median("cost", [0.5, 1.0, 1.05], "×", at_most(1.1))).endswith("yes |")


def test_a_target_says_of_what_it_is_a_part() -> None:
    assert str(at_least(2_000_000, 5_000_000)) == "≥ 2,000,000, in full 5,000,000"
    assert str(at_least(5_000_000, 5_000_000)) == "≥ 5,000,000"


@pytest.mark.parametrize("servants", [20, 300, 500])
def test_the_body_whose_quarter_is_computed_has_all_its_servants(servants: int) -> None:
    assert quarter.of_a_body(servants).servants_of(0) == servants


def test_history_is_named_by_the_span_that_was_lived() -> None:
    assert [history.said(timedelta(days=days)) for days in (5 * 365, 730, 60, 1_000)] == ["5 years", "2 years", "60 days", "1,000 days"]


def test_the_fold_says_the_median_of_its_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "measure", lambda _: [fold.Cost(8, [40.0, 50.0, 80.0], [60.0, 70.0, 75.0])])
    rate, beside, alone = asyncio.run(memory_fold.measure(Stand(AsyncExitStack(), SMALL, lambda _: None)))
    assert (rate.value, beside.value, alone.value) == (160_000, 50.0, 70.0)
    assert beside.spread == 0.8


def test_a_day_that_nobody_sees_is_given_up_and_counts_with_the_time_that_was_waited() -> None:
    watch = latency.Stopwatch()
    watch.waiting = {"S1": 0.0, "S2": 1.0, "S3": 100.0}
    watch.give_up(latency.GIVE_UP_AFTER_S + 2)
    assert list(watch.waiting) == ["S3"]
    assert [(each.happened, each.seconds) for each in watch.seen] == [(0.0, latency.GIVE_UP_AFTER_S), (1.0, latency.GIVE_UP_AFTER_S)]
    given_up = latency.not_seen(watch.seen)
    assert given_up.value == 2
    assert given_up.missed


def test_some_are_chosen_by_their_names_and_an_unknown_name_is_refused() -> None:
    assert [each.name for each in chosen("fold, echo")] == ["fold", "echo"]
    assert [each.name for each in chosen("")] == [each.name for each in BENCHES]
    with pytest.raises(ValueError, match="there is no bench speed; there are fold, "):
        chosen("speed")


@pytest.mark.parametrize(("value", "shown"), [(0, "0"), (0.04321, "0.0432"), (12.34, "12.3"), (1_234_567.8, "1,234,568")])
def test_numbers_are_shown_as_people_read_them(value: float, shown: str) -> None:
    assert number(value) == shown
