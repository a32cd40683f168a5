"""Sizes follow from what was measured by plain arithmetic; the page says what the command prints."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2e_tests.bench.neighbours import Spent
from e2e_tests.capacity import costs, page, report, sizing
from e2e_tests.capacity.__main__ import main
from e2e_tests.capacity.costs import Costs, Curve, Founded, Line, Resting
from e2e_tests.capacity.sizing import ASSUMED, MIB, Region, caught_up, sized

MADE_UP = Costs(
    machine={"processor": "one"},
    counts={"passages": 8.0},
    cores={process: Curve([(0, 0.1), (10, 0.2)]) for process in ("gateway", "consume", "work", "serve", "postgres", "kafka")},
    syncs=Curve([(0, 1), (10, 11)]),
    late={"gateway": 0.001, "consume": 0.004, "work": 0.001, "serve": 0.0, "postgres": 0.001, "kafka": 0.0005},
    calls={"GetWorkday": {"serve": 0.002, "postgres": 0.001}},
    memory=dict.fromkeys(("gateway", "consume", "work", "serve"), 160e6),
    database={"passages": Line([(100, 100_500), (200, 200_500)]), "workday_changes": Line([(100, 10_000), (200, 20_000)])},
    plans=Line([(100, 30_000), (200, 60_000)]),
    standing=Line([(100, 1_000_000), (200, 2_000_000)]),
    wal=Line([(100, 1e6), (200, 2e6)]),
    kafka={"timetracking.passages.v1": Line([(100, 50_000), (200, 100_000)])},
    audited=2_000.0,
    request=250.0,
    resting={"registry serve": Resting(0.01, 120e6), "timetracking serve": Resting(0.01, 120e6)},
    founded=Founded({"registry": 2_000.0, "regimes": 6_000.0}, 3.0, {"regimes.plans.v1": 3_000.0, "registry.servants.v1": 500.0}, {}),
)
SERVANTS = st.integers(min_value=1, max_value=200_000)


def test_a_line_parts_what_is_there_anyway_from_what_each_adds() -> None:
    line = Line([(250, 35.0), (1_000, 110.0)])
    assert (line.of_each, line.anyway, line.at(4_500)) == pytest.approx((0.1, 10.0, 460.0))


def test_noise_is_taken_for_nothing() -> None:
    falling = Line([(250, 20.0), (1_000, 5.0)])
    assert falling.of_each == 0
    assert falling.anyway == 12.5
    assert Line([(250, 1.0), (1_000, 10.0)]).anyway == 0


def test_a_curve_goes_from_point_to_point_and_never_down() -> None:
    curve = Curve([(0, 0.1), (4, 0.3), (20, 0.2), (40, 0.5)])
    assert curve.anyway == 0.1
    assert [curve.at(x) for x in (2, 4, 12, 30, 40, 80)] == pytest.approx([0.2, 0.3, 0.3, 0.4, 0.5, 0.9])


@given(SERVANTS, SERVANTS)
def test_more_servants_never_need_less(one: int, other: int) -> None:
    few, many = (sized(MADE_UP, ASSUMED, servants) for servants in sorted((one, other)))
    assert all(more >= less for more, less in zip(_amounts(many), _amounts(few), strict=True))


@given(SERVANTS)
def test_no_process_asks_for_more_than_it_can_use_but_the_one_that_is_alone(servants: int) -> None:
    for each in sized(MADE_UP, ASSUMED, servants).workloads:
        assert each.replicas >= ASSUMED.replicas
        assert each.cores >= ASSUMED.least_cores
        assert each.memory % MIB == 0
        if each.name != "timetracking work":
            assert each.cores <= ASSUMED.full_core + 0.01


def test_a_region_by_hand() -> None:
    region = sized(MADE_UP, ASSUMED, 4_500)
    assert region.passages_a_day == 36_000
    assert region.busiest_passages_a_second == pytest.approx(3.2)  # 8 % of them in 900 s
    by_name = {each.name: each for each in region.workloads}
    assert by_name["timetracking consume"].cores == pytest.approx(0.24)  # 2 × (0.1 + 0.032 ÷ 2), upwards to ten thousandths
    assert by_name["timetracking work"].cores == pytest.approx(0.27)  # one does it all
    assert by_name["timetracking gateway"].memory == 240 * MIB  # 1.5 × 160 MB, upwards to 16 MiB
    assert by_name["registry serve"].cores == ASSUMED.least_cores
    assert region.kafka_a_day == 4_500 * 500
    assert region.syncs_a_second == pytest.approx(4.2)
    assert region.wal_a_day == pytest.approx(45e6)


def test_recording_and_planning_take_what_they_took_for_each_servant() -> None:
    founded = replace(MADE_UP.founded, cpu={"registry serve": 0.03, "regimes work": 0.06})
    region = sized(replace(MADE_UP, founded=founded), ASSUMED, 1_000)
    assert (region.founding_s, region.roll_s) == pytest.approx((90, 20))  # three months of each were planned


class _Machine:
    """What others have of it: so many cores when it is looked at, one figure after the other."""

    def __init__(self, *others: float) -> None:
        self._others, self._looked = [figure for each in others for figure in (0.0, each)], 0

    def now(self) -> Spent:
        """A second after the last look, in which we had ten cores, and others those that are due."""
        others, self._looked = sum(self._others[: self._looked + 1]), self._looked + 1
        return Spent(self._looked, self._looked * 10 + others, self._looked * 10)


@pytest.mark.parametrize(
    ("before", "meanwhile", "forced", "code", "measured", "written"),
    [
        (0.02, 0.03, [], 0, 1, 1),
        (0.5, 0.0, [], 1, 0, 0),
        (0.02, 0.3, [], 1, 1, 0),
        (0.5, 0.3, ["--force"], 0, 1, 1),
    ],
)
def test_what_was_measured_beside_others_is_not_written_unless_it_is_forced(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: float,
    meanwhile: float,
    forced: list[str],
    code: int,
    measured: int,
    written: int,
) -> None:
    kept = list[Costs]()

    async def noted(*_: Any) -> Costs:
        noted_.append(None)
        return MADE_UP

    noted_ = list[None]()
    monkeypatch.setattr("e2e_tests.capacity.__main__.LOOKED_AT_S", 0.0)
    monkeypatch.setattr("e2e_tests.capacity.__main__.Spent", _Machine(before, meanwhile))
    monkeypatch.setattr("e2e_tests.capacity.measure.measured", noted)
    monkeypatch.setattr("e2e_tests.capacity.page.write", lambda *_: None)
    monkeypatch.setattr("e2e_tests.capacity.costs.write", kept.append)
    assert main(["--measure", *forced]) == code
    assert (len(noted_), len(kept)) == (measured, written)
    said = capsys.readouterr().err
    assert ("FORCE=1" in said) == (max(before, meanwhile) > 0.1)
    assert ("nothing was written" in said) == (measured > written)
    assert [each.machine["cores that others had meanwhile"] for each in kept] == [f"{meanwhile:.2f}"] * written


BURN = "import time\nwhile time.process_time() < 0.8: pass"


def test_what_others_do_is_told_from_what_descendants_do() -> None:
    """A descendant's seconds are ours, also when it has ended; those of whoever descends from nobody here are others'."""
    before = Spent.now()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    child = Spent.now()
    assert child.ours - before.ours >= 0.7
    # The shell ends at once: what it has started is nobody's child here, and its end is seen by the pipe that it holds.
    orphan = subprocess.run(["sh", "-c", f"'{sys.executable}' -c '{BURN}' &"], stdout=subprocess.PIPE, check=True)
    after = Spent.now()
    assert orphan.stdout == b""
    assert after.machine - child.machine >= 0.7
    assert after.others(child) * (after.at - child.at) >= 0.5


def test_what_has_its_term_goes_when_that_is_over() -> None:
    five, six = (sizing.database(MADE_UP, replace(ASSUMED, audited_share=0.0), 1_000, years) for years in (5.1, 6))
    assert five == pytest.approx(six)
    with_audit = [sizing.database(MADE_UP, ASSUMED, 1_000, years) for years in (5.1, 6)]
    assert with_audit[1] > with_audit[0]
    assert sizing.kept_days("passages") == 5 * 365 + 7
    assert sizing.kept_days("workday_changes") == 30
    assert sizing.kept_days("audit_records") == math.inf


def test_kafka_holds_three_copies_of_thirty_days_and_the_plans_of_their_term() -> None:
    days = 30 * 250 / 365
    plans = 1_000 * 1_000 * (3 + 12 * sizing.kept_days("plan_months") / 365)
    one = 500 * 1_000 * days + plans + 500 * 1_000
    assert sizing.kafka_disk(MADE_UP, ASSUMED, 1_000) == pytest.approx(3 * one)
    assert sizing.kafka_disk(MADE_UP, ASSUMED, 1_000, "local") == pytest.approx(one)


def test_registry_grows_with_changes_and_regimes_with_months() -> None:
    once, later = (sizing.registry(MADE_UP, ASSUMED, 1_000, years) for years in (0, 2))
    assert (once, later) == pytest.approx((1.5 * 2_000_000, 1.5 * 2_000_000 * (1 + 2 * ASSUMED.changes)))
    assert sizing.regimes(MADE_UP, ASSUMED, 1_000, 1) == pytest.approx(1.5 * 2_000 * 1_000 * 15)
    assert sizing.regimes(MADE_UP, ASSUMED, 1_000, 50) == sizing.regimes(MADE_UP, ASSUMED, 1_000, 60)


def test_a_backlog_waits_for_the_slowest_and_is_a_day_at_most() -> None:
    region = sized(MADE_UP, ASSUMED, 4_500)
    hour, day, week = (caught_up(MADE_UP, ASSUMED, region, hours) for hours in (1.0, 10.0, 100.0))
    assert (hour.passages, hour.slowest, hour.a_second, hour.seconds) == (3_600, "consume", 500, 7.2)
    assert day == week


def test_consumers_beyond_the_partitions_have_nothing_to_do() -> None:
    nation = sized(MADE_UP, ASSUMED, 2_000_000)
    assert next(each.replicas for each in nation.workloads if each.name == "timetracking consume") <= sizing.partitions()


def test_what_was_measured_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    costs.write(MADE_UP, path)
    assert sized(costs.read(path), ASSUMED, 1_000) == sized(MADE_UP, ASSUMED, 1_000)


@pytest.mark.parametrize(("servants", "regions"), [(90_000, 20), (1_000, 1)])
def test_the_page_says_what_the_command_prints(servants: int, regions: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--servants", str(servants), "--regions", str(regions)]) == 0
    assert capsys.readouterr().out in page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_as_the_command_would_write_it() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- end -->") == 3
    assert page.written(text, costs.read(), ASSUMED) == text


def test_what_lies_beyond_the_measurement_is_said() -> None:
    said = " ".join(report.beyond(MADE_UP, sized(MADE_UP, ASSUMED, 90_000)))
    assert "with up to 200 servants; a region of 90,000" in said
    assert "with up to 10 passages a second; 64 lie" in said
    assert "servants;" not in " ".join(report.beyond(MADE_UP, sized(MADE_UP, ASSUMED, 100)))


def _amounts(region: Region) -> list[float]:
    totals = [sum(each.replicas * each.cores for each in region.workloads), sum(each.replicas * each.memory for each in region.workloads)]
    own = [region.postgres_cores, region.kafka_cores, region.wal_a_day, region.kafka_disk, region.kafka_a_day, region.syncs_a_second]
    return [*totals, *own, *region.database.values(), region.network_octets_a_second]
