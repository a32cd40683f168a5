"""The world is what it says: the same for the same seed, its truth agrees with the reference, and nothing is found that was not planted."""

import ast
from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from e2e_tests.reference.fold import fold

from .catalogue import CATALOGUE, UNDETERMINED, table
from .generate import world
from .memory import BEAT
from .world import DeviceSends, ExpectedFinding, Outcome, Pattern, Protocol, State, World

SEEDS = (1, 2, 2026)
HERE = Path(__file__).parent
PLATFORM = {"kernel", "lawbook", "chassis", "registry", "regimes", "timetracking", "localstack", "tartip", "reference"}
GENERATOR = (
    "world", "people", "plans", "equipment", "routine", "memory", "diary", "faults_of_people", "faults_of_sessions",
    "faults_of_devices", "truth", "generate", "catalogue", "devices",
)  # fmt: skip

Found = tuple[str, str, date, date | datetime | None, int | None]


@cache
def lived(seed: int) -> World:
    return world(seed)


@cache
def folded(seed: int) -> dict:  # type: ignore[type-arg]
    return fold(dict(lived(seed).truth.document))


def expected_of_servants(of: World) -> Counter[Found]:
    found = (each for each in of.truth.findings if each.servant and each.state is State.RAISED)
    return Counter(_found(each) for each in found if (each.servant, each.date) not in of.truth.undetermined)


def _found(each: ExpectedFinding) -> Found:
    return each.kind, each.servant, each.date, each.until or each.first, each.seconds


def found_by_the_reference(seed: int) -> Counter[Found]:
    undetermined = lived(seed).truth.undetermined
    found: Counter[Found] = Counter()
    for day in folded(seed)["days"]:
        key = day["servant"], date.fromisoformat(day["date"])
        if key not in undetermined:
            found.update((each["kind"], *key, datetime.fromisoformat(each["first"]), each["seconds"]) for each in day["findings"])
    for each in folded(seed)["across_days"]:
        first, until = (date.fromisoformat(day) for day in each["dates"])
        found[each["kind"], each["servant"], first, until, each["seconds"]] += 1
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_finds_what_was_planted_and_nothing_else(seed: int) -> None:
    expected, found = expected_of_servants(lived(seed)), found_by_the_reference(seed)
    assert found - expected == Counter()
    assert expected - found == Counter()
    assert len(expected) > 50


@pytest.mark.parametrize("seed", SEEDS)
def test_every_day_of_the_week_is_computed(seed: int) -> None:
    days = folded(seed)["days"]
    assert len(days) == 300 * 7
    assert {day["state"] for day in days} == {"computed"}


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert world(5) == world(5)
    assert world(5).events != world(6).events


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_fault_is_planted_and_expects_what_the_catalogue_says(seed: int) -> None:
    planted: dict[str, set[str]] = {}
    for fault in lived(seed).faults:
        planted.setdefault(fault.kind, set()).update(each.kind for each in fault.expects)
        if fault.undetermined and not fault.expects:
            planted[fault.kind].add(UNDETERMINED)
        assert fault.no_change == (not fault.expects and not fault.undetermined)
    assert planted == {kind: set(entry.findings) for kind, entry in CATALOGUE.items()}


def test_the_page_of_the_demo_holds_the_table_of_the_catalogue() -> None:
    page = (HERE.parents[1] / "docs" / "demo.md").read_text(encoding="utf-8")
    assert table() in page, "print it anew with: cd e2e_tests && ../.venv/bin/python -m demo.catalogue"


@pytest.mark.parametrize("module", GENERATOR)
def test_the_generator_and_the_devices_import_nothing_of_the_platform(module: str) -> None:
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in imported} & PLATFORM


def test_every_iin_has_its_check_digit_and_is_issued_once() -> None:
    servants = lived(1).servants
    for servant in servants:
        digits = [int(digit) for digit in servant.iin]
        assert len(digits) == 12
        rest = sum((place + 1) * digit for place, digit in enumerate(digits[:11])) % 11
        if rest == 10:
            rest = sum(((place + 2) % 11 + 1) * digit for place, digit in enumerate(digits[:11])) % 11
        assert digits[11] == rest
        born = datetime.strptime(("19" if digits[6] < 5 else "20") + servant.iin[:6], "%Y%m%d").date()
        assert date(1960, 1, 1) < born < date(2004, 1, 1)
    assert len({servant.iin for servant in servants}) == 300


def test_the_ministry_has_all_kinds_of_people_in_three_buildings() -> None:
    of = lived(1)
    assert len(of.servants) == 300
    assert {servant.pattern for servant in of.servants} == set(Pattern)
    assert len(of.premises) == 3
    heads = {unit.id: unit.head for unit in of.units}
    assert all(of.servant(head).unit == unit for unit, head in heads.items())
    positions = {position.id for position in of.positions}
    assert len(positions) == 300
    assert {servant.position for servant in of.servants} == positions
    assert len({(badge.system, badge.number) for badge in of.badges}) == len(of.badges)


@pytest.mark.parametrize("seed", SEEDS)
def test_events_are_in_order_on_a_beat_and_few_enough_for_the_clock_to_stand_at_each(seed: int) -> None:
    of = lived(seed)
    instants = [event.at for event in of.events]
    assert instants == sorted(instants)
    assert of.begin < instants[0]
    assert instants[-1] < of.end
    assert all((at - of.begin) % BEAT == timedelta(0) for at in instants)
    assert len(set(instants)) < 220
    assert all(found.seen_by is None or of.begin < found.seen_by < of.end for found in of.truth.findings)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_counts_of_each_device_add_up(seed: int) -> None:
    of = lived(seed)
    for device in of.devices:
        counts = of.truth.counts[device.serial]
        sent = [record for each in of.events if isinstance(each, DeviceSends) and each.device == device.serial for record in each.records]
        assert counts.sent == len(sent) == counts.passages + counts.repeated + counts.parked + counts.ignored
    counted = of.truth.counts.values()
    assert sum(each.parked for each in counted) == sum(fault.kind == "unreadable_record" for fault in of.faults)
    assert sum(each.repeated for each in counted) > 20
    assert 4_000 < sum(each.passages for each in counted) < 7_500


@pytest.mark.parametrize("seed", SEEDS)
def test_records_that_nobody_can_read_stand_beside_good_ones(seed: int) -> None:
    of = lived(seed)
    for each in of.events:
        if isinstance(each, DeviceSends) and of.device(each.device).protocol is Protocol.ADMS:
            outcomes = {record.outcome for record in each.records}
            assert Outcome.PARKED not in outcomes or Outcome.PASSAGE in outcomes
